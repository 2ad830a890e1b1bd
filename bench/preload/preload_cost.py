#!/usr/bin/env python3
"""What libpoolscope-sidecar.so costs the programs that it is loaded into.

Starts each server twice, with and without it, and loads one and the other by
turns, a second at a time, with the tool that its users measure it by; the one
with the library is scraped each second of its turns. A machine's speed drifts,
and turns so short share it. Both servers, with the library's threads, have one
core, and their load the others. So many turns are a pair; then both are started
anew. Prints each pair, then the median of their ratios, the spread, and what of
the server's memory is unexplained.

usage: preload_cost.py --library=FILE [--root=FOLDER] [--pairs=10]
                       [--turns=8] [SERVER]...
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

import servers

TURN_SECONDS = 1
SCRAPE_SECONDS = 1


def get(port, path):
    url = f"http://127.0.0.1:{port}{path}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def unknown_percent(port):
    """Of what is resident, by a walk of now."""
    report = json.loads(get(port, "/debug/memory?format=json"))
    unknown = sum(
        category["resident_bytes"]
        for category in report["categories"]
        if category["category"] == "Unknown"
    )
    return 100 * unknown / report["total"]["resident_bytes"]


def cores():
    """For the server, and for its load; the same where there is one alone."""
    first, *others = sorted(os.sched_getaffinity(0))
    return {first}, set(others) or {first}


class Scraper:
    """Asks for /metrics at once, and each second, on a thread of its own."""

    def __init__(self, port):
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.failed = False

    def _run(self):
        while True:
            try:
                get(self._port, "/metrics")
            except (OSError, urllib.error.URLError):
                self.failed = True
            if self._over.wait(SCRAPE_SECONDS):
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def start(kind, folder, options, library, port):
    """The server; with the library it is scraped at `port`."""
    environment = dict(os.environ)
    libraries = os.path.join(options.root, "usr/lib/x86_64-linux-gnu")
    environment["LD_LIBRARY_PATH"] = libraries
    extra = {}
    if library:
        folder = os.path.join(folder, "preloaded")
        extra = {
            "LD_PRELOAD": library,
            "POOLSCOPE_LISTEN": f"127.0.0.1:{port}",
            "POOLSCOPE_PROGRAM": kind.name,
        }
    else:
        folder = os.path.join(folder, "plain")
    os.makedirs(folder, exist_ok=True)
    give_away(folder)
    return kind(folder, options.root, environment, extra)


def give_away(path):
    """To whom servers run as that refuse to run as root."""
    if os.geteuid() == 0:
        os.chown(path, servers.NOBODY, servers.NOBODY)


def load_preloaded(server, port):
    with Scraper(port) as scraper:
        throughput = server.load(TURN_SECONDS)
    if scraper.failed:
        raise RuntimeError(f"a scrape of {server.name} failed")
    return throughput


def measure_pair(kind, folder, options, library):
    """Throughput without and with the library, and what is unexplained."""
    port = servers.free_port()
    without, preloaded = [], []
    # Which what is started inherits.
    os.sched_setaffinity(0, options.server_cores)
    with start(kind, folder, options, None, port) as plain_server, start(
        kind, folder, options, library, port
    ) as preloaded_server:
        os.sched_setaffinity(0, options.load_cores)
        for turn in range(options.turns):
            # One, the other, the other, the one: a drift is for both.
            library_first = turn % 2 == 1
            for with_library in (library_first, not library_first):
                if with_library:
                    preloaded.append(load_preloaded(preloaded_server, port))
                else:
                    without.append(plain_server.load(TURN_SECONDS))
        unknown = unknown_percent(port)
    return statistics.mean(without), statistics.mean(preloaded), unknown


def compare(kind, options):
    with tempfile.TemporaryDirectory(prefix="preload-cost-") as folder:
        # Where whoever the server runs as can read it.
        os.chmod(folder, 0o755)
        library = shutil.copy(options.library, folder)
        change, unknown = [], []
        for pair in range(options.pairs):
            without, preloaded, share = measure_pair(
                kind, folder, options, library
            )
            change.append(100 * (preloaded / without - 1))
            unknown.append(share)
            print(
                f"  {kind.name} {pair + 1}: {without:.0f} {kind.unit} without, "
                f"{preloaded:.0f} with: {change[-1]:+.1f} %",
                flush=True,
            )
    quarters = statistics.quantiles(change, n=4, method="inclusive")
    print(
        f"{kind.name} ({kind.tool}): median {statistics.median(change):+.1f} %, "
        f"middle half {quarters[0]:+.1f} to {quarters[2]:+.1f} %, "
        f"all {min(change):+.1f} to {max(change):+.1f} %, {len(change)} pairs; "
        f"Unknown {max(unknown):.1f} % at most",
        flush=True,
    )


def main():
    known = {kind.name: kind for kind in servers.ALL}
    parser = argparse.ArgumentParser(
        usage=__doc__.rsplit("usage: ", 1)[1],
        description=__doc__.split("\n", 1)[0],
    )
    parser.add_argument("--library", required=True, help="the library's file")
    parser.add_argument("--root", default="/", help="where servers are unpacked")
    parser.add_argument("--pairs", type=int, default=10, help="2 or more")
    parser.add_argument(
        "--turns", type=int, default=8, help="of each server in a pair"
    )
    parser.add_argument("servers", nargs="*", metavar="SERVER")
    options = parser.parse_args()
    if options.pairs < 2 or options.turns < 2:
        parser.error("--pairs and --turns: give 2 or more")
    options.server_cores, options.load_cores = cores()
    # The servers end with their blocks. A shell starts background jobs with
    # SIGINT ignored.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda number, _: sys.exit(128 + number))
    for name in options.servers:
        if name not in known:
            parser.error(f"no server {name!r}; there are {', '.join(known)}")
    try:
        for name in options.servers or known:
            try:
                compare(known[name], options)
            except servers.Missing as missing:
                sys.exit(
                    f"preload_cost.py: {missing} was not found; install "
                    f"Debian's {known[name].packages}, or unpack it and give "
                    "--root=FOLDER"
                )
    except (RuntimeError, subprocess.SubprocessError, OSError) as problem:
        sys.exit(f"preload_cost.py: {problem}")


if __name__ == "__main__":
    main()
