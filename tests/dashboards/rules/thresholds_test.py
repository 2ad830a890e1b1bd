#!/usr/bin/env python3
"""What a panel marks is where its alert begins: the numbers that the dashboards
share (dashboards/thresholds.json) stand in the rules."""

import json
import re
import unittest

import rule_file

ALERT_OF = {
    "near_limit_ratio": "PoolscopeNearLimit",
    "oom_forecast_seconds": "PoolscopeOomPredicted",
    "backlog_floor_bytes": "PoolscopeBacklogExploding",
    "fragmentation_ratio": "PoolscopeFragmentationHigh",
    "unattributed_ratio": "PoolscopeUnattributedMemory",
    "telemetry_stale_seconds": "PoolscopeTelemetryStale",
}
# Of panels that no alert goes with.
PANELS_ALONE = {
    "near_limit_warning_ratio",
    "thread_cache_hit_warning_ratio",
    "backlog_drain_floor_bytes",
}
_PRODUCT = re.compile(r"(?<![\w.\[])\d+(?:\.\d+)?(?: \* \d+(?:\.\d+)?)*")


def numbers(expression):
    """The numbers in an expression, products such as `4 * 3600` as one."""
    found = set()
    for product in _PRODUCT.findall(expression):
        value = 1.0
        for factor in product.split(" * "):
            value *= float(factor)
        found.add(value)
    return found


class ThresholdsTest(unittest.TestCase):

    def setUp(self):
        with open("dashboards/thresholds.json", encoding="utf-8") as file:
            self.thresholds = json.load(file)
        self.rules = {
            rule["alert"]: rule
            for rule in rule_file.read("dashboards/rules/alerts.yml")
        }

    def test_each_is_an_alerts_or_said_to_be_none(self):
        self.assertEqual(set(self.thresholds), set(ALERT_OF) | PANELS_ALONE)

    def test_alerts_begin_there(self):
        for name, alert in ALERT_OF.items():
            with self.subTest(name):
                self.assertIn(
                    float(self.thresholds[name]),
                    numbers(self.rules[alert]["expr"]))

    def test_products_are_one_number(self):
        self.assertEqual(
            numbers("predict(x[1h], 4 * 3600) > 0.9 and y_2 > 7"),
            {14400.0, 0.9, 7.0})


if __name__ == "__main__":
    unittest.main()
