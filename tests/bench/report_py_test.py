#!/usr/bin/env python3
"""Tests of report.py: what the page and its charts say of a CSV."""

import contextlib
import io
import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.environ.get("TEST_SRCDIR", ""), "poolscope/bench"))
sys.path.insert(0, "bench")
import report

HEADER = "cell,policy,median_ns,min_ns,p90_ns\n"
ROWS = (
    "hot/256,glibc,8.000,7.000,9.000\n"
    "hot/256,tcmalloc,4.000,3.000,5.000\n"
    "hot/256,floor,2.000,2.000,2.000\n"
    "hot/256,poolscope,3.000,2.900,3.100\n"
    "hot/1024,tcmalloc,4.000,3.000,5.000\n"
    "hot/1024,poolscope,4.400,4.200,4.500\n"
    "memory/rss_floor_kib,glibc,2000.000,1900.000,2100.000\n"
    "memory/rss_floor_kib,poolscope,1025.000,900.000,1100.000\n"
    "memory/rss_floor_kib,bar_at_most,1024.000,1024.000,1024.000\n"
    "scaling/64_over_2_percent,poolscope,90.000,89.000,95.000\n"
    "scaling/64_over_2_percent,bar_at_least,90.000,90.000,90.000\n"
    "statistics/loss_percent,poolscope,-0.500,-2.000,1.000\n"
)
PAGE = f"# Benchmarks\n\nKept.\n\n{report.BEGIN}\nold\n{report.END}\n\nKept too.\n"


def cells_of(rows):
    return report.read_cells(io.StringIO(HEADER + rows))


def cell(name, rows=ROWS):
    return next(entry for entry in cells_of(rows) if entry.name == name)


class ReadTest(unittest.TestCase):
    def test_bars_are_no_policies(self):
        self.assertEqual(cell("memory/rss_floor_kib").bar, ("bar_at_most", 1024))
        self.assertEqual(set(cell("memory/rss_floor_kib").medians), {"glibc", "poolscope"})

    def test_bad_rows_are_named(self):
        for rows in ("hot/256,glibc,eight,7,9\n", "hot/256\n", ""):
            with self.assertRaises(ValueError):
                cells_of(rows)

    def test_another_file_is_refused(self):
        with self.assertRaises(ValueError):
            report.read_cells(io.StringIO("a,b\n1,2\n"))


class VerdictTest(unittest.TestCase):
    def test_ratio_is_to_the_best_peer_and_never_to_the_floor(self):
        self.assertEqual(cell("hot/256").verdict(), "0.75 × tcmalloc")

    def test_more_than_a_tie_is_bold(self):
        self.assertEqual(cell("hot/1024").verdict(), "**1.10 × tcmalloc**")

    def test_bars_are_held_at_their_value(self):
        self.assertEqual(cell("scaling/64_over_2_percent").verdict(), "≥ 90.0: held")
        self.assertEqual(cell("memory/rss_floor_kib").verdict(), "≤ 1024: **missed**")

    def test_within_five_percent_is_a_tie(self):
        rows = "hot/1,tcmalloc,4,4,4\nhot/1,poolscope,{},4,4\n"
        for ours, verdict in (
            (4.0, "1.00 × tcmalloc"),
            (4.2, "1.05 × tcmalloc"),
            (4.24, "**1.06 × tcmalloc**"),
        ):
            self.assertEqual(cell("hot/1", rows.format(ours)).verdict(), verdict)

    def test_what_is_no_time_has_no_ratio(self):
        for unit in ("kib", "mb", "ms", "percent"):
            rows = f"memory/a_{unit},glibc,4,4,4\nmemory/a_{unit},poolscope,9,9,9\n"
            self.assertEqual(cell(f"memory/a_{unit}", rows).verdict(), "")

    def test_netty_is_no_peer_of_raw_memory(self):
        rows = "buffer/hot/256,netty,46,40,50\n"
        self.assertEqual(cell("buffer/hot/256", rows).verdict(), "")


