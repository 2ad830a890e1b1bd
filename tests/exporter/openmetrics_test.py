#!/usr/bin/env python3
"""The judgement of Python's prometheus_client, whose reader is strict, on what a
service shows in OpenMetrics: names, types, units, order, the end.

It comes with Debian's package python3-prometheus-client.
"""

import os
import re
import signal
import subprocess
import unittest
import urllib.request

from prometheus_client.openmetrics import parser

ACCEPT = "application/openmetrics-text; version=1.0.0"


class OpenMetricsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        program = os.path.abspath("examples/epoll_server")
        cls.service = subprocess.Popen(
            [program], stdout=subprocess.PIPE, text=True)
        cls.service.stdout.readline()
        cls.url = cls.service.stdout.readline().split()[1]

    @classmethod
    def tearDownClass(cls):
        cls.service.send_signal(signal.SIGTERM)
        assert cls.service.wait() == 0
        cls.service.stdout.close()

    def scrape(self, accept):
        request = urllib.request.Request(self.url, headers={"Accept": accept})
        with urllib.request.urlopen(request) as reply:
            return reply.headers["Content-Type"], reply.read().decode()

    def test_a_strict_reader_takes_it(self):
        content_type, text = self.scrape(ACCEPT)
        self.assertEqual(content_type, ACCEPT + "; charset=utf-8")
        families = {
            family.name: family
            for family in parser.text_string_to_metric_families(text)
        }
        self.assertEqual(families["poolscope_build"].type, "info")
        used = families["poolscope_direct_memory_used_bytes"]
        self.assertEqual((used.type, used.unit), ("gauge", "bytes"))
        hits = families["poolscope_thread_cache_hits"]
        self.assertEqual(hits.type, "counter")
        self.assertEqual(hits.samples[0].name,
                         "poolscope_thread_cache_hits_total")
        self.assertGreater(len(families), 50)

    def test_both_formats_have_the_same_series(self):
        def series(text):
            return re.findall(r"^([^# ].*) \S+$", text, re.MULTILINE)

        # The first scrape of each adds the count of its own request.
        for _ in range(2):
            open_metrics = series(self.scrape(ACCEPT)[1])
            plain = series(self.scrape("text/plain")[1])
        self.assertEqual(open_metrics, plain)

    def test_the_reader_is_strict(self):
        text = self.scrape(ACCEPT)[1]
        for broken in (text[:-len("# EOF\n")],
                       text.replace("# TYPE poolscope_build info",
                                    "# TYPE poolscope_build_info info")):
            with self.assertRaises(ValueError):
                list(parser.text_string_to_metric_families(broken))


if __name__ == "__main__":
    unittest.main()
