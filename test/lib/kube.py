# SPDX-License-Identifier: Apache-2.0
"""A small REST client for the tests: one kubeconfig, JSON in and out, no dependency but PyYAML."""

import base64
import http.client
import json
import os
import ssl
import tempfile
import threading
import urllib.parse

import yaml


class ApiError(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:300]}")
        self.status = status


def _pem(entry, key):
    if key + "-data" in entry:
        return base64.b64decode(entry[key + "-data"])
    if key in entry:
        with open(entry[key], "rb") as f:
            return f.read()
    return None


class Kube:
    def __init__(self, kubeconfig):
        self.kubeconfig = kubeconfig
        with open(kubeconfig, encoding="utf-8") as f:
            config = yaml.safe_load(f)
        name = config["current-context"]
        context = next(c["context"] for c in config["contexts"] if c["name"] == name)
        cluster = next(c["cluster"] for c in config["clusters"] if c["name"] == context["cluster"])
        user = next(u["user"] for u in config["users"] if u["name"] == context["user"])
        self.url = urllib.parse.urlsplit(cluster["server"])
        self.token = user.get("token")
        self.tls = self._context(cluster, user)
        self.local = threading.local()

    def _context(self, cluster, user):
        ca = _pem(cluster, "certificate-authority")
        tls = ssl.create_default_context(cadata=ca.decode() if ca else None)
        cert, key = _pem(user, "client-certificate"), _pem(user, "client-key")
        if cert and key:
            with tempfile.NamedTemporaryFile() as f:
                f.write(cert + b"\n" + key)
                f.flush()
                tls.load_cert_chain(f.name)
        return tls

    def _connection(self):
        if getattr(self.local, "connection", None) is None:
            self.local.connection = http.client.HTTPSConnection(
                self.url.hostname, self.url.port, context=self.tls, timeout=30)
        return self.local.connection

    def request(self, method, path, body=None, content_type="application/json"):
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = content_type
        for attempt in (1, 2):  # a kept connection may have been closed meanwhile
            try:
                connection = self._connection()
                connection.request(method, path, data, headers)
                response = connection.getresponse()
                text = response.read().decode(errors="replace")
                break
            except (http.client.HTTPException, OSError):
                self.local.connection = None
                if attempt == 2:
                    raise
        if response.status >= 300:
            raise ApiError(response.status, text)
        return json.loads(text) if text else None

    def get(self, path):
        return self.request("GET", path)

    def find(self, path):
        """The object, or None when there is none."""
        try:
            return self.get(path)
        except ApiError as e:
            if e.status == 404:
                return None
            raise

    def create(self, path, body):
        return self.request("POST", path, body)

    def merge(self, path, body):
        return self.request("PATCH", path, body, "application/merge-patch+json")

    def delete(self, path, grace=None):
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        try:
            return self.request("DELETE", path, body)
        except ApiError as e:
            if e.status != 404:
                raise
            return None


def in_namespace(group, namespace, plural, name=""):
    base = "/api/v1" if group == "v1" else "/apis/" + group
    return f"{base}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def process_of(container_id, annotation=None):
    """The host's pid of a container's first process."""
    if annotation:
        return int(annotation)
    bare = container_id.split("://")[-1]
    for pid in sorted((int(p) for p in os.listdir("/proc") if p.isdigit())):
        try:
            with open(f"/proc/{pid}/cgroup", encoding="utf-8") as f:
                if bare in f.read():
                    return pid
        except OSError:
            continue
    raise LookupError(f"no process of container {container_id}")
