# SPDX-License-Identifier: BSD-3-Clause
"""How many guests a second the daemon makes, and how soon it answers."""
import os

from lib import plot, series
from lib.figure import Figure
from lib.stats import percentile

TOTALS = ("answered_ms", "full_ms", "hits", "misses")
RATES = ["system", "guest", "creates", *TOTALS, "per_second", "p50_ms", "p99_ms"]


class Throughput(Figure):
    def measure(self, row, count, options):
        if row.key not in self.subjects:
            return super().measure(row, count, options)
        with series.host_of(self.name, row) as host:
            series.prepared(host, row.system)
            totals, _, rest = host.exec(*series.command(row.system, count)).partition("\n")
        totals = dict(word.split("=") for word in totals.split()[1:])
        return [{**sample, **totals} for sample in series.samples_of(rest)]

    def rates(self, results):
        """Creates a second until the pools are full again; none for requests with rests between."""
        for row, samples in results:
            if row.key in self.subjects:
                times = series.column(samples, "create_ms")
                count = int(samples[-1]["n"])
                rate = count / float(samples[0]["full_ms"]) * 1000
                yield row, [row.system.system, row.system.guest, count,
                            *(samples[0][name] for name in TOTALS),
                            "" if "-g" in row.system.client else f"{rate:.1f}",
                            f"{percentile(times, 50):.4f}", f"{percentile(times, 99):.4f}"]

    def extra(self, out, results):
        rows = [values for _, values in self.rates(results)]
        if not rows:
            return []
        series.write_csv(os.path.join(out, "rates.csv"), RATES, rows)
        lines = ["", "requests to the daemon (plain: milliseconds of the wall clock); a second counts until the "
                 "pool is full again:",
                 f"{'':<44}{'creates':>8}{'a second':>10}{'p50':>9}{'p99':>9}{'hits':>7}{'misses':>8}"]
        for system, guest, creates, _, _, hits, misses, rate, p50, p99 in rows:
            lines.append(f"{system + ' ' + guest:<44}{creates:>8}{rate:>10}{p50:>9}{p99:>9}"
                         f"{hits:>7}{misses:>8}")
        return lines

    def draw(self, out, results):
        shown = [(row, series.column(samples, "create_ms")) for row, samples in results
                 if "-r" not in row.system.client]
        plot.ranges(os.path.join(out, self.name), f"{self.title}\ndots: medians; lines: to the 99th percentile", [
            (f"{row.system.system} {row.system.guest}", row.system.color, percentile(times, 50), percentile(times, 99))
            for row, times in shown], f"{plot.UNIT}; 'plain': of the wall clock")
        bars = {}
        for row, values in self.rates(results):
            rate = values[RATES.index("per_second")]
            if rate and not row.system.plain:
                bars[f"{values[0]} {values[1]}"] = [float(rate)]
        for sample in plot.reference(self.folder):
            bars[f"{sample['system']} {sample['guest']}"] = [float(sample["per_second"])]
        plot.stacked(os.path.join(out, f"{self.name}-rate"), "Creates sustained, refill included",
                     [("a second", "#377eb8")], [("", list(bars.items()))],
                     "creates a (virtual) second")


FIGURE = Throughput(
    os.path.dirname(__file__), "Answers of the daemon to requests for guests",
    [("LightVM[warm] paced/noop", 200, 50), ("LightVM paced/noop", 200, 50),
     ("LightVM[warm] paced/daytime", 200, 50), ("LightVM paced/daytime", 200, 50),
     ("LightVM 1 client/noop", 1000, 300), ("LightVM 8 clients/noop", 1000, 300),
     ("LightVM[warm] 1 client/noop", 1000, 300), ("LightVM[warm] 8 clients/noop", 1000, 300),
     ("LightVM 1 client/daytime", 500, 150), ("LightVM 8 clients/daytime", 500, 150),
     ("LightVM refill/noop", 1000, 500), ("LightVM refill/daytime", 500, 250),
     ("LightVM[warm] refill/noop", 1000, 500),
     ("LightVM 8 clients plain/noop", 1000, 300),
     ("LightVM 8 clients plain/daytime", 500, 150)],
    xlabel="n-th request")
