# SPDX-License-Identifier: BSD-3-Clause
"""What a client sees of a guest that is saved, restored and migrated."""
import os
import statistics

from lib import plot, series
from lib.figure import Figure
from lib.systems import BENCH

ADDRESS = "10.1.0.12"  # of guest 1: src/common.c


class Downtime(Figure):
    measures = (("command", "command_ms"), ("ping", "ping_gap_ms"), ("TCP", "tcp_gap_ms"))
    also = ()

    def measure(self, row, count, _options):
        words = [f"{BENCH}/bench-downtime", "-n", str(count), ADDRESS]
        for command in row.system.moves:
            words += ["run", *(word.replace("{n}", "1") for word in command), ";"]
        if row.system.returned:
            words += ["back", *(word.replace("{n}", "1") for word in row.system.returned), ";"]
        with series.host_of(self.name, row) as host:
            series.prepared(host, row.system)
            host.exec(*series.command(row.system, 1, "-s"))
            return series.samples_of(host.exec(*words))

    def draw(self, out, results):
        panels = [(f"{what} to {kind}", [
            (row.system.system, [statistics.median(series.column(samples, column))])
            for row, samples in results if row.system.system.startswith("xl") == (kind == "xl's")])
            for what, column in self.measures[1:] for kind in ("ours", "xl's")]
        plot.stacked(os.path.join(out, self.name), self.title, [("median", "#377eb8")], panels)


FIGURE = Downtime(
    os.path.dirname(__file__), "What a client sees of a guest that is moved about: longest time without an answer",
    [("nothing for 20 ms/tcpecho", 20, 3), ("chaos pause for 20 ms/tcpecho", 20, 3),
     ("LightVM save -c/tcpecho", 20, 5), ("LightVM save + restore/tcpecho", 20, 5),
     ("chaos[NoXS] save -c/tcpecho", 20, 5), ("chaos[NoXS] save + restore/tcpecho", 20, 5),
     ("chaos[XS] save -c/tcpecho", 20, 5), ("chaos[XS] save + restore/tcpecho", 20, 5),
     ("xl save -c/tcpecho", 10, 3), ("xl save + restore/tcpecho", 10, 3),
     ("LightVM migrate/tcpecho", 20, 5), ("chaos[XS+split] migrate/tcpecho", 20, 5), ("xl migrate/tcpecho", 10, 3)],
    baselines=False)
