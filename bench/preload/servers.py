"""The servers that bench/preload loads, each as its users run it.

A context manager each: in it the server listens on a free port of the loopback
interface, and `load(seconds)` gives its throughput, in what `unit` says. Those
that refuse to run as root run as nobody then. Programs are found on the PATH,
and below /usr/lib/postgresql, of the root folder given too.
"""

import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import time

PATIENCE_SECONDS = 60
NOBODY = 65534


class Missing(Exception):
    """A program is not there."""


def find(program, root):
    """The path of a program of the system, or of that root folder."""
    for base in ("/", root):
        folders = [os.path.join(base, f) for f in ("usr/bin", "usr/sbin")]
        folders += glob.glob(os.path.join(base, "usr/lib/postgresql/*/bin"))
        path = shutil.which(program, path=":".join(folders))
        if path:
            return path
    raise Missing(program)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def run(arguments, **how):
    """A command's standard output; raises RuntimeError with what it said."""
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=False, **how
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise RuntimeError(f"{arguments[0]} exited with {done.returncode}: {said}")
    return done.stdout


class Server:
    """What they have in common: a process that serves on `self.port`."""

    # Ends it as its users do, with all that it answers waited for.
    stop_signal = signal.SIGTERM

    def __init__(self, folder, root, environment, extra):
        """`environment` is for every program, `extra` for the server alone."""
        self.folder = folder
        self.root = root
        self.environment = environment
        self.extra = extra
        self.port = free_port()
        self._process = None

    def command(self):
        raise NotImplementedError

    def find(self, program):
        return find(program, self.root)

    def nobody(self):
        """Who runs what refuses to run as root."""
        return {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}

    def identity(self):
        return {}

    def __enter__(self):
        with open(self.log_path, "w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self.environment, **self.extra},
                **self.identity(),
            )
        try:
            self._await_port()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process.poll() is not None:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise RuntimeError(f"{self.log_path}: did not end") from None

    @property
    def log_path(self):
        return os.path.join(self.folder, "log")

    def _await_port(self):
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                ended = self._process.poll() is not None
                if ended or time.monotonic() > give_up:
                    with open(self.log_path, encoding="utf-8") as log:
                        said = log.read()[-2000:]
                    raise RuntimeError(f"no server: {said}") from None
                time.sleep(0.02)

    def _run(self, arguments, **how):
        return run(arguments, env=self.environment, **how)


class Redis(Server):
    name = "redis-server"
    packages = "redis-server, redis-tools"
    tool = "redis-benchmark"
    unit = "requests/s"

    def command(self):
        return [
            self.find("redis-server"),
            f"--port {self.port}",
            "--bind 127.0.0.1",
            "--save ''",
            f"--dir {self.folder}",
        ]

    def _benchmark(self, requests):
        """Seconds for as many GETs and as many SETs of 64 bytes."""
        out = self._run(
            [self.find("redis-benchmark"), "-h", "127.0.0.1"]
            + ["-p", str(self.port), "-t", "set,get", "-d", "64", "-c", "16"]
            + ["-r", "100000", "-n", str(requests), "--csv"]
        )
        rates = re.findall(r'^"(?:SET|GET)","([\d.]+)"', out, re.MULTILINE)
        if len(rates) != 2:
            raise RuntimeError("redis-benchmark said " + out)
        return sum(requests / float(rate) for rate in rates)

    def load(self, seconds):
        warm = 20000
        requests = int(warm * seconds / self._benchmark(warm))
        return 2 * requests / self._benchmark(requests)


class Nginx(Server):
    name = "nginx"
    packages = "nginx, wrk"
    tool = "wrk"
    unit = "requests/s"
    stop_signal = signal.SIGQUIT

    def command(self):
        pages = os.path.join(self.folder, "pages")
        os.makedirs(pages, exist_ok=True)
        with open(os.path.join(pages, "page"), "w", encoding="ascii") as page:
            page.write("x" * 4096)
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        path = os.path.join(self.folder, "nginx.conf")
        with open(path, "w", encoding="ascii") as configuration:
            configuration.write(
                f"daemon off; worker_processes 1; pid {self.folder}/pid;"
                # Which nginx needs in order to take nobody for its workers.
                + ("user nobody nogroup;" if os.geteuid() == 0 else "")
                + "events { }"
                f"http {{ access_log off; {temporary}"
                "keepalive_requests 1000000000;"
                f"server {{ listen 127.0.0.1:{self.port}; root {pages}; }} }}"
            )
        # Its modules are built in; the prefix is for what is not named above.
        return [
            self.find("nginx"),
            *("-p", self.folder, "-e", "stderr", "-c", path),
        ]

    def load(self, seconds):
        out = self._run(
            [self.find("wrk"), "-t1", "-c16", f"-d{seconds}s"]
            + [f"http://127.0.0.1:{self.port}/page"]
        )
        if "Non-2xx" in out or "Socket errors" in out:
            raise RuntimeError("wrk said " + out)
        return float(re.search(r"Requests/sec: +([\d.]+)", out)[1])


class Postgres(Server):
    name = "postgres"
    packages = "postgresql-15"
    tool = "pgbench"
    unit = "transactions/s"
    stop_signal = signal.SIGINT

    def identity(self):
        return self.nobody()

    def _as_user(self, arguments):
        return self._run(arguments, **self.nobody())

    def command(self):
        data = os.path.join(self.folder, "data")
        if not os.path.exists(data):
            self._as_user(
                [self.find("initdb"), "-D", data, "-U", "bench", "-N"]
                + ["--auth=trust", "--no-locale", "-E", "UTF8"]
            )
        return [
            self.find("postgres"),
            *("-D", data, "-p", str(self.port)),
            *("-c", "listen_addresses=127.0.0.1"),
            *("-c", f"unix_socket_directories={self.folder}"),
        ]

    def _pgbench(self, *arguments):
        return self._run(
            [self.find("pgbench"), "-h", "127.0.0.1", "-p", str(self.port)]
            + ["-U", "bench", *arguments, "postgres"]
        )

    def __enter__(self):
        super().__enter__()
        filled = os.path.join(self.folder, "filled")
        if not os.path.exists(filled):
            self._pgbench("-i", "-q", "-s", "5")
            with open(filled, "w", encoding="ascii"):
                pass
        return self

    def load(self, seconds):
        self._pgbench("-S", "-n", "-c4", "-t", "500")
        out = self._pgbench("-S", "-n", "-c4", "-T", str(seconds))
        return float(re.search(r"^tps = ([\d.]+)", out, re.MULTILINE)[1])


class Python(Server):
    name = "python3"
    packages = "python3"
    tool = "a script of its own"
    unit = "documents/s"

    def command(self):
        guest = os.path.join(os.path.dirname(__file__), "guest.py")
        return [self.find("python3"), guest, str(self.port)]

    def load(self, seconds):
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(f"{seconds}\n".encode())
            return float(connection.makefile().readline())


ALL = (Redis, Nginx, Postgres, Python)
