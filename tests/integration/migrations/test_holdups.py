"""Whom a step waits for, what is shown meanwhile, and what a run says of it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from ops.console import Silent
from ops.db import statement
from ops.migrations import runner
from ops.migrations.holdups import HeldUpError
from ops.migrations.others import Connect
from ops.migrations.session import Limits
from tests.clusters import OWNER
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
