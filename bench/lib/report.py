# SPDX-License-Identifier: BSD-3-Clause
"""What is said of a run in words: medians, p99, growth, and ratios to containers and processes."""
import os

from lib.series import column
from lib.stats import summary

DESTROY = ("destroy", "destroy_ms")


def table(results, measures):
    """What is said of each system's samples; measures are names, and columns of the samples."""
    lines = [f"{'virtual ms':<44}{'N':>6}{'median':>10}{'p99':>10}{'last/first tenth':>18}"]
    for row, samples in results:
        for what, name in measures:
            values = column(samples, name)
            if values:
                said = summary(values)
                title = f"{row.system.system} {row.system.guest}, {what}"
                lines.append(f"{title:<44}{said['n']:>6}{said['median']:>10.3f}{said['p99']:>10.3f}"
                             f"{said['growth']:>18.3f}")
    return lines


def medians(results, name):
    found = {}
    for row, samples in results:
        values = column(samples, name)
        if values:
            found[row.key] = summary(values)["median"]
    return found


def ratios(results, subjects, references, measure):
    """How many times as long a reference takes as a subject, by medians of this run."""
    what, name = measure
    median = medians(results, name)
    subjects = [key for key in subjects if key in median and "@" not in key]  # guests
    references = [key for key in references if key in median]
    if not subjects or not references:
        return []
    width = max(len(key) for key in subjects) + 3
    column = max(24, *(len(key) + 2 for key in references))
    lines = ["", f"median {what} of a column's system over that of the row's, in this run:"]
    for start in range(0, len(references), 5):
        part = references[start:start + 5]
        lines.append(" " * width + "".join(f"{key:>{column}}" for key in part))
        for key in subjects:
            lines.append(f"{key:<{width}}" + "".join(
                f"{median[reference] / median[key]:>{column}.3g}" for reference in part))
    return lines


def origins(runs):
    """At which commit the rows were measured, and how long that takes."""
    found, cpu_s = {}, 0
    for row, (run, *_) in [pair for pair in runs if pair[1]]:
        found.setdefault(run["commit"], []).append(row.key)
        cpu_s += float(run["cpu_s"])
    lines = ["", f"{cpu_s / 60:.1f} minutes of a processor; measured at"]
    for commit, keys in found.items():
        named = "all rows" if len(found) == 1 else ", ".join(keys)
        lines.append(f"commit {commit}: {named}")
    return lines if found else []


def write(folder, lines):
    text = "\n".join(lines) + "\n"
    with open(os.path.join(folder, "summary.txt"), "w", encoding="utf-8") as out:
        out.write(text)
    print("\n" + text, end="")
