"""Restores into a new instance and to a moment: what is there afterwards, and what is told."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ops.checks.result import State
from ops.console import to_json
from ops.db import CHANGE, Database
from ops.restore.recovery import before, checks, when
from ops.restore.recovery.order import RUN_LABEL, Request, Task
from ops.restore.recovery.perform import Options, restore
from ops.restore.recovery.plan import Plan
from ops.restore.recovery.report import Abandoned, Recovered
from ops.restore.source import Source
from tests.integration.restore.conftest import Site
from tests.integration.restore.desk import Desk, desk


@pytest.fixture
def at_source(site: Site, source: Source) -> Desk:
    return desk(site, source)


def test_a_dry_run_makes_nothing(at_source: Desk) -> None:
    found = restore(at_source.run, Request(Task.PITR, to="latest"), Options(dry_run=True))
    assert isinstance(found, Plan)
    assert json.loads(to_json(found))["done"] is False
    assert "Leave out --dry-run" in str(found.blocks()[-1])
    given_up = restore(at_source.run, Request(Task.PITR), Options(abandon=True))
    assert isinstance(given_up, Abandoned)
    assert "unfinished" in str(given_up.blocks()[0])


def _clock(at: Desk) -> datetime:
    ((moment,),) = at.execute("SELECT clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment


def test_an_idle_database_goes_back_to_a_moment_after_its_last_commit(at_source: Desk) -> None:
    at_source.execute("INSERT INTO event (what) VALUES ('kept')")
    moment = _clock(at_source)
    at_source.fault("unavailable", match="*", share=0.3, seed=7)
    at_source.fault("busy", match="instances.clone", count=2)
    try:
        made = at_source(Request(Task.PITR, to=moment.isoformat(), name="idle"))
    finally:
        at_source.fault("clear")
    try:
        assert made.order.pass_by
        at = at_source.source.database.at(made.address)
        found = at_source.execute("SELECT count(*) FROM event WHERE what = 'kept'", at)
        assert found == [(1,)]
        assert made.order.moment == moment
        instance = at_source.source.cloud.instance("idle")
        assert instance.body["settings"]["userLabels"][RUN_LABEL] == made.run
        assert instance.deletion_protection
    finally:
        at_source.remove("idle")
        at_source.execute("DELETE FROM event WHERE what = 'kept'")


def test_the_moment_before_a_migration_lacks_it(at_source: Desk) -> None:
    at_source.execute("INSERT INTO event (what) VALUES ('before')")
    at_source.execute(
        "CREATE TABLE late (x int);"
        "INSERT INTO ops.schema_migrations (version, name, duration_ms) VALUES ('0042', 'm', 0)"
    )
    at_source.execute("INSERT INTO event (what) VALUES ('after')")
    try:
        made = at_source(Request(Task.PITR, to="before migration 42", name="early", zonal=True))
        at = at_source.source.database.at(made.address)
        events = "SELECT what FROM event WHERE what IN ('before', 'after')"
        assert at_source.execute(events, at) == [("before",)]
        assert at_source.execute("SELECT max(version) FROM ops.schema_migrations", at) == [
            ("0002",)
        ]
        (checked,) = (one for one in made.checks if one.check == "migrations")
        assert "the head is 0002" in checked.detail
        (moment,) = (one for one in made.checks if one.check == "moment")
        assert "nor is any of the" in moment.detail
        _edited_ledgers_are_seen(at_source, at)
        _found_wanting(at_source, made)
    finally:
        at_source.execute("DELETE FROM ops.schema_migrations WHERE version = '0042'")
        at_source.execute("DROP TABLE late")
        at_source.execute("DELETE FROM event WHERE what IN ('before', 'after')")
        if at_source.source.cloud.find("early"):
            at_source.remove("early")


# What somebody does to the ledger of the source; the copy is that before 0042.
_SOURCE_EDITS = (
    "DELETE FROM ops.schema_migrations WHERE version = '0042'",
    "UPDATE ops.schema_migrations SET applied_at = '2020-01-01Z' WHERE version = '0042'",
    "UPDATE ops.schema_migrations SET applied_at = '2020-01-01Z' WHERE version = '0001'",
    # moved a little, between the one before it and its own time
    (
        "UPDATE ops.schema_migrations SET applied_at = applied_at - interval '1 ms' "
        "WHERE version = '0042'"
    ),
    "UPDATE ops.schema_migrations SET version = '042' WHERE version = '0042'",
    "INSERT INTO ops.schema_migrations (version, name) VALUES ('042', 'm')",
    (
        "DELETE FROM ops.schema_migrations WHERE version = '0042';"
        "INSERT INTO ops.schema_migrations (version, name) VALUES ('0042', 'm')"
    ),
    # loaded from a file, row by row as it was
    (
        "CREATE TEMP TABLE older AS TABLE ops.schema_migrations; DELETE FROM ops.schema_migrations;"
        "INSERT INTO ops.schema_migrations OVERRIDING SYSTEM VALUE TABLE older"
    ),
    "UPDATE ops.schema_migrations SET name = 'edited' WHERE version = '0002'",
)
_COPY_EDITS = (
    "INSERT INTO ops.schema_migrations (version, name) VALUES ('0042', 'm')",
    "INSERT INTO ops.schema_migration_steps (version, step) VALUES ('0042', 1)",
    "DELETE FROM ops.schema_migrations WHERE version = '0002'",
)


def _edited_ledgers_are_seen(at: Desk, copy: Database) -> None:
    """See edited ledgers and another moment, each in a transaction that is taken back."""
    edits = [
        *((edit, "", "unknown") for edit in _SOURCE_EDITS),
        *(("", edit, "finding") for edit in _COPY_EDITS),
        ("", "", "ok"),
    ]
    owner, budget = at.source.owner, CHANGE
    for at_source, in_copy, state in edits:
        with (
            at.source.database.connect(owner, budget=budget) as source,
            copy.connect(owner, budget=budget) as restored,
            source.transaction(force_rollback=True),
            restored.transaction(force_rollback=True),
        ):
            source.execute(at_source.encode())
            restored.execute(in_copy.encode())
            assert before.check(restored, source, "42").state.value == state, at_source
            assert before.check(restored, None, "42").state is not State.OK
    with (
        at.source.database.connect(owner, budget=budget) as source,
        at.source.database.connect(owner, budget=budget) as other,
        other.transaction(force_rollback=True),
    ):
        other.execute("DELETE FROM ops.schema_migrations WHERE version = '0042'")
        told = before.check(other, source, "42")  # it has the table, and the ledger denies it
        assert told.state is State.FINDING
        assert ("relation", "late") in {(one.object.kind, one.object.name) for one in told.findings}


def _found_wanting(at: Desk, made: Recovered) -> None:
    """See the checks go red for another moment and an unknown user, also without the source."""
    gone = replace(at.source, database=at.source.database.at("127.255.255.250"), app="nobody")
    order = replace(made.order, moment=datetime(2020, 1, 1, tzinfo=UTC))
    instance = at.source.cloud.instance(made.order.instance)
    found = checks.check(gone, order, made.run, instance, amcheck=False, advance=lambda: None)
    states = {one.check: one.state for one in found.results}
    assert states["application"] is State.FINDING
    assert states["heartbeat"] is State.FINDING
    assert states["migrations"] is State.OK
    lost = replace(instance, address="127.255.255.250")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "FIRST_ANSWER_LIMIT_S", 0.2)
        found = checks.check(gone, order, made.run, lost, amcheck=False, advance=lambda: None)
    assert {one.check: one.state for one in found.results}["restored"] is State.FINDING


def test_a_moment_is_looked_up_where_it_stands(
    at_source: Desk, execute: Callable[[str], None]
) -> None:
    now = datetime.now(UTC)
    with pytest.raises(when.UnknownMigrationError, match="0002, 0001"):
        when.ask(at_source.source, when.parse("before migration 0099", now))
    with pytest.raises(when.UnknownMarkerError, match="no marker of a drill 'lost'"):
        when.ask(at_source.source, when.parse("marker lost", now))
    execute(
        "INSERT INTO ops.drill_heartbeat (drill, label, written_at) VALUES"
        " ('d1', 'marker', '2026-01-01T00:00:00Z'), ('d1', 'after', '2026-01-01T00:00:01Z'),"
        " ('d1', 'marker', '2026-01-01T00:00:02Z'), ('d1', 'after', '2026-01-01T00:00:03Z'),"
        " ('d2', 'marker', '2026-01-01T00:00:04Z')"
    )
    try:
        found = [
            when.ask(at_source.source, when.parse(f"marker {name}", now)) for name in ("d1", "d2")
        ]
        noon = datetime(2026, 1, 1, tzinfo=UTC)
        assert found[0] == noon + timedelta(seconds=3, microseconds=-250)
        assert found[1] == noon + timedelta(seconds=4, microseconds=1000)
        with pytest.raises(when.UnknownMarkerError, match="d2, d1"):
            when.ask(at_source.source, when.parse("marker lost", now))
    finally:
        execute("DELETE FROM ops.drill_heartbeat WHERE drill IN ('d1', 'd2')")
