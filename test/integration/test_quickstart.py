# SPDX-License-Identifier: Apache-2.0
"""hack/quickstart: what a stranger runs first, with the programs of this build."""

import os
import re
import signal

import pytest
from program import Program

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVED = re.compile(r"^  (web-\S+)  served after \d+ ms$")


def programs():
    return {"SLUICE_BIN": os.path.abspath(os.environ.get("SLUICE_BIN", "build/controller/sluice")),
            "STANDIN_BIN": os.path.abspath(os.environ.get("STANDIN_BIN",
                                                          "build/test/standin/standin"))}


def mounts_below(folder):
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return [m for m in (line.split()[4] for line in f) if m.startswith(folder)]


def processes_of(folder):
    """The pids of all processes that were started with this folder as TMPDIR."""
    mark = b"TMPDIR=" + os.fsencode(folder)
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                if mark in f.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass  # it has ended, or is somebody else's
    return found


@pytest.fixture
def scratch(tmp_path):
    """Where a quickstart keeps its files. Afterwards nothing is left: no file, process or mount."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    yield str(folder)
    assert os.listdir(folder) == []
    assert processes_of(folder) == []
    assert mounts_below(str(folder)) == []


def quickstart(scratch, *args, **env):
    return Program([os.path.join(ROOT, "hack", "quickstart"), *args],
                   env={**programs(), "TMPDIR": scratch, **env}, log=scratch + ".log")


def replicas(program):
    return {m[1] for m in map(SERVED.match, program.lines) if m}


def test_every_replica_serves_the_edited_page_and_nothing_is_left(scratch):
    program = quickstart(scratch, "--once")
    program.process.wait(120)
    assert program.stop() == 0
    assert len(replicas(program)) == 3


def test_an_own_edit_is_synced_until_an_interrupt_ends_everything(scratch):
    program = quickstart(scratch)
    program.wait_for(lambda: any("Ctrl-C" in x for x in program.lines), 120, "the invitation")
    assert processes_of(scratch) != []
    page = next(x.strip() for x in program.lines if x.endswith("/src/index.html"))
    with open(page, "w", encoding="utf-8") as f:
        f.write("<h1>mine</h1>\n")
    program.wait_for(lambda: any("1 file → 3 pods" in x for x in program.lines), 30, "the update")
    assert program.stop(signal.SIGINT) == 0


def test_a_sluice_that_ends_is_a_failure_that_shows_what_it_said(scratch):
    broken = scratch + ".sluice"
    with open(broken, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\necho this is the reason >&2\nexit 1\n")
    os.chmod(broken, 0o755)
    program = quickstart(scratch, "--once", SLUICE_BIN=broken)
    program.process.wait(120)
    assert program.stop() == 1
    assert replicas(program) == set()
    with open(scratch + ".log", encoding="utf-8") as f:
        assert "this is the reason" in f.read()
