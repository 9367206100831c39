# SPDX-License-Identifier: BSD-3-Clause
"""The paper's figure 5: where the time of a create goes."""
import json
import os
import statistics
from dataclasses import replace

from lib import plot, series
from lib.figure import Figure
from lib.stats import tenths
from lib.systems import BENCH, CHAOS, XENSTORE

PARTS = (("parsing", "#4daf4a"), ("hypervisor", "#377eb8"), ("XenStore", "#e41a1c"),
         ("devices", "#984ea3"), ("load", "#ff7f00"), ("toolstack", "#ffdd55"),
         ("process", "#999999"))
NAMES = [name for name, _ in PARTS]
SHIM = f"{BENCH}/bench-xl-phases.so"
PHASES = "/run/bench-phases"
DRY_RUNS = 10

# The steps of `chaos create --timing`; docs/architecture.md says what they do. All others: toolstack.
STEPS = {
    "image": "load", "load": "load", "domain": "hypervisor", "vcpus": "hypervisor",
    "memory": "hypervisor", "vcpu": "hypervisor", "start": "hypervisor", "devices": "devices",
    "hotplug": "devices",
}
# There, the devices are made by writing to the XenStore, and waited for.
STEPS_XENSTORE = {**STEPS, "devices": "XenStore"}


def objects(text):
    """JSON objects one after another."""
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        found, end = decoder.raw_decode(text)
        yield found
        text = text[end:]


class Breakdown(Figure):
    def measure(self, row, count, options):
        if row.key not in self.subjects:
            return super().measure(row, count, options)
        is_xl = row.system.system.startswith("xl")
        how = self.measure_xl if is_xl else self.measure_chaos
        with series.host_of(self.name, row) as host:
            series.prepared(host, row.system)
            samples, parts = how(host, row.system, count)
        if is_xl:
            samples = self.without_shim(samples, super().measure(row, count, options))
        for sample, part in zip(samples, parts, strict=True):
            part["process"] = float(sample["create_ms"]) - sum(part.values())
            sample.update({name: f"{part.get(name, 0):.4f}" for name in NAMES})
        return samples

    @staticmethod
    def without_shim(samples, bare):
        """The same series on another host gives the times of creates; what they took longer with the shim
        is the shim's, and in no category."""
        for with_shim, sample in zip(samples, bare, strict=True):
            sample["shim"] = f"{float(with_shim['create_ms']) - float(sample['create_ms']):.4f}"
        return bare

    def measure_xl(self, host, system, count):
        """src/xl_phases.c, preloaded into xl, says it."""
        samples = series.samples_of(host.exec(
            "env", f"LD_PRELOAD={SHIM}", f"BENCH_PHASES={PHASES}",
            *series.command(system, count, "-s")))
        lines = host.exec("tail", "-n", str(count), PHASES).splitlines()
        return samples, [dict(zip(NAMES, map(float, line.split(",")))) for line in lines]

    def measure_chaos(self, host, system, count):
        """--timing says it; parsing is what a dry run takes longer than an empty process. chaosd
        parses by itself, and does not tell: that time stays in what is left, the process."""
        timed = replace(system, create=(*system.create, "--timing=json"))
        samples = series.samples_of(host.exec(
            *series.command(timed, count, "-s", "-o", PHASES)))
        parsing = 0 if system.system.startswith("LightVM") else self.parsing(host, system)
        steps = STEPS_XENSTORE if XENSTORE in system.create else STEPS
        parts = []
        for timing in objects(host.exec("cat", PHASES)):
            part = {"parsing": parsing}
            for step, us in timing["us"].items():
                if step != "total":
                    name = steps.get(step, "toolstack")
                    part[name] = part.get(name, 0) + us / 1000
            parts.append(part)
        return samples, parts

    def parsing(self, host, system):
        dry_run = (CHAOS, "create", "--dryrun", *system.create[2:])
        return self.median_of(host, dry_run) - self.median_of(host, (f"{BENCH}/bench-empty-musl",))

    @staticmethod
    def median_of(host, command):
        samples = series.samples_of(host.exec(f"{BENCH}/bench-series", "-n", str(DRY_RUNS),
                                              "create", *command, ";"))
        return statistics.median(series.column(samples, "create_ms"))

    def bars(self, row, samples):
        """Medians of the first and of the last tenth of the guests."""
        first, last = tenths(samples)
        for part in [first] if first == last else [first, last]:
            numbers = f"{part[0]['n']}" + (f"-{part[-1]['n']}" if len(part) > 1 else "")
            yield (f"{row.system.system} {row.system.guest} {numbers}",
                   [statistics.median(series.column(part, name)) for name in NAMES])

    def extra(self, out, results):
        results = [pair for pair in results if pair[0].key in self.subjects]
        series.write_csv(
            os.path.join(out, "breakdown.csv"), ["system", "guest", "n", "category", "ms"],
            [[row.system.system, row.system.guest, sample["n"], name, sample[name]]
             for row, samples in results for sample in samples for name in NAMES])
        lines = ["", "breakdown of create, medians of the first and of the last tenth:",
                 " " * 34 + "".join(f"{name:>12}" for name in NAMES)]
        for row, samples in results:
            for label, values in self.bars(row, samples):
                lines.append(f"{label:<34}" + "".join(f"{value:>12.3f}" for value in values))
        lines += ["", "what the shim adds to a create, and is in none of these:"]
        for row, samples in results:
            added = series.column(samples, "shim")
            if added:
                lines.append(f"{row.key:<34}{statistics.median(added):>12.3f}")
        return lines

    def draw(self, out, results):
        panels = {"xl": [], "chaos on the XenStore": [], "chaos on noxs": []}
        for row, samples in results:
            if row.key in self.subjects:
                kind = ("xl" if row.system.system.startswith("xl") else
                        "chaos on the XenStore" if XENSTORE in row.system.create else "chaos on noxs")
                panels[kind] += self.bars(row, samples)
        plot.stacked(os.path.join(out, self.name), self.title, PARTS, list(panels.items()))


FIGURE = Breakdown(
    os.path.dirname(__file__), "Figure 5: where the time of a create goes",
    [("xl/daytime", 100, 5), ("xl (oxenstored)/daytime", 50, 3), ("xl/noop", 50, 5),
     ("chaos[XS]/daytime", 200, 20), ("chaos[NoXS]/daytime", 500, 50),
     ("LightVM/daytime", 500, 50), ("chaos[NoXS]/noop", 500, 50), ("LightVM/noop", 500, 50)])
