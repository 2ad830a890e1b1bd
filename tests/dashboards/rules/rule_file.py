"""Reads a file of rules.

    for rule in rule_file.read("dashboards/rules/alerts.yml"):
        rule["alert"], rule["expr"], rule.get("for"), rule["labels"],
        rule["annotations"]["summary"], ...
"""

import yaml


def read(path):
    """The rules of all groups of the file, in its order, each as a dict."""
    with open(path, encoding="utf-8") as file:
        groups = yaml.safe_load(file)["groups"]
    return [rule for group in groups for rule in group["rules"]]
