# SPDX-License-Identifier: BSD-3-Clause
"""Creation and boot time of the n-th guest: xl, chaos, a plain process."""
import os

from lib.figure import Figure

FIGURE = Figure(
    os.path.dirname(__file__), "Creation of the n-th guest, one after another, on one emulated Xen host",
    [("process@dom0/empty", 500, 200), ("process@dom0/empty-musl", 500, 200),
     ("chaos[NoXS]/noop", 500, 200), ("chaos[NoXS]/daytime", 500, 100),
     ("xl/noop", 100, 20), ("xl/daytime", 50, 10)],
    xlabel="n-th guest (xl's series is shorter)", baselines=False, destroy=True)
