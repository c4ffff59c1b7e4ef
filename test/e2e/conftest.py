# SPDX-License-Identifier: Apache-2.0
"""The scenarios on a real Kubernetes: the cluster of $KUBECONFIG, by hack/cluster."""

import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "scenarios")]

from world import World  # noqa: E402


class RealCluster:
    name = "real"

    def __init__(self):
        self.kubeconfig = os.environ["KUBECONFIG"]


@pytest.fixture(scope="session")
def cluster():
    return RealCluster()


@pytest.fixture
def world(cluster, tmp_path):
    w = World(cluster, tmp_path)
    yield w
    w.close()
