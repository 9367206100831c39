# SPDX-License-Identifier: BSD-3-Clause
"""The paper's figure 12 (a): saving ten of N guests."""
import os

from lib.rounds import Checkpoints

FIGURE = Checkpoints(os.path.dirname(__file__), "Figure 12a: saving ten of N guests", "save_ms")
