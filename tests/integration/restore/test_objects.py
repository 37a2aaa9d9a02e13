"""A restored backup's catalogs as of then: what the source has had since before it, it must hold.

The copy is a transaction on the source that spoils what it sees, and is rolled back.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from ops.checks.result import CheckResult, State
from ops.db import VERIFY, Connection
from ops.restore.proof import objects
from ops.restore.proof.objects import Written
from ops.restore.source import Source
from ops.schema.tablecontent import Sum

HEARTBEAT = "INSERT INTO ops.drill_heartbeat (drill, label) VALUES ('objects', 'before')"


@pytest.fixture(autouse=True)
def beaten(execute: Callable[[str], None], superuser: Connection) -> None:
    """A heartbeat that is younger than all objects, and a checkpoint, as recovery ends in one."""
    execute(HEARTBEAT)
    superuser.execute("CHECKPOINT")


@contextmanager
def _copy(superuser: Connection, owner: str, spoiled: str = "") -> Iterator[Connection]:
    with superuser.transaction(force_rollback=True):
        superuser.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        if spoiled:
            assert superuser.execute(spoiled.encode()).rowcount
        superuser.execute(psycopg.sql.SQL("SET ROLE {}").format(psycopg.sql.Identifier(owner)))
        yield superuser


def _compared(source: Source, superuser: Connection, spoiled: str = "") -> CheckResult:
    with (
        _copy(superuser, source.owner, spoiled) as copy,
        source.database.connect(source.owner, budget=VERIFY) as original,
    ):
        return objects.compare(original, copy)


def test_a_whole_copy_is_silent(source: Source, superuser: Connection) -> None:
    found = _compared(source, superuser)
    assert found.state is State.OK
    assert found.examined == found.total > 1000
    assert found.differences == ()


@pytest.mark.parametrize(
    ("spoiled", "line"),
    [
        (
            "DELETE FROM pg_policy WHERE polname = 'everybody'",
            "pg_policy public.event everybody: lost",
        ),
        (
            "UPDATE pg_class SET relacl = NULL WHERE oid = 'public.account'::regclass",
            "pg_class public.account: not as it was",
        ),
        (
            "UPDATE pg_proc SET prosrc = 'BEGIN RETURN OLD; END' WHERE proname = 'note_it'",
            "pg_proc note_it: not as it was",
        ),
        (
            "UPDATE pg_trigger SET tgenabled = 'D' WHERE tgname = 'account_note'",
            "pg_trigger public.account account_note: not as it was",
        ),
        (
            "DELETE FROM pg_attribute WHERE attrelid = 'account'::regclass AND attname = 'note'",
            "pg_attribute public.account note: lost",
        ),
        ("DELETE FROM pg_description WHERE description = 'who pays'", "pg_description: lost"),
        (
            "UPDATE pg_constraint SET convalidated = false WHERE conname = 'entry_account_id_fkey'",
            "pg_constraint public.entry entry_account_id_fkey: not as it was",
        ),
        (
            "UPDATE pg_sequence SET seqincrement = 7 WHERE seqrelid = 'event_id_seq'::regclass",
            "pg_sequence public.event_id_seq: not as it was",
        ),
    ],
)
def test_what_is_older_than_the_backup_must_be_in_it(
    source: Source, superuser: Connection, spoiled: str, line: str
) -> None:
    found = _compared(source, superuser, spoiled)
    assert found.state is State.FINDING
    assert line in found.differences


def test_what_was_made_since_is_no_loss(
    source: Source, superuser: Connection, execute: Callable[[str], None]
) -> None:
    with _copy(superuser, source.owner) as copy:
        copy.execute("SELECT 1")  # takes its snapshot
        execute("CREATE TABLE kept (x int)")
        try:
            with source.database.connect(source.owner, budget=VERIFY) as original:
                found = objects.compare(original, copy)
        finally:
            execute("DROP TABLE kept")
    assert found.state is State.OK
    assert 0 < found.total - found.examined < 20
    assert "were written since the backup" in found.detail


def test_what_is_younger_than_the_newest_heartbeat_may_be_lost(
    source: Source, superuser: Connection, execute: Callable[[str], None]
) -> None:
    execute("COMMENT ON TABLE event IS 'later'")
    superuser.execute("CHECKPOINT")
    try:
        healthy = _compared(source, superuser)
        found = _compared(
            source, superuser, "DELETE FROM pg_description WHERE description = 'later'"
        )
    finally:
        execute("COMMENT ON TABLE event IS NULL")
    assert healthy.state is State.OK
    assert (found.state, found.total - found.examined) == (State.UNKNOWN, 1)
    assert "may be newer or lost" in found.detail
    assert "Back up again" in found.remedy


def test_a_backup_without_a_heartbeat_can_not_tell_lost_from_newer(
    source: Source, superuser: Connection
) -> None:
    with (
        _copy(superuser, source.owner, "DELETE FROM ops.drill_heartbeat") as copy,
        source.database.connect(source.owner, budget=VERIFY) as original,
    ):
        copy.execute("RESET ROLE")
        copy.execute("DELETE FROM pg_policy WHERE polname = 'everybody'")
        found = objects.compare(original, copy)
    assert found.state is State.NOT_APPLICABLE
    assert found.examined == found.total - 1
    assert "no heartbeat" in found.detail


@pytest.mark.parametrize(
    ("short", "next_", "whole"),
    [
        (2, 7 << 32, 2),
        (1000, 5000, 1000),
        (5000, 1000, 5000),
        (1000, (1 << 32) + 5000, (1 << 32) + 1000),
        (9000, (1 << 32) + 5000, 9000),
    ],
)
def test_a_short_number_is_the_newest_that_it_can_be(short: int, next_: int, whole: int) -> None:
    assert Written({("pg_class", short): Sum(1, "1")}, next_).number(short) == whole
