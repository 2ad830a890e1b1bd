#!/usr/bin/env python3
"""Counts the test cases of a `bazel test` and prints "N passed, N failed".

usage: summary.py [--bazel_exit_code=N] EVENTS [VERDICTS]...

EVENTS is what Bazel wrote to --build_event_json_file. Every case in a suite's
test.xml counts as one, whichever shard ran it; a test that is not GoogleTest
counts as one. Cases that were skipped or disabled count as neither. A suite
that failed although each of its cases passed (a crash, a time-out, a leak found
at exit) adds one failure, and so does one that could not be built.

A file of VERDICTS has a line "ok NAME" or "not ok NAME" for each further check,
and must have one at least.

The failures are named, then the counts stand alone on the last line. Exits with
0 when something ran and nothing failed, else with 1.
"""

import argparse
import json
import sys
import urllib.parse
import xml.etree.ElementTree

# What `bazel test` returns when every suite was built and run.
_ALL_PASSED = 0
_SOME_FAILED = 3


class Tally:
    """The number of cases passed, and the names of those that failed."""

    def __init__(self):
        self.passed = 0
        self.failures = []

    def add_suite(self, label, status, report):
        """Adds one run of one shard; `report` is its test.xml, or None."""
        failures_before = len(self.failures)
        for case in report.iter("testcase") if report is not None else ():
            if case.find("failure") is not None or case.find("error") is not None:
                self.failures.append(f"{label} {_case_name(case)}")
            elif case.get("status") != "notrun" and case.get("result") not in (
                "skipped",
                "suppressed",
            ):
                self.passed += 1
        if status != "PASSED" and len(self.failures) == failures_before:
            self.failures.append(f"{label} ({status})")

    def add_verdicts(self, path):
        """Adds the checks of a file of verdicts."""
        seen = False
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("ok "):
                    self.passed += 1
                elif line.startswith("not ok "):
                    self.failures.append(line[len("not ok ") :].strip())
                else:
                    continue
                seen = True
        if not seen:
            self.failures.append(f"{path} holds no verdict")


def _case_name(case):
    suite = case.get("classname")
    return f"{suite}.{case.get('name')}" if suite else case.get("name")


def _report_of(result):
    for output in result.get("testActionOutput", ()):
        if output.get("name") == "test.xml":
            path = urllib.parse.urlparse(output["uri"]).path
            try:
                return xml.etree.ElementTree.parse(urllib.parse.unquote(path))
            except (OSError, xml.etree.ElementTree.ParseError):
                return None
    return None


def count(events, bazel_exit_code):
    """Returns the Tally of the events, an iterable of JSON objects."""
    tally = Tally()
    tests = set()
    unbuilt = set()
    results = {}
    for event in events:
        identity = event.get("id", {})
        if "targetConfigured" in identity:
            kind = event.get("configured", {}).get("targetKind", "")
            if kind.endswith("_test rule"):
                tests.add(identity["targetConfigured"]["label"])
        elif "targetCompleted" in identity:
            if not event.get("completed", {}).get("success"):
                unbuilt.add(identity["targetCompleted"]["label"])
        elif "testResult" in identity:
            run = identity["testResult"]
            key = (run["label"], run.get("run"), run.get("shard"))
            # Attempts come in order; the last one decides.
            results[key] = event.get("testResult", {})
    for (label, _, _), result in sorted(results.items()):
        tally.add_suite(label, result.get("status"), _report_of(result))
    ran = {label for label, _, _ in results}
    unbuilt = sorted((unbuilt & tests) - ran)
    if unbuilt:
        for label in unbuilt:
            tally.failures.append(f"{label} was not built or not run")
    elif bazel_exit_code not in (_ALL_PASSED, _SOME_FAILED):
        # A library or a program that no test needs, or a broken BUILD file.
        tally.failures.append(f"bazel test ended with {bazel_exit_code}")
    elif not results:
        tally.failures.append("no test ran")
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bazel_exit_code", type=int, default=0)
    parser.add_argument("events")
    parser.add_argument("verdicts", nargs="*")
    arguments = parser.parse_args()

    with open(arguments.events, encoding="utf-8") as lines:
        tally = count(map(json.loads, lines), arguments.bazel_exit_code)
    for path in arguments.verdicts:
        tally.add_verdicts(path)

    for failure in tally.failures:
        print(f"FAILED {failure}")
    print(f"{tally.passed} passed, {len(tally.failures)} failed")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
