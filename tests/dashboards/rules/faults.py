"""Faults that a story injects: into the demo's process, or into what it shows.

Those of the second kind stand for what cannot be brought about here, as a limit
of a container, or not within minutes. They change the figures of a real scrape.
"""

import re
import resource
import signal

MIB = 1 << 20


def kill(demo):
    """The service dies; the target stays."""
    demo.process.kill()


def freeze(demo):
    """The service hangs, and answers nothing."""
    demo.process.send_signal(signal.SIGSTOP)


def take_descriptors(demo):
    """The service runs out of descriptors: it serves the connections that it
    has, and can open no file of procfs any more."""
    resource.prlimit(demo.process.pid, resource.RLIMIT_NOFILE, (3, 3))


def set_sample(text, series, value):
    """`text` with the sample of `series` (NAME or NAME{LABELS}) set, or added
    to its family; the family is there."""
    line = f"{series} {value:.0f}\n"
    replaced, count = re.subn(
        "^" + re.escape(series) + " .*\n", line, text, flags=re.MULTILINE
    )
    if count:
        return replaced
    name = series.split("{")[0]
    kind = "counter" if name.endswith("_total") else "gauge"
    head = f"# TYPE {name} {kind}\n"
    if head in text:
        return text.replace(head, head + line)
    return text + head + line


def full_container(text, seconds):
    """A limit of 512 MiB, of which 95 % is used, a twentieth of it cache."""
    del seconds
    for name, mib in (("limit", 512), ("usage", 490), ("inactive_file", 20)):
        text = set_sample(
            text, f"poolscope_cgroup_memory_{name}_bytes", mib * MIB
        )
    return text


def growing_caches(text, seconds):
    """Thread caches that never shrink: 1 MiB a second more."""
    return set_sample(
        text,
        'poolscope_thread_cache_bytes{allocator="demo"}',
        (30 + seconds) * MIB,
    )


def lost_blocks(text, seconds):
    """From the 20th second on a block is lost every second."""
    return set_sample(
        text,
        'poolscope_leaks_total{allocator="demo",verdict="leaked"}',
        max(0, seconds - 20),
    )


def dropped_series(text, seconds):
    """A registered collectable brings three bad series to each scrape."""
    return set_sample(
        text,
        'poolscope_dropped_series_total{reason="invalid_label"}',
        3 * seconds,
    )


def all_figures(text, seconds):
    for alter in (full_container, growing_caches, lost_blocks, dropped_series):
        text = alter(text, seconds)
    return text


