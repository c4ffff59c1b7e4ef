# SPDX-License-Identifier: Apache-2.0
"""kube/exec.h against the stand-in, through exec-tool: what a person would see, fault by fault.

Programs: $EXEC_TOOL_BIN and $STANDIN_BIN, by default those below build/.
"""

import json
import os
import re
import ssl
import subprocess
import time
import urllib.request

import pytest

TOOL = os.environ.get("EXEC_TOOL_BIN", "build/test/integration/exec-tool")
STANDIN = os.environ.get("STANDIN_BIN", "build/test/standin/standin")
UNKNOWN, REFUSED = 124, 125

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "containers": [
            {
                "name": "app",
                "image": "localhost/busybox:1",
                "command": ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"],
            }
        ]
    },
}


class Server:
    """One stand-in with one running pod, and a way to ask it for faults."""

    def __init__(self, directory, protocols):
        self.kubeconfig = directory / "kubeconfig"
        self.process = subprocess.Popen(
            [STANDIN, "--state", directory / "state", "--kubeconfig", self.kubeconfig]
            + ["--protocols", protocols, "--token", "secret", "--log", directory / "log"]
            + ["--die-with-parent"],
            stdout=subprocess.DEVNULL,
        )
        self.wait_for(lambda: self.kubeconfig.exists() and "server:" in self.kubeconfig.read_text())
        self.url = re.search(r"server: (\S+)", self.kubeconfig.read_text())[1].strip('"')
        self.call("POST", "/api/v1/namespaces/default/pods", POD)
        path = "/api/v1/namespaces/default/pods/web"
        self.wait_for(lambda: self.call("GET", path)["status"].get("phase") == "Running")

    def wait_for(self, condition):
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline and self.process.poll() is None
            os.sched_yield()

    def call(self, method, path, body=None):
        # The tool verifies the server's certificate; this helper only talks to 127.0.0.1.
        context = ssl._create_unverified_context()
        data = json.dumps(body).encode() if body else None
        headers = {"Authorization": "Bearer secret", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, context=context) as answer:
            return json.loads(answer.read())

    def fault(self, kind, **numbers):
        self.call("POST", "/standin/faults", {"kind": kind, "match": "/exec", **numbers})

    def run(self, *arguments, options=(), stdin=b"", container="app", pod="web", kubeconfig=None):
        return subprocess.run(
            [TOOL, *options, "default", pod, container, "--", *arguments],
            input=stdin,
            capture_output=True,
            timeout=30,
            env={**os.environ, "KUBECONFIG": str(kubeconfig or self.kubeconfig)},
        )


@pytest.fixture(scope="module", params=["v5", "v4"])
def running(request, tmp_path_factory):
    protocols = {"v5": "v5,v4", "v4": "v4"}[request.param]
    server = Server(tmp_path_factory.mktemp(request.param), protocols)
    server.protocol = request.param
    yield server
    server.process.terminate()
    assert server.process.wait(timeout=10) == 0


@pytest.fixture
def server(running):
    yield running
    running.call("DELETE", "/standin/faults")
    assert running.call("GET", "/standin/violations") == {}


@pytest.mark.parametrize("code", [0, 1, 2, 127, 255])
def test_exit_codes(server, code):
    r = server.run("sh", "-c", f"echo out; echo err >&2; exit {code}")
    assert r.returncode == code
    assert r.stdout == b"out\n"
    assert r.stderr.startswith(b"err\n")
    assert code == 0 or f"protocol={server.protocol}".encode() in r.stderr


def test_half_close_ends_cat_on_v5(server):
    if server.protocol != "v5":
        pytest.skip("v4 cannot say it")
    data = os.urandom(3_000_001)
    r = server.run("cat", options=["-i"], stdin=data)
    assert (r.returncode, r.stdout) == (0, data)


def test_counted_input_needs_no_half_close(server):
    data = os.urandom(3_000_001)
    r = server.run("head", "-c", str(len(data)), options=["-i"], stdin=data)
    assert (r.returncode, r.stdout) == (0, data)


@pytest.mark.parametrize(
    "where, says",
    [
        ({"container": "nope"}, b"http=400 reason=BadRequest retryable=no"),
        ({"pod": "gone"}, b"http=404 reason=NotFound retryable=no"),
    ],
)
def test_what_is_not_there(server, where, says):
    r = server.run("true", **where)
    assert r.returncode == REFUSED
    assert says in r.stderr


