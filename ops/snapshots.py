"""Counters over time: what a system's statistics said when somebody looked, kept in the store.

PostgreSQL counts since a reset that may be months ago; what happens now is the difference of two
looks. Snapshots are gzipped JSON and no part of the chain of evidence: they may be removed. An
interval in which a counter was reset, or the instance was made anew, is unknown and never zero.
"""

import gzip
import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from ops.errors import OpsError
from ops.store import Store

FORMAT = 1
KEPT = timedelta(days=90)  # three months of weekly reports
_TIME = "%Y%m%dT%H%M%S%fZ"

Counters = Mapping[str, Mapping[str, float]]


class SnapshotUnreadableError(OpsError):
    """A snapshot is there and can't be read."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"Can't read the snapshot {where}: {why}. Remove it to go on without it.")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was counted at one moment.

    Attributes:
        kind: what was looked at, such as ``indexes``.
        instance: whose statistics.
        taken: when, by the instance's own clock.
        counters: by object and counter, all since the last reset.
        epoch: what changes with a reset: its time, the instance's creation, the server's start.
    """

    kind: str
    instance: str
    taken: datetime
    counters: Counters
    epoch: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return it as it is stored; the same snapshot gives the same bytes."""
        document = {
            "format": FORMAT,
            "kind": self.kind,
            "instance": self.instance,
            "taken": self.taken.astimezone(UTC).isoformat(),
            "epoch": dict(self.epoch),
            "counters": {name: dict(counters) for name, counters in self.counters.items()},
        }
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return gzip.compress(text.encode(), mtime=0)


@dataclass(frozen=True, slots=True)
class Interval:
    """What was counted between two snapshots.

    Attributes:
        since, until: when they were taken.
        grown: by object and counter; objects that are new count from nothing.
        unknown: why nothing is known, by object; the key is empty where that holds for all.
    """

    since: datetime
    until: datetime
    grown: Counters
    unknown: Mapping[str, str]

    @property
    def seconds(self) -> float:
        """Return its length."""
        return (self.until - self.since).total_seconds()


def keep(store: Store, snapshot: Snapshot) -> str:
    """Write a snapshot; return its key. One of the same microsecond is written over."""
    key = f"{_folder(snapshot.kind, snapshot.instance)}/{_stamp(snapshot.taken)}.json.gz"
    store.put(key, snapshot.encoded())
    return key


def newest(store: Store, kind: str, instance: str, count: int) -> tuple[Snapshot, ...]:
    """Return the newest snapshots of an instance, the newest first.

    Raises:
        SnapshotUnreadableError: one of them is damaged, or of a later version.
        ops.store.StoreUnreadableError: the store can't be read.
    """
    keys = sorted(store.keys(_folder(kind, instance)), reverse=True)[:count]
    return tuple(filter(None, (_read(store, key) for key in keys)))


def prune(
    store: Store, kind: str, instance: str, now: datetime, age: timedelta = KEPT
) -> tuple[str, ...]:
    """Remove snapshots that are older; return their keys. The newest one always stays."""
    limit = _stamp(now - age)
    keys = store.keys(_folder(kind, instance))[:-1]
    old = tuple(key for key in keys if key.rpartition("/")[2].partition(".")[0] < limit)
    for key in old:
        store.delete(key)
    return old


def interval(before: Snapshot, after: Snapshot) -> Interval:
    """Return what was counted between two snapshots of the same kind and instance."""
    unknown = dict(_unknown(before, after))
    grown = {
        name: _grown(before.counters.get(name, {}), counters)
        for name, counters in after.counters.items()
        if name not in unknown and "" not in unknown
    }
    return Interval(before.taken, after.taken, grown, unknown)


def intervals(snapshots: Sequence[Snapshot]) -> tuple[Interval, ...]:
    """Return the intervals between snapshots that are given newest first, newest first too."""
    return tuple(interval(before, after) for after, before in pairwise(snapshots))


def _unknown(before: Snapshot, after: Snapshot) -> Iterator[tuple[str, str]]:
    if after.taken <= before.taken:
        yield "", "the later snapshot was not taken after the earlier one"
    for name in sorted(before.epoch.keys() | after.epoch.keys()):
        if before.epoch.get(name) != after.epoch.get(name):
            yield "", f"{name} changed in between: the counters began anew"
    for name, counters in after.counters.items():
        earlier = before.counters.get(name, {})
        fallen = sorted(key for key, value in counters.items() if value < earlier.get(key, 0))
        if fallen:
            yield name, f"{', '.join(fallen)} fell: the counters of this object began anew"


def _grown(earlier: Mapping[str, float], counters: Mapping[str, float]) -> Mapping[str, float]:
    return {key: value - earlier.get(key, 0) for key, value in counters.items()}


def _folder(kind: str, instance: str) -> str:
    return f"snapshots/{kind}/{instance}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_TIME)


def _read(store: Store, key: str) -> Snapshot | None:
    stored = store.get(key)
    if stored is None:  # pruned meanwhile
        return None
    try:
        document = json.loads(gzip.decompress(stored.content))
        number = document["format"]
        if isinstance(number, int) and number > FORMAT:
            why = f"it has format {number}, and this version reads up to format {FORMAT}"
            raise SnapshotUnreadableError(store.where(key), why)
        return Snapshot(
            kind=str(document["kind"]),
            instance=str(document["instance"]),
            taken=datetime.fromisoformat(document["taken"]),
            counters={
                str(name): {str(key): _number(value) for key, value in counters.items()}
                for name, counters in document["counters"].items()
            },
            epoch={str(name): str(value) for name, value in document["epoch"].items()},
        )
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as e:
        raise SnapshotUnreadableError(store.where(key), f"{type(e).__name__}: {e}"[:120]) from e


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return value
