# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the middle: the API server's faults, and changes while an update is under way."""

import time

from cluster_objects import GROUP, SELECTOR, SYNC, _apply, _install_crds, _object, _until
from kube import in_namespace


def _fault(world, **fault):
    world.kube.create("/standin/faults", fault)


def _heal(world):
    world.kube.request("DELETE", "/standin/faults")


def _start(world):
    _install_crds(world)
    world.write("src/a", "1")
    world.deployment()
    _apply(world, "LiveUpdate", "web", {"selector": SELECTOR, "steps": SYNC})
    return world.run("web", "-n", world.namespace, "--owner", "tester@here")


def test_a_claim_that_failed_is_tried_again(world):
    _install_crds(world)
    path = in_namespace(GROUP, world.namespace, "liveupdates", "web")
    _fault(world, kind="status", method="PATCH", match=path, status=503, count=1, seconds=1)
    try:
        _start(world)
        _until(world, "Ready", "Synced")
        assert _object(world)["metadata"]["annotations"]["sluice.dev/owner"] == "tester@here"
    finally:
        _heal(world)


def test_the_end_does_not_wait_for_a_status_that_cannot_be_written(world):
    sluice = _start(world)
    _until(world, "Ready", "Synced")
    path = in_namespace(GROUP, world.namespace, "liveupdates", "web/status")
    _fault(world, kind="status", method="PATCH", match=path, status=503, count=0, seconds=1)
    try:
        world.write("src/a", "2")
        sluice.wait_event("updated")
        began = time.monotonic()
        assert sluice.stop() == 0
        assert time.monotonic() - began < 5
        with open(sluice.log_path, encoding="utf-8") as f:
            assert f.read().count("writing the status failed") < 5
    finally:
        _heal(world)


def _amid_an_update(world):
    """Until the files of an update are there and its run waits for /tmp/go."""
    _install_crds(world)
    world.write("src/a", "1")
    pod = world.deployment()[0]
    _apply(world, "LiveUpdate", "web", {"selector": SELECTOR, "steps": SYNC + [
        {"run": {"command": "while [ ! -e /tmp/go ]; do sleep 0.01; done",
                 "triggers": ["src/slow"]}}]})
    sluice = world.run("web", "-n", world.namespace, "--owner", "tester@here")
    _until(world, "Ready", "Synced")
    world.write("src/slow", "1")
    sluice.wait_for(lambda: b"slow" in world.seen(pod), 30, "the file")
    return sluice, pod


def test_the_last_status_is_written_at_the_end(world):
    """What an update under way came to is told before the end."""
    sluice, pod = _amid_an_update(world)
    sluice.process.terminate()
    sluice.wait_for(lambda: "ending" in sluice.tail(), 30, "the word about the end")
    with open(world.root(pod) + "/tmp/go", "w", encoding="utf-8"):
        pass
    assert sluice.stop() == 0
    container = _object(world)["status"]["containers"][0]
    assert container["state"] == "Synced", container
    assert container["lastUpdate"]["files"] == 1, container


def test_a_second_signal_does_not_wait(world):
    sluice, _ = _amid_an_update(world)
    sluice.process.terminate()
    sluice.wait_for(lambda: "ending" in sluice.tail(), 30, "the word about the end")
    began = time.monotonic()
    assert sluice.stop() == 0
    assert time.monotonic() - began < 5


def test_a_spec_that_changes_during_an_update_is_followed_at_once(world):
    _, pod = _amid_an_update(world)
    world.kube.merge(in_namespace(GROUP, world.namespace, "liveupdates", "web"), {"spec": {
        "steps": [{"sync": {"localPath": "src", "containerPath": "/elsewhere"}}]}})
    world.write("src/b", "1")
    world.wait_equal([pod], remote="/elsewhere")
    world.settled(1)


def test_what_replaces_a_pod_that_is_deleted_during_an_update_gets_all(world):
    _, pod = _amid_an_update(world)
    name = pod["metadata"]["name"]
    world.kube.delete(in_namespace("v1", world.namespace, "pods", name), 0)
    world.write("src/b", "1")
    other = world.eventually(
        lambda: [p for p in world.pods() if p["metadata"]["name"] != name], 60, "the replacement")
    with open(world.root(other[0]) + "/tmp/go", "w", encoding="utf-8"):
        pass
    world.wait_equal(other)
    world.settled(1)


def test_edits_that_no_connection_carries_arrive_when_one_does(world):
    sluice = _start(world)
    _until(world, "Ready", "Synced")
    pods = world.pods()
    world.write("src/b", "1")
    world.wait_equal(pods)
    since = world.settled(1)
    _fault(world, kind="close", match="/exec", count=0)
    try:
        world.write("src/a", "2")
        world.remove("src/b")
        failed = sluice.wait_event("failed", since=since)
        assert failed["retry"], failed
        _until(world, "Ready", failed["reason"])
    finally:
        _heal(world)
    world.wait_equal(pods)
    _until(world, "Ready", "Synced")
