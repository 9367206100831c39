# SPDX-License-Identifier: BSD-3-Clause
"""The paper's figure 12 (b): restoring ten of N guests."""
import os

from lib.rounds import Checkpoints

FIGURE = Checkpoints(os.path.dirname(__file__), "Figure 12b: restoring ten of N guests",
                     "restore_ms", "answer_ms")
