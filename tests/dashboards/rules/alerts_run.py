#!/usr/bin/env python3
"""Plays stories in the demo, and holds the alerts that a real Alertmanager gets
against those expected.

    alerts_run.py --demo=PROGRAM --rules=FOLDER --libraries=FOLDER
                  [--jobs=N] [STORY...]

Plays the stories named, or all. Prints what came and when; of a story in which
memory is refused also how many seconds before that the first alert came, which
are to be more than none. Exits with 0 when all was as expected.
"""

import argparse
import concurrent.futures
import contextlib
import os
import signal
import sys
import tempfile
import time

import services
import stories

PREFIX = "Poolscope"


# For alerts that would be too many, once all that are expected have come.
SETTLE_SECONDS = 10


def _interrupt(*_):
    # Once: what was started is waited for then.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    services.Program.end_all()
    raise KeyboardInterrupt


def _await(prometheus, until, is_over=lambda: False):
    """Waits until that time, or until it is over."""
    while time.monotonic() < until and not is_over():
        if prometheus.process.poll() is not None:
            raise RuntimeError("Prometheus ended:\n" + prometheus.log()[-2000:])
        time.sleep(min(1, max(0, until - time.monotonic())))


def _first(webhook):
    """The first notification of each alert, by its name without prefix."""
    return {
        name[len(PREFIX):] if name.startswith(PREFIX) else name: notification
        for name, notification in webhook.first_firing().items()
    }


def play(story, options):
    """Plays a story; returns lines that tell it, and faults that were found."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        webhook = stack.enter_context(services.Webhook())
        alertmanager = stack.enter_context(
            services.Alertmanager(folder, webhook.port)
        )
        library = story.library and os.path.join(
            os.path.abspath(options.libraries), story.library
        )
        demo = stack.enter_context(
            services.Demo(options.demo, folder, story.flags, library)
        )
        port = demo.port
        if story.alter:
            port = stack.enter_context(services.Faults(port, story.alter)).port
        prometheus = stack.enter_context(
            services.Prometheus(
                folder, options.rules, story.factor, port, alertmanager.port
            )
        )
        start = time.monotonic()
        began_at = time.time()
        if story.fault:
            _await(prometheus, start + story.fault_at)
            story.fault(demo)

        def is_told():
            return (
                story.alerts
                and story.alerts <= _first(webhook).keys()
                and (not story.refuses or prometheus.last_without_refusal())
            )

        _await(prometheus, start + story.seconds, is_told)
        if story.alerts:
            _await(prometheus, time.monotonic() + SETTLE_SECONDS)
        first = _first(webhook)
        refused_at = prometheus.last_without_refusal()
    return judge(story, first, began_at, refused_at)


def judge(story, first, began_at, refused_at):
    lines = [f"{story.name}: {story.tells}; times over {story.factor}"]
    problems = []
    for name, alert in sorted(first.items(), key=lambda item: item[1].at):
        of = " ".join(
            f"{label}={value}"
            for label, value in sorted(alert.labels.items())
            if label not in ("alertname", "instance", "job", "severity")
        )
        seconds = alert.at - began_at
        lines.append(f"  {seconds:6.1f} s  {PREFIX}{name} {of}".rstrip())
    for name in sorted(story.alerts - first.keys()):
        problems.append(f"{PREFIX}{name} did not fire")
    for name in sorted(first.keys() - story.alerts - story.tolerated):
        problems.append(f"{PREFIX}{name} fired")
    if refused_at is not None:
        lines.append(f"  {refused_at - began_at:6.1f} s  memory is refused")
    if story.refuses and refused_at is None:
        problems.append("no memory was refused")
    elif not story.refuses and refused_at is not None:
        problems.append("memory was refused")
    elif story.refuses and first:
        warning = refused_at - min(alert.at for alert in first.values())
        lines.append(f"  first alert {warning:.1f} s before the first refusal")
        if warning <= 0:
            problems.append("no alert came before the first refusal")
    lines += [f"  FAILED: {problem}" for problem in problems]
    return lines, problems


def main():
    known = {story.name: story for story in stories.STORIES}
    # The description says how it is used; an error is one line.
    parser = argparse.ArgumentParser(
        usage=argparse.SUPPRESS,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--demo", default="examples/demo/demo")
    parser.add_argument("--rules", default="dashboards/rules")
    parser.add_argument("--libraries", default="tests/dashboards/rules")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("stories", nargs="*", metavar="STORY")
    options = parser.parse_args()
    for name in options.stories:
        if name not in known:
            parser.error(f"no story {name!r}; there are {', '.join(known)}")
    chosen = [known[name] for name in options.stories or known]

    failed = False
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _interrupt)
    try:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for lines, problems in pool.map(lambda s: play(s, options), chosen):
                print("\n".join(lines), flush=True)
                failed = failed or bool(problems)
    except KeyboardInterrupt:
        print("alerts_run.py: interrupted", file=sys.stderr)
        return 130
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
