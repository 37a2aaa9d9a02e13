"""Counters over time: differences where they are known, and unknown where a counter began anew."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops import snapshots
from ops.snapshots import Snapshot, SnapshotUnreadableError
from ops.store import FolderStore

NOW = datetime(2026, 5, 4, 12, 0, 0, 250000, tzinfo=UTC)
EPOCH = {"stats_reset": "2026-01-01"}


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def taken(days: float = 0, epoch: dict[str, str] | None = None, **scans: float) -> Snapshot:
    counters = {name: {"scans": value} for name, value in scans.items()}
    return Snapshot("indexes", "db", NOW - timedelta(days=days), counters, epoch or EPOCH)


def test_snapshots_are_kept_and_read_newest_first(store: FolderStore) -> None:
    old, new = taken(1, a=1), taken(a=3)
    keys = [snapshots.keep(store, new), snapshots.keep(store, old)]
    assert keys == sorted(keys, reverse=True)
    assert snapshots.newest(store, "indexes", "db", 5) == (new, old)
    assert snapshots.newest(store, "indexes", "db", 1) == (new,)
    assert snapshots.newest(store, "indexes", "another", 1) == ()
    assert new.encoded() == replace(new).encoded()


def test_an_interval_has_what_was_counted_in_it() -> None:
    (interval,) = snapshots.intervals([taken(a=7, fresh=2), taken(0.5, a=4, gone=9)])
    assert interval.grown == {"a": {"scans": 3}, "fresh": {"scans": 2}}
    assert interval.unknown == {}
    assert interval.seconds == 43_200


@pytest.mark.parametrize(
    ("before", "after", "unknown"),
    [
        (taken(1, a=4), taken(a=1), {"a": "scans fell"}),
        (taken(1, a=4), taken(epoch={"stats_reset": "2026-05-04"}, a=9), {"": "stats_reset"}),
        (taken(1, a=4), taken(epoch={**EPOCH, "created": "2026"}, a=9), {"": "created changed"}),
        (taken(a=4), taken(1, a=9), {"": "not taken after"}),
    ],
)
def test_what_began_anew_is_unknown_and_never_zero(
    before: Snapshot, after: Snapshot, unknown: dict[str, str]
) -> None:
    interval = snapshots.interval(before, after)
    assert interval.grown == {}
    assert interval.unknown.keys() == unknown.keys()
    for name, words in unknown.items():
        assert words in interval.unknown[name]


def test_one_object_that_began_anew_leaves_the_others_known() -> None:
    interval = snapshots.interval(taken(1, a=4, b=1), taken(a=1, b=3))
    assert interval.grown == {"b": {"scans": 2}}
    assert list(interval.unknown) == ["a"]


def test_old_snapshots_are_removed_and_the_newest_stays(store: FolderStore) -> None:
    keys = [snapshots.keep(store, taken(days, a=1)) for days in (200, 100, 95)]
    assert snapshots.prune(store, "indexes", "db", NOW) == (keys[0], keys[1])
    assert [one.taken for one in snapshots.newest(store, "indexes", "db", 9)] == [
        NOW - timedelta(days=95)
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{"),
        gzip.compress(b"[]"),
        gzip.compress(b'{"format": 1}'),
        taken(a=1).encoded()[:-9],
        gzip.compress(
            json.dumps({**json.loads(gzip.decompress(taken(a=1).encoded())), "format": 2}).encode()
        ),
        gzip.compress(
            gzip.decompress(taken(a=1).encoded()).replace(b'"scans":1', b'"scans":"many"')
        ),
    ],
    ids=("empty", "plain", "cut JSON", "list", "no facts", "cut", "newer", "no number"),
)
def test_a_damaged_snapshot_is_named_and_not_passed_over(
    store: FolderStore, content: bytes
) -> None:
    key = snapshots.keep(store, taken(a=1))
    store.put(key, content)
    with pytest.raises(SnapshotUnreadableError, match=key.rpartition("/")[2]):
        snapshots.newest(store, "indexes", "db", 1)
