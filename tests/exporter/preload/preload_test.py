#!/usr/bin/env python3
"""Tests of libpoolscope-sidecar.so under programs that know nothing of it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

_LIBRARY = os.path.abspath("exporter/preload/libpoolscope-sidecar.so")
_GUEST = os.path.abspath("tests/exporter/preload/guest")
_PATIENCE_SECONDS = 20
# System calls of x86-64: of a thread that waits for its parent's end, and of
# one that waits for a port.
_POLL = "7"
_NANOSLEEP = ("35", "230")


def _await(condition):
    """What `condition` returns, once that is true."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError("waited in vain")


def _get(port, path):
    with urllib.request.urlopen(
        f"http://127.0.0.1:{port}{path}", timeout=10
    ) as answer:
        return answer.read().decode()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _runs(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _waits_in(process, *calls):
    """Whether a thread of `process`, but its first, is in a system call."""
    for thread in os.listdir(f"/proc/{process}/task"):
        if int(thread) == process:
            continue
        with open(f"/proc/{process}/task/{thread}/syscall") as file:
            if file.read().split()[0] in calls:
                return True
    return False


class PreloadTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        # Guests end once nobody holds this open for writing.
        self.rope = os.path.join(self.folder, "rope")
        os.mkfifo(self.rope)
        self.end = os.open(self.rope, os.O_RDWR)
        self.addCleanup(self.let_go)
        self.guests = []

    def let_go(self):
        if self.end is not None:
            os.close(self.end)
            self.end = None
        for guest in self.guests:
            try:
                guest.communicate(timeout=_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                guest.kill()
                guest.communicate()

    def start(self, *command, listen="127.0.0.1:0", **settings):
        environment = dict(os.environ)
        environment["LD_PRELOAD"] = _LIBRARY
        if listen is not None:
            environment["POOLSCOPE_LISTEN"] = listen
        environment["POOLSCOPE_PORT_FILE"] = os.path.join(
            self.folder, "port.%p"
        )
        for name, value in settings.items():
            environment[f"POOLSCOPE_{name.upper()}"] = value
        guest = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.guests.append(guest)
        return guest

    def guest(self, mode, **settings):
        return self.start(_GUEST, mode, self.rope, **settings)

    def port(self, process):
        """The port that `process` listens on, once it does."""
        path = os.path.join(self.folder, f"port.{process}")
        _await(lambda: os.path.exists(path))
        with open(path) as file:
            return int(file.read())

    def told(self, guest):
        """The process id that a guest tells next."""
        return int(guest.stdout.readline().split()[1])

    def listening(self, port):
        """The processes that the one listening on `port` knows to listen."""
        return [int(process) for process in re.findall(
            r'poolscope_listening_process_info{pid="(\d+)"',
            _get(port, "/metrics"))]

    def ends(self, guest, status=0):
        """Lets `guest` go, and holds how it ends against what is expected."""
        os.close(self.end)
        self.end = None
        out, err = guest.communicate(timeout=_PATIENCE_SECONDS)
        self.assertEqual((guest.returncode, err), (status, ""))
        return out

    # --- Start and end ------------------------------------------------------

    def test_serves_every_page_of_a_program_that_knows_nothing_of_it(self):
        guest = self.guest("wait")
        port = self.port(guest.pid)
        self.assertIn("process_resident_memory_bytes", _get(port, "/metrics"))
        self.assertIn("Native Memory Tracking", _get(port, "/debug/memory"))
        self.assertIn("guest", _get(port, "/debug/maps"))
        self.assertIn("<html", _get(port, "/"))
        self.assertIn(
            f'poolscope_listening_process_info{{pid="{guest.pid}",'
            f'url="http://127.0.0.1:{port}"}} 1', _get(port, "/metrics"))
        self.ends(guest)

    def test_does_nothing_unless_asked(self):
        guest = self.guest("wait", listen=None)
        self.told(guest)
        self.assertEqual(len(os.listdir(f"/proc/{guest.pid}/task")), 1)
        self.ends(guest)

    def test_does_nothing_in_other_programs_than_the_one_named(self):
        guest = self.guest("wait", program="nginx")
        self.told(guest)
        self.assertEqual(len(os.listdir(f"/proc/{guest.pid}/task")), 1)
        self.ends(guest)

    def test_serves_the_program_named(self):
        guest = self.guest("wait", program="guest")
        self.port(guest.pid)
        self.ends(guest)

    def test_a_program_that_ends_at_once_ends_as_before(self):
        for mode in ("exit", "return") * 25:
            guest = self.guest(mode)
            out, err = guest.communicate(timeout=_PATIENCE_SECONDS)
            self.assertEqual((guest.returncode, out, err), (7, "", ""))

    def test_ends_by_a_signal_as_before(self):
        guest = self.guest("wait")
        self.port(guest.pid)
        guest.terminate()
        guest.wait(_PATIENCE_SECONDS)
        self.assertEqual(guest.returncode, -signal.SIGTERM)

    def test_ends_at_once_while_a_connection_is_held(self):
        guest = self.guest("wait")
        with socket.create_connection(("127.0.0.1", self.port(guest.pid))):
            begun = time.monotonic()
            self.ends(guest)
            self.assertLess(time.monotonic() - begun, 1)

    def test_a_bad_setting_is_one_line_and_the_program_runs(self):
        for settings, complaint in (
            ({"listen": "9464"}, "needs an address and a port"),
            ({"listen": "0.0.0.0:0"}, "not loopback"),
            ({"fork": "x"}, "POOLSCOPE_FORK=x: use takeover, listen or off"),
        ):
            guest = self.guest("exit", **settings)
            _, err = guest.communicate(timeout=_PATIENCE_SECONDS)
            self.assertEqual(guest.returncode, 7)
            self.assertIn(complaint, err)
            self.assertRegex(err, r"\Apoolscope: [^\n]*\n\Z")

    def test_says_what_it_listens_on_when_asked(self):
        guest = self.guest("wait", verbose="1")
        port = self.port(guest.pid)
        self.assertEqual(
            guest.stderr.readline(),
            f"poolscope: process {guest.pid}: http://127.0.0.1:{port}\n")

    def test_a_port_in_use_is_one_line_and_taken_once_it_is_free(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            guest = self.guest("wait", listen=f"127.0.0.1:{port}")
            self.assertRegex(guest.stderr.readline(), "poolscope: .* in use")
        self.assertEqual(self.port(guest.pid), port)
        self.ends(guest)

    # --- What the program sees ----------------------------------------------

    def test_no_symbol_is_to_be_seen(self):
        symbols = subprocess.run(
            ["nm", "-D", "--defined-only", "--format=posix", _LIBRARY],
            check=True, capture_output=True, text=True).stdout
        self.assertEqual(symbols, "")

    def test_takes_no_descriptor(self):
        guest = self.guest("descriptors")
        self.port(guest.pid)
        self.ends(guest)

    def test_leaves_standard_error_where_it_cannot_take_descriptors(self):
        guest = self.guest("refused")
        self.told(guest)
        self.assertRegex(guest.stderr.readline(), "needs Linux 5.9")
        # Once its thread has ended.
        _await(lambda: len(os.listdir(f"/proc/{guest.pid}/task")) == 1)
        self.assertEqual(os.stat(f"/proc/{guest.pid}/fd/2").st_ino,
                         os.fstat(guest.stderr.fileno()).st_ino)
        self.ends(guest)

    def test_serves_a_program_that_was_started_with_no_descriptor_open(self):
        guest = self.start(
            "/bin/sh", "-c", f"exec {_GUEST} wait {self.rope} <&- >&- 2>&-",
            program="guest")
        port = self.port(guest.pid)
        for _ in range(3):
            self.assertEqual(self.listening(port), [guest.pid])
        self.ends(guest)

    def test_holds_no_pipe_open_that_the_program_closed(self):
        guest = self.guest("daemon")
        daemon = self.told(guest)
        self.port(daemon)
        # To the end of both, which the daemon has closed.
        guest.communicate(timeout=_PATIENCE_SECONDS)

    def test_leaves_sigpipe_alone(self):
        guest = self.guest("signals")
        self.port(guest.pid)
        self.ends(guest)

    def test_the_programs_signals_find_its_own_thread(self):
        guest = self.guest("caught")
        self.port(guest.pid)
        self.ends(guest)

    def test_blocks_every_signal_on_each_of_its_threads(self):
        guest = self.guest("wait")
        _get(self.port(guest.pid), "/metrics")
        for thread in os.listdir(f"/proc/{guest.pid}/task"):
            if int(thread) == guest.pid:
                continue
            with open(f"/proc/{guest.pid}/task/{thread}/status") as file:
                mask = int(re.search(r"SigBlk:\s*(\w+)", file.read())[1], 16)
            # All but SIGKILL, SIGSTOP, and the two that glibc keeps.
            self.assertEqual(mask, 0xFFFFFFFE7FFBFEFF)
        self.ends(guest)

    def test_new_ids_reach_every_thread(self):
        guest = self.guest("drop")
        self.port(guest.pid)
        self.told(guest)
        self.ends(guest)

    def test_explains_an_interpreter(self):
        guest = self.start(
            "/usr/bin/python3", "-c",
            "x = [bytes(100) for _ in range(300000)]; print(0, 0, flush=True);"
            f"import os; f = os.open({self.rope!r}, os.O_RDONLY); "
            "os.read(f, 1)")
        port = self.port(guest.pid)
        self.told(guest)
        report = _get(port, "/debug/memory?scale=B")
        self.assertIn("Glibc Heap", report)
        total = int(re.search(r"resident: (\d+)", report)[1])
        unknown = re.search(r"Unknown \(.*?resident=(\d+)", report, re.DOTALL)
        self.assertLess(int(unknown[1]), total / 10)
        self.ends(guest)

    # --- Children -----------------------------------------------------------

    def test_a_daemon_takes_the_port_over(self):
        port = _free_port()
        guest = self.guest("daemon", listen=f"127.0.0.1:{port}")
        daemon = self.told(guest)
        self.assertEqual(self.port(daemon), port)
        self.assertIn(daemon, self.listening(port))
        os.close(self.end)
        self.end = None
        _await(lambda: not _runs(daemon))

    def test_a_child_listens_only_once_its_parent_has_ended(self):
        guest = self.guest("fork")
        port = self.port(guest.pid)
        child = self.told(guest)
        _await(lambda: _waits_in(child, _POLL))
        self.assertEqual(self.listening(port), [guest.pid])
        guest.kill()
        self.assertEqual(self.port(child), port)
        self.assertIn(child, self.listening(port))

    def test_an_orphan_waits_for_whoever_listens(self):
        guest = self.guest("orphan")
        port = self.port(guest.pid)
        orphan = self.told(guest)
        _await(lambda: _waits_in(orphan, *_NANOSLEEP))
        self.assertEqual(self.listening(port), [guest.pid])
        guest.kill()
        self.assertEqual(self.port(orphan), port)

    def test_each_child_listens_when_asked_and_is_found_by_its_parent(self):
        guest = self.guest("fork", fork="listen")
        port = self.port(guest.pid)
        child = self.told(guest)
        own = self.port(child)
        self.assertNotEqual(own, port)
        self.assertIn(
            f'{{pid="{child}",url="http://127.0.0.1:{own}"}} 1',
            _get(port, "/metrics"))
        self.assertIn("Native Memory Tracking", _get(own, "/debug/memory"))
        self.ends(guest, status=7)

    def test_children_are_left_alone_when_asked(self):
        guest = self.guest("fork", fork="off")
        child = self.told(guest)
        self.port(guest.pid)
        self.assertEqual(len(os.listdir(f"/proc/{child}/task")), 1)
        self.ends(guest, status=7)

    def test_a_program_that_was_started_by_one_that_listens_says_nothing(self):
        port = _free_port()
        guest = self.guest("exec", listen=f"127.0.0.1:{port}")
        self.assertEqual(self.port(guest.pid), port)
        child = self.told(guest)
        # By then it would have said so.
        _await(lambda: _waits_in(child, *_NANOSLEEP))
        self.ends(guest)

    def test_thousands_of_threads_and_children_come_and_go(self):
        guest = self.guest("threads")
        port = self.port(guest.pid)
        self.told(guest)
        _get(port, "/debug/memory")
        self.ends(guest)


if __name__ == "__main__":
    unittest.main()
