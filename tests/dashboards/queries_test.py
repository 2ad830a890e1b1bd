#!/usr/bin/env python3
"""Asks a real Prometheus what every panel asks.

usage: queries_test.py [FLAGS]...

It scrapes demos, one for each of the arguments, which are the demo's flags, and
has a past of some hours that is made from what they show, for queries that look
back. A query must give something wherever its metrics have samples, for all
instances and for each of them alone.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, "tests/dashboards")
import dashboards

DEMO = "examples/demo/demo"
JOB = "demo"
PATIENCE_SECONDS = 120
PAST_MINUTES = 8 * 60

# Unless others are named: one grows and has a governor; the other is calm. The
# leak's own level has every block watched, and then the time of none is
# measured.
DEMOS = (
    "--scenario=leak --leak_detection=simple --governor=on",
    "--scenario=steady",
)

# Nothing is an answer too where a panel's subject is not there, that is, where
# this gives nothing: no growth, no block in use, no request.
_OF_TARGET = '{job="$job",instance=~"$instance"}'
SUBJECTS = {
    "Growth in one hour, by owner": "vector(0) > 0",
    "Ten size classes with most blocks in use":
        f"sum(poolscope_arena_pinned_bytes{_OF_TARGET}) > 0",
    "Time of an allocation, 99th percentile by path":
        f"sum(rate(poolscope_requested_bytes_total{_OF_TARGET}"
        "[$__rate_interval])) > 0",
}

ALWAYS_FIRING = """
groups:
  - name: dashboards
    rules:
      - alert: PoolscopeIsThere
        expr: poolscope_build_info
        labels: {severity: info}
