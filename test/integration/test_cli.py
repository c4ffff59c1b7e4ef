# SPDX-License-Identifier: Apache-2.0
"""The commands that need no cluster: validate, explain, crds, version, and what is refused."""

import json
import os
import subprocess

import pytest
import yaml

SELECTOR = {"workload": {"kind": "Deployment", "name": "web"}}
SYNC = {"sync": {"localPath": "src", "containerPath": "/app"}}
RUN = {"run": {"command": "make"}}
FALL_BACK = {"fallBackOn": {"files": ["src/go.mod"]}}
RESTART = {"restartContainer": {}}
INITIAL = {"initialSync": {}}


def sluice(*args):
    return subprocess.run([os.environ.get("SLUICE_BIN", "build/controller/sluice"), *args],
                          capture_output=True, text=True, timeout=60, check=False)


def document(steps, name="web", kind="LiveUpdate", **spec):
    body = {"selector": SELECTOR, "steps": steps, **spec} if kind == "LiveUpdate" else steps
    return yaml.safe_dump({"apiVersion": "sluice.dev/v1alpha1", "kind": kind,
                           "metadata": {"name": name}, "spec": body}, sort_keys=False)


@pytest.fixture
def file(tmp_path):
    def write(*documents):
        path = tmp_path / "lu.yaml"
        path.write_text("---\n".join(documents))
        return str(path)
    return write


def test_validate_is_silent_when_all_is_well(file):
    done = sluice("validate", "-f", file(document([FALL_BACK, SYNC, RUN],
                                                  images=[{"image": "web", "context": "."}])))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("steps, message", [
    ([SYNC, FALL_BACK], "steps[1]: fallBackOn must come before sync"),
    ([RUN, SYNC], "steps[1]: sync must come before run"),
    ([RUN, FALL_BACK, SYNC], "steps[1]: fallBackOn must come before run"),
    ([RESTART, SYNC], "steps[1]: nothing may follow restartContainer"),
    ([SYNC, RESTART, RUN], "steps[2]: nothing may follow restartContainer"),
    ([SYNC, INITIAL], "steps[1]: initialSync must be the first step"),
])
def test_each_wrong_order_has_its_own_message(file, steps, message):
    path = file(document(steps))
    done = sluice("validate", "-f", path)
    assert done.returncode == 2
    assert any(line.startswith(path + ":") and line.endswith(message)
               for line in done.stdout.splitlines()), done.stdout
    place = done.stdout.splitlines()[0].split(":")
    assert int(place[1]) > 0 and int(place[2]) > 0


def test_a_sync_outside_every_watched_root_is_refused(file):
    done = sluice("validate", "-f", file(document(
        [{"sync": {"localPath": "other", "containerPath": "/app"}}],
        images=[{"image": "web", "context": "server"}])))
    assert done.returncode == 2
    assert "steps[0].sync.localPath" in done.stdout and "no way" in done.stdout


def test_a_shared_step_that_nobody_uses_is_an_error(file):
    shared = document({"run": {"command": "true"}}, "forgotten", "LiveUpdateStep")
    done = sluice("validate", "-f", file(document([SYNC]), shared))
    assert done.returncode == 2 and "forgotten" in done.stdout
    used = document([SYNC, {"use": {"name": "forgotten"}}])
    assert sluice("validate", "-f", file(used, shared)).returncode == 0


def test_every_fault_is_told_at_its_place(file):
    path = file("apiVersion: sluice.dev/v1alpha1\nkind: LiveUpdate\nmetadata: {name: web}\n"
                "spec:\n  selector: {labels: app=web}\n  stepz: []\n  steps:\n"
                "  - sync: {localPath: src, containerPath: app}\n"
                "  - run: {command: x, timeoutSeconds: 5s}\n")
    done = sluice("validate", "-f", path)
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert any(x.startswith(path + ":6:3: ") and "stepz" in x for x in lines), lines
    assert any(x.startswith(path + ":9:") and "timeoutSeconds" in x for x in lines), lines


def test_a_context_that_is_not_in_the_workspace_is_told(file, tmp_path):
    path = file(document([{"sync": {"localPath": "server/src", "containerPath": "/app"}}],
                         images=[{"image": "web", "context": "server"}]))
    (tmp_path / "w").mkdir()
    done = sluice("validate", "-f", path, "--workspace", str(tmp_path / "w"))
    assert done.returncode == 2 and "spec.images[0].context" in done.stdout
    (tmp_path / "w" / "server").mkdir()
    assert sluice("validate", "-f", path, "--workspace", str(tmp_path / "w")).returncode == 0


