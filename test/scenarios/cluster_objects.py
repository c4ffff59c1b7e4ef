# SPDX-License-Identifier: Apache-2.0
"""LiveUpdates as objects of the cluster: CRDs, status, ownership, shared steps."""

import os
import signal
import subprocess

import pytest
import yaml
from kube import ApiError, in_namespace

GROUP = "sluice.dev/v1alpha1"
SYNC = [{"sync": {"localPath": "src", "containerPath": "/app"}}]
SELECTOR = {"workload": {"kind": "Deployment", "name": "web"}, "container": "web"}


def _install_crds(world):
    text = subprocess.run([os.environ.get("SLUICE_BIN", "build/controller/sluice"), "crds"],
                          check=True, capture_output=True, text=True).stdout
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for crd in yaml.safe_load_all(text):
        try:
            world.kube.create(path, crd)
        except ApiError as e:
            if e.status != 409:
                raise
            world.kube.merge(f"{path}/{crd['metadata']['name']}", {"spec": crd["spec"]})
    for plural in ("liveupdates", "liveupdatesteps"):
        world.eventually(lambda p=plural: _served(world, p), 30, f"the resource {plural}")


def _served(world, plural):
    try:
        world.kube.get(in_namespace(GROUP, world.namespace, plural))
        return True
    except ApiError:
        return False


def _apply(world, kind, name, spec):
    plural = "liveupdates" if kind == "LiveUpdate" else "liveupdatesteps"
    return world.kube.create(in_namespace(GROUP, world.namespace, plural), {
        "apiVersion": GROUP, "kind": kind, "metadata": {"name": name}, "spec": spec})


def _object(world, name="web", plural="liveupdates"):
    return world.kube.get(in_namespace(GROUP, world.namespace, plural, name))


def _condition(world, kind, name="web", plural="liveupdates"):
    for c in _object(world, name, plural).get("status", {}).get("conditions", []):
        if c["type"] == kind:
            return c
    return {}


def _until(world, kind, reason, name="web", plural="liveupdates"):
    return world.eventually(
        lambda: _condition(world, kind, name, plural).get("reason") == reason and
        _condition(world, kind, name, plural), 30, f"{kind} with {reason}")


@pytest.fixture
def crds(world):
    _install_crds(world)
    return world


def test_an_object_of_the_cluster_is_claimed_and_its_status_written(crds):
    world = crds
    world.write("src/a", "1")
    pods = world.deployment(replicas=2)
    _apply(world, "LiveUpdate", "web", {"selector": SELECTOR, "steps": SYNC})
    world.run("web", "-n", world.namespace, "--owner", "tester@here")
    world.write("src/a", "2")
    world.write("src/b", "3")
    world.wait_equal(pods)
    world.settled(2)
    world.eventually(lambda: _object(world).get("status", {}).get("targets", {})
                     .get("summary") == "2/2", 30, "the status")
    _until(world, "Ready", "Synced")
    found = _object(world)
    assert found["metadata"]["annotations"]["sluice.dev/owner"] == "tester@here"
    status = found["status"]
    assert status["observedGeneration"] == found["metadata"]["generation"]
    assert {c["state"] for c in status["containers"]} == {"Synced"}
    assert all(c["lastUpdate"]["files"] >= 1 for c in status["containers"])
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "Ready": "True", "Synced": "True", "RebuildRequired": "False", "LastRunFailed": "False"}


def test_an_object_of_somebody_else_is_left_alone(crds):
    world = crds
    world.write("src/a", "1")
    pods = world.deployment()
    created = _apply(world, "LiveUpdate", "web", {"selector": SELECTOR, "steps": SYNC})
    world.kube.merge(in_namespace(GROUP, world.namespace, "liveupdates", "web"),
                     {"metadata": {"annotations": {"sluice.dev/owner": "somebody@else"}}})
    _apply(world, "LiveUpdate", "mine", {"selector": SELECTOR, "steps": SYNC})
    assert created["metadata"]["name"] == "web"
    world.run("--all", "-n", world.namespace, "--owner", "tester@here")
    world.write("src/a", "2")
    world.wait_equal(pods)
    world.sluice.wait_event("updated", liveUpdate="mine")
    assert not world.sluice.events("updated", liveUpdate="web")
    assert _object(world)["metadata"]["annotations"]["sluice.dev/owner"] == "somebody@else"
    assert _object(world).get("status") is None
    world.sluice.stop()
    world.run("web", "-n", world.namespace, "--owner", "tester@here", "--take-over")
    world.write("src/a", "3")
    world.wait_equal(pods)
    assert _object(world)["metadata"]["annotations"]["sluice.dev/owner"] == "tester@here"


def test_a_changed_spec_is_followed_and_an_invalid_one_is_said(crds):
    world = crds
    world.write("src/a", "1")
    world.write("other/o", "1")
    pods = world.deployment()
    path = in_namespace(GROUP, world.namespace, "liveupdates", "web")
    _apply(world, "LiveUpdate", "web", {"selector": SELECTOR, "steps": SYNC})
    world.run("web", "-n", world.namespace)
    world.write("src/a", "2")
    world.wait_equal(pods)
    world.kube.merge(path, {"spec": {"steps": [
        {"run": {"command": "true"}},
        {"sync": {"localPath": "src", "containerPath": "/app"}}]}})
    ready = _until(world, "Ready", "InvalidSpec")
    assert ready["status"] == "False" and "steps[1]" in ready["message"], ready
    world.kube.merge(path, {"spec": {"steps": [
        {"sync": {"localPath": "other", "containerPath": "/other"}}]}})
    world.write("other/o", "2")
    world.wait_equal(pods, local="other", remote="/other")
    world.kube.delete(path)
    world.sluice.wait_for(lambda: world.status() == {}, 30, "the end of it")


