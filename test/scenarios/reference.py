# SPDX-License-Identifier: Apache-2.0
"""The numbered examples of the Live Update reference that can be seen in a container."""

SERVER = {
    "images": [{"image": "my-img", "context": "./server"}],
    "steps": [
        {"sync": {"localPath": "./server/src", "containerPath": "/app"}},
        {"sync": {"localPath": "./server/package.json",
                  "containerPath": "/app/web/package.json"}},
    ],
}

RUNS = {
    "images": [{"image": "my-img", "context": "."}],
    "steps": [
        {"sync": {"localPath": "./src", "containerPath": "/app"}},
        {"run": {"command": "/app/setup.sh"}},
        {"run": {"command": "cd /app/web && yarn install", "triggers": ["./src/web/yarn.lock"]}},
        {"run": {"command": "/app/run_configs.sh",
                 "triggers": ["./configs/foo.yaml", "./configs/bar.yaml"]}},
    ],
}

# The three commands note that they ran.
TOOLS = ("mkdir -p /app/web; for t in /app/setup.sh /bin/yarn /app/run_configs.sh; do "
         "printf '#!/bin/sh\\necho \"$PWD $0 $*\" >> /tmp/ran\\n' > $t; chmod +x $t; done; "
         "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done")


def _start(world, example, **deployment):
    for name in ("server/src/old", "server/package.json", "server/some_file.txt", "stuff.txt",
                 "src/main.py", "src/web/yarn.lock", "configs/foo.yaml"):
        world.write(name, "old")
    pods = world.deployment(**deployment)
    spec = dict(example)
    steps = spec.pop("steps")
    world.run_file(steps, **spec)
    return pods[0]


def _settled(world):
    """Whatever the pod lacked because the workspace is as young as it is has been sent."""
    return world.settled(1)


def _ran(world, pod):
    try:
        with open(world.root(pod) + "/tmp/ran", encoding="utf-8") as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


def _clear_ran(world, pod):
    with open(world.root(pod) + "/tmp/ran", "w", encoding="utf-8"):
        pass


def test_reference_sync_1_a_file_below_src_lands_in_app(world):
    pod = _start(world, SERVER)
    since = _settled(world)
    world.write("server/src/A.txt", "A")
    world.sluice.wait_event("updated", since=since)
    assert world.seen(pod)[b"A.txt"] == ("file", b"A", False)


def test_reference_sync_2_package_json_lands_where_its_sync_says(world):
    pod = _start(world, SERVER)
    since = _settled(world)
    world.write("server/package.json", "{}")
    world.sluice.wait_event("updated", since=since)
    assert world.seen(pod, "/app/web") == {b"package.json": ("file", b"{}", False)}


def test_reference_sync_3_another_file_of_the_context_asks_for_a_rebuild(world):
    pod = _start(world, SERVER)
    since = _settled(world)
    before = world.seen(pod)
    world.write("server/some_file.txt", "new")
    event = world.condition("RebuildRequired", since=since)
    assert not event["ready"] and "server/some_file.txt" in event["message"]
    # Nothing more is applied until new containers appear.
    world.write("server/src/A.txt", "A")
    world.sluice.stop()
    assert not world.sluice.events("updated", since=since)
    assert world.seen(pod) == before


def test_reference_sync_4_a_file_outside_the_context_does_nothing(world):
    pod = _start(world, SERVER)
    since = _settled(world)
    world.write("stuff.txt", "new")
    world.write("server/src/after", "x")  # the next update proves that the first change was seen
    world.sluice.wait_event("updated", since=since)
    events = world.sluice.events(since=since)
    assert [e["event"] for e in events if e["event"] != "condition"] == ["updated"]
    assert events[0]["files"] == 1
    assert b"stuff.txt" not in world.seen(pod)


def test_reference_run_1_main_py_runs_only_what_has_no_trigger(world):
    pod = _start(world, RUNS, command=["sh", "-c", TOOLS])
    since = _settled(world)
    _clear_ran(world, pod)
    world.write("src/main.py", "new")
    world.sluice.wait_event("updated", since=since)
    assert _ran(world, pod) == ["/ /app/setup.sh "]


def test_reference_run_2_yarn_lock_runs_its_command_too(world):
    pod = _start(world, RUNS, command=["sh", "-c", TOOLS])
    since = _settled(world)
    _clear_ran(world, pod)
    world.write("src/web/yarn.lock", "new")
    world.sluice.wait_event("updated", since=since)
    assert _ran(world, pod) == ["/ /app/setup.sh ", "/app/web /bin/yarn install"]


def test_reference_run_3_a_trigger_that_no_sync_covers_asks_for_a_rebuild(world):
    pod = _start(world, RUNS, command=["sh", "-c", TOOLS])
    since = _settled(world)
    _clear_ran(world, pod)
    world.write("configs/foo.yaml", "new")
    event = world.condition("RebuildRequired", since=since)
    assert "configs/foo.yaml" in event["message"]
    assert _ran(world, pod) == []


def test_the_contexts_of_several_images_can_be_synced_from(world):
    world.write("base/lib/l", "old")
    world.write("app/src/a", "old")
    pod = world.deployment()[0]
    world.run_file(
        [{"sync": {"localPath": "base/lib", "containerPath": "/app/lib"}},
         {"sync": {"localPath": "app/src", "containerPath": "/app/src"}}],
        images=[{"image": "base", "context": "base"}, {"image": "app", "context": "app"}])
    world.write("base/lib/l", "new base")
    world.write("app/src/a", "new app")
    world.sluice.wait_for(
        lambda: {k: v[1] for k, v in world.seen(pod).items() if v[0] == "file"} ==
        {b"lib/l": b"new base", b"src/a": b"new app"}, 30, "both files")
