# SPDX-License-Identifier: Apache-2.0
"""The scenarios on the stand-in, once with each version of the stream protocol."""

import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "scenarios")]

from program import Program  # noqa: E402
from world import World  # noqa: E402


class StandIn:
    """One stand-in for a whole session of tests; each test has a namespace of its own."""

    def __init__(self, folder, protocols):
        self.name = "standin-" + protocols
        self.kubeconfig = os.path.join(folder, "kubeconfig")
        self.program = Program(
            [os.environ.get("STANDIN_BIN", "build/test/standin/standin"), "--listen",
             "127.0.0.1:0", "--state", os.path.join(folder, "state"), "--kubeconfig",
             self.kubeconfig, "--protocols", protocols, "--restart-backoff-ms", "10",
             "--die-with-parent"],
            log=os.path.join(folder, "standin.log"))
        self.program.wait_for(
            lambda: [x for x in self.program.lines if x.startswith("standin ready")], 30,
            "the stand-in")


@pytest.fixture(scope="session", params=["v4", "v5"])
def cluster(request, tmp_path_factory):
    standin = StandIn(str(tmp_path_factory.mktemp("standin")), request.param)
    yield standin
    standin.program.stop()


@pytest.fixture
def world(cluster, tmp_path):
    w = World(cluster, tmp_path)
    yield w
    w.close()
