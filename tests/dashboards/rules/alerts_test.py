#!/usr/bin/env python3
"""Two stories through to the Alertmanager, and what is made of what it said;
`./dev alerts` plays all."""

import argparse
import glob
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import alerts_run
import services
import stories

_KNOWN = {story.name: story for story in stories.STORIES}
_STORY = _KNOWN["slow-peer"]
_AT_30 = services.Notification("firing", {}, 30.0)
_ALL = dict.fromkeys(_STORY.alerts, _AT_30)


def _problems(story, first, refused_at):
    return alerts_run.judge(story, first, began_at=0, refused_at=refused_at)[1]


class JudgeTest(unittest.TestCase):
    def test_takes_exactly_the_alerts_expected(self):
        self.assertEqual(_problems(_STORY, _ALL, 31.0), [])

    def test_names_the_alert_that_is_missing(self):
        first = dict(_ALL)
        del first["NearLimit"]
        self.assertEqual(
            _problems(_STORY, first, 31.0), ["PoolscopeNearLimit did not fire"]
        )

    def test_names_the_alert_that_is_too_much(self):
        first = {**_ALL, "MetricsAbsent": _AT_30}
        self.assertEqual(
            _problems(_STORY, first, 31.0), ["PoolscopeMetricsAbsent fired"]
        )

    def test_wants_the_first_alert_before_the_first_refusal(self):
        self.assertEqual(
            _problems(_STORY, _ALL, 30.0),
            ["no alert came before the first refusal"],
        )

    def test_wants_a_refusal_where_the_story_has_one_and_there_alone(self):
        self.assertEqual(
            _problems(_STORY, _ALL, None), ["no memory was refused"]
        )
        self.assertEqual(
            _problems(_KNOWN["steady"], {}, 3.0), ["memory was refused"]
        )


class InterruptTest(unittest.TestCase):
    def _interrupt(self, number):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.Popen(
                [
                    sys.executable,
                    alerts_run.__file__,
                    "--libraries=",
                    "--jobs=2",
                    *("steady", "leak", "slow-peer"),
                ],
                env={**os.environ, "TMPDIR": folder},
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            # Prometheus is the last to be started.
            give_up = time.monotonic() + services.PATIENCE_SECONDS
            while len(glob.glob(folder + "/*/prometheus.log")) < 2:
                self.assertIsNone(run.poll())
                self.assertLess(time.monotonic(), give_up)
                time.sleep(0.05)
            run.send_signal(number)
            _, said = run.communicate(timeout=services.PATIENCE_SECONDS)
            self.assertEqual(run.returncode, 130, said)
            self.assertEqual(said, "alerts_run.py: interrupted\n")
            self.assertEqual(os.listdir(folder), [])
        with self.assertRaises(ProcessLookupError):
            os.killpg(run.pid, 0)

    def test_a_signal_ends_all_that_was_started(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                self._interrupt(number)


class StoryTest(unittest.TestCase):
    def _play(self, name):
        options = argparse.Namespace(
            demo="examples/demo/demo",
            rules="dashboards/rules",
            libraries="",
        )
        lines, problems = alerts_run.play(_KNOWN[name], options)
        print("\n".join(lines), flush=True)
        self.assertEqual(problems, [])

    def test_a_slow_peer_is_told_of_before_memory_is_refused(self):
        self._play("slow-peer")

    def test_a_service_that_died_is_told_of(self):
        self._play("killed")


if __name__ == "__main__":
    unittest.main()