def test_a_step_can_be_shared_and_one_that_nobody_uses_is_said(crds):
    world = crds
    world.write("src/a", "1")
    pods = world.deployment()
    _apply(world, "LiveUpdateStep", "sources", {"sync": {"localPath": "src",
                                                         "containerPath": "/app"}})
    _apply(world, "LiveUpdateStep", "forgotten", {"run": {"command": "true"}})
    _apply(world, "LiveUpdate", "web", {"selector": SELECTOR,
                                        "steps": [{"use": {"name": "sources"}}]})
    world.run("--all", "-n", world.namespace)
    world.write("src/a", "2")
    world.wait_equal(pods)
    used = _until(world, "Used", "Used", "sources", "liveupdatesteps")
    assert used["status"] == "True"
    unused = _until(world, "Used", "NotUsed", "forgotten", "liveupdatesteps")
    assert unused["status"] == "False"
    # A shared step that changes is followed by all who use it.
    world.kube.merge(in_namespace(GROUP, world.namespace, "liveupdatesteps", "sources"),
                     {"spec": {"sync": {"localPath": "src", "containerPath": "/elsewhere"}}})
    world.write("src/a", "3")
    world.wait_equal(pods, remote="/elsewhere")


def test_what_changes_no_rule_sends_nothing_again(crds):
    """Labels, annotations and statuses, of a LiveUpdate, of its steps and of others."""
    world = crds
    world.write("src/a", "1")
    pods = world.deployment()
    path = in_namespace(GROUP, world.namespace, "liveupdates", "web")
    step = in_namespace(GROUP, world.namespace, "liveupdatesteps", "sources")
    _apply(world, "LiveUpdateStep", "sources", SYNC[0])
    _apply(world, "LiveUpdate", "web", {"selector": SELECTOR, "steps": [
        {"use": {"name": "sources"}}, {"run": {"command": "echo run >> /tmp/ran"}}]})
    world.run("--all", "-n", world.namespace)
    world.write("src/a", "2")
    world.write("src/b", "1")
    world.wait_equal(pods)
    _until(world, "Used", "Used", "sources", "liveupdatesteps")
    since = world.settled(1)
    world.kube.merge(path, {"metadata": {"labels": {"touched": "1"}}})
    world.kube.merge(step, {"metadata": {"labels": {"touched": "1"}}})
    _apply(world, "LiveUpdateStep", "other", {"run": {"command": "true"}})
    # Told of the last one, it was told of all before.
    _until(world, "Used", "NotUsed", "other", "liveupdatesteps")
    world.write("src/c", "1")
    world.wait_equal(pods)
    world.settled(1)
    assert [e["files"] for e in world.sluice.events("updated", since)] == [1]


def test_what_was_taken_over_can_be_taken_over_from_us(crds):
    """Two with --take-over would otherwise take it from each other for ever."""
    world = crds
    world.write("src/a", "1")
    world.deployment()
    path = in_namespace(GROUP, world.namespace, "liveupdates", "web")
    somebody = {"metadata": {"annotations": {"sluice.dev/owner": "somebody@else"}}}
    _apply(world, "LiveUpdate", "web", {"selector": SELECTOR, "steps": SYNC})
    world.kube.merge(path, somebody)
    world.run("--all", "-n", world.namespace, "--owner", "tester@here", "--take-over")
    _until(world, "Ready", "Synced")
    world.kube.merge(path, somebody)
    # Told of a later object, it was told of this one.
    _apply(world, "LiveUpdate", "later", {"selector": SELECTOR, "steps": SYNC})
    _until(world, "Ready", "Synced", "later")
    assert _object(world)["metadata"]["annotations"]["sluice.dev/owner"] == "somebody@else"
    assert "somebody@else" in world.sluice.tail()


def test_an_object_made_anew_gets_a_status_of_its_own(crds):
    world = crds
    # Nothing is ever sent, so that the new object's status is the old one's, word for word.
    nothing = [{"sync": {"localPath": "not-there", "containerPath": "/app"}}]
    world.deployment()
    path = in_namespace(GROUP, world.namespace, "liveupdates", "web")
    _apply(world, "LiveUpdate", "web", {"selector": SELECTOR, "steps": nothing})
    sluice = world.run("web", "-n", world.namespace)
    _until(world, "Ready", "Synced")
    sluice.process.send_signal(signal.SIGSTOP)  # so that it hears of both at once
    try:
        world.kube.delete(path)
        world.eventually(lambda: world.kube.find(path) is None, 30, "the end of it")
        _apply(world, "LiveUpdate", "web", {"selector": SELECTOR, "steps": nothing})
    finally:
        sluice.process.send_signal(signal.SIGCONT)
    _until(world, "Ready", "Synced")


def test_without_crds_run_says_how_to_install_them(world):
    for plural in ("liveupdates", "liveupdatesteps"):
        world.kube.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
                          f"{plural}.sluice.dev")
    world.eventually(lambda: not _served(world, "liveupdates"), 30, "the end of the resource")
    sluice = world.run("web", "-n", world.namespace)
    sluice.wait_for(lambda: "sluice crds | kubectl apply" in sluice.tail(), 30, "the advice")
    _install_crds(world)
    world.write("src/a", "1")
    pods = world.deployment()
    _apply(world, "LiveUpdate", "web", {"selector": SELECTOR, "steps": SYNC})
    sluice.wait_for(lambda: world.status().get("targets", {}).get("matched") == 1, 60,
                    "the object, once its kind is known")
    world.write("src/a", "2")
    world.wait_equal(pods)