"""

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


def get(url, parameters=None):
    if parameters:
        url += "?" + urllib.parse.urlencode(parameters)
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return response.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Demo:

    def __init__(self, flags):
        self.process = subprocess.Popen(
            [DEMO, "--listen=127.0.0.1:0", *flags.split()],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.instance = None
        for line in self.process.stdout:
            match = re.match(r"  metrics  http://(.*)/metrics", line)
            if match:
                self.instance = match.group(1)
                break
        assert self.instance, "the demo has no page of metrics"

    def samples(self):
        """The samples that the demo shows: name, labels as text, value."""
        page = get(f"http://{self.instance}/metrics")
        return [
            SAMPLE.match(line).groups(default="")
            for line in page.splitlines()
            if line and not line.startswith("#")
        ]


def past_of(demos, now):
    """Gauges as they are, at each minute of the hours before, in OpenMetrics."""
    series = {}
    for demo in demos:
        for name, labels, value in demo.samples():
            if not name.endswith(("_total", "_bucket", "_count", "_sum")):
                target = f'job="{JOB}",instance="{demo.instance}"'
                everything = ",".join(filter(None, [target, labels]))
                series.setdefault(name, []).append((everything, value))
    lines = []
    for name, each in series.items():
        lines.append(f"# TYPE {name} gauge")
        for labels, value in each:
            for minute in range(PAST_MINUTES, 1, -1):
                lines.append(f"{name}{{{labels}}} {value} {now - 60 * minute}")
    lines.append("# EOF\n")
    return "\n".join(lines)


class Prometheus:

    def __init__(self, folder, demos):
        data = os.path.join(folder, "data")
        past = os.path.join(folder, "past.om")
        config = os.path.join(folder, "prometheus.yml")
        rules = os.path.join(folder, "rules.yml")
        with open(past, "w", encoding="utf-8") as file:
            file.write(past_of(demos, int(time.time())))
        subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", past, data],
            check=True, stdout=subprocess.DEVNULL)
        with open(rules, "w", encoding="utf-8") as file:
            file.write(ALWAYS_FIRING)
        targets = [demo.instance for demo in demos]
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                f"rule_files: [{json.dumps(rules)}]\n"
                "scrape_configs:\n"
                f"  - job_name: {JOB}\n"
                f"    static_configs: [targets: {json.dumps(targets)}]\n")
        port = free_port()
        self.api = f"http://127.0.0.1:{port}/api/v1/"
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}",
             f"--storage.tsdb.path={data}",
             f"--web.listen-address=127.0.0.1:{port}"],
            stderr=subprocess.DEVNULL)

    def ask(self, path, **parameters):
        return json.loads(get(self.api + path, parameters))

    def has_scraped(self, count):
        try:
            answer = self.ask("query", query="count(up == 1)")
        except (OSError, ValueError):
            return False
        result = answer["data"]["result"]
        return bool(result) and result[0]["value"][1] == str(count)


class QueriesTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.demos = []
        cls.prometheus = None
        cls.addClassCleanup(cls.end)
        for flags in sys.argv[1:] or DEMOS:
            cls.demos.append(Demo(flags))
        # The first walk over the mappings is over.
        cls.wait(cls.demos_show, "poolscope_native_memory_resident_bytes")
        cls.prometheus = Prometheus(cls.folder.name, cls.demos)
        cls.wait(cls.prometheus.has_scraped, len(cls.demos))
        cls.dashboards = dashboards.load()

    @classmethod
    def end(cls):
        for each in filter(None, [cls.prometheus, *cls.demos]):
            each.process.send_signal(signal.SIGINT)
            each.process.communicate()
        cls.folder.cleanup()

    @classmethod
    def wait(cls, condition, argument):
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not condition(argument):
            assert time.monotonic() < give_up, f"no {argument}"
            time.sleep(0.1)

    @classmethod
    def demos_show(cls, name):
        return all(
            any(name == sample[0] for sample in demo.samples())
            for demo in cls.demos)

    def expression(self, text, instance):
        for name, value in {
            "$__rate_interval": "10s",
            "$__range": "1h",
            "$job": JOB,
            "$instance": instance,
            "$allocator": ".+",
            "$group": ".+",
        }.items():
            text = text.replace(name, value)
        self.assertNotIn("$", text)
        return text

    def has_subject(self, query, instance):
        subject = SUBJECTS.get(query.panel)
        if subject is None:
            return True
        text = self.expression(subject, instance)
        answer = self.prometheus.ask("query", query=text)
        self.assertEqual(answer["status"], "success", text)
        return bool(answer["data"]["result"])

    def problem(self, query, instance, there):
        """What is wrong with the answer to a query; None when nothing is."""
        text = self.expression(query.expr, instance)
        answer = self.prometheus.ask("query", query=text)
        if answer["status"] != "success":
            return answer["error"]
        result = answer["data"]["result"]
        if not result:
            expected = all(name in there for name in query.metrics())
            return (
                "is empty"
                if expected and self.has_subject(query, instance)
                else None
            )
        if all(series["value"][1] == "NaN" for series in result):
            return "is not a number"
        for label in query.legend_labels():
            if any(not series["metric"].get(label) for series in result):
                return f"has series without {label}"
        return None

    def problems(self, queries, demos, instance):
        """What is wrong, by the query."""
        there = {"ALERTS", "up"}
        for demo in demos:
            there |= {name for name, _, _ in demo.samples()}
        problems = {
            query: self.problem(query, instance, there) for query in queries
        }
        return {query: what for query, what in problems.items() if what}

    def check(self, demos, instance):
        """Asks again what is wrong: rates need some scrapes to be there."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        wrong = self.problems(
            dashboards.queries(self.dashboards), demos, instance)
        while wrong and time.monotonic() < give_up:
            time.sleep(1)
            wrong = self.problems(list(wrong), demos, instance)
        found = {query.where: what for query, what in wrong.items()}
        self.assertEqual(found, {})

    def test_queries_of_all_instances(self):
        self.check(self.demos, ".+")

    def test_queries_of_one_instance(self):
        for demo in self.demos:
            with self.subTest(instance=demo.instance):
                self.check([demo], re.escape(demo.instance).replace("\\", "\\\\"))

    def test_queries_of_an_instance_that_is_not_there_fail_at_nothing(self):
        for query in dashboards.queries(self.dashboards):
            text = self.expression(query.expr, "nowhere")
            answer = self.prometheus.ask("query", query=text)
            self.assertEqual(answer["status"], "success", query.where)

    def test_variables_have_values(self):
        for dashboard in self.dashboards:
            for text, label in dashboards.variable_queries(dashboard).values():
                text = re.sub(r"\$\w+", ".+", text)
                answer = self.prometheus.ask("series", **{"match[]": text})
                self.assertEqual(answer["status"], "success", text)
                self.assertTrue(answer["data"], text)
                for series in answer["data"]:
                    self.assertIn(label, series, text)

    def test_annotations_are_queries(self):
        for dashboard in self.dashboards:
            for annotation in dashboard["annotations"]["list"]:
                text = re.sub(r"\$__\w+", "10s", annotation["expr"])
                text = re.sub(r"\$\w+", ".+", text)
                answer = self.prometheus.ask("query", query=text)
                self.assertEqual(answer["status"], "success", text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
