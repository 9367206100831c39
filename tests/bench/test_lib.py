# SPDX-License-Identifier: BSD-3-Clause
"""Tests of what the figures share, and that each figure is complete."""
import argparse
import contextlib
import io
import os
import re
import runpy
import sys
import tempfile
import unittest
import unittest.mock

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench")
RUN = runpy.run_path(os.path.join(BENCH, "run"), run_name="bench_run")
sys.path.insert(0, BENCH)

from lib import host, plot, report, series, stats  # noqa: E402
from lib.systems import BASELINES, SYSTEMS  # noqa: E402


def samples(*values):
    return [{"n": str(n), "create_ms": str(value), "boot_ms": "", "destroy_ms": ""}
            for n, value in enumerate(values, 1)]


class Stats(unittest.TestCase):
    def test_percentile(self):
        self.assertEqual(stats.percentile(range(1, 101), 99), 99)
        self.assertEqual(stats.percentile([7], 99), 7)

    def test_growth(self):
        said = stats.summary([1.0] * 10 + [5.0] * 80 + [3.0] * 10)
        self.assertEqual((said["n"], said["growth"]), (100, 3.0))

    def test_tenths_of_a_short_series(self):
        self.assertEqual(stats.tenths([1, 2, 3]), ([1], [3]))


class Report(unittest.TestCase):
    def test_ratios(self):
        row = {key: series.Row(key, 1, 1) for key in ("chaos[NoXS]/noop", "crun@linux/container")}
        results = [(row["chaos[NoXS]/noop"], samples(2, 2, 2)),
                   (row["crun@linux/container"], samples(14, 15, 16))]
        measure = ("create", "create_ms")
        lines = report.ratios(results, ["chaos[NoXS]/noop"], ["crun@linux/container", "x/y"], measure)
        self.assertEqual(lines[-1].split(), ["chaos[NoXS]/noop", "7.5"])
        self.assertEqual(report.ratios(results, ["x/y"], ["crun@linux/container"], measure), [])


    def test_origins(self):
        first, second, third = (series.Row(key, 1, 1) for key in ("xl/noop", "chaos[NoXS]/noop", "LightVM/noop"))
        lines = report.origins([(first, [{"commit": "a", "cpu_s": "90"}]), (second, [{"commit": "b", "cpu_s": "60"}]),
                                (third, [])])  # measured before that was noted
        self.assertEqual(lines[1:], ["2.5 minutes of a processor; measured at", "commit a: xl/noop",
                                     "commit b: chaos[NoXS]/noop"])
        self.assertEqual(report.origins([(third, [])]), [])


class Plot(unittest.TestCase):
    def test_panels_are_as_wide_as_what_is_in_them(self):
        (left, a), (b, c), (d, right) = plot.shares([5, 1, 2], left=0.1, right=0.9, gap=0.1)
        self.assertAlmostEqual(left, 0.1)
        self.assertAlmostEqual(right, 0.9)
        self.assertAlmostEqual(b - a, 0.1)
        self.assertAlmostEqual(d - c, 0.1)
        self.assertAlmostEqual((a - left) / 6, (c - b) / 2)
        self.assertAlmostEqual((a - left) / 6, (right - d) / 3)

    def test_the_paper_is_drawn_if_it_has_what_is_drawn(self):
        self.assertEqual(RUN["load"]("throughput").paper(), [])  # its reference is a rate
        self.assertEqual(len(RUN["load"]("fig09").paper()), 6)


class Hosts(unittest.TestCase):
    def test_processor_time(self):
        listed = ("a\tdown\nab\tup\tplain\t4G\t2 cpus\t0 commands\tcpu 7.0 s\tpid 8\n"
                  "b\tup\tplain\t4G\t2 cpus\t0 commands\tcpu 12.5 s\tpid 9\n")
        with unittest.mock.patch.object(host, "xenhost", return_value=listed):
            self.assertEqual([host.Host(name).cpu_s() for name in ("a", "b", "c")], [0, 12.5, 0])


class Density(unittest.TestCase):
    figure = RUN["load"]("fig10")
    module = figure.measure.__globals__

    def test_memory_ends_where_one_side_has_none(self):
        ends, mib = self.module["ends_for_memory"], 1 << 10
        self.assertFalse(ends(None, [900 * mib]))
        self.assertFalse(ends([900 * mib], [800 * mib]))
        self.assertFalse(ends([350 * mib], [272 * mib]))
        self.assertTrue(ends([350 * mib], [270 * mib]))
        self.assertTrue(ends([350 * mib, 9000 * mib], [270 * mib, 9000 * mib]))
        self.assertTrue(ends(None, [100 * mib]))

    def test_what_came_before_a_failure_is_kept(self):
        error = host.HostError("exit status 1")
        error.output = "n,create_ms,boot_ms,destroy_ms\n6,1.0,,\n"
        there = unittest.mock.Mock(exec=unittest.mock.Mock(side_effect=error),
                                   shell=unittest.mock.Mock(return_value="docker: no space left\nseries: failed\n"))
        part, why = self.figure.slice(there, SYSTEMS["crun@linux/container"], 6, 3)
        self.assertEqual([sample["n"] for sample in part], ["6"])
        self.assertEqual(why, "docker: no space left / series: failed")
        there.shell.side_effect = host.HostError("no answer")
        self.assertIn("the host is gone", self.figure.slice(there, SYSTEMS["crun@linux/container"], 6, 3)[1])


