#!/usr/bin/env python3
"""What libpoolscope-sidecar.so costs the programs that it is loaded into.

Runs each server with and without it, in pairs one after the other, the first of
a pair by turns; loads it with the tool that its users measure it by; and in the
runs with the library scrapes it each second. The server, with the library's
threads, has one core, and its load the others. Prints each pair, then the
median of their ratios, the spread, and what of the server's memory is
unexplained.

usage: preload_cost.py --library=FILE [--root=FOLDER] [--pairs=10]
                       [--seconds=5] [SERVER]...
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

import servers

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
    """Asks for /metrics each second, on a thread of its own."""

    def __init__(self, port):
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.scrapes = 0
        self.failures = 0

    def _run(self):
        while not self._over.wait(SCRAPE_SECONDS):
            try:
                get(self._port, "/metrics")
                self.scrapes += 1
            except (OSError, urllib.error.URLError):
                self.failures += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def measure(kind, folder, options, library):
    """Throughput of one run, and of one with the library what is unexplained."""
    environment = dict(os.environ)
    libraries = os.path.join(options.root, "usr/lib/x86_64-linux-gnu")
    environment["LD_LIBRARY_PATH"] = libraries
    extra = {}
    port = servers.free_port()
    if library:
        extra = {
            "LD_PRELOAD": library,
            "POOLSCOPE_LISTEN": f"127.0.0.1:{port}",
            "POOLSCOPE_PROGRAM": kind.name,
        }
    # Which what is started inherits.
    os.sched_setaffinity(0, options.server_cores)
    with kind(folder, options.root, environment, extra) as server:
        os.sched_setaffinity(0, options.load_cores)
        if not library:
            return server.load(options.seconds), None
        with Scraper(port) as scraper:
            throughput = server.load(options.seconds)
        if scraper.failures or not scraper.scrapes:
            raise RuntimeError(f"{scraper.failures} scrapes of {kind.name} failed")
        return throughput, unknown_percent(port)


def compare(kind, options):
    with tempfile.TemporaryDirectory(prefix="preload-cost-") as folder:
        if os.geteuid() == 0:
            os.chown(folder, servers.NOBODY, servers.NOBODY)
        # Where whoever the server runs as can read it.
        copy = shutil.copy(options.library, folder)
        ratios, unknown = [], []
        for pair in range(options.pairs):
            figures = {}
            order = (None, copy)
            for library in order if pair % 2 == 0 else reversed(order):
                figures[library], share = measure(
                    kind, folder, options, library
                )
                if share is not None:
                    unknown.append(share)
            without, preloaded = figures[None], figures[copy]
            ratios.append(preloaded / without)
            print(
                f"  {kind.name} {pair + 1}: {without:.0f} {kind.unit} without, "
                f"{preloaded:.0f} with: {100 * (ratios[-1] - 1):+.1f} %",
                flush=True,
            )
    change = [100 * (ratio - 1) for ratio in ratios]
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
    parser.add_argument("--seconds", type=int, default=5, help="of a run")
    parser.add_argument("servers", nargs="*", metavar="SERVER")
    options = parser.parse_args()
    if options.pairs < 2 or options.seconds < 2:
        parser.error("--pairs and --seconds: give 2 or more")
    options.server_cores, options.load_cores = cores()
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
