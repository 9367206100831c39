# SPDX-License-Identifier: BSD-3-Clause
"""Ten of N guests, as the paper does it in its figures 12 and 13: guests are created, ten more for
each round; ten of all, chosen at random, are taken away one after another, and brought back."""
import statistics

from lib import report, series
from lib.figure import Figure
from lib.systems import BENCH, SIZES

STEP = 10


class Rounds(Figure):
    """A row's counts are how many guests there are in the last round. A figure says what it does to a
    guest (`commands`), and what the columns of bench-rounds are called in it (`names`)."""

    names = {}

    def __init__(self, folder, title, rows, together=None):
        super().__init__(folder, title, rows, baselines=False, together=together,
                         xlabel="guests running")

    def commands(self, system):
        """Options of bench-rounds, then pairs of its words and commands."""
        raise NotImplementedError

    def measure(self, row, count, _options):
        system = row.system
        options, commands = self.commands(system)
        words = [f"{BENCH}/bench-rounds", "-n", str(max(STEP, count - count % STEP)), "-s", str(STEP),
                 "-c", system.probe, *options, "create", *system.create, ";"]
        for name, command in commands:
            if command:
                words += [name, *command, ";"]
        with series.host_of(self.name, row) as host:
            series.prepared(host, system)
            samples = [{self.names.get(name, name): value for name, value in sample.items()}
                       for sample in series.samples_of(host.exec(*words))]
            self.look(host, system, samples)
        return samples

    def look(self, host, system, samples):
        """What else there is to see on the host at the end of a series."""

    def extra(self, _out, results):
        guests = [key for key in self.subjects if key.startswith(("LightVM", "chaos"))]
        others = [key for key in self.subjects if key not in guests]
        return [line for measure in self.measures
                for line in report.ratios(results, guests, others, measure)]


class Checkpoints(Rounds):
    """Figures 12a and 12b: what one run measures, drawn as two figures."""

    names = {"away_ms": "save_ms", "back_ms": "restore_ms", "back_up_ms": "answer_ms"}
    both = (("save", "save_ms"), ("restore", "restore_ms"), ("restore + answer", "answer_ms"))
    counts = (("LightVM/daytime", 1000, 100, 6), ("chaos[NoXS]/daytime", 1000, 100, 6),
              ("chaos[XS]/daytime", 1000, 20, 6), ("chaos[XS+split]/daytime", 300, 20),
              ("xl/daytime", 100, 10), ("runc[CRIU]@linux/container", 100, 20),
              ("docker[CRIU]@linux/none", 50, 10), ("docker[stop]@linux/none", 50, 10))

    def __init__(self, folder, title, *columns):
        self.measures = [measure for measure in self.both if measure[1] in columns]
        self.also = [measure for measure in self.both if measure[1] not in columns]
        super().__init__(folder, title, self.counts, together="fig12")

    def commands(self, system):
        return ("-b", system.restored or system.probe), (
            ("away", system.save), ("back", system.restore), ("after", system.forget))

    def look(self, host, _system, samples):
        """How large the checkpoints were; the first is that of the guest that warms up."""
        sizes = host.shell('cat "$1" 2>/dev/null || :', SIZES).split()[1:] or [""] * len(samples)
        for sample, size in zip(samples, sizes, strict=True):
            sample["file_kib"] = f"{int(size) / 1024:.1f}" if size else ""

    def extra(self, out, results):
        lines = ["", "KiB of a checkpoint, median and largest:"]
        for row, samples in results:
            found = series.column(samples, "file_kib")
            if found:
                lines.append(f"{row.key:<50}{statistics.median(found):>10.1f}{max(found):>10.1f}")
        return lines + super().extra(out, results)

    def draw(self, out, results):
        self.write_csv(out, results)  # the run may have been the other figure's
        super().draw(out, results)
