# SPDX-License-Identifier: Apache-2.0
"""Every scenario, on the stand-in, v4 and v5."""

from cluster_objects import *  # noqa: F401,F403
from content import *  # noqa: F401,F403
from reference import *  # noqa: F401,F403
from runs import *  # noqa: F401,F403
from targets import *  # noqa: F401,F403
