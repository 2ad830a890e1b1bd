#!/usr/bin/env python3
"""Prints a copy of rules whose times are shorter by a factor, and nothing else.

    scale_rules.py FACTOR FILE

A rule that looks at an hour can then be seen to fire within minutes. Times are
what Prometheus reads as such: `for: 5m`, `[1h]`, `offset 10m`; and in numbers
of seconds `4 * 3600` or `30 * 60`, a form that the rules keep for times.
Comments are left as they are.
"""

import re
import sys

_UNIT_MS = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}
_SPAN = r"(?P<{0}_number>\d+)(?P<{0}_unit>ms|s|m|h|d)\b"
TIME = re.compile(
    r"(?P<before>\bfor: )" + _SPAN.format("hold")
    + r"|\[" + _SPAN.format("range") + r"\]"
    + r"|\boffset " + _SPAN.format("offset")
    + r"|\b(?P<seconds>\d+ \* (?:60|3600))\b"
)


def milliseconds(match):
    """The time that a match of TIME stands for."""
    if match["seconds"]:
        count, unit = match["seconds"].split(" * ")
        return int(count) * int(unit) * 1000
    for kind in ("hold", "range", "offset"):
        if match[kind + "_number"]:
            return (
                int(match[kind + "_number"]) * _UNIT_MS[match[kind + "_unit"]]
            )
    raise AssertionError(match[0])


def _scaled(match, factor):
    shorter, rest = divmod(milliseconds(match), factor)
    if rest or not shorter:
        raise ValueError(f"{match[0]} over {factor} is no whole milliseconds")
    if match["seconds"]:
        return f"{shorter / 1000:g}"
    span = f"{shorter}ms" if shorter % 1000 else f"{shorter // 1000}s"
    return re.sub(r"\d+[a-z]+", span, match[0])


def scale(text, factor):
    """`text`, the text of a file of rules, with its times over `factor`."""
    return "".join(
        line
        if line.lstrip().startswith("#")
        else TIME.sub(lambda match: _scaled(match, factor), line)
        for line in text.splitlines(keepends=True)
    )


def main():
    if len(sys.argv) != 3 or not sys.argv[1].isdigit():
        sys.exit(__doc__)
    with open(sys.argv[2], encoding="utf-8") as file:
        sys.stdout.write(scale(file.read(), int(sys.argv[1])))


if __name__ == "__main__":
    main()
