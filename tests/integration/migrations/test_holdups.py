"""Whom a step waits for, what is shown meanwhile, and what a run says of it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count

import pytest
from psycopg import errors

from ops.console import Silent, to_json
from ops.db import CHANGE, Connection, Database, statement
from ops.errors import ExitCode, OpsError
from ops.indexbuild import (
    IndexBeingBuiltError,
    IndexDiffersError,
    IndexNotWholeError,
    IndexUnknownError,
)
from ops.migrations import runner
from ops.migrations.failures import LockNotGotError
from ops.migrations.holdups import HeldUpError
from ops.migrations.others import Connect
from ops.migrations.session import Limits
from tests.clusters import OWNER, SUPERUSER
from tests.integration.migrations.conftest import Write

TABLE = ("create table a (id int, b int); create table o (id int);", "drop table a, o;")
INDEX = ("create index concurrently a_id on a (id);", "drop index concurrently a_id;")
PLAIN = ("create index if not exists a_id on a (id) where b > 0;", "drop index a_id;")
PATIENT = Limits(holder_wait_s=30)


class Written(Silent):
    """Progress that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.came = threading.Event()

    def line(self, text: str) -> None:
        self.lines.append(text)
        self.came.set()


@pytest.fixture
def written() -> Written:
    return Written()


@contextmanager
def _other(connect: Connect, *texts: str) -> Iterator[int]:
    """Hold a transaction open that ran some statements; yield its pid."""
    with connect() as connection, connection.transaction():
        for text in texts:
            connection.execute(statement(text))
        yield connection.info.backend_pid


REPEATABLE = ("set transaction isolation level repeatable read", "select from o")


