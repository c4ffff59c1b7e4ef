# SPDX-License-Identifier: Apache-2.0
"""The stand-in shown against kubectl and a WebSocket client.

STANDIN_BIN is the program; without it these tests are skipped. Run by hack/test, or:
    STANDIN_BIN=build/test/standin/standin pytest-3 test/standin
"""

import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from wsclient import (BINARY, CLOSE, CONTINUATION, PING, PONG, STDOUT, TEXT, V4, V5, Api,
                      Exec, Kubeconfig, UpgradeRefused, WebSocket, exec_path, run, until)

STANDIN = os.environ.get("STANDIN_BIN")
pytestmark = pytest.mark.skipif(not STANDIN, reason="STANDIN_BIN does not name the program")
DEFAULT = "/api/v1/namespaces/default"
APPS = "/apis/apps/v1/namespaces/default"
BOTH = ((f"{V5}, {V4}",), (V4,))


class Server:
    """One stand-in, started with `flags`, ended with SIGTERM."""

    def __init__(self, directory, *flags, user=None):
        self.state = str(directory / "state")
        self.kubeconfig = str(directory / "kubeconfig")
        self.log = str(directory / "log")
        self.process = subprocess.Popen(
            [STANDIN, "--state", self.state, "--kubeconfig", self.kubeconfig, "--log", self.log,
             "--die-with-parent", "--restart-backoff-ms", "300", "--bookmark-ms", "200", *flags],
            stdout=subprocess.PIPE, text=True, user=user, group=user,
            extra_groups=None if user is None else [])
        line = self.process.stdout.readline()
        assert line.startswith("standin ready https://127.0.0.1:"), open(self.log).read()
        self.config = Kubeconfig(self.kubeconfig)
        self.api = Api(self.config)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        self.process.stdout.close()
        text = open(self.log).read()
        assert code == 0, text
        assert "runtime error" not in text and "Sanitizer" not in text, text

    def kubectl(self, *args, stdin=None, code=0):
        done = subprocess.run(["kubectl", "--kubeconfig", self.kubeconfig, *args], input=stdin,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def pod(self, name, ns="default"):
        answer = self.api.get(f"/api/v1/namespaces/{ns}/pods/{name}")
        return answer.json if answer.status == 200 else None

    def container(self, pod, index=0):
        return (self.pod(pod)["status"].get("containerStatuses") or [{}])[index]

    def make_pod(self, name, container=None, **spec):
        first = {"name": "main", "image": "localhost/busybox:1", **(container or {})}
        body = {"metadata": {"name": name, "labels": {"app": name}},
                "spec": {"containers": [first], "terminationGracePeriodSeconds": 1, **spec}}
        answer = self.api.post(f"{DEFAULT}/pods", body)
        assert answer.status == 201, answer.body
        return name

    def running_pod(self, name, container=None, **spec):
        self.make_pod(name, container, **spec)
        until(lambda: is_ready(self.pod(name)), what=f"{name} is ready")
        return name

    def exec(self, pod, *command, **how):
        return run(self.config, "default", pod, list(command), **how)

    def delete_pod(self, name):
        self.api.delete(f"{DEFAULT}/pods/{name}?gracePeriodSeconds=0")

    def fault(self, **fault):
        answer = self.api.post("/standin/faults", fault)
        assert answer.status == 200, answer.body


def condition(o, kind):
    return next((c for c in o.get("status", {}).get("conditions", []) if c["type"] == kind), {})


def is_ready(pod):
    return bool(pod) and condition(pod, "Ready").get("status") == "True"


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("standin"))
    yield s
    s.stop()


@pytest.fixture
def box(server):
    """A running BusyBox pod, shared by the tests of exec."""
    if not is_ready(server.pod("box")):
        server.running_pod("box")
    return "box"


@pytest.fixture
def faults(server):
    yield server
    server.api.delete("/standin/faults")


def deployment(name, replicas=1, image="localhost/busybox:1", env=()):
    labels = {"app": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels},
                                  "spec": {"terminationGracePeriodSeconds": 1, "containers": [
                                      {"name": "main", "image": image, "env": list(env)}]}}}}


def definition(plural, kind, properties, group="test.dev"):
    schema = {"type": "object", "properties": properties}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced",
                     "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
                     "versions": [{"name": "v1", "served": True, "storage": True,
                                   "schema": {"openAPIV3Schema": schema},
                                   "subresources": {"status": {}}}]}}


# --- the API server ---------------------------------------------------------------------------------

def test_needs_a_token_or_a_certificate(server):
    assert Api(server.config, token="").get("/api").status == 401
    assert Api(server.config, token="wrong").get("/api").status == 401
    assert Api(server.config, token="", with_certificate=True).get("/api").status == 200
    assert Api(server.config, token="wrong", with_certificate=True).get("/api").status == 401
    answer = Api(server.config, token="").get(f"{DEFAULT}/pods").json
    assert (answer["kind"], answer["code"], answer["reason"]) == ("Status", 401, "Unauthorized")
    assert os.stat(server.kubeconfig).st_mode & 0o777 == 0o600


def test_token_can_be_replaced(tmp_path):
    s = Server(tmp_path, "--token", "first")
    try:
        assert s.config.token == "first"
        assert s.api.post("/standin/token", {}).status == 400
        assert s.api.post("/standin/token", {"token": "second"}).status == 200
        assert s.api.get("/api").status == 401
        assert Api(s.config, token="second").get("/api").status == 200
    finally:
        s.stop()


def test_discovery_and_health(server):
    assert server.api.get("/healthz").body == b"ok"
    assert server.api.get("/version").json["gitVersion"] == "v1.31.0"
    out = server.kubectl("api-resources", "-o", "name")
    assert "deployments.apps" in out and "leases.coordination.k8s.io" in out
    assert server.api.get("/apis/nowhere.dev/v1").status == 404


