"""Reads a file of rules as the project writes them: the few forms of YAML that
stand there, so that no package beyond Python is needed.

    for rule in rule_file.read("dashboards/rules/alerts.yml"):
        rule["alert"], rule["expr"], rule.get("for"), rule["labels"],
        rule["annotations"]["summary"], ...
"""

import re

_LINE = re.compile(r"^( *)(- )?(?:([a-z_]+):(?: (.*))?|(.*))$")
_TOP = 8  # columns before `expr:`
_INNER = 10  # columns before what is below `labels:` and `annotations:`


def read(path):
    """The rules of the file, in its order, each as a dict."""
    rules = []
    section = None  # the dict that lines are put into
    folded = None  # (dict, key, column) of a value that goes on below
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            match = _LINE.match(line)
            column = len(match[1]) + len(match[2] or "")
            if folded and column > folded[2]:
                text = folded[0][folded[1]]
                folded[0][folded[1]] = (text + " " + line.strip()).strip()
                continue
            folded = None
            key, value = match[3], match[4]
            if match[2] and key in ("alert", "record"):
                rules.append({})
                section = rules[-1]
            elif column == _TOP:
                section = rules[-1]
            elif column != _INNER or not rules:
                continue
            if value is None:
                section[key] = {}
                section = section[key]
            elif value == ">-":
                section[key] = ""
                folded = (section, key, column)
            else:
                section[key] = value
    return rules
