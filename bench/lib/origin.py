# SPDX-License-Identifier: BSD-3-Clause
"""What was measured: the commit of this tree."""
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def git(*words):
    return subprocess.run(["git", "-C", ROOT, *words], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def commit():
    """Its hash; "and more" when files that git knows are not as they are in it."""
    return git("rev-parse", "--short=12", "HEAD") + (" and more" if git("status", "--porcelain", "-uno") else "")