@pytest.mark.parametrize("method,path,body,status,reason", [
    ("GET", f"{DEFAULT}/pods/none", None, 404, "NotFound"),
    ("GET", "/api/v1/nonsense", None, 404, "NotFound"),
    ("GET", f"{DEFAULT}/pods?labelSelector=a%20b", None, 400, "BadRequest"),
    ("GET", f"{DEFAULT}/pods?fieldSelector=spec.x%3D1", None, 400, "BadRequest"),
    ("POST", "/api/v1/pods", {}, 405, "MethodNotAllowed"),
    ("DELETE", f"{DEFAULT}/pods/none/status", None, 405, "MethodNotAllowed"),
    ("POST", f"{DEFAULT}/configmaps", {"metadata": {"name": "UPPER"}}, 422, "Invalid"),
    ("POST", f"{DEFAULT}/configmaps", {"kind": "Pod", "apiVersion": "v1",
                                       "metadata": {"name": "x"}}, 400, "BadRequest"),
    ("POST", f"{DEFAULT}/configmaps", {"metadata": {"name": "x", "namespace": "y"}}, 400,
     "BadRequest"),
    ("POST", f"{DEFAULT}/configmaps", "{", 400, "BadRequest"),
    ("POST", f"{DEFAULT}/configmaps", [], 400, "BadRequest"),
    ("POST", f"{DEFAULT}/configmaps", {"metadata": {"name": "x", "labels": {"n": 1}}}, 400,
     "BadRequest"),
    ("POST", f"{DEFAULT}/pods", {"metadata": {"name": "x"}, "spec": {"containers": [
        {"name": "c", "image": "i", "env": [{"name": "E", "value": 1}]}]}}, 400, "BadRequest"),
    ("GET", f"{DEFAULT}/pods/%ff", None, 400, "BadRequest"),
    ("POST", "/api/v1/namespaces/none/configmaps", {"metadata": {"name": "x"}}, 404, "NotFound"),
    ("POST", f"{DEFAULT}/pods", {"metadata": {"name": "x"}, "spec": {"containers": []}}, 422,
     "Invalid"),
    ("POST", f"{APPS}/deployments", {"metadata": {"name": "x"}, "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}}, 422, "Invalid"),
])
def test_refusals_are_status_objects(server, method, path, body, status, reason):
    answer = server.api.request(method, path, body)
    assert (answer.status, answer.json["reason"]) == (status, reason), answer.body
    assert answer.json["kind"] == "Status" and answer.json["code"] == status


def test_protobuf_is_refused(server):
    answer = server.api.request("POST", f"{DEFAULT}/configmaps", b"k8s\0",
                                "application/vnd.kubernetes.protobuf")
    assert answer.status == 415


def test_create_update_conflict_delete(server):
    path = f"{DEFAULT}/configmaps"
    made = server.api.post(path, {"metadata": {"generateName": "cm-"}, "data": {"a": "1"}}).json
    name = made["metadata"]["name"]
    assert name.startswith("cm-") and made["metadata"]["uid"] and made["kind"] == "ConfigMap"
    assert server.api.post(path, made).status == 400  # resourceVersion on create
    again = {"metadata": {"name": name}}
    assert server.api.post(path, again).json["reason"] == "AlreadyExists"
    same = server.api.put(f"{path}/{name}", made).json
    assert same["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    newer = server.api.put(f"{path}/{name}", dict(made, data={"a": "2"})).json
    assert int(newer["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    late = server.api.put(f"{path}/{name}", dict(made, data={"a": "3"}))
    assert (late.status, late.json["reason"]) == (409, "Conflict")
    gone = server.api.delete(f"{path}/{name}", {"preconditions": {"uid": "other"}})
    assert gone.status == 409
    assert server.api.delete(f"{path}/{name}").json["status"] == "Success"
    assert server.api.get(f"{path}/{name}").status == 404


def test_finalizers_hold_an_object(server):
    path = f"{DEFAULT}/configmaps"
    server.api.post(path, {"metadata": {"name": "held", "finalizers": ["test.dev/x"]}})
    assert server.api.delete(f"{path}/held").json["metadata"]["deletionTimestamp"]
    assert server.api.merge(f"{path}/held", {"metadata": {"finalizers": None}}).status == 200
    assert server.api.get(f"{path}/held").status == 404


def test_patches(server):
    path = f"{DEFAULT}/configmaps/patched"
    server.api.post(f"{DEFAULT}/configmaps", {"metadata": {"name": "patched"},
                                              "data": {"a": "1", "b": "2"}})
    assert server.api.merge(path, {"data": {"a": None, "c": "3"}}).json["data"] == {"b": "2",
                                                                                   "c": "3"}
    operations = [{"op": "test", "path": "/data/b", "value": "2"},
                  {"op": "add", "path": "/metadata/labels", "value": {"x/y": "z"}},
                  {"op": "replace", "path": "/metadata/labels/x~1y", "value": "w"},
                  {"op": "move", "from": "/data/b", "path": "/data/d"},
                  {"op": "remove", "path": "/data/c"}]
    patched = server.api.request("PATCH", path, operations, "application/json-patch+json").json
    assert patched["data"] == {"d": "2"} and patched["metadata"]["labels"] == {"x/y": "w"}
    failed = server.api.request("PATCH", path, operations[:1], "application/json-patch+json")
    assert failed.status == 422
    assert server.api.request("PATCH", path, {}, "application/json").status == 415


def test_strategic_merge_merges_lists_by_key(server):
    path = f"{APPS}/deployments/strategic"
    server.api.post(f"{APPS}/deployments",
                    deployment("strategic", 0, env=[{"name": "A", "value": "1"},
                                                    {"name": "B", "value": "2"}]))
    patch = {"spec": {"template": {"spec": {"containers": [
        {"name": "main", "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"},
                                 {"name": "A", "$patch": "delete"}]}]}}}}
    answer = server.api.request("PATCH", path, patch, "application/strategic-merge-patch+json")
    container = answer.json["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "localhost/busybox:1"
    assert container["env"] == [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]
    assert answer.json["metadata"]["generation"] == 2
    server.api.delete(path)


def test_label_and_field_selectors(server):
    path = f"{DEFAULT}/configmaps"
    for name, labels in (("s1", {"a": "x", "t": "1"}), ("s2", {"a": "y", "t": "1"}),
                         ("s3", {"b": "z", "t": "1"})):
        server.api.post(path, {"metadata": {"name": name, "labels": labels}})

    def names(query):
        items = server.api.get(f"{path}?{query}").json["items"]
        return [o["metadata"]["name"] for o in items if o["metadata"]["name"].startswith("s")]

    assert names("labelSelector=a%3Dx") == ["s1"]
    assert names("labelSelector=t,a!%3Dx") == ["s2", "s3"]
    assert names("labelSelector=a%20in%20(x,%20y)") == ["s1", "s2"]
    assert names("labelSelector=t,a%20notin%20(y)") == ["s1", "s3"]
    assert names("labelSelector=t,!a") == ["s3"]
    assert names("fieldSelector=metadata.name%3Ds2") == ["s2"]
    assert names("fieldSelector=metadata.name!%3Ds2,metadata.namespace%3Ddefault") == ["s1", "s3"]


def test_list_has_pages(server):
    for i in range(3):
        server.api.post(f"{DEFAULT}/configmaps", {"metadata": {"name": f"page{i}",
                                                               "labels": {"page": ""}}})
    path = f"{DEFAULT}/configmaps?labelSelector=page&limit=2"
    first = server.api.get(path).json
    assert len(first["items"]) == 2 and first["kind"] == "ConfigMapList"
    second = server.api.get(f"{path}&continue={first['metadata']['continue']}").json
    assert [o["metadata"]["name"] for o in second["items"]] == ["page2"]
    assert "continue" not in second["metadata"]


# --- watches ----------------------------------------------------------------------------------------

def test_watch_follows_a_selector(server):
    path = f"{DEFAULT}/configmaps"
    rv = server.api.get(path).json["metadata"]["resourceVersion"]
    with server.api.watch(f"{path}?watch=1&resourceVersion={rv}&labelSelector=w%3D1") as watch:
        server.api.post(path, {"metadata": {"name": "w", "labels": {"w": "1"}}})
        server.api.merge(f"{path}/w", {"data": {"k": "v"}})
        left = server.api.merge(f"{path}/w", {"metadata": {"labels": {"w": "2"}}}).json
        server.api.merge(f"{path}/w", {"metadata": {"labels": {"w": "1"}}})
        server.api.delete(f"{path}/w")
        events = [next(watch) for _ in range(5)]
    assert [e["type"] for e in events] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
    gone = events[2]["object"]["metadata"]
    assert gone["labels"] == {"w": "1"}
    assert gone["resourceVersion"] == left["metadata"]["resourceVersion"]


def test_watch_starts_in_the_past_and_sends_bookmarks(server):
    path = f"{DEFAULT}/configmaps"
    made = server.api.post(path, {"metadata": {"name": "past"}}).json
    server.api.merge(f"{path}/past", {"data": {"k": "v"}})
    rv = made["metadata"]["resourceVersion"]
    with server.api.watch(f"{path}?watch=true&resourceVersion={rv}&allowWatchBookmarks=true"
                          "&fieldSelector=metadata.name%3Dpast") as watch:
        first = next(watch)
        assert (first["type"], first["object"]["data"]) == ("MODIFIED", {"k": "v"})
        mark = next(watch)
        assert mark["type"] == "BOOKMARK" and mark["object"]["kind"] == "ConfigMap"
        assert int(mark["object"]["metadata"]["resourceVersion"]) > int(rv)
    with server.api.watch(f"{path}?watch=true&fieldSelector=metadata.name%3Dpast") as watch:
        assert next(watch)["type"] == "ADDED"
    with server.api.watch(f"{path}?watch=true&timeoutSeconds=1&resourceVersion={rv}"
                          "&fieldSelector=metadata.name%3Dnone") as watch:
        assert list(watch) == []
    server.api.delete(f"{path}/past")


def test_streaming_list(server):
    query = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true"
    path = "/api/v1/namespaces?" + query
    assert server.api.get(path).status == 422
    with server.api.watch(path + "&resourceVersionMatch=NotOlderThan") as watch:
        events = [next(watch)]
        while events[-1]["type"] != "BOOKMARK":
            events.append(next(watch))
    assert "default" in [e["object"]["metadata"].get("name") for e in events]
    assert events[-1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_watch_from_before_the_history_is_expired(server):
    assert server.api.post("/standin/compact", {}).status == 200
    with server.api.watch("/api/v1/namespaces?watch=1&resourceVersion=1") as watch:
        event = next(watch)
        assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
        assert event["object"]["reason"] == "Expired"
        assert list(watch) == []


# --- custom resources and server-side apply -----------------------------------------------------------

def widget(server, plural):
    item = {"type": "object", "properties": {
        "pod": {"type": "string"}, "container": {"type": "string"}, "n": {"type": "integer"}}}
    keyed = {"type": "array", "items": item, "x-kubernetes-list-type": "map",
             "x-kubernetes-list-map-keys": ["pod", "container"]}
    answer = server.api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition(
        plural, plural.capitalize()[:-1], {
            "spec": {"type": "object", "required": ["size"], "properties": {
                "size": {"type": "integer", "minimum": 1},
                "mode": {"type": "string", "enum": ["A", "B"], "default": "A"}}},
            "status": {"type": "object", "properties": {
                "n": {"type": "integer"}, "containers": keyed}}}))
    assert answer.status == 201, answer.body
    return f"/apis/test.dev/v1/namespaces/default/{plural}", plural.capitalize()[:-1]


def test_custom_resource(server):
    path, kind = widget(server, "widgets")
    server.kubectl("wait", "--for=condition=Established", "crd/widgets.test.dev", "--timeout=5s")
    base = {"apiVersion": "test.dev/v1", "kind": kind, "metadata": {"name": "w"}}
    assert server.api.post(path, base | {"spec": {"size": 0}}).status == 422
    assert server.api.post(path, base | {"spec": {}}).status == 422
    assert server.api.post(path, base | {"spec": {"size": 1, "mode": "C"}}).status == 422
    made = server.api.post(path, base | {"spec": {"size": 1, "junk": 2}, "status": {"n": 1}}).json
    assert made["spec"] == {"size": 1, "mode": "A"} and "status" not in made
    assert made["metadata"]["generation"] == 1
    one = server.api.merge(f"{path}/w", {"spec": {"size": 2}, "status": {"n": 5}}).json
    assert one["metadata"]["generation"] == 2 and "status" not in one
    two = server.api.merge(f"{path}/w/status", {"spec": {"size": 9}, "status": {"n": 5}}).json
    assert two["metadata"]["generation"] == 2
    assert (two["spec"]["size"], two["status"]) == (2, {"n": 5})
    assert server.api.put(f"{path}/w", base | {"spec": {"size": 3}}).status == 422  # no version
    strategic = server.api.request("PATCH", f"{path}/w", {}, "application/strategic-merge-patch+json")
    assert strategic.status == 415
    assert "w" in server.kubectl("get", "widgets")
    server.kubectl("delete", "crd", "widgets.test.dev")
    assert server.api.get(path).status == 404


def test_server_side_apply(server):
    path, kind = widget(server, "gadgets")
    base = {"apiVersion": "test.dev/v1", "kind": kind, "metadata": {"name": "g"}}
    server.api.post(path, base | {"spec": {"size": 1}})

    def status(*containers, **fields):
        return base | {"status": {"containers": [
            {"pod": p, "container": c, "n": n} for p, c, n in containers], **fields}}

    def apply(body, **how):
        return server.api.apply(f"{path}/g/status", body, **how)

    assert apply(status(), manager=None).status == 422
    first = apply(status(("p", "a", 1), ("p", "b", 1), n=1)).json
    assert first["metadata"]["generation"] == 1
    same = apply(status(("p", "a", 1), ("p", "b", 1), n=1)).json
    assert same["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    # Another manager adds an element; ours goes on without knowing it.
    apply(status(("q", "z", 1)), manager="other")
    merged = apply(status(("p", "b", 2))).json["status"]
    assert merged == {"containers": [{"pod": "p", "container": "b", "n": 2},
                                     {"pod": "q", "container": "z", "n": 1}]}
    conflict = apply(status(("p", "b", 3)), manager="other", force=False)
    assert (conflict.status, conflict.json["reason"]) == (409, "Conflict")
    assert "test" in conflict.json["message"]
    taken = apply(status(("p", "b", 3)), manager="other").json
    assert taken["status"]["containers"] == [{"pod": "p", "container": "b", "n": 3}]
    managers = {m["manager"]: m for m in taken["metadata"]["managedFields"]}
    assert managers["other"]["operation"] == "Apply"
    assert managers["other"]["subresource"] == "status"
    # An apply to what is not there makes it, but not through a subresource.
    other = base | {"metadata": {"name": "new"}, "spec": {"size": 4}}
    assert server.api.apply(f"{path}/new/status", other).status == 404
    assert server.api.apply(f"{path}/new", other).status == 201
    server.kubectl("delete", "crd", "gadgets.test.dev")


def test_events_have_two_faces(server):
    event = {"metadata": {"name": "e1"}, "eventTime": "2026-01-01T00:00:00.000000Z",
             "reportingController": "test.dev/x", "reportingInstance": "i", "action": "Do",
             "reason": "Done", "type": "Normal", "note": "hello",
             "regarding": {"kind": "Pod", "name": "p", "namespace": "default"}}
    path = "/apis/events.k8s.io/v1/namespaces/default/events"
    assert server.api.post(path, event | {"type": "Odd"}).status == 422
    assert server.api.post(path, event | {"action": ""}).status == 422
    assert server.api.post(path, event).json["note"] == "hello"
    core = server.api.get(f"{DEFAULT}/events/e1").json
    assert core["message"] == "hello" and core["involvedObject"]["name"] == "p"
    assert server.api.get(f"{path}/e1").json["regarding"]["name"] == "p"
    server.api.delete(f"{path}/e1")


def test_access_review_and_leases(server):
    review = {"spec": {"resourceAttributes": {"verb": "create", "resource": "pods",
                                              "subresource": "exec"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert server.api.post(path, review).json["status"]["allowed"] is True
    assert server.api.post(path, {"spec": {}}).status == 422
    leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    made = server.api.post(leases, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}})
    assert made.status == 201
    assert server.api.put(f"{leases}/l", {"metadata": {"name": "l"}}).status == 422


# --- kubectl and the controllers ----------------------------------------------------------------------

def test_kubectl_drives_a_deployment(server):
    server.kubectl("apply", "--validate=false", "-f", "-", stdin=json.dumps(deployment("web", 2)))
    server.kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    pods = json.loads(server.kubectl("get", "pods", "-l", "app=web", "-o", "json"))["items"]
    assert len(pods) == 2
    assert len({p["status"]["podIP"] for p in pods}) == 2
    assert all(p["metadata"]["labels"]["pod-template-hash"] for p in pods)
    server.kubectl("scale", "deployment/web", "--replicas=3")
    server.kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=20s")
    until(lambda: server.api.get(f"{APPS}/deployments/web/scale").json["status"]["replicas"] == 3)
    server.kubectl("annotate", "deployment/web", "a=b")
    server.kubectl("label", "deployment/web", "c=d")
    server.kubectl("patch", "deployment/web", "-p", json.dumps(
        {"spec": {"template": {"spec": {"containers": [
            {"name": "main", "env": [{"name": "NEW", "value": "1"}]}]}}}}))
    server.kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    sets = json.loads(server.kubectl("get", "rs", "-l", "app=web", "-o", "json"))["items"]
    revisions = {s["metadata"]["annotations"]["deployment.kubernetes.io/revision"]:
                 s["spec"]["replicas"] for s in sets}
    assert revisions == {"1": 0, "2": 3}
    server.kubectl("rollout", "undo", "deployment/web")
    server.kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    newest = server.api.get(f"{APPS}/deployments/web").json["metadata"]["annotations"]
    assert newest["deployment.kubernetes.io/revision"] == "3"
    server.kubectl("get", "pods", "-o", "wide")
    server.kubectl("delete", "deployment/web")
    until(lambda: not json.loads(server.kubectl("get", "pods,rs", "-l", "app=web", "-o",
                                                "json"))["items"], what="garbage is collected")


def test_kubectl_apply_twice_and_watch(server):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"},
            "data": {"a": "1", "b": "2"}}
    server.kubectl("apply", "--validate=false", "-f", "-", stdin=json.dumps(body))
    body["data"] = {"a": "3"}
    out = server.kubectl("apply", "--validate=false", "-f", "-", stdin=json.dumps(body))
    assert "configured" in out
    assert server.api.get(f"{DEFAULT}/configmaps/applied").json["data"] == {"a": "3"}
    process = subprocess.Popen(["kubectl", "--kubeconfig", server.kubeconfig, "get", "configmap",
                                "applied", "-w", "-o", "jsonpath={.data.a}{\"\\n\"}"],
                               stdout=subprocess.PIPE, text=True)
    watches = "GET /api/v1/namespaces/*/configmaps"

    def count():
        return server.api.get("/standin/requests").json.get(watches, 0)

    before = count()
    try:
        assert process.stdout.readline() == "3\n"
        until(lambda: count() > before, what="kubectl watches")
        server.api.merge(f"{DEFAULT}/configmaps/applied", {"data": {"a": "4"}})
        assert process.stdout.readline() == "4\n"
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def test_statefulset_and_daemonset(server):
    body = deployment("db", 2)
    body["kind"] = "StatefulSet"
    body["spec"]["serviceName"] = "db"
    assert server.api.post(f"{APPS}/statefulsets", body).status == 201
    until(lambda: is_ready(server.pod("db-0")) and is_ready(server.pod("db-1")))
    labels = server.pod("db-1")["metadata"]["labels"]
    status = until(lambda: server.api.get(f"{APPS}/statefulsets/db").json.get("status"))
    assert labels["controller-revision-hash"] == status["updateRevision"]
    server.api.delete(f"{APPS}/statefulsets/db")
    body = deployment("agent")
    body["kind"] = "DaemonSet"
    del body["spec"]["replicas"]
    assert server.api.post(f"{APPS}/daemonsets", body).status == 201
    until(lambda: server.api.get(f"{APPS}/daemonsets/agent").json.get("status", {}).get(
        "numberReady") == 1)
    server.api.delete(f"{APPS}/daemonsets/agent")


def test_namespace_is_emptied(server):
    server.kubectl("create", "namespace", "short")
    server.kubectl("create", "configmap", "x", "-n", "short", "--from-literal=a=b")
    server.kubectl("delete", "namespace", "short", "--timeout=20s")
    assert server.api.get("/api/v1/namespaces/short/configmaps").json["items"] == []


# --- the kubelet ------------------------------------------------------------------------------------

def test_container_has_a_root_of_its_own(server):
    pod = server.running_pod("own", {
        "workingDir": "/app", "env": [
            {"name": "A", "value": "1"}, {"name": "B", "value": "$(A)2"},
            {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "securityContext": {"runAsUser": 1000, "runAsGroup": 1000},
        "volumeMounts": [{"name": "e", "mountPath": "/data"},
                         {"name": "c", "mountPath": "/etc/conf", "readOnly": True}]},
        volumes=[{"name": "e", "emptyDir": {}},
                 {"name": "c", "configMap": {"name": "conf"}}]) if server.api.post(
                     f"{DEFAULT}/configmaps", {"metadata": {"name": "conf"},
                                               "data": {"k": "v"}}) else None
    out = server.exec(pod, "sh", "-c", "pwd; id -u; id -g; echo $A $B $NAME $IP $HOSTNAME;"
                      "cat /etc/conf/k; echo; touch /data/f /app/g && ls /data; hostname;"
                      "touch /etc/conf/x 2>/dev/null || echo read-only; ls /work 2>&1 | wc -l")
    ip = server.pod(pod)["status"]["podIP"]
    assert out.stdout.decode().split("\n")[:-2] == [
        "/app", "1000", "1000", f"1 12 own {ip} own", "v", "f", "own", "read-only"], out.stdout
    annotations = server.pod(pod)["metadata"]["annotations"]
    assert os.path.exists(f"/proc/{annotations['standin.test/pid-main']}")
    assert os.path.exists(annotations["standin.test/root-main"] + "/app/g")
    server.delete_pod(pod)
    until(lambda: not os.path.exists(annotations["standin.test/root-main"]), what="root removed")


def test_restart_gives_a_new_container(server):
    pod = server.running_pod("restart", {"command": ["sh", "-c", "sleep 3600 & wait"]})
    before = server.container(pod)
    server.exec(pod, "touch", "/app/mark")
    pid = int(server.pod(pod)["metadata"]["annotations"]["standin.test/pid-main"])
    os.kill(pid, signal.SIGKILL)
    until(lambda: server.container(pod)["restartCount"] == 1 and is_ready(server.pod(pod)))
    after = server.container(pod)
    assert after["containerID"] != before["containerID"]
    assert after["lastState"]["terminated"]["exitCode"] == 137
    assert server.exec(pod, "test", "-e", "/app/mark").exit_code == 1
    server.delete_pod(pod)


def test_back_off_and_policies(server):
    server.make_pod("crash", {"command": ["sh", "-c", "exit 7"]})

    def waiting(pod):
        return server.container(pod).get("state", {}).get("waiting", {}).get("reason")

    until(lambda: waiting("crash") == "CrashLoopBackOff" and
          server.container("crash")["restartCount"] >= 1)
    assert server.container("crash")["lastState"]["terminated"]["exitCode"] == 7
    server.make_pod("once", {"command": ["true"]}, restartPolicy="Never")
    until(lambda: server.pod("once")["status"]["phase"] == "Succeeded")
    server.make_pod("fails", {"command": ["false"]}, restartPolicy="Never")
    until(lambda: server.pod("fails")["status"]["phase"] == "Failed")
    server.make_pod("missing", {"image": "localhost/none:1"})
    until(lambda: waiting("missing") == "ImagePullBackOff")
    server.make_pod("nocommand", {"command": ["/no/such"]}, restartPolicy="Never")
    state = until(lambda: server.container("nocommand").get("state", {}).get("terminated"))
    assert (state["reason"], state["exitCode"]) == ("StartError", 128)
    for pod in ("crash", "once", "fails", "missing", "nocommand"):
        server.delete_pod(pod)


def test_init_containers_and_sidecars(server):
    image = "localhost/busybox:1"
    pod = server.running_pod("inits", {"command": ["sh", "-c", "cat /d/log; sleep 3600"],
                                       "volumeMounts": [{"name": "d", "mountPath": "/d"}]},
                             volumes=[{"name": "d", "emptyDir": {}}],
                             initContainers=[
                                 {"name": "one", "image": image,
                                  "command": ["sh", "-c", "echo one >> /d/log"],
                                  "volumeMounts": [{"name": "d", "mountPath": "/d"}]},
                                 {"name": "side", "image": image, "restartPolicy": "Always",
                                  "command": ["sh", "-c", "echo side >> /d/log; sleep 3600"],
                                  "volumeMounts": [{"name": "d", "mountPath": "/d"}]}])
    inits = server.pod(pod)["status"]["initContainerStatuses"]
    assert inits[0]["state"]["terminated"]["exitCode"] == 0
    assert "running" in inits[1]["state"]
    assert server.exec(pod, "cat", "/d/log", container="side").stdout == b"one\nside\n"
    logs = until(lambda: server.api.get(f"{DEFAULT}/pods/{pod}/log").body)
    assert logs.startswith(b"one\n")
    server.delete_pod(pod)


def test_graceful_deletion(server):
    pod = server.running_pod("grace", {"command": [
        "sh", "-c", "trap 'while [ ! -e /tmp/go ]; do sleep 0.05; done; exit 0' TERM;"
        "while :; do sleep 0.1; done"]}, terminationGracePeriodSeconds=30)
    answer = server.api.delete(f"{DEFAULT}/pods/{pod}")
    assert answer.json["metadata"]["deletionGracePeriodSeconds"] == 30
    assert server.pod(pod)["metadata"]["deletionTimestamp"]
    assert server.exec(pod, "touch", "/tmp/go").exit_code == 0
    until(lambda: server.pod(pod) is None)
    deaf = server.running_pod("deaf", {"command": ["sleep", "3600"]})
    pid = server.pod(deaf)["metadata"]["annotations"]["standin.test/pid-main"]
    server.api.delete(f"{DEFAULT}/pods/{deaf}")
    until(lambda: server.pod(deaf) is None)
    assert not os.path.exists(f"/proc/{pid}")


def test_ephemeral_container_sees_its_target(server):
    pod = server.running_pod("target", {"command": ["sh", "-c", "echo secret > /app/s; sleep 3600"]})
    path = f"{DEFAULT}/pods/{pod}/ephemeralcontainers"
    extra = {"name": "help", "image": "localhost/busybox:1", "targetContainerName": "main",
             "stdin": True, "command": ["sh", "-c", "read x; cat /proc/1/root/app/s; read y"]}

    def add(container):
        return server.api.request("PATCH", path, {"spec": {"ephemeralContainers": [container]}},
                                  "application/strategic-merge-patch+json")

    assert add(extra | {"name": "main"}).status == 422
    assert add(extra | {"targetContainerName": "none"}).status == 422
    assert add(extra).status == 200
    assert add(extra | {"command": ["true"]}).status == 422
    until(lambda: "running" in (server.pod(pod)["status"].get("ephemeralContainerStatuses") or [
        {"state": {}}])[0]["state"])
    with Exec(server.config, "default", pod, what="attach", container="help", stdin=True) as e:
        e.write(b"go\n")
        e.read_until(b"secret\n")
        e.write(b"end\n")
        assert e.finish().exit_code == 0
    until(lambda: "terminated" in
          server.pod(pod)["status"]["ephemeralContainerStatuses"][0]["state"])
    server.delete_pod(pod)


def test_kubectl_server_side_apply(server):
    body = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ssa"},
                       "data": {"a": "1"}})
    for _ in range(2):
        server.kubectl("apply", "--server-side", "--validate=false", "-f", "-", stdin=body)
    made = server.api.get(f"{DEFAULT}/configmaps/ssa").json
    assert made["data"] == {"a": "1"}
    assert made["metadata"]["managedFields"][0]["manager"] == "kubectl"


def test_gnu_tar_image(server):
    pod = server.running_pod("gnu", {"image": "localhost/debian-tar:1"})
    assert b"GNU tar" in server.exec(pod, "tar", "--version").stdout
    assert server.exec(pod, "sh", "-c", "echo $0; ls / | head -n 1").exit_code == 0
    server.delete_pod(pod)


# --- exec -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("protocols", BOTH)
def test_exec_streams_and_exit_codes(server, box, protocols):
    for code in (0, 1, 126, 127, 255):
        e = server.exec(box, "sh", "-c", f"echo out; echo err >&2; exit {code}",
                        protocols=protocols)
        assert (e.stdout, e.stderr, e.exit_code) == (b"out\n", b"err\n", code)
        assert e.frames[0] == (STDOUT, b"") and e.frames[-1][0] == 3
        assert e.ws.closed == 1000
        assert e.protocol == (V4 if protocols == (V4,) else V5)
    assert server.exec(box, "sh", "-c", "kill -9 $$", protocols=protocols).exit_code == 137
    missing = server.exec(box, "no-such-program", protocols=protocols)
    assert missing.exit_code is None and missing.status["reason"] == "InternalError"
    assert missing.status["code"] == 500


def test_first_frame_is_on_the_lowest_writable_channel(server, box):
    assert server.exec(box, "true", stdout=False).frames[0] == (2, b"")
    e = run(server.config, "default", box, ["cat"], stdin=b"", stdout=False, stderr=False)
    assert e.frames[0] == (3, b"") and e.exit_code == 0


def test_protocol_negotiation(server, box):
    assert server.exec(box, "true", protocols=(f"{V4}, {V5}",)).protocol == V5
    # Only the first header line counts.
    assert server.exec(box, "true", protocols=(V4, V5)).protocol == V4
    for offered in ((), ("v3.channel.k8s.io",), ("chat", V5)):
        with pytest.raises(UpgradeRefused) as refused:
            server.exec(box, "true", protocols=offered)
        assert (refused.value.status, refused.value.body) == (403, b"")


def test_old_server_knows_v4_only(tmp_path):
    s = Server(tmp_path, "--protocols", "v4", "--version", "1.28.0")
    try:
        s.running_pod("box")
        assert s.exec("box", "true").protocol == V4
        with pytest.raises(UpgradeRefused) as refused:
            s.exec("box", "true", protocols=(V5,))
        assert (refused.value.status, refused.value.body) == (403, b"")
    finally:
        s.stop()


def refused(server, path, **how):
    with pytest.raises(UpgradeRefused) as error:
        WebSocket(server.config, path, **how)
    return error.value


def test_errors_before_the_upgrade(server, box):
    def exec_of(pod, *command, **how):
        return exec_path("default", pod, command or ["true"], **how)

    assert refused(server, exec_of("none")).status == 404
    assert refused(server, exec_of(box, container="none")).status == 400
    assert refused(server, exec_of(box, stdout=False, stderr=False)).status == 400
    assert refused(server, exec_of(box), method="POST").status == 405
    assert refused(server, exec_of(box), token="wrong").status == 401
    assert server.api.get(exec_of(box)).json["message"] == "Upgrade request required"
    assert server.api.post(exec_of(box), "").status == 400
    server.make_pod("two", containers=[{"name": n, "image": "localhost/busybox:1"} for n in "ab"])
    message = json.loads(refused(server, exec_of("two")).body)["message"]
    assert "choose one of: [a b]" in message
    server.delete_pod("two")


def test_a_container_that_does_not_run(server):
    server.make_pod("waits", {"image": "localhost/none:2"})
    until(lambda: server.container("waits").get("state", {}).get("waiting"))
    error = refused(server, exec_path("default", "waits", ["true"]), protocols=(V4,))
    assert (error.status, error.body) == (500, b'container not found ("main")')
    e = server.exec("waits", "true")
    assert e.protocol == V5 and e.status["reason"] == "InternalError"
    assert 'container not found ("main")' in e.status["message"]
    server.delete_pod("waits")


def test_half_close_works_on_v5_only(server, box):
    assert run(server.config, "default", box, ["cat"], stdin=b"x" * 200000).stdout == b"x" * 200000
    with Exec(server.config, "default", box, ["cat"], stdin=True, protocols=(V4,)) as e:
        e.write(b"hello")
        e.close_stdin()
        e.write(b" world")
        assert e.read_until(b"hello world")
        e.ws.settimeout(0.3)
        with pytest.raises(socket.timeout):
            e.finish()


def test_container_death_is_137(server):
    pod = server.running_pod("dies", restartPolicy="Never")
    with Exec(server.config, "default", pod, ["sh", "-c", "echo up; sleep 3600"]) as e:
        e.read_until(b"up\n")
        os.kill(int(server.pod(pod)["metadata"]["annotations"]["standin.test/pid-main"]),
                signal.SIGKILL)
        assert e.finish().exit_code == 137
    server.delete_pod(pod)


def processes_with(mark):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if mark in f.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def test_process_outlives_its_connection(server, box):
    with Exec(server.config, "default", box, ["sh", "-c", ": outlives-1; cat; touch /tmp/eof;"
                                              "while [ ! -e /tmp/end ]; do sleep 0.1; done"],
              stdin=True) as e:
        until(lambda: processes_with(b"outlives-1"))
        e.ws.socket.close()
    until(lambda: server.exec(box, "test", "-e", "/tmp/eof").exit_code == 0, what="EOF on stdin")
    assert processes_with(b"outlives-1")
    server.exec(box, "touch", "/tmp/end")
    until(lambda: not processes_with(b"outlives-1"))


@pytest.mark.parametrize("frame,name", [
    (dict(payload=b"\0x", opcode=CONTINUATION), "continuation-frame"),
    (dict(payload=b"\0x", final=False), "continuation-frame"),
    (dict(payload=b"\0x", masked=False), "unmasked-frame"),
    (dict(payload=b"\0x", opcode=TEXT), "text-frame"),
    (dict(payload=b"\0", length=(32 << 20) + 1), "frame-too-large"),
    (dict(payload=b"\x07x"), "unknown-channel"),
    (dict(payload=b"\xff\0\0"), "malformed-close-signal"),
])
def test_violations_close_and_are_counted(server, box, frame, name):
    before = server.api.get("/standin/violations").json.get(name, 0)
    with Exec(server.config, "default", box, ["cat"], stdin=True) as e:
        e.ws.send_frame(**frame)
        e.finish()
        assert e.exit_code is None
    assert server.api.get("/standin/violations").json[name] == before + 1


def test_v4_ignores_unknown_channels_and_empty_messages(server, box):
    with Exec(server.config, "default", box, ["cat"], stdin=True, protocols=(V4,)) as e:
        e.ws.send_frame(b"\x09x")
        e.ws.send_frame(b"")
        e.write(b"still here")
        e.read_until(b"still here")


def test_ping_is_answered(server, box):
    with Exec(server.config, "default", box, ["cat"], stdin=True) as e:
        e.ws.send_frame(b"are you there", PING)
        while True:
            opcode, payload = e.ws.receive_frame()
            if opcode == PONG:
                break
        assert payload == b"are you there"


def test_big_streams_arrive_whole_in_small_frames(server, box):
    size = 20 << 20
    with Exec(server.config, "default", box, ["cat"], stdin=True) as e:
        data = os.urandom(1 << 20) * 20
        e.write_while_reading(data, end=True)
        e.finish()
    assert e.exit_code == 0 and len(e.stdout) == size and e.stdout == data
    assert max(len(d) for _, d in e.frames) <= 32768


def test_back_pressure_to_the_client(server, box):
    """A process that does not read its stdin stops the client, and pings stay unanswered."""
    with Exec(server.config, "default", box, ["sleep", "60"], stdin=True) as e:
        e.ws.settimeout(1)
        sent = 0
        with pytest.raises(socket.timeout):
            while sent < 100 << 20:
                e.ws.send_frame(b"\0" + b"x" * 32768)
                sent += 32768
        assert sent < 32 << 20


def test_back_pressure_from_the_client(server, box):
    """A client that does not read stops the process."""
    with Exec(server.config, "default", box, ["sh", "-c", "dd if=/dev/zero bs=1M count=200 "
                                              "2>/dev/null; touch /tmp/written"]) as e:
        select.select([], [], [], 0)
        pid = until(lambda: processes_with(b"count=200"))
        memory = resident(server.process.pid)
        assert server.exec(box, "test", "-e", "/tmp/written").exit_code == 1
        assert resident(server.process.pid) < memory + (32 << 20)
        assert pid
        total = 0
        e.frames = None
        while True:
            opcode, payload = e.ws.receive_frame()
            if opcode == CLOSE:
                break
            total += len(payload) - 1 if opcode == BINARY and payload[0] == STDOUT else 0
        assert total == 200 << 20


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s*(\d+)", f.read()).group(1)) * 1024


def test_terminal(server, box):
    with Exec(server.config, "default", box, ["sh", "-c", "test -t 0 && stty size; read x; "
                                              "stty size; exit 4"],
              stdin=True, tty=True) as e:
        e.read_until(b"\n")
        e.ws.send_frame(b'\x04{"Width":123,"Height":45}')
        e.write(b"go\n")
        e.finish()
        assert b"45 123" in e.stdout and e.exit_code == 4


def test_attach(server):
    pod = server.running_pod("attach", {"stdin": True, "command": [
        "sh", "-c", "while read line; do echo got $line; test $line != end || exit 0; done"]},
        restartPolicy="Never")
    with Exec(server.config, "default", pod, what="attach", stdin=True) as first:
        first.write(b"one\n")
        first.read_until(b"got one\n")
    with Exec(server.config, "default", pod, what="attach", stdin=True) as second:
        second.write(b"two\n")
        second.read_until(b"got two\n")
        assert b"one" not in second.stdout
        second.write(b"end\n")
        assert second.finish().exit_code == 0
        assert second.ws.closed == 1000
    until(lambda: server.pod(pod)["status"]["phase"] == "Succeeded")
    server.delete_pod(pod)


def test_many_execs_at_once(server, box):
    execs = [Exec(server.config, "default", box, ["sh", "-c", f"read x; echo {i} $x"], stdin=True)
             for i in range(20)]
    for e in execs:
        e.write(b"now\n")
    for i, e in enumerate(execs):
        with e:
            assert e.finish().stdout == f"{i} now\n".encode() and e.exit_code == 0


# --- faults -----------------------------------------------------------------------------------------

def test_fault_status_and_counters(faults):
    faults.fault(kind="status", match="/configmaps", status=429, count=2, seconds=3)
    for _ in range(2):
        answer = faults.api.get(f"{DEFAULT}/configmaps")
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
        assert answer.json["reason"] == "TooManyRequests"
    assert faults.api.get(f"{DEFAULT}/configmaps").status == 200
    counters = faults.api.get("/standin/requests").json
    assert counters["GET /api/v1/namespaces/*/configmaps"] >= 3
    assert faults.api.post("/standin/faults", {"kind": "nonsense"}).status == 400


def test_fault_delay_and_close(faults):
    faults.fault(kind="delay", match="/namespaces/default", ms=300, method="GET")
    start = time.monotonic()
    assert faults.api.get("/api/v1/namespaces/default").status == 200
    assert time.monotonic() - start >= 0.29
    faults.fault(kind="close", match="/namespaces/default")
    with pytest.raises(OSError):
        faults.api.get("/api/v1/namespaces/default")


def test_fault_watch(faults):
    path = f"{DEFAULT}/configmaps?watch=1&allowWatchBookmarks=true"
    faults.fault(kind="watch-expired", match="watch=1")
    with faults.api.watch(path) as watch:
        assert next(watch)["object"]["code"] == 410
    faults.fault(kind="watch-silent", match="watch=1")
    with faults.api.watch(path, timeout=0.6) as watch:
        with pytest.raises(socket.timeout):
            next(watch)


def test_fault_cut_exec(faults, box):
    faults.fault(kind="cut-to-client", match="/exec", after_bytes=40000)
    with Exec(faults.config, "default", box, ["head", "-c", "100000", "/dev/zero"]) as e:
        e.finish()
        assert 0 < len(e.stdout) < 40000
        assert e.exit_code is None and e.ws.closed == 1006
    faults.fault(kind="cut-from-client", match="/exec", after_bytes=50000)
    with Exec(faults.config, "default", box, ["cat"], stdin=True) as e:
        with pytest.raises(OSError):
            for _ in range(1000):
                e.write(b"x" * 32768)
    faults.fault(kind="no-status", match="/exec")
    with Exec(faults.config, "default", box, ["echo", "hi"]) as e:
        e.read_until(b"hi\n")
        e.ws.settimeout(0.3)
        with pytest.raises(socket.timeout):
            e.finish()
    faults.fault(kind="stall", match="/exec", after_bytes=0)
    with Exec(faults.config, "default", box, ["cat"], stdin=True) as e:
        e.write(b"lost")
        e.ws.settimeout(0.3)
        with pytest.raises(socket.timeout):
            e.read_until(b"lost")


# --- the end ----------------------------------------------------------------------------------------

def test_sigterm_leaves_nothing(tmp_path):
    s = Server(tmp_path)
    try:
        pods = [s.running_pod(f"p{i}", {"command": ["sleep", "3600"]}) for i in range(3)]
        pids = [s.pod(p)["metadata"]["annotations"]["standin.test/pid-main"] for p in pods]
        opened = Exec(s.config, "default", pods[0], ["sleep", "leaves-nothing"])
        opened.ws.close()
    finally:
        s.stop()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert os.listdir(s.state) in (["images"], [])
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        assert s.state not in f.read()


def test_works_without_root():
    """In a user namespace of its own; pids in annotations are then those of that namespace."""
    if subprocess.run(["unshare", "-Ur", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no user namespaces")
    user = 12345 if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory() as directory:
        if user:
            os.chown(directory, user, user)
        s = Server(pathlib.Path(directory), user=user)
        try:
            pod = s.running_pod("p")
            assert s.exec(pod, "sh", "-c", "id -u; echo $$ > /app/f; exit 3").exit_code == 3
            assert run(s.config, "default", pod, ["cat"], stdin=b"hello").stdout == b"hello"
        finally:
            s.stop()


def test_sigkill_leaves_no_process(tmp_path):
    s = Server(tmp_path)
    pod = s.running_pod("p", {"command": ["sleep", "3600"]})
    pid = s.pod(pod)["metadata"]["annotations"]["standin.test/pid-main"]
    s.process.kill()
    s.process.wait(10)
    s.process.stdout.close()
    until(lambda: not os.path.exists(f"/proc/{pid}"))
