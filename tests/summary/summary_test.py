#!/usr/bin/env python3
"""Tests of summary.py: what counts as passed, and what as failed."""

import os
import subprocess
import sys
import tempfile
import unittest

import summary

PASSING = '<testcase name="A" classname="S" status="run" result="completed"/>'
FAILING = '<testcase name="B" classname="S" status="run"><failure/></testcase>'
SKIPPED = '<testcase name="C" classname="S" status="run" result="skipped"/>'
DISABLED = '<testcase name="D" classname="S" status="notrun"/>'
SUPPRESSED = '<testcase name="E" classname="S" result="suppressed"/>'
ERRING = '<testcase name="F" status="run"><error/></testcase>'


class SummaryTest(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)

    def _write(self, name, text):
        path = os.path.join(self._folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _configured(self, label, kind="cc_test rule"):
        return {
            "id": {"targetConfigured": {"label": label}},
            "configured": {"targetKind": kind},
        }

    def _completed(self, label, success=True):
        return {
            "id": {"targetCompleted": {"label": label}},
            "completed": {"success": success},
        }

    def _result(self, label, *cases, status="PASSED", shard=1):
        path = self._write(
            f"{label.strip('/').replace(':', '-')}-{shard}.xml",
            f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>",
        )
        return {
            "id": {"testResult": {"label": label, "run": 1, "shard": shard}},
            "testResult": {
                "status": status,
                "testActionOutput": [
                    {"name": "test.xml", "uri": f"file://{path}"}
                ],
            },
        }

    def _count(self, *events, code=0):
        tally = summary.count(events, code)
        return tally.passed, tally.failures

    def test_sums_the_cases_of_all_suites_and_shards(self):
        self.assertEqual(
            self._count(
                self._result("//a:t", PASSING, PASSING, shard=1),
                self._result("//a:t", PASSING, shard=2),
                self._result("//b:t", PASSING),
            ),
            (4, []),
        )

    def test_names_a_failing_case(self):
        self.assertEqual(
            self._count(
                self._result("//a:t", PASSING, FAILING, status="FAILED"), code=3
            ),
            (1, ["//a:t S.B"]),
        )

    def test_a_case_that_ends_in_an_error_fails(self):
        self.assertEqual(
            self._count(
                self._result("//a:t", PASSING, ERRING, status="FAILED"), code=3
            ),
            (1, ["//a:t F"]),
        )

    def test_skipped_and_disabled_cases_count_as_neither(self):
        self.assertEqual(
            self._count(
                self._result("//a:t", PASSING, SKIPPED, DISABLED, SUPPRESSED)
            ),
            (1, []),
        )

    def test_a_suite_that_fails_with_all_cases_passed_adds_a_failure(self):
        self.assertEqual(
            self._count(self._result("//a:t", PASSING, status="FAILED"), code=3),
            (1, ["//a:t (FAILED)"]),
        )

    def test_a_suite_without_a_report_adds_a_failure(self):
        result = self._result("//a:t", status="TIMEOUT")
        result["testResult"]["testActionOutput"] = []
        self.assertEqual(
            self._count(result, code=3), (0, ["//a:t (TIMEOUT)"])
        )

    def test_the_last_attempt_decides(self):
        self.assertEqual(
            self._count(
                self._result("//a:t", FAILING, status="FAILED"),
                self._result("//a:t", PASSING),
            ),
            (1, []),
        )

    def test_a_suite_that_was_not_built_adds_a_failure(self):
        self.assertEqual(
            self._count(
                self._configured("//a:t"),
                self._configured("//a:lib", "cc_library rule"),
                self._completed("//a:t", success=False),
                self._completed("//a:lib", success=False),
                self._result("//b:t", PASSING),
                code=1,
            ),
            (1, ["//a:t was not built or not run"]),
        )

    def test_a_suite_that_ran_is_judged_by_its_result(self):
        self.assertEqual(
            self._count(
                self._configured("//a:t"),
                self._completed("//a:t", success=False),
                self._result("//a:t", PASSING),
            ),
            (1, []),
        )

    def test_an_exit_code_that_no_test_explains_adds_a_failure(self):
        self.assertEqual(
            self._count(
                self._result("//a:t", PASSING, FAILING, status="FAILED"), code=1
            ),
            (1, ["//a:t S.B", "bazel test ended with 1"]),
        )

    def test_no_test_at_all_is_a_failure(self):
        self.assertEqual(self._count(), (0, ["no test ran"]))

    def _run(self, *arguments):
        run = subprocess.run(
            [sys.executable, summary.__file__, *arguments],
            stdout=subprocess.PIPE,
            universal_newlines=True,
            check=False,
        )
        return run.returncode, run.stdout.splitlines()

    def test_closes_with_the_counts_alone_on_the_last_line(self):
        events = self._write("events", "")
        verdicts = self._write("verdicts", "ok one\nnot ok two\nok three\n")
        self.assertEqual(
            self._run(events, verdicts),
            (
                1,
                ["FAILED no test ran", "FAILED two", "2 passed, 2 failed"],
            ),
        )

    def test_an_empty_file_of_verdicts_is_a_failure(self):
        events = self._write("events", "")
        verdicts = self._write("verdicts", "")
        code, lines = self._run(events, verdicts)
        self.assertEqual(code, 1)
        self.assertEqual(lines[-1], "0 passed, 2 failed")


if __name__ == "__main__":
    unittest.main()
