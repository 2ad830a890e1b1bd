#!/usr/bin/env python3
"""Tests of scale_rules.py: times get shorter, and nothing else changes."""

import os
import re
import subprocess
import tempfile
import unittest

import scale_rules

_RULES = ("dashboards/rules/recording.yml", "dashboards/rules/alerts.yml")


def _without_comments(text):
    return "".join(
        line
        for line in text.splitlines(keepends=True)
        if not line.lstrip().startswith("#")
    )


class ScaleRulesTest(unittest.TestCase):
    def test_scales_each_form_of_a_time(self):
        self.assertEqual(scale_rules.scale("for: 5m", 60), "for: 5s")
        self.assertEqual(scale_rules.scale("x[1h] offset 3h", 60),
                         "x[60s] offset 180s")
        self.assertEqual(scale_rules.scale("x[1d]", 60), "x[1440s]")
        self.assertEqual(scale_rules.scale("x[5m]", 120), "x[2500ms]")
        self.assertEqual(scale_rules.scale("up > 30 * 60", 60), "up > 30")
        self.assertEqual(scale_rules.scale("f(x[1h], 4 * 3600)", 120),
                         "f(x[30s], 120)")
        self.assertEqual(scale_rules.scale("up > 5 * 60", 120), "up > 2.5")

    def test_leaves_all_else_alone(self):
        for text in (
            "x > 67108864",
            "x > 2 * y",
            "x * 60 > y",
            "x > 10 * 600",
            "a:rate5m",
            "# x[1h]",
            "group: for: ever",
            "summary: within 15 minutes, for 5m",
        ):
            self.assertEqual(scale_rules.scale(text, 60), text)

    def test_refuses_a_time_that_would_not_be_whole(self):
        for text, factor in (("for: 1m", 7), ("for: 1ms", 60)):
            with self.assertRaises(ValueError):
                scale_rules.scale(text, factor)

    def test_only_times_differ_in_the_real_rules(self):
        # Found in another way than the script does: whatever has a unit of
        # time, or is a product with 60 or 3600. Those in labels stay.
        times = re.compile(
            r"\b\d+ \* (?:60|3600)\b|(?<=[\[ ])\d+(?:ms|[smhd])\b"
        )
        units = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}

        def in_ms(text):
            if "*" in text:
                count, unit = text.split(" * ")
                return int(count) * int(unit) * 1000
            number, unit = re.fullmatch(r"(\d+)([a-z]+)", text).groups()
            return int(number) * units[unit]

        found = 0
        for path in _RULES:
            with open(path, encoding="utf-8") as file:
                real = _without_comments(file.read())
            short = _without_comments(scale_rules.scale(real, 60))
            parts = times.split(real)
            expected = [in_ms(time) / 60 for time in times.findall(real)]
            found += len(expected)
            at = 0
            for part, time in zip(parts, expected + [None]):
                self.assertTrue(short.startswith(part, at), short[at:at + 80])
                at += len(part)
                if time is None:
                    break
                got = re.match(r"\d+(?:\.\d+)?(ms|[smhd])?", short[at:])
                number = float(got[0][:-len(got[1])] if got[1] else got[0])
                self.assertEqual(number * units[got[1] or "s"], time)
                at += got.end()
            self.assertEqual(at, len(short))
        self.assertGreater(found, 50)

    def test_prometheus_takes_the_copies(self):
        for factor in (60, 120):
            for path in _RULES:
                with open(path, encoding="utf-8") as file:
                    short = scale_rules.scale(file.read(), factor)
                with tempfile.TemporaryDirectory() as folder:
                    copy = os.path.join(folder, "rules.yml")
                    with open(copy, "w", encoding="utf-8") as file:
                        file.write(short)
                    subprocess.run(
                        ["promtool", "check", "rules", copy],
                        check=True,
                        stdout=subprocess.DEVNULL,
                    )


if __name__ == "__main__":
    unittest.main()
