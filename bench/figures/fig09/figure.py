# SPDX-License-Identifier: BSD-3-Clause
"""The paper's figure 9: all combinations of the mechanisms."""
import os

from lib.figure import Figure

FIGURE = Figure(
    os.path.dirname(__file__), "Figure 9: creation of the n-th guest with each of the mechanisms",
    [("xl/daytime", 200, 10), ("xl (oxenstored)/daytime", 100, 5),
     ("chaos[XS]/daytime", 500, 20), ("chaos[XS+split]/daytime", 500, 20),
     ("chaos[NoXS]/daytime", 1000, 100, 6), ("LightVM/daytime", 1000, 100, 6),
     ("LightVM[warm]/daytime", 1000, 100, 6),
     ("xl/noop", 100, 10), ("chaos[XS]/noop", 500, 20), ("chaos[NoXS]/noop", 1000, 100), ("LightVM/noop", 1000, 100),
     ("LightVM[warm]/noop", 1000, 100)])
