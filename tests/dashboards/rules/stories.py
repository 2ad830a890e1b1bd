"""The stories that alerts are seen in: what runs, what goes wrong, and exactly
which alerts the Alertmanager hears of.

`factor` is by how much the times of the rules are shortened: a story that takes
hours or days in a service is played in minutes.
"""

import dataclasses
import typing

import faults


@dataclasses.dataclass(frozen=True)
class Story:
    name: str
    tells: str
    flags: typing.Tuple[str, ...]
    factor: int
    seconds: int  # at most
    alerts: typing.FrozenSet[str]  # exactly these, without the prefix
    # Alerts that this story may or may not bring, as the machine is fast or
    # slow; none says nothing.
    tolerated: typing.FrozenSet[str] = frozenset()
    refuses: bool = False  # memory is refused, after the first alert
    fault: typing.Optional[typing.Callable] = None  # done to the demo ...
    fault_at: int = 0  # ... so many seconds after the start
    alter: typing.Optional[typing.Callable] = None  # what its metrics become
    library: str = ""  # preloaded


def _story(name, tells, flags, factor, seconds, alerts, **more):
    return Story(
        name, tells, tuple(flags), factor, seconds, frozenset(alerts), **more
    )


# Walks over much memory are seconds apart, which are not shortened with the
# rules: on a busy machine one that failed seems to last.
_LATE_WALKS = frozenset(["TelemetryStale"])

STORIES = (
    _story(
        "steady",
        "nothing goes wrong",
        [],
        60,
        300,
        [],
    ),
    _story(
        "slow-peer",
        "clients stop reading, and nothing bounds what waits for them",
        [
            "--scenario=slow-peer",
            "--watermarks=off",
            "--rate=500",
            "--stall=60s",
        ],
        60,
        80,
        [
            "BacklogExploding",
            "BacklogNotDraining",
            "OomPredicted",
            "NearLimit",
            "AllocationFailures",
        ],
        refuses=True,
    ),
    _story(
        "after-the-peak",
        "a backlog is over, and a few blocks keep its chunks mapped",
        [
            "--scenario=slow-peer",
            "--watermarks=off",
            "--rate=500",
            "--stall=24s",
        ],
        60,
        120,
        ["BacklogExploding", "FragmentationHigh"],
        tolerated=frozenset(["OomPredicted", "BacklogNotDraining"]),
    ),
    _story(
        "leak",
        "20 of 2000 messages a second are forgotten, of 64 KiB each",
        [
            "--scenario=leak",
            "--rate=2000",
            "--message_bytes=64k",
            "--max_direct_memory=512m",
        ],
        120,
        900,
        [
            "SuspectsGrowing",
            "LeakSuspected",
            "OomPredicted",
            "PeaksNearLimit",
            "NearLimit",
            "AllocationFailures",
        ],
        tolerated=_LATE_WALKS,
        refuses=True,
    ),
    # Which message meets which, and so how near to the limit a burst comes, is
    # the machine's choice.
    _story(
        "aggregator",
        "large messages in bursts, more than a slow store takes, no governor",
        [
            "--scenario=aggregator",
            "--governor=off",
            "--chunk_decay=inf",
            "--rate=300",
            "--max_direct_memory=2g",
        ],
        120,
        300,
        ["PeaksNearLimit", "AllocationFailures"],
        tolerated=_LATE_WALKS
        | {
            "NearLimit",
            "OomPredicted",
            "BacklogExploding",
            "BacklogNotDraining",
            "FragmentationHigh",
        },
        refuses=True,
    ),
    _story(
        "websocket",
        "a compressor for each connection, which no figure of the pool shows",
        [
            "--scenario=websocket",
            "--connections=4000",
            "--connect_delay=40ms",
        ],
        60,
        150,
        ["RssMismatch"],
    ),
    _story(
        "library",
        "a library maps memory for itself",
        [],
        60,
        60,
        ["UnattributedMemory"],
        library="libmapping.so",
    ),
    _story(
        "killed",
        "the service dies",
        [],
        60,
        30,
        ["MetricsAbsent"],
        fault=faults.kill,
        fault_at=12,
    ),
    _story(
        "frozen",
        "the service hangs",
        [],
        60,
        30,
        ["MetricsAbsent"],
        fault=faults.freeze,
        fault_at=12,
    ),
    _story(
        "descriptors",
        "the service runs out of descriptors",
        [],
        60,
        60,
        ["TelemetryStale"],
        fault=faults.take_descriptors,
        fault_at=20,
    ),
    _story(
        "figures",
        "a full container, caches that grow, lost blocks, dropped series",
        [],
        120,
        190,
        [
            "HeadroomLow",
            "ThreadCacheFloorRising",
            "LeakReported",
            "SeriesDropped",
        ],
        alter=faults.all_figures,
    ),
)