def test_missing_executable(server):
    r = server.run("/no/such")
    assert r.returncode == REFUSED
    assert b"reason=InternalError" in r.stderr and b"/no/such" in r.stderr


def test_wrong_token(server, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text(server.kubeconfig.read_text().replace("secret", "stale"))
    r = server.run("true", kubeconfig=wrong)
    assert r.returncode == REFUSED
    assert b"http=401" in r.stderr and b"retryable=no" in r.stderr
    assert b"stale" not in r.stderr


@pytest.mark.parametrize(
    "status, strikes, retryable",
    [(403, 0, "no"), (403, 1, "no"), (404, 0, "no"), (400, 1, "yes"), (429, 1, "yes")]
    + [(500, 1, "yes"), (500, 0, "yes"), (502, 0, "yes"), (503, 0, "yes"), (302, 0, "no")],
)
def test_refused_upgrades(server, status, strikes, retryable):
    server.fault("status", status=status, count=strikes)
    r = server.run("true")
    assert r.returncode == REFUSED
    assert f"http={status} ".encode() in r.stderr
    assert f"retryable={retryable} opened=no".encode() in r.stderr


def test_status_that_never_comes(server):
    server.fault("no-status")
    r = server.run("echo", "done", options=["-t", "500"])
    assert (r.returncode, r.stdout) == (UNKNOWN, b"done\n")
    assert b"no byte moved for 0.500 s" in r.stderr


@pytest.mark.parametrize("kind", ["cut-from-client", "cut-to-client"])
def test_cut_connection(server, kind):
    server.fault(kind, after_bytes=100_000)
    data = os.urandom(1_000_000)
    r = server.run("head", "-c", str(len(data)), options=["-i"], stdin=data)
    assert r.returncode == UNKNOWN
    assert b"without a Status" in r.stderr and b"retryable=yes" in r.stderr
    assert data.startswith(r.stdout)


def test_reset_before_the_answer(server):
    server.fault("close")
    r = server.run("true")
    assert r.returncode == REFUSED
    assert b"http=0 reason= retryable=yes opened=no" in r.stderr


def test_answer_that_is_too_late(server):
    server.fault("delay", ms=3000)
    r = server.run("true", options=["-T", "300"])
    assert r.returncode == UNKNOWN
    assert b"no connection for 0.300 s" in r.stderr


def test_server_that_stops_reading(server):
    server.fault("stall", after_bytes=100_000)
    data = bytes(20_000_000)
    r = server.run("head", "-c", str(len(data)), options=["-i", "-t", "500"], stdin=data)
    assert r.returncode == UNKNOWN
    assert b"no byte moved" in r.stderr


def test_nobody_listens(server, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(server.kubeconfig.read_text().replace(server.url, "https://127.0.0.1:9"))
    r = server.run("true", kubeconfig=elsewhere)
    assert r.returncode == REFUSED
    assert b"Connection refused" in r.stderr and b"retryable=yes" in r.stderr


def test_certificate_of_somebody_else(server, tmp_path):
    other = tmp_path / "other"
    text = server.kubeconfig.read_text().replace(server.url, server.url.replace("127.0.0.1", "[::1]"))
    other.write_text(re.sub(r"certificate-authority-data: .*", "tls-server-name: other.example",
                            text.replace("[::1]", "127.0.0.1")))
    r = server.run("true", kubeconfig=other)
    assert r.returncode == REFUSED
    assert b"certificate is not accepted" in r.stderr and b"retryable=no" in r.stderr


def test_a_command_too_long_for_a_url(server):
    r = server.run("echo", "x" * 2500)
    assert r.returncode == 2
    assert b"too long for an exec" in r.stderr


@pytest.mark.parametrize("when", ["start", "open", "output"])
@pytest.mark.parametrize("how", [(), ("-s",)])
def test_cancelling_at_any_time(server, when, how):
    r = server.run("sh", "-c", "echo x; exec sleep 1", options=["-n", "20", "-p", "20", "-x", when, *how])
    assert r.returncode == 0


def test_more_than_fit_into_one_container(server):
    r = server.run("true", options=["-n", "30", "-p", "30"])
    assert r.returncode == 0
    assert b"30 execs" in r.stderr