class StatisticsCostTest(unittest.TestCase):
    ROWS = (
        "hot/256,tcmalloc,4.000,3.000,5.000\n"
        "hot/256,poolscope,3.900,2.900,3.100\n"
        "hot/256,buddy,1.000,1.000,1.000\n"
        "hot/256,no_stats,2.900,2.900,3.100\n"
        "hot/64,poolscope,3.950,2.900,3.100\n"
        "hot/64,no_stats,2.900,2.900,3.100\n"
        "hot/16,poolscope,3.000,2.900,3.100\n"
        "hot/32,poolscope,3.000,2.900,3.100\n"
        "hot/32,no_stats,5.000,2.900,3.100\n"
    )

    def test_is_the_difference_and_bold_above_its_bar(self):
        self.assertEqual(cell("hot/256", self.ROWS).statistics_cost(), "1.00")
        self.assertEqual(cell("hot/64", self.ROWS).statistics_cost(), "**1.05**")
        self.assertEqual(cell("hot/16", self.ROWS).statistics_cost(), "")
        self.assertEqual(cell("hot/32", self.ROWS).statistics_cost(), "-2.00")

    def test_ours_in_other_ways_are_no_peers(self):
        self.assertEqual(cell("hot/256", self.ROWS).verdict(), "0.97 × tcmalloc")
        self.assertEqual(cell("hot/64", self.ROWS).verdict(), "")

    def test_has_a_column_of_its_own(self):
        lines = report.table(cells_of(self.ROWS)).splitlines()
        self.assertEqual(
            lines[0],
            "| cell | poolscope | buddy | no_stats | tcmalloc "
            "| statistics cost | poolscope against |",
        )
        self.assertEqual(lines[1], "|---|---:|---:|---:|---:|---:|---|")
        self.assertEqual(
            lines[2], "| `hot/256` | 3.90 | 1.00 | 2.90 | 4.00 | 1.00 | 0.97 × tcmalloc |"
        )
        self.assertEqual({line.count("|") for line in lines}, {8})


class NumberTest(unittest.TestCase):
    def test_has_three_digits_or_all_before_the_point(self):
        for value, text in (
            (0, "0.00"),
            (9.99, "9.99"),
            (10, "10.0"),
            (99.94, "99.9"),
            (100, "100"),
            (1616.4, "1616"),
            (-0.5, "-0.50"),
            (-12, "-12.0"),
            (-250, "-250"),
        ):
            self.assertEqual(report.number(value), text)


class TableTest(unittest.TestCase):
    def test_a_policy_of_no_known_name_comes_last(self):
        rows = "hot/1,newmalloc,2,2,2\nhot/1,floor,1,1,1\nhot/1,poolscope,1,1,1\n"
        self.assertEqual(
            report.table(cells_of(rows)).splitlines()[0],
            "| cell | poolscope | floor | newmalloc | poolscope against |",
        )

    def test_a_missing_policy_is_blank_and_ours_is_first(self):
        hot = report.groups_of(cells_of(ROWS))["hot"]
        lines = report.table(hot).splitlines()
        self.assertEqual(
            lines[0], "| cell | poolscope | glibc | tcmalloc | floor | poolscope against |"
        )
        self.assertEqual(lines[3], "| `hot/1024` | 4.40 |  | 4.00 |  | **1.10 × tcmalloc** |")
        self.assertEqual({line.count("|") for line in lines}, {7})


class ChartTest(unittest.TestCase):
    NAMESPACE = "{http://www.w3.org/2000/svg}"

    def _chart(self, group, rows=ROWS):
        text = report.chart("A <title>", report.groups_of(cells_of(rows))[group])
        return xml.etree.ElementTree.fromstring(text)

    def _widths(self, group, rows=ROWS):
        # Legend squares are 10 by 10 at a height of their own.
        return [
            float(rect.get("width"))
            for rect in self._chart(group, rows).iter(self.NAMESPACE + "rect")
            if rect.get("y") != "26"
        ]

    def test_a_factor_is_a_length_whatever_the_size(self):
        ours, glibc, tcmalloc, floor, _, _ = self._widths("hot")
        self.assertAlmostEqual(glibc - tcmalloc, tcmalloc - floor, delta=0.2)
        self.assertGreater(ours, floor)

    def test_what_is_not_positive_has_a_figure_and_no_length(self):
        self.assertEqual(self._widths("statistics"), [1.0])
        self.assertIn("-0.50", self._texts("statistics"))

    def _texts(self, group):
        return [t.text for t in self._chart(group).iter(self.NAMESPACE + "text")]

    def _strokes(self, group, rows=ROWS):
        return [
            line
            for line in self._chart(group, rows).iter(self.NAMESPACE + "line")
            if line.get("class") == "bar"
        ]

    def test_a_bar_is_a_stroke_where_its_value_is(self):
        self.assertEqual(len(self._strokes("memory")), 1)
        rows = (
            "memory/a_kib,poolscope,10,9,11\n"
            "memory/a_kib,glibc,{0},9,11\n"
            "memory/a_kib,bar_at_most,{0},1,1\n"
        )
        for value in (20, 100, 5000):
            (stroke,) = self._strokes("memory", rows.format(value))
            self.assertEqual(stroke.get("x1"), stroke.get("x2"))
            _, glibc = self._widths("memory", rows.format(value))
            self.assertAlmostEqual(float(stroke.get("x1")), report.LEFT + glibc, delta=0.2)

    def test_a_bar_beyond_every_value_is_within_the_plot(self):
        rows = "memory/a_kib,poolscope,10,9,11\nmemory/a_kib,bar_at_most,5000,1,1\n"
        (stroke,) = self._strokes("memory", rows)
        self.assertLess(float(stroke.get("x1")), report.WIDTH - report.RIGHT)

    def test_the_scale_runs_over_the_powers_of_ten_around_the_values(self):
        self.assertEqual(report.log_bounds([3, 40]), (1, 100))
        self.assertEqual(report.log_bounds([10]), (10, 100))
        self.assertEqual(report.log_bounds([-1, 0]), (0.1, 1))
        ticks = [text for text in self._texts("hot") if text in ("0.1", "1", "10", "100")]
        self.assertEqual(ticks, ["1", "10"])

    def test_cells_and_policies_are_named(self):
        self.assertEqual(
            [text for text in self._texts("hot") if not text[0].isdigit()],
            ["A <title>", "poolscope", "glibc", "tcmalloc", "floor"],
        )
        self.assertIn("256", self._texts("hot"))
        self.assertIn("1024", self._texts("hot"))

    def test_a_policy_has_one_colour_in_legend_and_bars(self):
        fills = [rect.get("fill") for rect in self._chart("hot").iter(self.NAMESPACE + "rect")]
        ours, glibc, tcmalloc, floor = (
            report.COLOURS[policy] for policy in ("poolscope", "glibc", "tcmalloc", "floor")
        )
        self.assertEqual(fills, [ours, glibc, tcmalloc, floor] * 2 + [ours, tcmalloc])

    def test_all_of_it_is_within_the_height(self):
        for group in ("hot", "memory", "scaling", "statistics"):
            chart = self._chart(group)
            for text in chart.iter(self.NAMESPACE + "text"):
                self.assertLess(float(text.get("y")), float(chart.get("height")))


