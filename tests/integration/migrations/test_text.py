"""Files that can't be read whole, are almost right, or changed: what up and status say."""

import io
from pathlib import Path

import psycopg
import pytest
from psycopg import sql as psql

from ops.checks.result import State
from ops.console import Console, Format
from ops.migrations import disagreements, runner
from ops.migrations.files import Migration, read
from ops.migrations.others import Connect
from ops.migrations.results import Status
from ops.migrations.standing import Standing
from tests.integration.migrations.conftest import Write

A = ("create table a (id int);", "drop table a;")
C = ("create table c (id int);", "drop table c;")
ALMOST = "-- migrate:up\ncreate table b (id int);\n\n-- migrate: down\ndrop table a;"


def _tables(connect: Connect) -> list[str]:
    with connect() as connection:
        asked = "select tablename from pg_tables where schemaname = 'public' order by 1"
        return [row[0] for row in connection.execute(asked)]


def _standings(status: Status) -> list[Standing]:
    return [entry.standing for entry in status.migrations]


def _with_bytes(folder: Path, data: bytes) -> tuple[Migration, ...]:
    (folder / "0002_b.sql").write_bytes(data)
    return read(folder)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"-- migrate:up\nselect 1;\0\n-- migrate:down\n", r"0002_b\.sql:2: there is a NUL byte"),
        (b"-- migrate:up\nselect 1;\nselct 2;", r"0002_b\.sql:3: syntax error"),
        (b"\xef\xbb\xbf-- migrate:up\r\nselect 1;\r\n", r"0002_b\.sql:1: .*without BOM"),
        (b"-- migrate:up\n\\restrict k\nselect 1;", r"0002_b\.sql:2: \\restrict .* both lines"),
        (ALMOST.encode(), r"0002_b\.sql:4: the comment '-- migrate: down' is almost"),
    ],
)
def test_up_applies_what_comes_before_a_bad_file_and_stops(
    connect: Connect, write: Write, folder: Path, data: bytes, words: str
) -> None:
    write(_0001_a=A, _0003_c=C)
    migrations = _with_bytes(folder, data)
    plan = runner.plan_up(connect, migrations)
    assert [step.version for step in plan.steps] == ["0001"]
    assert plan.state is State.FINDING
    with pytest.raises(disagreements.StoppedError, match=words) as caught:
        runner.up(connect, migrations)
    assert str(caught.value).endswith("Applied before it: 0001_a.")
    with pytest.raises(disagreements.StoppedError, match=r"Nothing was applied\.$"):
        runner.up(connect, migrations)
    assert _tables(connect) == ["a"]
    status = runner.status(connect, migrations)
    assert _standings(status) == [Standing.APPLIED, Standing.REFUSED, Standing.PENDING]
    assert status.state is State.FINDING
    out = io.StringIO()
    Console(Format.TABLE, out=out).show(status)
    assert "0002_b.sql:" in out.getvalue()


def test_an_applied_file_that_can_not_be_read_is_unknown_until_it_can(
    connect: Connect, write: Write, folder: Path
) -> None:
    runner.up(connect, write(_0001_a=A, _0002_b=("select 1;", "")))
    migrations = _with_bytes(folder, b"-- migrate:up\nselect 1;\0")
    status = runner.status(connect, migrations)
    assert _standings(status) == [Standing.APPLIED, Standing.UNREADABLE]
    assert status.state is State.UNKNOWN
    for run in (runner.up, runner.down):
        with pytest.raises(disagreements.UnverifiableError, match=r"0002_b\.sql:2: there is a NUL"):
            run(connect, migrations)
    migrations = write(_0002_b=("select 1;", ""))
    assert runner.status(connect, migrations).state is State.OK
    assert runner.up(connect, migrations).migrations == ()


def test_what_an_older_program_applied_with_an_almost_mark_is_a_finding(
    connect: Connect, write: Write
) -> None:
    runner.up(connect, write(_0001_a=("create table b (id int);\n/* x */ drop table b;", "")))
    text = "-- migrate:up\ncreate table b (id int);\n-- migrate: down\ndrop table b;"
    migrations = write(_0001_a=text, _0002_c=C)
    status = runner.status(connect, migrations)
    assert _standings(status) == [Standing.ALMOST_MARKED, Standing.PENDING]
    assert status.state is State.FINDING
    assert [m.version for m in runner.up(connect, migrations).migrations] == ["0002"]


def test_a_draft_is_named_and_skipped_and_runs_once_it_is_filled_in(
    connect: Connect, write: Write
) -> None:
    migrations = write(_0001_a=A, _0002_b="-- migrate:up\n\n-- migrate:down\n", _0003_empty="")
    assert runner.plan_up(connect, migrations).drafts == ("0002_b", "0003_empty")
    outcome = runner.up(connect, migrations)
    assert [m.version for m in outcome.migrations] == ["0001"]
    out = io.StringIO()
    Console(Format.TABLE, out=out).show(outcome)
    assert "Skipped 0002_b: it has no statement yet, and stays pending." in out.getvalue()
    assert _standings(runner.status(connect, migrations))[1:] == [Standing.DRAFT, Standing.DRAFT]
    assert runner.up(connect, migrations).drafts == ("0002_b", "0003_empty")
    outcome = runner.up(connect, write(_0002_b=C))
    assert [m.version for m in outcome.migrations] == ["0002"]
    assert outcome.drafts == ("0003_empty",)