@pytest.mark.parametrize("texts", [("select from o",), ("select from a",), ("table pg_class",)])
def test_an_idle_transaction_that_holds_nobody_up_is_no_hindrance(
    connect: Connect, write: Write, hasty: Limits, texts: tuple[str, ...]
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    with _other(connect, *texts):
        assert len(runner.up(connect, write(_0002_b=INDEX), limits=hasty).migrations) == 1


@pytest.mark.parametrize("texts", [REPEATABLE, ("insert into a values (1)",)])
def test_a_build_is_not_begun_behind_who_holds_it_up(
    connect: Connect, write: Write, hasty: Limits, texts: tuple[str, ...]
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    with _other(connect, *texts) as pid:
        with pytest.raises(HeldUpError, match="CREATE INDEX CONCURRENTLY would wait") as caught:
            runner.up(connect, write(_0002_b=INDEX), limits=hasty)
        assert f"pid {pid} ({OWNER}, test), idle in transaction" in str(caught.value)
        assert "pg_terminate_backend" in str(caught.value)
        with connect() as look:
            assert look.execute("select 1 from ops.schema_migration_steps").fetchall() == []
    assert len(runner.up(connect, write(), limits=hasty).migrations) == 1


@pytest.mark.parametrize(
    ("text", "hinders"),
    [
        ("drop index concurrently a_id;", "DROP INDEX CONCURRENTLY"),
        ("reindex index concurrently a_id;", "REINDEX CONCURRENTLY"),
        ("alter table p detach partition p1 concurrently;", "DETACH PARTITION CONCURRENTLY"),
        ("alter table a validate constraint positive;", ""),
    ],
)
def test_each_statement_is_asked_what_holds_it_up(
    connect: Connect, write: Write, hasty: Limits, text: str, hinders: str
) -> None:
    tables = (
        "create index a_id on a (id); alter table a add constraint positive check (b > 0) not "
        "valid; create table p (id int) partition by range (id);"
        "create table p1 partition of p for values from (0) to (9);"
    )
    runner.up(connect, write(_0001_a=TABLE, _0002_b=(tables, "")))
    migrations = write(_0003_c=(text, "select 1;"))
    with _other(connect, "select from a", "select from p1"):
        if hinders:
            with pytest.raises(HeldUpError, match=f"{hinders} would wait"):
                runner.up(connect, migrations, limits=hasty)
        else:
            assert len(runner.up(connect, migrations, limits=hasty).migrations) == 1


def test_it_waits_for_those_of_the_first_look_alone(
    connect: Connect, write: Write, written: Written
) -> None:
    """Others that write to the table all the time hold nothing up before it begins."""
    runner.up(connect, write(_0001_a=TABLE))
    migrations = write(_0002_b=INDEX)
    with ThreadPoolExecutor(1) as pool, connect() as second:
        with _other(connect, "insert into a values (1)") as first:
            running = pool.submit(runner.up, connect, migrations, limits=PATIENT, progress=written)
            assert written.came.wait(20)
            second.execute("begin; insert into a values (2)")
        # The first has ended: the build begins, and waits for the second by itself.
        written.came.clear()
        assert written.came.wait(20)
        second.execute("commit")
        assert len(running.result().migrations) == 1
        pid = second.info.backend_pid
    assert f"is not begun yet, it would wait for pid {first} " in written.lines[0]
    assert written.lines[0].endswith("so far, at most 30 s")
    assert f"waits for pid {pid} ({OWNER}, test), idle in transaction" in written.lines[-1]
    assert "(waiting for writers before build, 0 of 1 done)" in written.lines[-1]
    assert written.lines[-1].endswith("so far, at most 12 h")


def test_a_lock_that_is_waited_for_is_not_waited_for_in_silence(
    connect: Connect, write: Write, written: Written
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    migrations = write(_0002_b=("delete from a;", "select 1;"))
    with ThreadPoolExecutor(1) as pool:
        with _other(connect, "lock a in share mode") as pid:
            running = pool.submit(runner.up, connect, migrations, progress=written)
            assert written.came.wait(20)
        assert len(running.result().migrations) == 1
    assert f"0002_b.sql:2: waits for pid {pid} " in written.lines[0]


def test_who_can_not_be_looked_for_is_unknown(
    connect: Connect, write: Write, hasty: Limits
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    migrations, numbers = write(_0002_b=("alter table a add c int;", "select 1;")), count()

    @contextmanager
    def scarce() -> Iterator[Connection]:
        if next(numbers) > 1:  # the runner has two sessions
            raise OpsError("No connection is free.")
        with connect() as connection:
            yield connection

    with (
        _other(connect, "select from a"),
        pytest.raises(LockNotGotError, match=r"in the way: unknown \(No connection is free\)\."),
    ):
        runner.up(scarce, migrations, limits=hasty)


# Invalid: a build that fails on the data leaves it behind.
BROKEN = "insert into a values (1, 1), (1, 1); create unique index concurrently a_id on a (id)"


@pytest.mark.parametrize(
    ("existing", "refusal"),
    [
        ("create index a_id on a (id) where b > 0", None),
        ("create index a_id on a (id) where b > 1", IndexDiffersError),
        ("create unique index a_id on a (id) where b > 0", IndexDiffersError),
        ("create index a_id on a (id) include (b) where b > 0", IndexDiffersError),
        ("create index a_id on a (id desc) where b > 0", IndexDiffersError),
        ("create index a_id on o (id)", IndexDiffersError),
        ("create table a_id ()", IndexDiffersError),
        ("create view a_id as select 1", IndexDiffersError),
        (BROKEN, IndexNotWholeError),
    ],
)
def test_if_not_exists_in_a_transaction_takes_nothing_else_for_success(
    connect: Connect, write: Write, existing: str, refusal: type[Exception] | None
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    with connect() as connection, suppress(errors.UniqueViolation):
        for text in existing.split("; "):
            connection.execute(statement(text))
    migrations = write(_0002_b=PLAIN)
    if refusal is None:
        (done,) = runner.up(connect, migrations).migrations
        assert [message.unchecked for message in done.messages] == [False]
        return
    with pytest.raises(refusal, match=r'0002_b\.sql:2: "?(public"\.")?a_id"? exists'):
        runner.up(connect, migrations)


def test_a_build_over_an_invalid_index_says_so_and_begins_anew(
    connect: Connect, write: Write, written: Written
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    with connect() as connection:
        with suppress(errors.UniqueViolation):
            for text in BROKEN.split("; "):
                connection.execute(statement(text))
        migrations = write(_0002_b=("create index concurrently if not exists a_id on a (id);", ""))
        runner.up(connect, migrations, progress=written)
        asked = "select indisvalid and not indisunique from pg_index where indrelid = 'a'::regclass"
        assert connection.execute(statement(asked)).fetchall() == [(True,)]
    assert "a_id exists, but it is not valid" in written.lines[0]


HELD = """
insert into a values (1);
create function held(int) returns boolean immutable language plpgsql
    as 'begin perform pg_advisory_xact_lock_shared(7); return true; end';
"""


def test_the_build_of_somebody_whose_work_is_hidden_is_not_dropped(
    connect: Connect, write: Write, database: Database
) -> None:
    runner.up(connect, write(_0001_a=TABLE, _0002_b=(HELD, "select 1;")))
    with (
        ThreadPoolExecutor(1) as pool,
        connect() as holder,
        database.connect(SUPERUSER, budget=CHANGE) as builder,
    ):
        builder.execute("set lock_timeout = 0")
        holder.execute("select pg_advisory_lock(7)")
        build = "create index concurrently a_id on a (id) where held(b)"
        building = pool.submit(builder.execute, statement(build))
        asked = "select 1 from pg_locks where locktype = 'advisory' and not granted"
        while holder.execute(statement(asked)).fetchone() is None:
            assert not building.done()
        with pytest.raises(IndexBeingBuiltError, match=f"pid {builder.info.backend_pid} is"):
            runner.up(connect, write(_0003_c=INDEX))
        holder.execute("select pg_advisory_unlock(7)")
        building.result()
        valid = "select indisvalid from pg_index where indexrelid = 'a_id'::regclass"
        assert builder.execute(statement(valid)).fetchone() == (True,)


def test_an_index_that_can_not_be_compared_is_unknown(
    connect: Connect, write: Write, database: Database
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    with database.connect(SUPERUSER, budget=CHANGE) as superuser:
        superuser.execute("create index a_id on a (id) where b > 0")
        superuser.execute(
            "do $$ begin execute format('revoke temporary on database %I from public, "
            "ai_square_owner', current_database()); end $$"
        )
    with pytest.raises(IndexUnknownError, match="GRANT TEMPORARY ON DATABASE") as caught:
        runner.up(connect, write(_0002_b=PLAIN))
    assert caught.value.exit_code is ExitCode.UNKNOWN


def test_an_index_of_partitions_only_may_be_invalid(connect: Connect, write: Write) -> None:
    tables = (
        "create table p (id int) partition by range (id);"
        "create table p1 partition of p for values from (0) to (9);"
        "create index p_id on only p (id);"
    )
    again = ("create index if not exists p_id on only p (id);", "select 1;")
    runner.up(connect, write(_0001_a=(tables, "drop table p;"), _0002_b=again))
    with pytest.raises(IndexNotWholeError, match="its partitions are not attached"):
        runner.up(connect, write(_0003_c=(again[0].replace("only ", ""), "select 1;")))


SAYING = """
do $$ begin
    raise notice 'two
lines' using detail = 'more', hint = 'do';
    raise warning 'red \033[31m'; raise info 'i'; raise debug 'not sent';
end $$;
create table if not exists a (other text);
alter table a add column if not exists b text;
drop table if exists nowhere;
create schema if not exists public;
create schema if not exists ops; -- the runner's own: no news
"""


def test_what_postgresql_says_is_shown_and_reported(
    connect: Connect, write: Write, written: Written
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    outcome = runner.up(connect, write(_0002_b=(SAYING, "select 1;")), progress=written)
    (done,) = outcome.migrations
    said = [(m.place.partition("/")[2] or m.place, m.severity, m.text) for m in done.messages]
    assert [text for _, _, text in said] == [
        "two\nlines",
        "red [31m",
        "i",
        'relation "a" already exists, skipping',
        'column "b" of relation "a" already exists, skipping',
        'table "nowhere" does not exist, skipping',
        'schema "public" already exists, skipping',
    ]
    assert [severity for _, severity, _ in said] == [
        "NOTICE",
        "WARNING",
        "INFO",
        "NOTICE",
        "NOTICE",
        "NOTICE",
        "NOTICE",
    ]
    assert [m.unchecked for m in done.messages] == [False] * 3 + [True, True, False, True]
    lines = [m.place.rpartition(":")[2] for m in done.messages]
    assert lines == ["3", "3", "3", "8", "9", "10", "11"]
    assert "0002_b.sql:3: NOTICE: two\nlines more do" in written.lines[0]
    assert written.lines[3].endswith("(Whether it is what this file describes is not checked.)")
    assert '"severity": "WARNING"' in to_json(outcome)


def test_what_a_deferred_trigger_says_at_the_commit_is_shown(
    connect: Connect, write: Write, written: Written
) -> None:
    trigger = """
    create function say() returns trigger language plpgsql as
        'begin raise warning ''at the commit''; return null; end';
    create constraint trigger late after insert on a deferrable initially deferred
        for each row execute function say();
    """
    runner.up(connect, write(_0001_a=(f"{TABLE[0]} {trigger}", TABLE[1])))
    insert = ("insert into a values (1);", "select 1;")
    (done,) = runner.up(connect, write(_0002_b=insert), progress=written).migrations
    assert [message.text for message in done.messages] == ["at the commit"]


def test_what_a_try_said_that_was_taken_back_is_not_reported(
    connect: Connect, write: Write, written: Written, hasty: Limits
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    text = "do 'begin raise notice ''hello''; end'; alter table a add c int;"
    patient = replace(hasty, tries=200)
    with ThreadPoolExecutor(1) as pool:
        with _other(connect, "select from a"):
            running = pool.submit(
                runner.up,
                connect,
                write(_0002_b=(text, "select 1;")),
                limits=patient,
                progress=written,
            )
            while written.lines.count(written.lines[0] if written.lines else "") < 2:
                assert written.came.wait(20)
        (done,) = running.result().migrations
    assert done.tries > 1
    assert [message.text for message in done.messages] == ["hello"]
