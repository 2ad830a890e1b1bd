#!/usr/bin/env python3
"""Tests of the rules: promtool's judgement, its unit tests, and that rules,
runbook, docs and stories name the same alerts and panels."""

import glob
import json
import re
import subprocess
import unittest

import rule_file
import stories

_FOLDER = "dashboards/rules/"
_FILES = [_FOLDER + "recording.yml", _FOLDER + "alerts.yml"]
_TESTS = [
    _FOLDER + "tests/" + name + ".yml"
    for name in (
        "recording",
        "limit",
        "backlog",
        "pool",
        "leaks",
        "process",
        "sidecar",
        "pool_edges",
        "process_edges",
    )
]
# Of others: the time up needs the first, absence the second.
_STANDARD = {"process_start_time_seconds", "up"}


def _text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def _alerts():
    return rule_file.read(_FOLDER + "alerts.yml")


def _names():
    return [rule["alert"] for rule in _alerts()]


def _panels():
    """The titles of each dashboard's panels, by its uid and its title."""
    panels = {}
    for path in glob.glob("dashboards/json/*.json"):
        dashboard = json.loads(_text(path))
        name = dashboard["title"].partition(" / ")[2]
        titles = {panel["title"] for panel in dashboard["panels"]}
        panels[dashboard["uid"]] = (name, titles)
    return panels


def _sections_of_the_runbook():
    """The text of each alert's section, its lines joined, by its name."""
    sections = re.split(r"^## ", _text("docs/runbook.md"), flags=re.MULTILINE)
    return {
        section.partition("\n")[0]: section.replace("\n", " ")
        for section in sections
        if section.startswith("Poolscope")
    }


