#!/usr/bin/env python3
"""Writes the figures of a run of the bench into its page, with charts.

    ./dev bench --csv=run.csv
    bench/report.py run.csv --note="idle machine"

replaces what stands between the two markers of docs/benchmarks.md by a table
and a chart (SVG, docs/benchmarks/) for each group of cells; the prose around
them is left alone. The page says which machine the script ran on, so run it
where the bench ran. Needs Python 3 and nothing else.
"""

import argparse
import csv
import math
import os
import platform
import re
import sys
import xml.sax.saxutils

BEGIN = "<!-- figures: begin, written by bench/report.py -->"
END = "<!-- figures: end -->"

# The order of columns and of bars; others follow as they come.
POLICIES = [
    "poolscope",
    "buddy",
    "no_stats",
    "glibc",
    "jemalloc",
    "tcmalloc",
    "mimalloc",
    "floor",
    "netty",
]
OURS = "poolscope"
NO_STATS = "no_stats"
NOT_PEERS = (OURS, "buddy", NO_STATS, "floor", "netty")

# Colours that can be told apart on white and on black, and by most eyes.
COLOURS = {
    "poolscope": "#d9480f",
    "buddy": "#e8894f",
    "no_stats": "#f2bd9c",
    "glibc": "#748ffc",
    "jemalloc": "#20a179",
    "tcmalloc": "#a67c00",
    "mimalloc": "#b65fd0",
    "floor": "#868e96",
    "netty": "#2b8aa8",
}

TIE = 1.05
# What all statistics together may cost, ns a pair.
MOST_FOR_STATISTICS = 1.0

TITLES = {
    "hot": "Hot pairs, ns",
    "hot_sized": "Hot pairs with sized free, ns",
    "batch": "Batches of 64, ns a pair",
    "random": "Random replacement, ns a pair",
    "handover": "One thread allocates, another frees, ns a message",
    "memory": "Memory",
    "trim": "After Trim()",
    "fragmentation": "Fragmentation",
    "scaling": "Scaling",
    "statistics": "What a scrape costs",
    "leaks": "What a leak detector costs",
    "buffer": "A Buffer's work, ns a pair",
}


class Cell:
    """One row: the median of each policy, and the bar if there is one."""

    def __init__(self, name):
        self.name = name
        self.group = name.split("/", 1)[0]
        self.medians = {}
        self.spreads = {}
        self.bar = None  # (side, value)

    def verdict(self):
        """A few words on how poolscope did; "" where nothing is compared."""
        ours = self.medians.get(OURS)
        if ours is None:
            return ""
        if self.bar:
            side, value = self.bar
            held = ours <= value if side == "bar_at_most" else ours >= value
            sign = "≤" if side == "bar_at_most" else "≥"
            return f"{sign} {number(value)}: {'held' if held else '**missed**'}"
        peers = {p: m for p, m in self.medians.items() if p not in NOT_PEERS}
        if not peers or not self.in_nanoseconds():
            return ""
        best = min(peers, key=peers.get)
        ratio = ours / peers[best]
        words = f"{ratio:.2f} × {best}"
        return words if ratio <= TIE else f"**{words}**"

    def statistics_cost(self):
        """Poolscope's median less that without statistics; "" without both."""
        if OURS not in self.medians or NO_STATS not in self.medians:
            return ""
        cost = self.medians[OURS] - self.medians[NO_STATS]
        return number(cost) if cost <= MOST_FOR_STATISTICS else f"**{number(cost)}**"

    def in_nanoseconds(self):
        return not re.search(r"_(kib|mb|ms|percent)$", self.name)


