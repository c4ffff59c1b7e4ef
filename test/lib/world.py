# SPDX-License-Identifier: Apache-2.0
"""What a scenario needs: a cluster with a workload, a workspace, LiveUpdates, and sluice between."""

import json
import os
import shutil
import stat
import threading
import time
import urllib.request
import uuid

import yaml
from kube import ApiError, Kube, in_namespace, process_of
from program import Sluice

IMAGE = "localhost/busybox:1"
GNU_IMAGE = "localhost/debian-tar:1"
# Ends at once on TERM and never by itself.
IDLE = ["sh", "-c", "mkdir -p /app; trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"]


def tree(root):
    """What is below a directory, as {path: (kind, content, executable)}, all in bytes."""
    root = os.fsencode(root)
    found = {}
    for folder, directories, files in os.walk(root):
        for name in directories + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            key = os.path.relpath(path, root)
            if stat.S_ISLNK(info.st_mode):
                found[key] = ("link", os.readlink(path), None)
            elif stat.S_ISDIR(info.st_mode):
                found[key] = ("directory", None, None)
            else:
                with open(path, "rb") as f:
                    found[key] = ("file", f.read(), bool(info.st_mode & 0o100))
    return found


class World:
    def __init__(self, cluster, folder):
        self.cluster = cluster
        self.kube = Kube(cluster.kubeconfig)
        self.folder = str(folder)
        self.workspace = os.path.join(self.folder, "workspace")
        os.mkdir(self.workspace)
        self.namespace = "t-" + uuid.uuid4().hex[:8]
        self.programs = []
        self.sluice = None
        self.kube.create("/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})

    # The workspace.

    def path(self, name):
        return os.path.join(self.workspace, name)

    def write(self, name, content="", mode=None):
        """Saves a file as an editor does that writes in place; makes its directories."""
        path = os.path.join(os.fsencode(self.workspace), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        if mode is not None:
            os.chmod(path, mode)

    def remove(self, name):
        path = os.path.join(os.fsencode(self.workspace), os.fsencode(name))
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)

    # The cluster.

    def deployment(self, name="web", replicas=1, image=IMAGE, command=None, **container):
        body = {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {
                        "terminationGracePeriodSeconds": 0,
                        "containers": [{"name": "web", "image": image, "imagePullPolicy": "Never",
                                        "command": command or IDLE, **container}],
                    },
                },
            },
        }
        self.kube.create(in_namespace("apps/v1", self.namespace, "deployments"), body)
        return self.wait_pods(replicas, name)

    def objects(self, plural, group="v1"):
        return self.kube.get(in_namespace(group, self.namespace, plural))["items"]

    def pods(self, app="web"):
        """Pods with a running container that are not being deleted."""
        found = []
        for pod in self.objects("pods"):
            if pod["metadata"].get("labels", {}).get("app") != app:
                continue
            if pod["metadata"].get("deletionTimestamp"):
                continue
            statuses = pod.get("status", {}).get("containerStatuses", [])
            if statuses and all("running" in s.get("state", {}) for s in statuses):
                found.append(pod)
        return found

    def eventually(self, what, seconds=60, description="the expected"):
        """For what only the API server knows: asks again until it holds."""
        deadline = time.monotonic() + seconds
        while True:
            result = what()
            if result:
                return result
            if time.monotonic() > deadline:
                raise AssertionError(f"{description} did not come in {seconds} s\n{self.describe()}")
            threading.Event().wait(0.05)  # the interval of the asking; nothing depends on it

    def wait_pods(self, n, app="web"):
        return self.eventually(lambda: len(self.pods(app)) == n and self.pods(app), 90,
                               f"{n} running pods of {app}")

    def scale(self, n, name="web"):
        self.kube.merge(in_namespace("apps/v1", self.namespace, "deployments", name),
                        {"spec": {"replicas": n}})
        return self.wait_pods(n, name)

    def pid(self, pod, container="web"):
        status = next(s for s in pod["status"]["containerStatuses"] if s["name"] == container)
        annotation = pod["metadata"].get("annotations", {}).get("standin.test/pid-" + container)
        return process_of(status["containerID"], annotation)

    def root(self, pod, container="web"):
        """The container's root directory, as this host sees it."""
        return f"/proc/{self.pid(pod, container)}/root"

    def seen(self, pod, path="/app", container="web"):
        return tree(self.root(pod, container) + path)

    def local(self, path="src"):
        return tree(self.path(path))

    def describe(self):
        try:
            return "\n".join(
                f"{p['metadata']['name']} {p['status'].get('phase')} "
                f"{p['status'].get('containerStatuses')}" for p in self.objects("pods"))
        except (ApiError, OSError) as e:
            return str(e)

    # LiveUpdates and sluice.

    def live_update(self, steps, name="web", **spec):
        body = {
            "apiVersion": "sluice.dev/v1alpha1", "kind": "LiveUpdate",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "selector": {"workload": {"kind": "Deployment", "name": "web"}, "container": "web"},
                **spec, "steps": steps,
            },
        }
        file = os.path.join(self.folder, name + ".yaml")
        with open(file, "w", encoding="utf-8") as f:
            yaml.safe_dump(body, f)
        return file

    def run(self, *args, **options):
        """Starts sluice; the options are those of Sluice()."""
        options.setdefault("kubeconfig", self.cluster.kubeconfig)
        self.sluice = Sluice("--workspace", self.workspace, "--listen", "127.0.0.1:0", *args,
                             log=os.path.join(self.folder, "sluice.log"), **options)
        self.programs.append(self.sluice)
        self.port = self.sluice.wait_event("listening")["port"]
        return self.sluice

    def run_file(self, steps, **spec):
        sluice = self.run("-f", self.live_update(steps, **spec))
        sluice.wait_for(lambda: sluice.events("condition"), 30, "a first condition")
        return sluice

    def http(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.read().decode()

    def status(self, name="web"):
        items = json.loads(self.http("/status"))["items"]
        return next((i.get("status", {}) for i in items if i["metadata"]["name"] == name), {})

    def settled(self, n, seconds=60):
        """Until n containers are targets and all have the newest revision; and all of that was told."""
        def done():
            targets = self.status().get("targets", {})
            return targets.get("matched") == n and targets.get("synced") == n
        self.sluice.wait_for(done, seconds, f"{n} containers with the newest revision")
        return self.sluice.mark()

    def condition(self, reason, seconds=30, since=0):
        return self.sluice.wait_event("condition", seconds, since, reason=reason)

    def wait_equal(self, pods=None, local="src", remote="/app", seconds=30):
        """Until every pod has exactly what the workspace has."""
        wanted = self.local(local)
        chosen = pods if pods is not None else self.pods()

        def equal():
            for pod in chosen:
                try:
                    if self.seen(pod, remote) != wanted:
                        return False
                except OSError:
                    return False
            return True

        self.sluice.wait_for(equal, seconds, "the workspace's content in every container")

    def close(self):
        failures = []
        for program in self.programs:
            if program.process.poll() is None or not program.reader.is_alive():
                try:
                    program.stop()
                except AssertionError as e:
                    failures.append(e)
        for deployment in self.objects("deployments", "apps/v1"):
            self.kube.delete(in_namespace("apps/v1", self.namespace, "deployments",
                                          deployment["metadata"]["name"]))
        for pod in self.objects("pods"):
            self.kube.delete(in_namespace("v1", self.namespace, "pods", pod["metadata"]["name"]), 0)
        self.kube.delete(f"/api/v1/namespaces/{self.namespace}")
        if failures:
            raise failures[0]