def _promtool(*arguments):
    run = subprocess.run(
        ["promtool", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        check=False,
    )
    return run.returncode, run.stdout


class PromtoolTest(unittest.TestCase):
    def test_accepts_the_rules_without_a_remark(self):
        code, output = _promtool(
            "check", "rules", "--lint=all", "--lint-fatal", *_FILES
        )
        self.assertEqual(code, 0, output)

    def test_accepts_the_example_configuration(self):
        code, output = _promtool("check", "config", "dashboards/prometheus.yml")
        self.assertEqual(code, 0, output)
        # It says so of each file of rules that it found.
        self.assertEqual(output.count("rules found"), len(_FILES), output)

    def test_passes_the_unit_tests(self):
        code, output = _promtool("test", "rules", *_TESTS)
        self.assertEqual(code, 0, output)
        self.assertEqual(output.count("SUCCESS"), len(_TESTS), output)


class UnitTestsTest(unittest.TestCase):
    def test_each_alert_is_seen_to_fire_and_to_be_silent(self):
        text = "".join(_text(path) for path in _TESTS)
        cases = re.split(r"^  - name: ", text, flags=re.MULTILINE)[1:]
        for name in _names():
            own = [case for case in cases if case.startswith(name + " ")]
            self.assertTrue(any("exp_annotations" in one for one in own), name)
            silent = [
                case
                for case in own
                if "exp_alerts: []" in case and "exp_labels" not in case
            ]
            self.assertGreaterEqual(len(silent), 2, name)

    def test_samples_are_less_than_five_minutes_apart(self):
        for path in _TESTS:
            intervals = re.findall(r"interval: (\w+)", _text(path))
            self.assertEqual(set(intervals), {"1m"}, path)


class AlertTest(unittest.TestCase):
    def test_names_share_a_prefix(self):
        for name in _names():
            self.assertRegex(name, r"^Poolscope([A-Z][a-z]+)+$")
        self.assertEqual(len(set(_names())), len(_names()))

    def test_severities_are_of_three(self):
        for rule in _alerts():
            self.assertIn(
                rule["labels"]["severity"], ("critical", "warning", "info")
            )

    def test_summaries_stand_and_descriptions_say_which(self):
        for rule in _alerts():
            texts = rule["annotations"]
            self.assertNotIn("{{", texts["summary"])
            self.assertIn("{{ $labels.instance }}", texts["description"])
            for text in (texts["summary"], texts["description"]):
                self.assertTrue(text.endswith("."), text)

    def test_links_lead_to_the_runbook_and_to_a_dashboard(self):
        for rule in _alerts():
            texts = rule["annotations"]
            self.assertEqual(
                texts["runbook_url"],
                "https://runbook.example/docs/runbook.md#"
                + rule["alert"].lower(),
            )
            uid = re.fullmatch(
                r"https://grafana\.example/d/([a-z-]+)"
                r"\?var-job={{ \$labels\.job }}"
                r"&var-instance={{ \$labels\.instance }}",
                texts["dashboard_url"],
            )
            self.assertIsNotNone(uid, texts["dashboard_url"])
            self.assertIn(uid[1], _panels())

    def test_each_has_a_floor_in_bytes_or_a_time_up(self):
        for rule in _alerts():
            self.assertRegex(
                rule["expr"],
                r"bytes\S* >=? \d{7}|> \d{8}"
                r"|uptime_seconds:max(\[1d\]\))? > \d+ \* (60|3600)",
                rule["alert"],
            )


class MetricsTest(unittest.TestCase):
    def test_rules_use_what_is_exported_or_recorded(self):
        exported = set(
            re.findall(r"^\| `(\w+)`", _text("docs/metrics.md"), re.MULTILINE)
        )
        recorded = {
            rule["record"]
            for rule in rule_file.read(_FOLDER + "recording.yml")
        }
        self.assertGreater(len(exported), 50)
        used = set()
        for path in _FILES:
            for rule in rule_file.read(path):
                used.update(
                    re.findall(
                        r"(?:[a-z]+:)?(?:poolscope|process)_[\w:]+|\bup\b",
                        rule["expr"],
                    )
                )
        self.assertEqual(used - exported - recorded - _STANDARD, set())

    def test_the_series_of_an_instance_are_as_many_as_the_docs_say(self):
        levels = [
            rule["record"].split(":")[0]
            for rule in rule_file.read(_FOLDER + "recording.yml")
        ]
        counts = [
            levels.count(level) for level in ("instance", "allocator", "job")
        ]
        self.assertEqual(counts, [6, 9, 4])
        for path in (_FOLDER + "recording.yml", _FOLDER + "README.md"):
            self.assertIn("6 + 9", _text(path))


class DocsTest(unittest.TestCase):
    def test_the_runbook_has_each_alert_and_no_other(self):
        headings = re.findall(
            r"^## (Poolscope\w+)$", _text("docs/runbook.md"), re.MULTILINE
        )
        self.assertEqual(headings, _names())

    def test_a_section_of_the_runbook_answers_five_questions(self):
        for name, section in _sections_of_the_runbook().items():
            for question in ("Means", "First", "Panel", "Command", "Remedy"):
                self.assertIn(f"**{question}**", section, name)

    def test_the_runbook_names_panels_that_exist(self):
        titles = dict(_panels().values())
        for name, section in _sections_of_the_runbook().items():
            panel = section.split("**Panel**: ")[1].split("**Command**")[0]
            for part in panel.split("; "):
                dashboard, _, rest = part.partition(": ")
                named = re.findall(r'"([^"]+)"', rest)
                self.assertTrue(named, name)
                self.assertLessEqual(set(named), titles[dashboard], name)

    def test_the_runbook_begins_where_the_link_of_the_alert_leads(self):
        sections = _sections_of_the_runbook()
        for rule in _alerts():
            link = rule["annotations"]["dashboard_url"]
            uid = re.search(r"/d/([a-z-]+)", link)[1]
            self.assertIn(
                f"**Panel**: {_panels()[uid][0]}: ", sections[rule["alert"]]
            )

    def test_the_table_of_alerts_names_what_fires_each(self):
        rows = re.findall(
            r"^\| `(Poolscope\w+)` \| (\w+) \| `([\w-]+)`",
            _text("docs/alerts.md"),
            re.MULTILINE,
        )
        self.assertEqual(
            [(name, severity) for name, severity, _ in rows],
            [(rule["alert"], rule["labels"]["severity"]) for rule in _alerts()],
        )
        told = {story.name: story for story in stories.STORIES}
        for name, _, story in rows:
            self.assertIn(name[len("Poolscope"):], told[story].alerts)

    def test_the_readme_names_panels_and_alerts_of_its_stories(self):
        rows = re.findall(
            r'^\| \[`([\w-]+)`\][^|]*\|[^|]*\| ([^:|]+): "([^"]+)" \|([^|]*)\|',
            _text("README.md"),
            re.MULTILINE,
        )
        self.assertEqual(len(rows), 5)
        titles = dict(_panels().values())
        told = {story.name: story for story in stories.STORIES}
        for name, dashboard, panel, alerts in rows:
            self.assertIn(panel, titles[dashboard], name)
            named = set(re.findall(r"`Poolscope(\w+)`", alerts))
            self.assertLessEqual(named, told[name].alerts, name)
            self.assertEqual(bool(named), bool(told[name].alerts), name)

    def test_stories_expect_alerts_that_exist(self):
        names = {name[len("Poolscope"):] for name in _names()}
        for story in stories.STORIES:
            self.assertLessEqual(story.alerts | story.tolerated, names)
        self.assertEqual(stories.STORIES[0].alerts, frozenset())


if __name__ == "__main__":
    unittest.main()
