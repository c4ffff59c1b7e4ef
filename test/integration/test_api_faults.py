# SPDX-License-Identifier: Apache-2.0
"""What the API server does wrong, and the objects of the cluster."""

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


def test_the_last_status_is_written_at_the_end(world):
    """What an update under way came to is told before the end."""
    _install_crds(world)
    world.write("src/a", "1")
    world.deployment()
    _apply(world, "LiveUpdate", "web", {"selector": SELECTOR, "steps": SYNC + [
        {"run": {"command": "while [ ! -e /tmp/go ]; do sleep 0.01; done",
                 "triggers": ["src/slow"]}}]})
    sluice = world.run("web", "-n", world.namespace, "--owner", "tester@here")
    _until(world, "Ready", "Synced")
    pod = world.pods()[0]
    world.write("src/slow", "1")
    sluice.wait_for(lambda: b"slow" in world.seen(pod), 30, "the file")
    sluice.process.terminate()
    sluice.wait_for(lambda: "ending" in sluice.tail(), 30, "the word about the end")
    with open(world.root(pod) + "/tmp/go", "w", encoding="utf-8"):
        pass
    assert sluice.stop() == 0
    container = _object(world)["status"]["containers"][0]
    assert container["state"] == "Synced", container
    assert container["lastUpdate"]["files"] == 1, container
