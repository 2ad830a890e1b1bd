#!/usr/bin/env python3
"""What a Prometheus with the example's `remote_write` gives to a real
VictoriaMetrics: the recorded series, as few as the docs say, and no raw one."""

import tempfile
import time
import unittest

import rule_file
import services

_RECORDED = {
    rule["record"]
    for rule in rule_file.read("dashboards/rules/recording.yml")
}
# There only with a limited cgroup, which a machine may not have.
_BY_MACHINE = {"instance:poolscope_cgroup_headroom:ratio"}


def _remote_write(port):
    with open("dashboards/prometheus.yml", encoding="utf-8") as file:
        text = file.read()
    section = text[text.index("\nremote_write:"):]
    return section.replace("127.0.0.1:8428", f"127.0.0.1:{port}")


class RemoteWriteTest(unittest.TestCase):
    def test_writes_the_recorded_series_alone(self):
        with tempfile.TemporaryDirectory() as folder, services.VictoriaMetrics(
            folder
        ) as store, services.Demo(
            "examples/demo/demo", folder, []
        ) as demo, services.Prometheus(
            folder,
            "dashboards/rules",
            60,
            demo.port,
            services.free_port(),
            _remote_write(store.port),
        ) as prometheus:
            give_up = time.monotonic() + services.PATIENCE_SECONDS
            missing = _RECORDED
            while missing - _BY_MACHINE and time.monotonic() < give_up:
                time.sleep(1)
                series = services.query(store.port, '{__name__!=""}')
                names = [one["metric"]["__name__"] for one in series]
                missing = _RECORDED - set(names)
            self.assertEqual(missing - _BY_MACHINE, set(), prometheus.log())

            # One allocator, one instance: a series for each rule.
            self.assertEqual(sorted(names), sorted(_RECORDED - missing))
            raw = services.query(
                prometheus.port, 'count({__name__=~"poolscope_.+"})'
            )
            print(f"{raw[0]['value'][1]} raw series, {len(names)} written")
            self.assertGreater(float(raw[0]["value"][1]), 10 * len(names))


if __name__ == "__main__":
    unittest.main()
