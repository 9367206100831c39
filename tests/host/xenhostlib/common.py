# SPDX-License-Identifier: BSD-3-Clause
"""Paths, the error that ends a command in one line, and progress lines."""
import os
import pathlib
import sys
import time

os.environ["PATH"] += ":/usr/sbin:/sbin"  # of users other than root
HERE = pathlib.Path(__file__).resolve().parent.parent
TREE = HERE.parent.parent
CACHE = pathlib.Path(
    os.environ.get("CHAOS_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "chaos"
)
BUILD = pathlib.Path(os.environ.get("CHAOS_BUILD") or TREE / "build")


class HostError(Exception):
    """What failed, on what, why, and what to do, in one line."""


def note(text):
    print(f"xenhost: {text}", file=sys.stderr, flush=True)


class Stopwatch:
    def __init__(self):
        self.start = time.monotonic()

    def __str__(self):
        return f"{time.monotonic() - self.start:.1f} s"
