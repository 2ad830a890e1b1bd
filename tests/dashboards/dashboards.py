"""The dashboards as they are committed, for the tests beside this file."""

import glob
import json
import re

# A name and the matchers behind it. The lint of the dashboards has each
# selector limited to jobs and instances, so there is none without braces.
SELECTOR = re.compile(r"\b([a-zA-Z_:]\w*)\{([^}]*)\}")
LEGEND_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class Query:
    """A query of a panel: where it stands, its PromQL and its legend."""

    def __init__(self, dashboard, panel, target):
        self.where = f"{dashboard['uid']}, '{panel['title']}' {target['refId']}"
        self.panel = panel["title"]
        self.choices = {
            variable["name"] for variable in dashboard["templating"]["list"]
        }
        self.expr = target["expr"]
        self.legend = target["legendFormat"]

    def metrics(self):
        return [name for name, _ in SELECTOR.findall(self.expr)]

    def legend_labels(self):
        return LEGEND_LABEL.findall(self.legend)


def load():
    """Every dashboard."""
    dashboards = []
    for path in sorted(glob.glob("dashboards/json/*.json")):
        with open(path, encoding="utf-8") as file:
            dashboards.append(json.load(file))
    return dashboards


def queries(dashboards):
    """Every query of every panel."""
    return [
        Query(dashboard, panel, target)
        for dashboard in dashboards
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]


def variable_queries(dashboard):
    """What each variable asks for: series, and the label whose values it has."""
    found = {}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] != "query":
            continue
        text = variable["query"]["query"]
        match = re.fullmatch(r"label_values\((.*), (\w+)\)", text)
        assert match, text
        found[variable["name"]] = match.groups()
    return found