def read_cells(lines):
    """The cells of a CSV in its order; ValueError names a line that is bad."""
    cells = {}
    for row in csv.DictReader(lines):
        try:
            name, policy = row["cell"], row["policy"]
            median = float(row["median_ns"])
            spread = (float(row["min_ns"]), float(row["p90_ns"]))
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"no row of the bench's: {dict(row)}") from None
        cell = cells.setdefault(name, Cell(name))
        if policy.startswith("bar_"):
            cell.bar = (policy, median)
        else:
            cell.medians[policy] = median
            cell.spreads[policy] = spread
    if not cells:
        raise ValueError("no rows; the bench writes them with --csv=FILE")
    return list(cells.values())


def groups_of(cells):
    """The cells by group, in their order."""
    groups = {}
    for cell in cells:
        groups.setdefault(cell.group, []).append(cell)
    return groups


def policies_of(cells):
    present = {policy: None for cell in cells for policy in cell.medians}
    known = [policy for policy in POLICIES if policy in present]
    return known + [policy for policy in present if policy not in POLICIES]


def number(value):
    """Three digits or all before the point: 3.41, 27.8, 1616."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def table(cells):
    policies = policies_of(cells)
    columns = [("cell", "---", [f"`{cell.name}`" for cell in cells])]
    for p in policies:
        medians = [cell.medians.get(p) for cell in cells]
        columns.append((p, "---:", ["" if m is None else number(m) for m in medians]))
    columns.append(("statistics cost", "---:", [cell.statistics_cost() for cell in cells]))
    columns.append(("poolscope against", "---", [cell.verdict() for cell in cells]))
    columns = [column for column in columns if any(column[2])]
    rows = [[head for head, _, _ in columns]]
    rows += zip(*(values for _, _, values in columns))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "|".join(rule for _, rule, _ in columns) + "|")
    return "\n".join(lines)


def spread_list(cells):
    """Minimum and 90th percentile where they say what the median does not."""
    lines = []
    for cell in cells:
        if OURS in cell.spreads:
            low, high = cell.spreads[OURS]
            lines.append(f"`{cell.name}` {number(low)} to {number(high)}")
    return "Spread (minimum to 90th percentile) of poolscope's: " + ", ".join(lines) + "."


# --- Charts -----------------------------------------------------------------

LEFT, RIGHT, TOP = 210, 70, 46
WIDTH, BAR, GAP = 760, 12, 14
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #222; }
  .title { font-weight: 600; font-size: 14px; }
  .grid { stroke: #ddd; }
  .bar { stroke: #c00; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd; }
    .grid { stroke: #444; }
    .bar { stroke: #f66; }
  }
"""


def log_bounds(values):
    """The powers of ten around what is positive; (0.1, 1) when nothing is."""
    positive = [value for value in values if value > 0]
    if not positive:
        return 0.1, 1.0
    low = 10.0 ** math.floor(math.log10(min(positive)))
    high = 10.0 ** math.ceil(math.log10(max(positive)))
    return low, high if high > low else low * 10


