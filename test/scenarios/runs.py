# SPDX-License-Identifier: Apache-2.0
"""Commands: their order, their triggers, their failures and what is owed."""

SYNC = {"sync": {"localPath": "src", "containerPath": "/app"}}


def _start(world, runs, **options):
    world.write("src/seed", "old")
    pod = world.deployment()[0]
    world.run_file([SYNC] + [{"run": r} for r in runs], **options)
    world.settled(1)
    return pod


def _read(world, pod, path):
    try:
        with open(world.root(pod) + path, encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def _clear(world, pod, path):
    with open(world.root(pod) + path, "w", encoding="utf-8"):
        pass


def test_runs_go_in_order_and_stop_at_the_first_failure(world):
    pod = _start(world, [{"command": "echo one >> /tmp/ran"},
                         {"command": "echo two >> /tmp/ran; test ! -e /app/bad"},
                         {"command": "echo three >> /tmp/ran"}])
    _clear(world, pod, "/tmp/ran")
    since = world.sluice.mark()
    world.write("src/good", "1")
    world.sluice.wait_event("updated", since=since)
    assert _read(world, pod, "/tmp/ran") == "one\ntwo\nthree\n"
    _clear(world, pod, "/tmp/ran")
    since = world.sluice.mark()
    world.write("src/bad", "1")
    event = world.sluice.wait_event("runFailed", since=since)
    assert "exit" in event["message"]
    assert _read(world, pod, "/tmp/ran") == "one\ntwo\n"
    assert world.seen(pod)[b"bad"] == ("file", b"1", False), "the files count as applied"


def test_a_command_that_fails_tells_its_output_and_is_owed(world):
    pod = _start(world, [{"command": "echo it is broken >&2; cat /app/ok >> /tmp/ran",
                          "triggers": ["src/lock"]}])
    since = world.sluice.mark()
    world.write("src/lock", "1")
    event = world.sluice.wait_event("runFailed", since=since)
    assert "it is broken" in event["message"] and "cat /app/ok" in event["message"], event
    assert "1" in event["message"]
    # It is not tried in a loop: an edit later there is still one attempt, and one more with it.
    since = world.sluice.mark()
    world.write("src/ok", "fine\n")
    world.sluice.wait_event("updated", since=since)
    assert _read(world, pod, "/tmp/ran") == "fine\n", "owed, though its trigger did not change"
    assert len(world.sluice.events("runFailed")) == 1
    since = world.sluice.mark()
    world.write("src/other", "1")
    world.sluice.wait_event("updated", since=since)
    assert _read(world, pod, "/tmp/ran") == "fine\n", "owed no longer"


def test_a_trigger_of_one_file_of_many(world):
    pod = _start(world, [{"command": "echo lock >> /tmp/ran", "triggers": ["src/a/lock"]},
                         {"command": "echo glob >> /tmp/ran", "triggers": ["src/**/*.toml"]}])
    since = world.sluice.mark()
    for i in range(50):
        world.write(f"src/many/{i}", "x")
    world.write("src/a/lock", "1")
    world.sluice.wait_for(
        lambda: "lock" in _read(world, pod, "/tmp/ran"), 30, "the triggered run")
    assert _read(world, pod, "/tmp/ran") == "lock\n"
    world.write("src/deep/er/x.toml", "1")
    world.sluice.wait_for(lambda: "glob" in _read(world, pod, "/tmp/ran"), 30, "the glob's run")
    assert _read(world, pod, "/tmp/ran") == "lock\nglob\n"
    assert world.sluice.events("updated", since)


def test_arguments_are_not_seen_by_a_shell(world):
    pod = _start(world, [{"args": ["sh", "-c", 'printf "%s|" "$@" > /tmp/args', "x", "a b", "$HOME",
                                   "'", "*"], "workingDir": "/tmp"},
                         {"command": "pwd > /tmp/pwd", "workingDir": "/app"}])
    since = world.sluice.mark()
    world.write("src/a", "1")
    world.sluice.wait_event("updated", since=since)
    assert _read(world, pod, "/tmp/args") == "a b|$HOME|'|*|"
    assert _read(world, pod, "/tmp/pwd") == "/app\n"


def test_a_command_that_hangs_is_ended(world):
    pod = _start(world, [{"command": "echo begun > /tmp/ran; sleep 1000; echo ended >> /tmp/ran",
                          "timeoutSeconds": 1}])
    since = world.sluice.mark()
    world.write("src/a", "1")
    event = world.sluice.wait_event("runFailed", since=since)
    assert "1 s" in event["message"] or "timeout" in event["message"].lower() or \
        "timed out" in event["message"], event
    assert _read(world, pod, "/tmp/ran") == "begun\n"


def test_output_is_shown_unless_told_otherwise(world):
    _start(world, [{"command": "echo shown"}, {"command": "echo hidden", "echo": False}])
    since = world.sluice.mark()
    world.write("src/a", "1")
    world.sluice.wait_event("updated", since=since)
    lines = [e["line"] for e in world.sluice.events("output", since=since)]
    assert lines == ["shown"]
