"""The programs that a story of alerts needs, each on the loopback interface.

    demo ---> (faults) ---> Prometheus ---> Alertmanager ---> Webhook
      metrics                  scaled rules     notifications

Each is a context manager that ends what it started. Ports are free ones. Of
the programs `prometheus` and `prometheus-alertmanager`, Debian's, the PATH says
where they are.
"""

import collections
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import scale_rules

PATIENCE_SECONDS = 60


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(port, path):
    """The body of a page of 127.0.0.1:`port`."""
    url = f"http://127.0.0.1:{port}{path}"
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


def query(port, expression):
    """The result of an instant query, of whatever speaks Prometheus' API."""
    parameters = urllib.parse.urlencode({"query": expression})
    answer = json.loads(get(port, "/api/v1/query?" + parameters))
    return answer["data"]["result"]


class Program:
    """A child process, ended with its `with` block; output goes to a file."""

    _lock = threading.Lock()
    _running = set()
    _over = False

    def __init__(self, name, folder, arguments, environment=None):
        self.log_path = os.path.join(folder, name + ".log")
        self._log = open(self.log_path, "w", encoding="utf-8")
        with Program._lock:
            if Program._over:
                raise RuntimeError(f"{name} was not started: all is over")
            self.process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
            )
            Program._running.add(self.process)

    @staticmethod
    def end_all():
        """Ends the programs of every thread, which miss them then, and lets no
        other begin."""
        with Program._lock:
            Program._over = True
            for process in Program._running:
                process.send_signal(signal.SIGCONT)
                process.terminate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        with Program._lock:
            Program._running.discard(self.process)
        self._log.close()

    def await_page(self, port, path):
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return get(port, path)
            except (OSError, urllib.error.URLError):
                if self.process.poll() is None and time.monotonic() < give_up:
                    time.sleep(0.1)
                    continue
                self.__exit__()
                raise RuntimeError(
                    f"{self.log_path}: no answer\n{self.log()}"
                ) from None

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()


class Demo(Program):
    """The demo, from when it serves its metrics."""

    def __init__(self, program, folder, flags, preload=None):
        super().__init__(
            "demo",
            folder,
            [program, "--listen=127.0.0.1:0", "--walk_interval=1s", *flags],
            {"LD_PRELOAD": preload} if preload else None,
        )
        self.port = None
        give_up = time.monotonic() + PATIENCE_SECONDS
        while self.port is None:
            found = re.search(r"metrics +http://127\.0\.0\.1:(\d+)", self.log())
            if found:
                self.port = int(found[1])
            elif self.process.poll() is not None or time.monotonic() > give_up:
                self.__exit__()
                raise RuntimeError("the demo does not serve:\n" + self.log())
            else:
                time.sleep(0.05)


class Server:
    """An HTTP server of the test's own, in a thread."""

    def __init__(self, handler):
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), handler
        )
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Faults(Server):
    """Hands the demo's metrics on, as `alter(text, seconds)` has them: what a
    fault would show that cannot be made here. `seconds` are since the start."""

    def __init__(self, demo_port, alter):
        start = time.monotonic()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                text = get(demo_port, "/metrics")
                body = alter(text, time.monotonic() - start).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "text/plain")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except ConnectionError:
                    pass  # the scrape was given up

            def log_message(self, *_):
                pass

        super().__init__(Handler)


# What the Alertmanager said of one alert, and when, in seconds of time.time().
Notification = collections.namedtuple("Notification", "status labels at")


class Webhook(Server):
    """Where the Alertmanager sends its notifications."""

    def __init__(self):
        self._lock = threading.Lock()
        self._notifications = []
        webhook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["Content-Length"])
                webhook.take(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(Handler)

    def take(self, message):
        now = time.time()
        with self._lock:
            for alert in message["alerts"]:
                self._notifications.append(
                    Notification(alert["status"], alert["labels"], now)
                )

    def first_firing(self):
        """The first notification that each alert fires, by its name."""
        first = {}
        with self._lock:
            for notification in self._notifications:
                if notification.status == "firing":
                    name = notification.labels["alertname"]
                    first.setdefault(name, notification)
        return first


class Alertmanager(Program):
    def __init__(self, folder, webhook_port):
        self.port = free_port()
        config = os.path.join(folder, "alertmanager.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                "route:\n"
                "  receiver: test\n"
                "  group_by: ['...']\n"
                "  group_wait: 0s\n"
                "  group_interval: 1s\n"
                "  repeat_interval: 1h\n"
                "receivers:\n"
                "  - name: test\n"
                "    webhook_configs:\n"
                f"      - url: http://127.0.0.1:{webhook_port}/\n"
            )
        super().__init__(
            "alertmanager",
            folder,
            [
                "prometheus-alertmanager",
                f"--config.file={config}",
                f"--storage.path={folder}/alertmanager",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
            ],
        )

        self.await_page(self.port, "/-/ready")


class Prometheus(Program):
    """Scrapes a target each second, by the real rules with shorter times."""

    def __init__(
        self,
        folder,
        rules_folder,
        factor,
        target_port,
        alert_port,
        remote_write="",  # that section of the configuration
    ):
        self.port = free_port()
        rules = []
        for name in ("recording.yml", "alerts.yml"):
            path = os.path.join(rules_folder, name)
            with open(path, encoding="utf-8") as file:
                scaled = scale_rules.scale(file.read(), factor)
            rules.append(os.path.join(folder, name))
            with open(rules[-1], "w", encoding="utf-8") as file:
                file.write(scaled)
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                "global:\n"
                "  scrape_interval: 1s\n"
                "  scrape_timeout: 1s\n"
                "  evaluation_interval: 1s\n"
                f"rule_files: {json.dumps(rules)}\n"
                "alerting:\n"
                "  alertmanagers:\n"
                "    - static_configs:\n"
                f"        - targets: ['127.0.0.1:{alert_port}']\n"
                "scrape_configs:\n"
                "  - job_name: demo\n"
                "    static_configs:\n"
                f"      - targets: ['127.0.0.1:{target_port}']\n"
                f"{remote_write}"
            )
        super().__init__(
            "prometheus",
            folder,
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder}/prometheus",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--rules.alert.resend-delay=1s",
            ],
        )

        self.await_page(self.port, "/-/ready")

    def query(self, expression):
        return query(self.port, expression)

    def last_without_refusal(self):
        """When the last scrape before the first refusal was; None where
        nothing was refused."""
        samples = collections.defaultdict(float)
        for series in self.query("poolscope_allocation_failures_total[1h]"):
            for at, value in series["values"]:
                samples[at] += float(value)
        before = None
        for at in sorted(samples):
            if samples[at] > 0:
                return before if before is not None else at
            before = at
        return None


class VictoriaMetrics(Program):
    """Takes what a Prometheus writes to it."""

    def __init__(self, folder):
        self.port = free_port()
        super().__init__(
            "victoria-metrics",
            folder,
            [
                "victoria-metrics",
                f"-storageDataPath={folder}/victoria-metrics",
                f"-httpListenAddr=127.0.0.1:{self.port}",
                # What came is found at once.
                "-search.latencyOffset=0s",
                "-search.disableCache",
            ],
        )
        self.await_page(self.port, "/health")
