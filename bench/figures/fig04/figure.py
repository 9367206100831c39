# SPDX-License-Identifier: BSD-3-Clause
"""The paper's figure 4: kinds of guests beside containers and processes."""
import os

from lib.figure import Figure

FIGURE = Figure(
    os.path.dirname(__file__), "Figure 4: creation and boot of the n-th guest, by its kind",
    [("LightVM/noop", 300, 50), ("LightVM/daytime", 300, 50),
     ("chaos[NoXS]/noop", 300, 50), ("chaos[NoXS]/daytime", 300, 50),
     ("xl/daytime", 50, 5), ("xl/Debian", 10, 1), ("chaos[XS]/Debian", 10, 1),
     ("docker@linux/none", 50, 5), ("docker@linux/bridge", 30, 4),
     ("docker-api@linux/none", 100, 5), ("docker-api@linux/bridge", 50, 4),
     ("runc@linux/container", 100, 20), ("crun@linux/container", 100, 20),
     ("process@linux/empty", 300, 100)])