class Series(unittest.TestCase):
    def test_counts(self):
        row = series.Row("chaos[NoXS]/noop", 500, 20)
        for quick, n, count in ((False, None, 500), (True, None, 20), (True, 3, 3), (False, 30, 30)):
            self.assertEqual(row.count(argparse.Namespace(quick=quick, n=n)), count)

    def test_store_keeps_rows(self):
        with tempfile.TemporaryDirectory() as folder:
            store = series.Store(folder)
            self.assertEqual(store.get("chaos[NoXS]/noop"), [])
            store.put("chaos[NoXS]/noop", samples(1, 2), {"commit": "abc", "cpu_s": "3"})
            self.assertEqual(store.get("chaos[NoXS]/noop"), samples(1, 2))
            self.assertEqual(store.run("chaos[NoXS]/noop"), [{"commit": "abc", "cpu_s": "3"}])
            store.clear()
            self.assertEqual(store.get("chaos[NoXS]/noop"), [])
            self.assertEqual(store.run("chaos[NoXS]/noop"), [])


class Rounds(unittest.TestCase):
    def test_samples_get_the_figure_s_names(self):
        figure = RUN["load"]("fig12b")
        self.assertEqual(figure.columns(), ["system", "guest", "n", "restore_ms", "answer_ms"])
        self.assertEqual(RUN["load"]("fig12a").together, figure.together)
        options, commands = figure.commands(SYSTEMS["runc[CRIU]@linux/container"])
        self.assertEqual(options, ("-b", "none"))  # it cannot say that it is up again
        self.assertEqual([name for name, command in commands if command], ["away", "back", "after"])

    def test_whatever_is_saved_is_restored(self):
        for row in SYSTEMS.values():
            self.assertEqual(bool(row.save), bool(row.restore), row.key)

    def test_samples_without_the_columns_are_left_out(self):
        row = series.Row("chaos[NoXS]/noop", 1, 1)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.csv")
            series.write_samples(path, ["system", "guest", "n", "save_ms"],
                                 [(row, [{"n": "1", "save_ms": "2.5"}, {"n": "2", "save_ms": ""}])])
            with open(path, encoding="ascii") as stream:
                self.assertEqual(stream.read(), "system,guest,n,save_ms\nchaos[NoXS],noop,1,2.5\n")


class Figures(unittest.TestCase):
    def test_baselines_exist(self):
        for key, _, _ in BASELINES:
            self.assertIn(key, SYSTEMS)

    def test_each_is_complete(self):
        for name in RUN["names"]():
            with self.subTest(figure=name):
                figure = RUN["load"](name)
                self.assertEqual(figure.name, name)
                for row in figure.rows:
                    self.assertGreaterEqual(row.full, row.quick)
                    self.assertTrue(row.key in SYSTEMS, row.key)
                    self.assertNotIn(",", row.key)  # --systems is a list
                header = list(plot.reference(figure.folder)[0])
                self.assertEqual(header[:len(figure.columns())], figure.columns())

    def test_the_list_has_run_times(self):
        for name in RUN["names"]():
            self.assertRegex(RUN["listing"](), rf"(?m)^{re.escape(name)} +\d+ min +\d+ min ")

    def test_an_unknown_system_is_refused(self):
        figure = RUN["load"]("fig09")
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            figure.chosen(argparse.Namespace(systems="no such"))


class Campaigns(unittest.TestCase):
    program = runpy.run_path(os.path.join(BENCH, "campaigns", "run"), run_name="campaigns")

    def test_each_is_a_case_that_a_variable_makes_longer(self):
        with open(os.path.join(BENCH, "campaigns", "README.md"), encoding="utf-8") as stream:
            readme = stream.read()
        for campaign in self.program["CAMPAIGNS"]:
            path = os.path.join(BENCH, "..", "tests", "whole", "cases", campaign.case + ".sh")
            with open(path, encoding="utf-8") as stream:
                self.assertIn("${" + campaign.env.split("=")[0] + ":-", stream.read(), campaign.name)
            self.assertIn(f"| `{campaign.name}` |", readme)

    def test_findings(self):
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
            log.write("ok - one\n# seed 5\nFAIL - two\n# 2 checks, 1 failed\n--- dmesg\n")
            log.flush()
            lines, counts = self.program["findings"](log.name)
        self.assertEqual(counts, "2 checks, 1 failed")
        self.assertNotIn("ok - one\n", lines)
        self.assertIn("FAIL - two\n", lines)

    def test_one_that_broke_off(self):
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
            self.assertEqual(self.program["findings"](log.name)[1], "did not finish")


if __name__ == "__main__":
    unittest.main()
