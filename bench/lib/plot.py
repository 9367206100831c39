# SPDX-License-Identifier: BSD-3-Clause
"""Draws with gnuplot, each figure as SVG and as PNG."""
import csv
import os
import shutil
import subprocess
from dataclasses import dataclass

TERMINALS = {
    "svg": 'svg size 1000,600 noenhanced font "sans,12" background "#ffffff"',
    "png": 'pngcairo size 1000,600 noenhanced font "sans,11" background "#ffffff"',
}
UNIT = "virtual ms (1 virtual ms = 10^6 instructions of the emulated host)"


class PlotError(Exception):
    """gnuplot is missing, or does not like what it is told."""


@dataclass
class Curve:
    title: str              # "": not in the key
    points: list            # of (x, y)
    style: str              # gnuplot's, as 'points pt 7 ps 0.4 lc rgb "#444444"'


def need_gnuplot():
    if not shutil.which("gnuplot"):
        raise PlotError("gnuplot draws the figures and is not installed: "
                        "apt-get install --no-install-recommends gnuplot-nox")


def text_of(words):
    escaped = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def gnuplot(script, path):
    need_gnuplot()
    for suffix, terminal in TERMINALS.items():
        whole = f"set terminal {terminal}\nset output {text_of_path(path + '.' + suffix)}\n{script}"
        done = subprocess.run(["gnuplot"], input=whole, text=True, check=False)
        if done.returncode:
            raise PlotError(f"gnuplot failed on {path}.{suffix}")


def text_of_path(path):
    return "'" + path.replace("'", "''") + "'"


def block(number, points):
    lines = "\n".join(" ".join(str(value) for value in point) for point in points)
    return f"$data{number} << END\n{lines}\nEND\n"


def curves(path, found, *settings):
    """Points and lines over a number of guests."""
    found = [curve for curve in found if curve.points]
    if not found:
        raise PlotError(f"nothing was measured for {path}")
    script = "".join(block(i, curve.points) for i, curve in enumerate(found))
    script += "set grid ytics mytics lc rgb '#dddddd'\nset key outside right maxcols 1 font ',9'\n"
    script += "\n".join(settings) + "\nplot " + ", ".join(
        f"$data{i} using 1:2 with {curve.style} "
        + (f"title {text_of(curve.title)}" if curve.title else "notitle")
        for i, curve in enumerate(found)) + "\n"
    gnuplot(script, path)


def reference(folder):
    """The paper's numbers: rows of reference.csv."""
    path = os.path.join(folder, "reference.csv")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


def points_of(samples, name):
    return [(int(sample["n"]), float(sample[name])) for sample in samples if sample.get(name)]


def ranges(path, title, found, xlabel):
    """One row each, from above, of (label, colour, low, high): a dot at low, and a line to high."""
    if not found:
        raise PlotError(f"nothing was measured for {path}")
    last = len(found) - 1
    script = "".join(block(i, [(low, last - i, low, high)]) for i, (_, _, low, high) in enumerate(found))
    tics = ", ".join(f"{text_of(label)} {last - i}" for i, (label, *_) in enumerate(found))
    script += (f"set title {text_of(title)}\nset xlabel {text_of(xlabel)}\nset logscale x\nunset key\n"
               f"set yrange [-0.7:{last + 0.7}]\nset ytics ({tics}) font ',10' scale 0\n"
               "set grid xtics mxtics lc rgb '#dddddd'\nplot " + ", ".join(
                   f"$data{i} using 1:2:3:4 with xerrorbars pt 7 ps 0.8 lw 2 lc rgb '{color}'"
                   for i, (_, color, *_) in enumerate(found)) + "\n")
    gnuplot(script, path)


def shares(counts, left=0.09, right=0.84, gap=0.07):
    """Where panels of so many bars begin and end, a part of the width each: all bars are about as wide."""
    weights = [count + 1 for count in counts]
    unit = (right - left - gap * (len(counts) - 1)) / sum(weights)
    for weight in weights:
        yield left, left + weight * unit
        left += weight * unit + gap


def stacked(path, title, parts, panels, ylabel="virtual ms"):
    """Bars side by side, each a stack of parts; panels of (title, [(label, values)]) have a scale of
    their own. parts: (name, colour)."""
    panels = [panel for panel in panels if panel[1]]
    if not panels:
        raise PlotError(f"nothing was measured for {path}")
    script = "".join(block(i, [(text_of(label), *values) for label, values in bars])
                     for i, (_, bars) in enumerate(panels))
    script += ("set style data histograms\nset style histogram rowstacked\n"
               "set style fill solid 0.9 border -1\nset boxwidth 0.7\nset yrange [0:*]\n"
               "set grid ytics lc rgb '#dddddd'\nset xtics rotate by 40 right font ',9' scale 0\n"
               "set tmargin at screen 0.87\nset bmargin at screen 0.27\n"
               f"set ylabel {text_of(ylabel)}\nset multiplot layout 1,{len(panels)} "
               f"title {text_of(title)}\n")
    for i, ((name, _), (left, right)) in enumerate(zip(panels, shares([len(bars) for _, bars in panels]))):
        script += (f"set title {text_of(name)}\nset lmargin at screen {left}\nset rmargin at screen {right}\n"
                   + ("unset key\n" if i or len(parts) == 1 else "set key at screen 0.99,0.87 right top invert\n"))
        script += "plot " + ", ".join(
            f"$data{i} using {column + 2}:xtic(1) lc rgb '{color}' title {text_of(part)}"
            for column, (part, color) in enumerate(parts)) + "\n"
    gnuplot(script + "unset multiplot\n", path)
