"""The failover drill on a real standby and a real replica: silent when well, loud when not."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from ops.checks.result import State
from ops.cloudsql import ApiError
from ops.console import Silent
from ops.db import CHANGE
from ops.failover.perform import perform
from ops.failover.report import Report
from ops.failover.source import ROOM, Source
from tests.integration.failover.drilled import SHORT, Site, rows
from tests.integration.failover.wire import Wire


def checks(report: Report) -> dict[str, State]:
    """Return what is not ok."""
    return {
        f"{one.copy}.{one.result.check}": one.result.state
        for one in report.checks
        if one.result.state is not State.OK
    }


def newest(source: Source) -> dict[str, Any]:
    key = [key for key in source.store.keys("evidence") if key.endswith(".json")][-1]
    stored = source.store.get(key)
    assert stored is not None
    told: dict[str, Any] = json.loads(stored.content)["drill"]
    return told


@contextmanager
def meanwhile(source: Source, act: Callable[[], None], least: int = 60) -> Iterator[None]:
    """Act once the drill of this block has written so many rows."""
    known = set(_drills(source))

    def run() -> None:
        while sum(n for drill, n in _drills(source).items() if drill not in known) < least:
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()


def _drills(source: Source) -> dict[str, int]:
    with source.database.connect(source.owner, budget=CHANGE) as connection:
        asked = "SELECT drill, count(*) FROM ops.failover_write GROUP BY drill"
        return dict(connection.execute(asked).fetchall())


def test_there_and_back_nothing_is_lost_and_everything_is_measured(
    source: Source, silent: Silent
) -> None:
    report = perform(source, replace(SHORT, failback=True), silent)
    assert checks(report) == {}, report.blocks()
    told = report.document()
    there, back = report.legs
    assert told["verdict"] == "pass"
    assert told["lost"] == 0
    for leg in (there, back):
        seen = leg.document()
        assert seen["acknowledged"] == leg.rows
        assert 0 < leg.document()["gap_ms"] <= seen["pool_gap_ms"]  # type: ignore[operator]  # milliseconds
        assert seen["reconnect_ms"] > 0  # type: ignore[operator]  # as above
        assert seen["errors"]
        (replica,) = leg.replicas
        assert (replica.name, replica.timeline) == ("replica", leg.last and leg.last.timeline)
        assert replica.reads > 10
    assert there.last is not None
    assert there.last.timeline == (there.first.timeline or 0) + 1
    assert (there.before.zone, there.after and there.after.zone) == (
        back.after and back.after.zone,
        back.before.zone,
    )
    assert newest(source)["writer"]["user"] == source.app
    assert f"The writes are those of {source.app}" in report.summary()
    assert rows(source) == 0
    assert source.store.keys("journal") == ()
    assert newest(source)["gap_ms"] == told["gap_ms"]


def test_lost_commits_are_found_and_their_rows_are_kept(source: Source, silent: Silent) -> None:
    def lose() -> None:
        with source.database.connect(source.owner, budget=CHANGE) as connection:
            connection.execute("DELETE FROM ops.failover_write WHERE writer = 1 AND number < 3")

    with meanwhile(source, lose):
        report = perform(replace(source, gap_target_s=0.001), SHORT, silent)
    found = checks(report)
    assert found.pop("failover.replicas", None) in {None, State.FINDING}  # the target is its, too
    assert found == {"failover.lost": State.FINDING, "failover.write_gap": State.FINDING}
    assert report.document()["lost"] == 3
    (lost,) = (one.result for one in report.checks if one.result.check == "lost")
    assert lost.differences == ("pool 2: write 0 to 2",)
    assert report.leftovers == (f"rows of drill {report.run}-failover, to be looked at",)
    assert rows(source) > 0


def test_a_lost_connection_leaves_no_write_in_doubt(
    source: Source, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.failover.aftermath.CATCH_UP_S", 0.2)  # the wire has no replica
    with Wire(source.database.host, source.database.port) as wire:
        behind = replace(source, database=source.database.at("127.0.0.1", wire.port))

        def swallow() -> None:
            wire.swallow()  # what is written now comes in, and nobody hears of it
            time.sleep(0.2)
            wire.cut()
            wire.mend()

        options = replace(SHORT, clients=4, before_s=1.0)
        with meanwhile(source, swallow):
            report = perform(replace(behind, replicas=()), options, silent)
    told = report.document()
    assert told["lost"] == told["doubled"] == 0
    assert told["in_doubt"]["committed"] > 0  # type: ignore[index]  # a mapping


def test_an_operation_that_fails_is_found(source: Source, site: Site, silent: Silent) -> None:
    site.fault("operation-fails", match="FAILOVER", count=1)
    report = perform(source, SHORT, silent)
    found = checks(report)
    assert found.pop("failover.reconnect", State.NOT_APPLICABLE) is State.NOT_APPLICABLE
    assert found == {"failover.operation": State.FINDING, "failover.took_over": State.FINDING}
    assert report.document()["lost"] == 0
    assert source.store.keys("journal") == ()


def test_an_operation_that_hangs_is_unknown_and_not_forgotten(
    source: Source, site: Site, silent: Silent
) -> None:
    site.fault("operation-hangs", match="FAILOVER", count=1)
    report = perform(source, replace(SHORT, limit_s=1.0), silent)
    assert report.state is State.UNKNOWN
    assert report.document()["lost"] == 0
    assert "gcloud sql operations wait" in str(report.document()["checks"])
    (left,) = source.store.keys(f"journal/{ROOM}")
    assert report.run in left
    site.heal()


def test_another_operation_stops_the_drill_and_leaves_evidence(
    source: Source, site: Site, silent: Silent
) -> None:
    site.fault("busy", match="instances.failover")
    with pytest.raises(ApiError, match="operationInProgress"):
        perform(source, SHORT, silent)
    told = newest(source)
    assert told["verdict"] == "unknown"
    assert (told["gap_ms"], told["leftovers"]) == (None, [])
    assert source.store.keys("journal") == ()
    assert rows(source) == 0


def test_writers_whose_network_is_cut_say_so(
    source: Source, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.failover.aftermath.CONNECT_S", 1.0)
    with Wire(source.database.host, source.database.port) as wire:
        behind = replace(
            source,
            database=source.database.at("127.0.0.1", wire.port),
            gap_target_s=1,
            reconnect_target_s=2,
        )
        with meanwhile(source, wire.cut):
            report = perform(behind, replace(SHORT, before_s=1.0), silent)
    found = checks(report)
    assert found["failover.write_gap"] is State.FINDING
    assert found["failover.lost"] is State.UNKNOWN
    assert "at least" in report.summary()
    assert report.leftovers
