# SPDX-License-Identifier: BSD-3-Clause
"""What all figures do alike: options, and the steps prepare, run, plot, clean."""
import argparse
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from lib import host, origin, plot, report, series
from lib.systems import BASELINES, SYSTEMS

# gnuplot's points for the first two measures: dots and rings; containers in dom0 have those of Linux alone in another shape.
MARKS = {"dom0": (7, 6), "linux": (7, 6), "dom0 with containers": (9, 8)}
PAPER = (2, 1, 3, 4, 10, 12)  # and those of what the paper has
STEPS = ("prepare", "run", "plot", "clean", "save")
RESULTS = os.path.join(host.ROOT, "bench", "results")


def run_all(work, arguments, jobs):
    """work(*each), so many at a time; an interruption ends the hosts, and so the work."""
    pool = ThreadPoolExecutor(jobs)
    try:
        for future in [pool.submit(work, *each) for each in arguments]:
            future.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        host.remove_all()
        raise
    finally:
        pool.shutdown()


class Figure:
    """Series of creates, one row a system. A figure that measures otherwise overrides `measure`,
    and `measures`: names, and columns of its samples; one that draws otherwise `draw`; `extra` writes
    what else a figure says."""

    measures = (("create", "create_ms"), ("create + boot", "boot_ms"))
    also = (report.DESTROY,)  # is told in the summary, not drawn

    def __init__(self, folder, title, rows, baselines=True, destroy=False,
                 xlabel="n-th guest", together=None):
        """together: figures that the same runs measure have their results in one folder of that name."""
        self.folder = folder
        self.name = os.path.basename(folder)
        self.together = together or self.name
        self.title = title
        self.rows = [series.Row(*row) for row in rows]
        self.subjects = [row.key for row in self.rows]
        if baselines:
            self.rows += [series.Row(*row) for row in BASELINES if row[0] not in self.subjects]
        self.references = [key for key, _, _ in BASELINES] if baselines else []
        self.destroy = destroy
        self.xlabel = xlabel

    # ---- what a figure may do in its own way ----

    def measure(self, row, count, _options):
        return series.measure(self.name, row, count, self.destroy)

    def extra(self, _out, _results):
        return []

    def draw(self, out, results):
        plot.curves(os.path.join(out, self.name), self.curves(results),
                    f"set title {plot.text_of(self.title + self.key())}", "set logscale xy",
                    f"set xlabel {plot.text_of(self.xlabel)}",
                    f"set ylabel {plot.text_of(plot.UNIT)}")

    def columns(self):
        """Of the figure's CSV file."""
        return [*series.SUBJECT, *(column for _, column in self.measures)]

    def key(self):
        marks = zip(("filled", "hollow"), self.measures)
        return "\n" + "; ".join([*(f"{mark}: {name}" for mark, (name, _) in marks),
                                 "dashes: the paper's text, ms on hardware"])

    def curves(self, results):
        """The first measure as dots, the second as rings, the paper's as dashes. Containers in dom0
        are in the summary only, unless the figure is about them."""
        found = []
        for row, samples in results:
            color = f'lc rgb "{row.system.color}"'
            if row.key not in self.subjects and row.system.host == "dom0 with containers":
                continue
            shown = self.measures[:2 if row.key in self.subjects else 1]
            for mark, (_, column) in zip(MARKS[row.system.host], shown):
                title = f"{row.system.system} {row.system.guest}" if mark == MARKS[row.system.host][0] else ""
                found.append(plot.Curve(title, plot.points_of(samples, column),
                                        f"points pt {mark} ps 0.5 {color}"))
        return found + self.paper()

    def paper(self):
        kinds = {}
        for sample in plot.reference(self.folder):
            kinds.setdefault((sample["system"], sample["guest"]), []).append(sample)
        found = []
        for number, ((system, guest), samples) in enumerate(kinds.items()):
            same = SYSTEMS.get(f"{system}/{guest}")
            color = same.color if same else "#999999"
            columns = [column for _, column in self.measures if samples[0].get(column)]
            if not columns:  # what the figure does not draw in this way
                continue
            found.append(plot.Curve(f"paper: {system} {guest}", plot.points_of(samples, columns[0]),
                                    f'linespoints dt 2 pt {PAPER[number % len(PAPER)]} ps 0.9 lc rgb "{color}"'))
        return found

    # ---- the steps ----

    def prepare(self, options):
        """Fills the cache with what the hosts boot, so that `run` measures only."""
        plot.need_gnuplot()
        kinds = sorted({(row.system.host, row.mem_gib) for row in self.chosen(options)})
        for kind, mem_gib in kinds:
            with host.Host(f"{self.name}-prepare-{os.getpid()}", kind, mem_gib) as prepared:
                prepared.exec("true")

    def run(self, options):
        store = series.Store(options.out)
        if not options.systems:
            store.clear()
        start = time.monotonic()
        chosen = self.chosen(options)
        failed = []
        commit = origin.commit()

        def one(number, row):
            count = row.count(options)
            print(f"[{number}/{len(chosen)}] {row.key}, {count} times "
                  f"({time.monotonic() - start:.0f} s so far)", flush=True)
            host.spent.cpu_s = 0
            try:
                samples = self.measure(row, count, options)
                store.put(row.key, samples, {"commit": commit, "cpu_s": f"{host.spent.cpu_s:.0f}"})
            except host.HostError as error:  # the others are worth having
                failed.append(row.key)
                print(f"bench/run {self.name}: {row.key}: {error}", file=sys.stderr, flush=True)

        numbered = list(enumerate(chosen, 1))
        run_all(one, [pair for pair in numbered if not pair[1].system.plain], options.jobs)
        # Where the wall clock counts, nothing else runs.
        run_all(one, [pair for pair in numbered if pair[1].system.plain], 1)
        self.tell(options, self.results(options))
        if failed:
            sys.exit(f"bench/run {self.name}: not measured: {', '.join(failed)}")
        print(f"\nmeasured in {time.monotonic() - start:.0f} s; results in {options.out}")

    def tell(self, options, results):
        out = options.out
        self.write_csv(out, results)
        series.write_samples(os.path.join(out, "destroy.csv"), series.DESTROY, results)
        runs = self.runs(options, results)
        series.write_samples(os.path.join(out, "runs.csv"), series.RUN, runs)
        report.write(out, report.table(results, [*self.measures, *self.also])
                     + self.extra(out, results)
                     + report.ratios(results, self.subjects, self.references, self.measures[0])
                     + report.origins(runs))

    def runs(self, options, results):
        """How each row came about."""
        store = series.Store(options.out)
        return [(row, [{**run, "n": len(samples)} for run in store.run(row.key)])
                for row, samples in results]

    def write_csv(self, out, results):
        series.write_samples(os.path.join(out, f"{self.name}.csv"), self.columns(), results)

    def results(self, options):
        store = series.Store(options.out)
        found = [(row, store.get(row.key)) for row in self.rows]
        return [(row, samples) for row, samples in found if samples]

    def plot(self, options):
        results = self.results(options)
        if not results:
            raise plot.PlotError(f"nothing in {options.out}; first: bench/run {self.name} run")
        self.draw(options.out, results)

    def clean(self, options):
        shutil.rmtree(options.out, ignore_errors=True)

    def save(self, options):
        """Puts a run's files where they are committed from."""
        target = os.path.join(RESULTS, self.together)
        if not self.results(options):
            raise plot.PlotError(f"nothing in {options.out}; first: bench/run {self.name} run")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(options.out, target, ignore=shutil.ignore_patterns("rows"))

    def chosen(self, options):
        wanted = options.systems.split(",") if options.systems else []
        known = {row.key for row in self.rows} | {row.system.system for row in self.rows}
        if set(wanted) - known:
            sys.exit(f"bench/run {self.name}: no system {', '.join(sorted(set(wanted) - known))}; "
                     f"there are: {', '.join(row.key for row in self.rows)}")
        return [row for row in self.rows
                if not wanted or row.key in wanted or row.system.system in wanted]

    def options(self, arguments):
        parser = argparse.ArgumentParser(prog=f"bench/run {self.name}", description=self.title)
        parser.add_argument("step", nargs="?", choices=STEPS, help="default: prepare, run, plot")
        parser.add_argument("--quick", action="store_true", help="short series, under 10 minutes")
        parser.add_argument("--n", type=int, metavar="N", help="at most N guests in a series")
        parser.add_argument("--systems", metavar="LIST",
                            help="only these systems or rows; results of others are kept")
        parser.add_argument("--jobs", type=int, metavar="N",
                            default=min(2, os.cpu_count() or 1),
                            help="series at a time, each on an emulated host of its own (2)")
        parser.add_argument("--out", default=os.path.join(host.ROOT, "build", "bench", self.together),
                            help="folder of the results (build/bench/%s)" % self.together)
        chosen = parser.parse_args(arguments)
        if (chosen.n is not None and chosen.n < 1) or chosen.jobs < 1:
            parser.error("--n and --jobs must be at least 1")
        return chosen

    def main(self, arguments):
        options = self.options(arguments)
        os.makedirs(options.out, exist_ok=True)
        try:
            for step in [options.step] if options.step else STEPS[:3]:
                getattr(self, step)(options)
        except (host.HostError, plot.PlotError) as error:
            sys.exit(f"bench/run {self.name}: {error}")