def explain(path, workspace, *paths):
    done = sluice("explain", "-f", path, "--workspace", str(workspace), "-o", "json", *paths)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_explain_says_the_rule_for_each_path(file, tmp_path):
    path = file(document(
        [FALL_BACK, SYNC, {"sync": {"localPath": "conf/", "containerPath": "/etc/app/"}},
         {"run": {"command": "/app/setup.sh"}},
         {"run": {"args": ["npm", "install"], "triggers": ["src/lock"]}},
         RESTART], images=[{"image": "web", "context": "."}]))
    workspace = tmp_path / "w"
    (workspace / "src").mkdir(parents=True)
    (workspace / ".dockerignore").write_text("*.md\n!KEEP.md\n")
    rows = explain(path, workspace, "src/main.py", "src/lock", "src/go.mod", "Makefile", "README.md",
                   "KEEP.md", ".git/HEAD", "../x", str(workspace / "src" / "gone"))
    assert [r["path"] for r in rows][:2] == ["src/main.py", "src/lock"]
    assert [(r["class"], r["reason"]) for r in rows] == [
        ("Update", "Sync"), ("Update", "Sync"), ("Rebuild", "FallBackOn"),
        ("Rebuild", "NoMatchingSync"), ("Ignored", "IgnoredByFile"), ("Rebuild", "NoMatchingSync"),
        ("Ignored", "GitDirectory"), ("Unwatched", "OutsideRoots"), ("Update", "Sync")]
    assert rows[0]["destination"] == "/app/main.py" and rows[0]["runs"] == ["/app/setup.sh"]
    assert rows[1]["runs"] == ["/app/setup.sh", "npm install"]
    assert rows[0]["restart"] is True and rows[2]["restart"] is False
    assert rows[2]["destination"] is None and rows[2]["runs"] == []
    assert {r["liveUpdate"] for r in rows} == {"web"}
    assert set(rows[0]) == {"path", "class", "reason", "liveUpdate", "destination", "runs",
                            "restart"}


@pytest.mark.parametrize("policy", ["Ignore", "Warn"])
def test_explain_says_unmatched(file, tmp_path, policy):
    path = file(document([SYNC], images=[{"image": "web", "context": "."}], onUnmatched=policy))
    (row,) = explain(path, tmp_path, "Makefile")
    assert (row["class"], row["reason"]) == ("Unmatched", "NoMatchingSync")


def test_the_reference_examples_are_explained(file, tmp_path):
    path = file(document(
        [{"sync": {"localPath": "./src", "containerPath": "/app"}},
         {"run": {"command": "/app/setup.sh"}},
         {"run": {"command": "cd /app/web && yarn install", "triggers": ["./src/web/yarn.lock"]}},
         {"run": {"command": "/app/run_configs.sh",
                  "triggers": ["./configs/foo.yaml", "./configs/bar.yaml"]}}],
        images=[{"image": "my-img", "context": "."}]))
    main, lock, foo = explain(path, tmp_path, "src/main.py", "src/web/yarn.lock",
                              "configs/foo.yaml")
    assert main["runs"] == ["/app/setup.sh"]
    assert lock["runs"] == ["/app/setup.sh", "cd /app/web && yarn install"]
    assert (foo["class"], foo["runs"]) == ("Rebuild", [])


def test_text_explains_for_people(file, tmp_path):
    done = sluice("explain", "-f", file(document([SYNC, RUN])), "--workspace", str(tmp_path),
                  "src/a")
    assert done.returncode == 0
    assert "/app/a" in done.stdout and "make" in done.stdout


def test_crds_are_printed_as_yaml():
    done = sluice("crds")
    assert done.returncode == 0
    assert [d["metadata"]["name"] for d in yaml.safe_load_all(done.stdout)] == [
        "liveupdates.sluice.dev", "liveupdatesteps.sluice.dev"]


@pytest.mark.parametrize("args, code, words", [
    (["version"], 0, "sluice 0."),
    (["help"], 0, "sluice run"),
    (["run", "--help"], 0, "--workspace"),
    (["frobnicate"], 2, "frobnicate"),
    (["validate"], 2, "-f"),
    (["validate", "--listen", "x", "-f", "y"], 2, "--listen"),
    (["validate", "-f", "/nowhere/at/all.yaml"], 2, "/nowhere/at/all.yaml"),
    (["run", "--log-format=xml", "-f", "y"], 2, "xml"),
    (["run", "-f", "x", "name"], 2, "either"),
    (["explain", "x"], 2, "explain"),
])
def test_usage_has_its_exit_codes(args, code, words):
    done = sluice(*args)
    assert done.returncode == code, done
    assert words in done.stdout + done.stderr