def test_a_changed_way_back_stops_up_and_can_be_used(connect: Connect, write: Write) -> None:
    runner.up(connect, write(_0001_a=A))
    assert runner.up(connect, write(_0001_a=(A[0], "-- a note\nDROP TABLE a;"))).migrations == ()
    migrations = write(_0001_a=(A[0], "drop table a cascade;"), _0002_c=C)
    with pytest.raises(disagreements.DownChangedError, match=r"0001_a\.sql: its down section"):
        runner.up(connect, migrations)
    status = runner.status(connect, migrations)
    assert _standings(status) == [Standing.DOWN_CHANGED, Standing.PENDING]
    assert status.state is State.FINDING
    assert [m.version for m in runner.down(connect, migrations).migrations] == ["0001"]
    assert len(runner.up(connect, migrations).migrations) == 2


def test_a_missing_applied_file_stops_up(connect: Connect, write: Write, folder: Path) -> None:
    runner.up(connect, write(_0001_a=A, _0002_c=C))
    (folder / "0001_a.sql").unlink()
    migrations = write(_0003_d=("select 1;", ""))
    with pytest.raises(disagreements.AppliedFileMissingError, match="has 0001_a, without a file"):
        runner.up(connect, migrations)
    assert runner.status(connect, migrations).state is State.FINDING


def test_the_ledger_of_an_older_program_is_read_and_completed(
    connect: Connect, write: Write
) -> None:
    runner.up(connect, write(_0001_a=A))
    with connect() as connection:
        connection.execute("alter table ops.schema_migrations drop column down_checksum")
    migrations = write(_0001_a=(A[0], "drop table a cascade;"), _0002_c=C)
    assert runner.status(connect, migrations).state is State.OK  # what it was is not known
    runner.up(connect, migrations)
    with pytest.raises(disagreements.DownChangedError, match=r"0002_c\.sql"):
        runner.up(connect, write(_0002_c=(C[0], "")))


@pytest.mark.parametrize("levels", [60, 1_000, 3_000])
def test_a_deeply_nested_file_is_applied_and_shown(
    connect: Connect, write: Write, levels: int
) -> None:
    text = (
        "create table t (a text);\n"
        "insert into t select ''" + " || 'a'" * levels + ";\n"
        "create index concurrently t_i on t ((a" + " || 'a'" * min(levels, 200) + "));"
    )
    migrations = write(_0001_a=(text, "drop table t;"), _0002_c=C)
    runner.up(connect, migrations)
    assert runner.status(connect, migrations).state is State.OK
    assert _tables(connect) == ["c", "t"]
    with connect() as connection:
        assert connection.execute("select length(a) from t").fetchall() == [(levels,)]
    assert runner.up(connect, migrations).migrations == ()


def test_an_interrupted_build_of_a_deep_index_is_met_again(connect: Connect, write: Write) -> None:
    build = "create index concurrently t_i on t ((a" + " || 'a'" * 200 + "))"
    migrations = write(_0001_t=("create table t (a text);", ""), _0002_i=(f"{build};", ""))
    runner.up(connect, migrations, to="1")
    with connect() as connection:
        connection.execute(psql.SQL(build))
    assert [m.version for m in runner.up(connect, migrations).migrations] == ["0002"]


@pytest.mark.parametrize(
    ("later", "steps"),
    [
        ("alter table t add column opened_at timestamptz", 1),
        ("comment on column t.a is 'open'", 1),
        ("insert into t values ('closed'); insert into notes values ('opened')", 1),
        ("insert into t values ('open')", 2),
        ("insert into t values (E'\\x6fpen')", 2),
        ("alter table t alter a set default $$open$$", 2),
        ("do $$ begin insert into t values ('open'); end $$", 2),
        ("do $$ begin execute 'insert into t values (''open'')'; end $$", 2),
        ("create function f() returns answer language sql as $$ select 'open'::answer $$", 2),
        ("select enum_range(null::answer)", 2),
        ("alter type answer rename value 'open' to 'free'; insert into t values ('free')", 2),
    ],
)
def test_a_new_enum_value_is_committed_where_postgresql_needs_that(
    connect: Connect, write: Write, later: str, steps: int
) -> None:
    first = "create type answer as enum ('closed'); create table t (a answer, b int);"
    add = "alter type answer add value 'open'"
    migrations = write(
        _0001_a=(f"{first} create table notes (a text);", ""), _0002_b=(f"{add};\n{later};", "")
    )
    runner.up(connect, migrations, to="1")
    assert len(runner.plan_up(connect, migrations).steps) == steps
    with connect() as connection, connection.transaction(force_rollback=True):
        try:
            connection.execute(psql.SQL(f"{add}; {later}"))
        except psycopg.errors.UnsafeNewEnumValueUsage:
            assert steps == 2
        else:
            assert steps == 1
    runner.up(connect, migrations)
