import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import monotonic, sleep

import pytest
from psycopg.abc import Query
from psycopg.rows import TupleRow

from ops.db import CHANGE, Connection, Database
from ops.indexbuild import IndexDiffersError
from ops.migrations import execute, runner
from ops.migrations.failures import ConnectionLostError, StepFailedError
from ops.migrations.others import Connect
from tests.clusters import SUPERUSER
from tests.integration.migrations.conftest import Write

ROOT = Path(__file__).resolve().parents[3]
TABLE = ("create table a (id int, b int); insert into a values (1, 1), (2, 2);", "drop table a;")
INDEX = (
    "create unique index concurrently if not exists a_id on a (id) where b > 0;",
    "drop index concurrently a_id;",
)
# Keeps a build busy for as long as somebody holds the lock.
HELD = """
create function held(int) returns boolean immutable language plpgsql
    as 'begin perform pg_advisory_xact_lock_shared(7); return true; end';
"""
VALID = "select indisvalid from pg_index where indexrelid = to_regclass('a_id')"
BUILDING = "select pid from pg_stat_activity where query ilike 'create unique index%'"


def _rows(connection: Connection, asked: Query) -> list[TupleRow]:
    return connection.execute(asked).fetchall()


def _until(true: Callable[[], bool]) -> None:
    end = monotonic() + 20
    while not true():
        assert monotonic() < end, "it did not come"
        sleep(0.05)


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody be there at the first look, so that a statement is held up half done."""
    monkeypatch.setattr(execute, "wait_for_holders", lambda *_: None)


def _start_up(database: Database, folder: Path) -> subprocess.Popen[str]:
    arguments = [database.host, database.name, str(folder)]
    command = [sys.executable, "-m", "tests.integration.migrations.run_up", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _valid_once_up_has_run(connect: Connect, write: Write) -> None:
    runner.up(connect, write())
    with connect() as connection:
        assert _rows(connection, VALID) == [(True,)]


def test_kill_9_while_an_index_is_built_leaves_nothing_that_up_does_not_mend(
    connect: Connect, write: Write, database: Database, folder: Path
) -> None:
    runner.up(connect, write(_0001_a=(f"{TABLE[0]} {HELD}", TABLE[1])))
    write(_0002_b=(INDEX[0].replace("b > 0", "held(b)"), INDEX[1]))
    with connect() as look:
        with connect() as holder:
            holder.execute("select pg_advisory_lock(7)")
            killed = _start_up(database, folder)
            _until(lambda: _rows(look, VALID) == [(False,)])
            killed.kill()
            killed.communicate()
            # The server notices by itself, and gives the runner's lock free.
            _until(lambda: _rows(look, BUILDING) == [])
        assert _rows(look, VALID) == [(False,)]
    _valid_once_up_has_run(connect, write)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("outside", [True, False])
def test_an_interrupted_run_cleans_up_and_says_what_is_left(
    connect: Connect,
    write: Write,
    database: Database,
    folder: Path,
    *,
    number: signal.Signals,
    outside: bool,
) -> None:
    runner.up(connect, write(_0001_a=(f"{TABLE[0]} {HELD}", TABLE[1])))
    building = INDEX[0] if outside else INDEX[0].replace("concurrently", "")
    write(_0002_b=(building.replace("b > 0", "held(b)"), INDEX[1]))
    with connect() as look, connect() as holder:
        holder.execute("select pg_advisory_lock(7)")
        interrupted = _start_up(database, folder)
        _until(lambda: len(_rows(look, BUILDING)) > 0)
        interrupted.send_signal(number)
        output, errors = interrupted.communicate(timeout=20)
        left = "the index" if outside else "this step"
        assert f"0002_b.sql:2: interrupted. Nothing of {left} is left." in output
        assert ("KeyboardInterrupt" if number is signal.SIGINT else "Terminated") in errors
        assert _rows(look, BUILDING) == []
        assert _rows(look, VALID) == []
    runner.up(connect, write())


@pytest.mark.usefixtures("unseen")
def test_a_cancelled_build_is_dropped_and_built_anew(
    connect: Connect, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "_CLEAR_MS", 200)
    runner.up(connect, write(_0001_a=TABLE))
    migrations = write(_0002_b=INDEX)
    with ThreadPoolExecutor(1) as pool, connect() as look:
        with connect() as other, other.transaction():
            other.execute("lock a in row exclusive mode")  # build and drop wait for it
            running = pool.submit(runner.up, connect, migrations)
            _until(lambda: _rows(look, VALID) == [(False,)])
            look.execute("select pg_cancel_backend(%s)", _rows(look, BUILDING)[0])
            with pytest.raises(StepFailedError, match="canceling statement"):
                running.result()
        assert _rows(look, VALID) == [(False,)]
    _valid_once_up_has_run(connect, write)


def test_a_build_that_fails_on_the_data_is_cleared_away_and_mended_by_up(
    connect: Connect, write: Write
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    with connect() as connection:
        connection.execute("insert into a values (1, 1)")
        with pytest.raises(StepFailedError, match="could not create unique index"):
            runner.up(connect, write(_0002_b=INDEX))
        assert _rows(connection, VALID) == []
        connection.execute("delete from a where ctid = (select max(ctid) from a)")
    _valid_once_up_has_run(connect, write)


@pytest.mark.parametrize(
    ("found", "accepted"),
    [
        ("create unique index a_id on a using btree (id) where (b > 0)", True),
        ("create index a_id on a (id) where b > 0", False),
        ("create unique index a_id on a (id) where b > 1", False),
        ("create table a_id ()", False),
        ("create table other (id int); create unique index a_id on other (id)", False),
    ],
)
def test_that_something_has_the_name_is_no_success(
    connect: Connect, write: Write, found: str, *, accepted: bool
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    with connect() as connection:
        connection.execute(found.encode())
    if accepted:
        _valid_once_up_has_run(connect, partial(write, _0002_b=INDEX))
        return
    with pytest.raises(IndexDiffersError, match=r"0002_b\.sql:2: a_id exists"):
        runner.up(connect, write(_0002_b=INDEX))


@pytest.mark.usefixtures("unseen")
def test_a_partition_that_is_half_detached_is_finished(connect: Connect, write: Write) -> None:
    tables = (
        "create table p (id int) partition by range (id);"
        "create table p1 partition of p for values from (0) to (9);"
    )
    runner.up(connect, write(_0001_a=(tables, "")))
    migrations = write(_0002_b=("alter table p detach partition p1 concurrently;", ""))
    with ThreadPoolExecutor(1) as pool, connect() as look:
        pending = "select inhdetachpending from pg_inherits"
        with connect() as other, other.transaction():
            other.execute("select from p")
            running = pool.submit(runner.up, connect, migrations)
            _until(lambda: _rows(look, pending) == [(True,)])
            asked = "select pg_terminate_backend(pid) from pg_stat_activity where query like %s"
            look.execute(asked, ["alter table p detach%"])
            with pytest.raises(ConnectionLostError):
                running.result()
        runner.up(connect, migrations)
        assert _rows(look, pending) == []


def test_what_an_interrupted_reindex_left_is_dropped(
    connect: Connect, write: Write, database: Database
) -> None:
    runner.up(connect, write(_0001_a=TABLE, _0002_b=INDEX))
    with database.connect(SUPERUSER, budget=CHANGE) as superuser:
        superuser.execute("create index a_id_ccnew on a (id)")
        invalid = "update pg_index set indisvalid = false where indexrelid = %s::regclass"
        superuser.execute(invalid, ["a_id_ccnew"])
    runner.up(connect, write(_0003_c=("reindex table concurrently a;", "select 1;")))
    with connect() as connection:
        asked = "select indexrelid::regclass::text from pg_index where indrelid = 'a'::regclass"
        assert _rows(connection, asked) == [("a_id",)]
