# SPDX-License-Identifier: Apache-2.0
"""Which containers are updated, and with what: replicas, restarts, rollouts, deletions."""

import os
import signal

from kube import in_namespace

SYNC = [{"sync": {"localPath": "src", "containerPath": "/app"}}]


def _start(world, replicas):
    world.write("src/seed", "old")
    pods = world.deployment(replicas=replicas)
    world.run_file(SYNC)
    world.write("src/seed", "new")
    world.wait_equal(pods)
    world.settled(replicas)
    return pods


def _names(pods):
    return {p["metadata"]["name"] for p in pods}


def test_three_replicas_are_updated_in_parallel(world):
    pods = _start(world, 3)
    since = world.sluice.mark()
    world.write("src/a", "1")
    world.wait_equal(pods)
    world.sluice.wait_for(lambda: len(world.sluice.events("updated", since)) == 3, 30,
                          "an update of each")
    events = world.sluice.events("updated", since)
    assert {e["pod"] for e in events} == _names(pods)
    assert len({e["revision"] for e in events}) == 1


def test_a_fourth_replica_gets_what_it_lacks(world):
    pods = _start(world, 3)
    world.write("src/a", "1")
    world.write("src/b", "2")
    world.wait_equal(pods)
    since = world.settled(3)
    four = world.scale(4)
    world.wait_equal(four, seconds=60)
    world.settled(4)
    # The three others had everything: nothing is sent twice.
    new = (_names(four) - _names(pods)).pop()
    assert {e["pod"] for e in world.sluice.events("updated", since)} == {new}


def test_a_container_that_restarts_gets_all_since_its_baseline(world):
    pods = _start(world, 1)
    world.write("src/a", "1")
    world.wait_equal(pods)
    since = world.settled(1)
    before = pods[0]["status"]["containerStatuses"][0]["containerID"]
    os.kill(world.pid(pods[0]), signal.SIGKILL)

    def restarted():
        again = world.pods()
        return (again and again[0]["status"]["containerStatuses"][0]["containerID"] != before
                and again)

    again = world.eventually(restarted, 90, "another container")
    world.wait_equal(again, seconds=60)
    world.settled(1)
    assert _names(again) == _names(pods)
    assert world.sluice.events("updated", since)


def test_a_pod_that_is_being_deleted_is_left_alone(world):
    world.write("src/seed", "old")
    command = ["sh", "-c", "mkdir -p /app; trap '' TERM; while :; do sleep 1000 & wait; done"]
    pods = world.deployment(command=command)
    path = in_namespace("apps/v1", world.namespace, "deployments", "web")
    world.run_file(SYNC)
    world.write("src/seed", "new")
    world.wait_equal(pods)
    doomed = pods[0]
    pid = world.pid(doomed)
    since = world.settled(1)
    world.kube.delete(in_namespace("v1", world.namespace, "pods", doomed["metadata"]["name"]), 20)
    other = world.eventually(
        lambda: [p for p in world.pods() if p["metadata"]["name"] != doomed["metadata"]["name"]],
        90, "the replacement")
    world.write("src/a", "1")
    world.wait_equal(other, seconds=60)
    late = [e for e in world.sluice.events("updated", since)
            if e["pod"] == doomed["metadata"]["name"]]
    assert not late
    assert os.path.exists(f"/proc/{pid}"), "the doomed pod was gone before it could be left alone"
    assert not os.path.exists(f"/proc/{pid}/root/app/a")
    world.kube.delete(path)


def test_a_rollout_moves_over_to_the_new_generation(world):
    pods = _start(world, 2)
    world.write("src/a", "1")
    world.wait_equal(pods)
    world.kube.merge(in_namespace("apps/v1", world.namespace, "deployments", "web"),
                     {"spec": {"template": {"metadata": {"annotations": {"again": "1"}}}}})

    def rolled_out():
        now = world.pods()
        return len(now) == 2 and not _names(now) & _names(pods) and now

    new = world.eventually(rolled_out, 120, "the rollout")
    # The image is the same, so it does not hold the edits: they are sent again.
    world.wait_equal(new, seconds=60)
    since = world.settled(2)
    world.write("src/b", "2")
    world.wait_equal(new)
    world.settled(2)
    assert {e["pod"] for e in world.sluice.events("updated", since)} == _names(new)


def test_nothing_matched_says_so_with_what_was_near(world):
    world.write("src/a", "1")
    world.deployment(replicas=2)
    world.run("-f", world.live_update(SYNC, selector={"labels": "app=web", "container": "api"}))
    event = world.condition("NoTargets")
    assert not event["ready"]
    assert "api" in event["message"] and "web" in event["message"], event
    assert "2 pods" in event["message"], event


def test_a_workload_that_does_not_exist_yet_is_waited_for(world):
    world.write("src/a", "1")
    world.run("-f", world.live_update(SYNC))
    event = world.condition("NoTargets")
    assert "web" in event["message"]
    world.deployment()
    world.condition("Synced", 60)
    world.write("src/a", "2")
    world.write("src/b", "3")
    world.wait_equal()


def test_labels_select_pods_of_any_kind(world):
    world.write("src/a", "1")
    pods = world.deployment(replicas=2)
    world.run("-f", world.live_update(SYNC, selector={"labels": "app in (web)"}))
    world.condition("Synced")
    world.write("src/a", "2")
    world.write("src/b", "3")
    world.wait_equal(pods)