class PageTest(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self._write("run.csv", HEADER + ROWS)

    def _path(self, name):
        return os.path.join(self._folder.name, name)

    def _write(self, name, text):
        with open(self._path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def _read(self, name):
        with open(self._path(name), encoding="utf-8") as file:
            return file.read()

    def _run(self, *flags):
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            code = report.main([self._path("run.csv"), f"--docs={self._folder.name}", *flags])
        return code, errors.getvalue()

    def test_only_what_is_between_the_markers_changes(self):
        self._write("benchmarks.md", PAGE)
        self.assertEqual(self._run(), (0, ""))
        page = self._read("benchmarks.md")
        self.assertTrue(page.startswith("# Benchmarks\n\nKept.\n"))
        self.assertTrue(page.endswith(report.END + "\n\nKept too.\n"))
        self.assertNotIn("old", page)
        self.assertEqual(self._run(), (0, ""))
        self.assertEqual(self._read("benchmarks.md"), page)

    def test_every_chart_that_the_page_shows_is_there(self):
        self._write("benchmarks.md", PAGE)
        self._run()
        page = self._read("benchmarks.md")
        for group in ("hot", "memory", "scaling", "statistics"):
            self.assertIn(f"(benchmarks/{group}.svg)", page)
            self.assertTrue(os.path.exists(self._path(f"benchmarks/{group}.svg")))

    def test_a_group_has_its_title_on_page_and_chart(self):
        self._write("benchmarks.md", PAGE)
        self._run()
        self.assertIn("\n### Hot pairs, ns\n", self._read("benchmarks.md"))
        self.assertIn(">Hot pairs, ns<", self._read("benchmarks/hot.svg"))

    def test_the_machine_is_named_and_the_note_if_there_is_one(self):
        self._write("benchmarks.md", PAGE)
        self._run()
        self.assertIn(f"\nMachine: {report.machine()}.\n", self._read("benchmarks.md"))
        for note in ("--note=idle machine", "--note=idle machine."):
            self._run(note)
            self.assertIn(
                f"\nMachine: {report.machine()}. idle machine.\n",
                self._read("benchmarks.md"),
            )

    def test_the_spread_is_shown_where_there_are_bars(self):
        self._write("benchmarks.md", PAGE)
        self._run()
        page = self._read("benchmarks.md")
        self.assertEqual(page.count("Spread (minimum to 90th percentile)"), 2)
        self.assertIn("`memory/rss_floor_kib` 900 to 1100.", page)
        self.assertIn("`scaling/64_over_2_percent` 89.0 to 95.0.", page)

    def test_a_page_without_markers_in_order_is_left_alone(self):
        for page in (
            "# Benchmarks\n",
            f"{report.BEGIN}\n",
            f"{report.END}\n",
            f"{report.END}\n{report.BEGIN}\n",
        ):
            self._write("benchmarks.md", page)
            code, errors = self._run()
            self.assertEqual(code, 1)
            self.assertIn("markers", errors)
            self.assertEqual(self._read("benchmarks.md"), page)

    def test_a_missing_csv_is_named(self):
        os.remove(self._path("run.csv"))
        code, errors = self._run()
        self.assertEqual(code, 1)
        self.assertIn("run.csv", errors)


if __name__ == "__main__":
    unittest.main()
