#!/usr/bin/env python3
"""Holds the dashboards and docs/metrics.md together, both ways.

A test beside the code holds that page to what is exported.
"""

import re
import sys
import unittest

sys.path.insert(0, "tests/dashboards")
import dashboards

# Of Prometheus itself, with their labels.
OF_PROMETHEUS = {
    "ALERTS": {"alertname", "alertstate", "severity"},
    "up": set(),
}
OF_EVERY_TARGET = {"job", "instance"}

ROW = re.compile(r"^\| `(\w+)` \| ([a-z ]+) \| \w* \| ([^|]*) \|", re.MULTILINE)
AD_HOC = re.compile(r"^- `(\w+)`: .+", re.MULTILINE)


def documented():
    """The labels of each metric by its name, and the names for ad-hoc use.

    A histogram is there by the names of its series.
    """
    with open("docs/metrics.md", encoding="utf-8") as file:
        page = file.read()
    metrics = {}
    for name, kind, labels in ROW.findall(page):
        names = set(re.findall(r"`(\w+)`", labels))
        if kind == "histogram":
            metrics[name + "_bucket"] = names | {"le"}
        else:
            metrics[name] = names
    _, _, section = page.partition("\n## For ad-hoc use\n")
    return metrics, set(AD_HOC.findall(section.partition("\n## ")[0]))


EXPORTED, FOR_AD_HOC_USE = documented()
LABELS = {**EXPORTED, **OF_PROMETHEUS}
DASHBOARDS = dashboards.load()
QUERIES = dashboards.queries(DASHBOARDS)
SHOWN = {name for query in QUERIES for name in query.metrics()}


class MetricsTest(unittest.TestCase):

    def test_there_are_dashboards_and_metrics(self):
        self.assertEqual(len(DASHBOARDS), 8)
        self.assertGreater(len(QUERIES), 100)
        self.assertGreater(len(EXPORTED), 90)

    def test_every_metric_of_a_panel_is_exported(self):
        for query in QUERIES:
            self.assertTrue(query.metrics(), query.where)
        self.assertEqual(SHOWN - set(LABELS), set())

    def test_every_metric_exported_is_on_a_panel_or_for_ad_hoc_use(self):
        self.assertEqual(set(EXPORTED) - SHOWN - FOR_AD_HOC_USE, set())

    def test_what_is_for_ad_hoc_use_is_exported_and_on_no_panel(self):
        self.assertEqual(FOR_AD_HOC_USE - set(EXPORTED), set())
        self.assertEqual(FOR_AD_HOC_USE & SHOWN, set())

    def test_selectors_name_labels_that_their_metric_has(self):
        for query in QUERIES:
            for name, matchers in dashboards.SELECTOR.findall(query.expr):
                labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
                unknown = labels - LABELS[name] - OF_EVERY_TARGET
                self.assertEqual(unknown, set(), f"{query.where}: {name}")

    def test_selectors_keep_to_the_allocators_and_groups_chosen(self):
        for query in QUERIES:
            for name, matchers in dashboards.SELECTOR.findall(query.expr):
                for label in query.choices & LABELS[name]:
                    self.assertIn(f'{label}=~"${label}"', matchers, query.where)

    def test_sums_and_legends_are_by_labels_that_are_there(self):
        for query in QUERIES:
            there = set(OF_EVERY_TARGET)
            for name in query.metrics():
                there |= LABELS[name]
            by = {
                label
                for labels in re.findall(r"\bby \(([^)]*)\)", query.expr)
                for label in labels.split(", ")
            }
            self.assertEqual(by - there, set(), query.where)
            legend = set(query.legend_labels())
            self.assertEqual(legend - there, set(), query.where)

    def test_variables_ask_for_labels_that_are_there(self):
        for dashboard in DASHBOARDS:
            for selector, label in dashboards.variable_queries(dashboard).values():
                name = selector.partition("{")[0]
                there = LABELS[name] | OF_EVERY_TARGET
                self.assertIn(label, there, dashboard["uid"])


if __name__ == "__main__":
    unittest.main()
