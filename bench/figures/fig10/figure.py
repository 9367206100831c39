# SPDX-License-Identifier: BSD-3-Clause
"""The paper's figure 10: how many guests and containers run at once, and what each takes."""
import os

from lib import plot, series
from lib.figure import MARKS, Figure
from lib.host import HostError

SLICES = 20  # memory is looked at so many times in a series
SPARE_KIB = 192 << 10  # with less left Linux throws out, and reads again and again, the programs that run
ERRORS = "/run/bench-errors"
MEMORY = """awk '/^MemAvailable:/ { print $2 }' /proc/meminfo
[ ! -d /proc/xen ] || /root/tests/xen-free"""


def free_kib(host):
    """What Linux, and the hypervisor if there is one, have left."""
    return [int(line) for line in host.shell(MEMORY).split()]


def slices(count):
    size = -(-count // SLICES)
    return [(first, min(size, count - first + 1)) for first in range(1, count + 1, size)]


def memory_points(samples):
    """(n, KiB used by n guests), from the first point on."""
    found = [(int(s["n"]), -int(s["free_kib"])) for s in samples if s["free_kib"]]
    return [(n, used - found[0][1]) for n, used in found]


def ends_for_memory(before, now):
    """One of the two does not have what as many again will take."""
    return any(left - SPARE_KIB < had - left for had, left in zip(before or now, now))


def per_guest(samples):
    points = memory_points(samples)
    (n0, _), (n1, used) = points[0], points[-1]
    return used / (n1 - n0) if n1 > n0 else None


class Density(Figure):
    def measure(self, row, count, options):
        if row.key not in self.subjects:
            return super().measure(row, count, options)
        samples, free = [], None
        with series.host_of(self.name, row) as host:
            series.prepared(host, row.system)
            for first, size in slices(count):
                part, why = self.slice(host, row.system, first, size)
                samples += [{**sample, "free_kib": "", "ends": ""} for sample in part]
                if not samples:
                    raise HostError(why)
                if not why:
                    before, free = free, free_kib(host)
                    samples[-1]["free_kib"] = sum(free)
                    if first + size <= count and ends_for_memory(before, free):
                        why = f"memory is used up: {min(free) >> 10} MiB are left"
                print(f"  {row.key}: {samples[-1]['n']} of {count} {why}", flush=True)
                if why:  # as far as they go
                    samples[-1]["ends"] = why
                    break
        return samples

    @staticmethod
    def slice(host, system, first, size):
        """The samples of some more, and why it are not as many."""
        command = series.command(system, size, "-s", "-f", str(first))
        try:
            return series.samples_of(host.exec("sh", "-c", f'exec "$@" 2>{ERRORS}', "slice", *command)), ""
        except HostError as error:
            try:
                why = " / ".join(host.shell(f"tail -n 3 {ERRORS}").splitlines())
            except HostError as worse:
                why = f"the host is gone: {worse}"
            return series.samples_of(error.output), why or str(error)

    def extra(self, out, results):
        results = [pair for pair in results if pair[0].key in self.subjects]
        series.write_csv(
            os.path.join(out, "memory.csv"), ["system", "guest", "n", "free_kib"],
            [[row.system.system, row.system.guest, sample["n"], sample["free_kib"]]
             for row, samples in results for sample in samples if sample["free_kib"]])
        lines = ["", "memory of each, hypervisor and Linux included:"]
        for row, samples in results:
            used = per_guest(samples)
            if used is not None:
                lines.append(f"{row.key:<30} up to {samples[-1]['n']:>5}: {used:>9.1f} KiB each")
        lines += ["", "why a series ends where it does:"]
        for row, samples in results:
            lines.append(f"{row.key:<30} at {samples[-1]['n']:>5}: "
                         f"{samples[-1].get('ends') or 'more were not asked for'}")
        return lines

    def draw(self, out, results):
        super().draw(out, results)
        plot.curves(os.path.join(out, f"{self.name}-memory"), [
            plot.Curve(f"{row.system.system} {row.system.guest}",
                       [(n, used / 1024) for n, used in memory_points(samples)],
                       f'linespoints pt {MARKS[row.system.host][0]} ps 0.5 lc rgb "{row.system.color}"')
            for row, samples in results if row.key in self.subjects],
            "set title 'Memory that n guests or containers take'",
            f"set xlabel {plot.text_of(self.xlabel)}",
            "set ylabel 'MiB more than at the first point'", "set logscale xy")


FIGURE = Density(
    os.path.dirname(__file__), "Figure 10: guests and containers running at once",
    [("LightVM/noop", 8000, 500, 12), ("chaos[NoXS]/noop", 8000, 200, 12),
     ("docker-api@linux/none", 1000, 20, 12), ("docker-api@dom0/none", 400, 20),
     ("docker@linux/none", 100, 5),
     ("runc@linux/container", 2000, 40, 12), ("runc@dom0/container", 4000, 40),
     ("crun@linux/container", 8000, 40, 12), ("crun@dom0/container", 4000, 40)])
