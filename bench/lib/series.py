# SPDX-License-Identifier: BSD-3-Clause
"""Runs one row of a figure on a host of its own, and keeps what it measured."""
import csv
import io
import os
import re
from dataclasses import dataclass

from lib.host import Host
from lib.systems import BENCH, SYSTEMS

SUBJECT = ["system", "guest", "n"]
RUN = [*SUBJECT, "commit", "cpu_s"]  # how a row came about; n: in its series
DESTROY = [*SUBJECT, "destroy_ms"]
RUN_SUFFIX = ".run.csv"


@dataclass(frozen=True)
class Row:
    """A system of systems.py, how often in a full and in a quick run."""
    key: str
    full: int
    quick: int
    mem_gib: int = 4

    @property
    def system(self):
        return SYSTEMS[self.key]

    def count(self, options):
        count = self.quick if options.quick else self.full
        return min(count, options.n) if options.n else count


def command(system, count, *options):
    """The command line of bench-series, or of bench-client, which takes the configuration itself."""
    if system.client:
        return [f"{BENCH}/bench-client", "-n", str(count), *system.client, *system.create[2:]]
    words = [f"{BENCH}/bench-series", "-n", str(count), "-p", system.probe, *options]
    for part in ("create", "destroy", "domid"):
        if getattr(system, part):
            words += [part, *getattr(system, part), ";"]
    return words


def host_of(figure, row):
    slug = re.sub(r"[^a-z0-9]+", "-", row.key.lower()).strip("-")
    return Host(f"{figure}-{slug}-{os.getpid()}"[-40:].lstrip("-"), row.system.host, row.mem_gib,
                row.system.plain)


def prepared(host, system):
    if system.prepare:
        host.shell(*system.prepare)


def measure(figure, row, count, destroy):
    """Creates the guests of a row one after another; destroys them or not. bench-series' samples."""
    with host_of(figure, row) as host:
        prepared(host, row.system)
        return samples_of(host.exec(*command(row.system, count, *([] if destroy else ["-s"]))))


def samples_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def column(samples, name):
    return [float(sample[name]) for sample in samples if sample.get(name)]


class Store:
    """A folder with one CSV file a row, from which the figure's files are put together, and one more
    that says how it came about."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "rows")

    def path(self, key, suffix=".csv"):
        return os.path.join(self.folder, key.replace("/", "--").replace(" ", "_") + suffix)

    def clear(self):
        if os.path.isdir(self.folder):
            for name in os.listdir(self.folder):
                os.unlink(os.path.join(self.folder, name))

    def put(self, key, samples, run):
        os.makedirs(self.folder, exist_ok=True)
        write_csv(self.path(key), list(samples[0]), [list(s.values()) for s in samples])
        write_csv(self.path(key, RUN_SUFFIX), list(run), [list(run.values())])

    def get(self, key):
        """The samples of a row; empty when it was not measured."""
        return self.read(self.path(key))

    def run(self, key):
        """Commit and processor time of a row, a list of one."""
        return self.read(self.path(key, RUN_SUFFIX))

    @staticmethod
    def read(path):
        try:
            with open(path, encoding="utf-8") as stream:
                return list(csv.DictReader(stream))
        except FileNotFoundError:
            return []


def write_csv(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_samples(path, header, results):
    """One CSV file of several rows' samples that have any of the columns behind the first three, which
    name the subject."""
    rows = [[row.system.system, row.system.guest, *(sample.get(name, "") for name in header[2:])]
            for row, samples in results for sample in samples
            if any(sample.get(name) for name in header[3:])]
    if rows:
        write_csv(path, header, rows)