def chart(title, cells):
    """Horizontal bars on a logarithmic scale, a cell's side by side; a stroke
    across them is the cell's bar. What is not positive has no length, and its
    figure alone."""
    policies = policies_of(cells)
    values = [m for cell in cells for m in cell.medians.values()]
    values += [cell.bar[1] for cell in cells if cell.bar]
    low, high = log_bounds(values)
    plot = WIDTH - LEFT - RIGHT

    def x(value):
        if value <= low:
            return LEFT
        return LEFT + plot * math.log10(value / low) / math.log10(high / low)

    parts = []
    y = TOP + 10
    for cell in cells:
        top = y
        for policy in policies:
            if policy not in cell.medians:
                continue
            value = cell.medians[policy]
            colour = COLOURS.get(policy, "#868e96")
            parts.append(
                f'<rect x="{LEFT}" y="{y}" width="{max(x(value) - LEFT, 1):.1f}" '
                f'height="{BAR - 2}" fill="{colour}"/>'
                f'<text x="{max(x(value), LEFT) + 4:.1f}" y="{y + BAR - 3}">'
                f"{number(value)}</text>"
            )
            y += BAR
        middle = (top + y) / 2 + 3
        name = xml.sax.saxutils.escape(cell.name.split("/", 1)[-1])
        parts.append(
            f'<text x="{LEFT - 8}" y="{middle:.0f}" text-anchor="end">{name}</text>'
        )
        if cell.bar:
            at = f"{x(cell.bar[1]):.1f}"
            parts.append(
                f'<line class="bar" x1="{at}" x2="{at}" y1="{top - 3}" y2="{y + 1}"/>'
            )
        y += GAP
    grid = []
    tick = low
    while tick <= high * 1.0001:
        at = f"{x(tick):.1f}"
        grid.append(
            f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP}" y2="{y}"/>'
            f'<text x="{at}" y="{y + 14}" text-anchor="middle">{tick:g}</text>'
        )
        tick *= 10
    legend, at = [], LEFT
    for policy in policies:
        legend.append(
            f'<rect x="{at}" y="26" width="10" height="10" '
            f'fill="{COLOURS.get(policy, "#868e96")}"/>'
            f'<text x="{at + 14}" y="35">{xml.sax.saxutils.escape(policy)}</text>'
        )
        at += 24 + 7 * len(policy)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 24}" '
        f'viewBox="0 0 {WIDTH} {y + 24}" role="img">\n<style>{STYLE}</style>\n'
        f'<text class="title" x="8" y="16">{xml.sax.saxutils.escape(title)}</text>\n'
        + "\n".join(legend + grid + parts)
        + "\n</svg>\n"
    )


# --- The page ---------------------------------------------------------------


def machine():
    """The processor, memory and system this runs on, in a line."""
    model, memory = platform.machine(), ""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            match = re.search(r"^model name\s*:\s*(.+)$", file.read(), re.M)
            model = match.group(1) if match else model
        with open("/proc/meminfo", encoding="utf-8") as file:
            kib = int(re.search(r"^MemTotal:\s*(\d+)", file.read(), re.M).group(1))
            memory = f", {kib / 2**20:.0f} GiB of memory"
    except OSError:
        pass
    linux = ".".join(platform.release().split(".")[:2])
    return f"{os.cpu_count()} processors ({model}){memory}, Linux {linux}"


def page_part(cells, note):
    lines = [f"Machine: {machine()}." + (f" {note}." if note else ""), ""]
    for group, members in groups_of(cells).items():
        title = TITLES.get(group, group)
        lines += [f"### {title}", "", f"![{title}](benchmarks/{group}.svg)", ""]
        lines += [table(members), ""]
        if any(cell.bar for cell in members):
            lines += [spread_list(members), ""]
    return "\n".join(lines)


def replace_part(page, part):
    """ValueError when the page has not one pair of markers."""
    begin, end = page.find(BEGIN), page.find(END)
    if begin < 0 or end < begin:
        raise ValueError(f"the page lacks its markers: {BEGIN} and {END}")
    return page[: begin + len(BEGIN)] + "\n\n" + part.strip() + "\n\n" + page[end:]


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("csv", help="what the bench wrote with --csv")
    parser.add_argument("--docs", default=None, help="the folder of the page (docs)")
    parser.add_argument("--note", default="", help="a sentence on the run")
    options = parser.parse_args(arguments)
    docs = options.docs or os.path.join(
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs"
    )
    page_path = os.path.join(docs, "benchmarks.md")
    try:
        with open(options.csv, encoding="utf-8") as file:
            cells = read_cells(file)
        with open(page_path, encoding="utf-8") as file:
            page = replace_part(file.read(), page_part(cells, options.note.rstrip(".")))
        charts = os.path.join(docs, "benchmarks")
        os.makedirs(charts, exist_ok=True)
        for group, members in groups_of(cells).items():
            write(os.path.join(charts, f"{group}.svg"), chart(TITLES.get(group, group), members))
        write(page_path, page)
    except (OSError, ValueError) as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
