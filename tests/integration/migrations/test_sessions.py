"""Every step begins in a session as new, and no statement lets a second runner in."""

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import pytest
from psycopg import sql as psql

from ops.db import CHANGE, Database
from ops.migrations import runner
from ops.migrations.failures import HiddenSettingError, StepFailedError
from ops.migrations.others import Connect
from ops.migrations.session import LOCK_KEY, BusyError, Limits, LockLostError
from tests.clusters import OWNER, SUPERUSER
from tests.integration.migrations.conftest import Write

INDEXED = "select indrelid::regclass::text from pg_index where indexrelid::regclass::text like %s"


def _column(connect: Connect, query: str, *values: object) -> list[object]:
    with connect() as connection:
        return [row[0] for row in connection.execute(query.encode(), values)]


@pytest.mark.parametrize(
    "setting",
    [
        "select pg_catalog.set_config('search_path', 'archive', false);",
        "select set_config('search_path', 'archive'::text, 'off'), 1;",
        "set search_path = archive;",
        "set schema 'archive';",
        "reset all; set search_path to archive;",
    ],
)
def test_what_a_file_sets_holds_for_its_later_steps_and_for_no_other_file(
    connect: Connect, write: Write, setting: str
) -> None:
    made = f"""
        create table users (id int, email text); create schema archive; {setting}
        create table users (id int, email text);
        create index concurrently users_email_copy on users (email);
        create table copies (id int);
    """
    runner.up(connect, write(_0009_a=(made, ""), _0010_b=("create table other (id int);", "")))
    assert _column(connect, INDEXED, "%users_email_copy") == ["archive.users"]
    tables = "select tablename::text from pg_tables where schemaname = %s order by 1"
    assert _column(connect, tables, "archive") == ["copies", "users"]
    assert _column(connect, tables, "public") == ["other", "users"]


def test_a_resumed_run_has_the_settings_too(connect: Connect, write: Write) -> None:
    text = """
        create schema archive; create table archive.users (id int);
        create table public.users (id int); insert into archive.users values (1), (1);
        select set_config('search_path', 'archive', false); select 1;
        create unique index concurrently users_id on users (id);
    """
    migrations = write(_0001_a=(text, ""))
    with pytest.raises(StepFailedError, match="could not create unique index"):
        runner.up(connect, migrations)
    with connect() as connection:
        connection.execute("delete from archive.users where ctid = '(0,1)'")
    runner.up(connect, migrations)
    assert _column(connect, INDEXED, "%users_id") == ["archive.users"]


NO_LOCK = """
    do $$ begin
        assert not exists (select from pg_locks where locktype = 'advisory' and objid = 5);
    end $$;
"""


@pytest.mark.parametrize(
    ("left", "used", "refusal"),
    [
        ("create temp table t (id int);", "select count(*) from t;", 'relation "t" does not'),
        ("create temp table users (id int);", "insert into users values (1);", ""),
        ("prepare p as select 1;", "execute p;", 'prepared statement "p" does not exist'),
        ("declare c cursor with hold for select 1;", "fetch c;", 'cursor "c" does not exist'),
        ("set role ROLE;", "do 'begin assert current_user = session_user; end';", ""),
        ("set jit = off;", "do $$begin assert current_setting('jit') = 'on'; end$$;", ""),
        ("select nextval('s');", "select currval('s');", 'of sequence "s" is not yet defined'),
        ("select nextval('s');", "select lastval();", "lastval is not yet defined"),
        ("select pg_advisory_lock(5);", NO_LOCK, ""),
        ("listen l;", "do 'begin assert not exists (select pg_listening_channels()); end';", ""),
    ],
)  # fmt: skip
def test_nothing_of_a_session_leaks_into_the_next_file(
    connect: Connect, write: Write, database: Database, left: str, used: str, refusal: str
) -> None:
    with database.connect(SUPERUSER, budget=CHANGE) as superuser:
        role = psql.Identifier(f"taken_{database.name}")
        superuser.execute(psql.SQL("CREATE ROLE {}").format(role))
        superuser.execute(psql.SQL("GRANT {} TO {}").format(role, psql.Identifier(OWNER)))
    first = "create table users (id int); create sequence s;"
    left = left.replace("ROLE", f"taken_{database.name}")
    migrations = write(_0001_a=(first, ""), _0002_b=(left, ""), _0003_c=(used, ""))
    if refusal:
        with pytest.raises(StepFailedError, match=refusal):
            runner.up(connect, migrations)
        return
    runner.up(connect, migrations)
    if "users" in left:
        assert _column(connect, "select id from users") == [1]


HIDDEN = """
create schema archive;
create function hide() returns void language plpgsql as
  $$ begin perform set_config('search_path', 'archive', false); end $$;
create function hide_own() returns void language plpgsql as
  $$ begin perform set_config('app.tenant', '5', false); end $$;
create procedure hide_and_commit() language plpgsql as
  $$ begin commit; perform set_config('search_path', 'archive', false); end $$;
"""


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select hide();\nVACUUM;", r"0001_b\.sql:2: .* changes search_path"),
        ("do 'begin set search_path = archive; end';\nVACUUM;", "changes search_path"),
        ("select hide_own();\nVACUUM;\nselect current_setting('app.tenant');", r"app\.tenant"),
        ("call hide_and_commit();\nVACUUM;", "search_path.*--step-done 0001:1"),
    ],
)
def test_what_a_function_sets_for_later_steps_is_noticed_before_it_is_recorded(
    connect: Connect, write: Write, sql: str, words: str
) -> None:
    with connect() as connection:
        connection.execute(HIDDEN.encode())
    migrations = write(_0001_b=(sql, ""))
    with pytest.raises(HiddenSettingError, match=words):
        runner.up(connect, migrations)
    done = "select count(*) from ops.schema_migration_steps where finished_at is not null"
    assert _column(connect, done) == [0]


def test_what_a_function_takes_back_or_the_file_repeats_is_accepted(
    connect: Connect, write: Write
) -> None:
    with connect() as connection:
        connection.execute(HIDDEN.encode())
    sql = """
        select public.hide(); set search_path = archive; vacuum; create table here (id int);
        select public.hide(); reset search_path; vacuum; create table there (id int);
    """
    runner.up(connect, write(_0001_a=(sql, "")))
    query = "select schemaname || '.' || tablename from pg_tables where tablename like '%%here'"
    assert sorted(map(str, _column(connect, query))) == ["archive.here", "public.there"]


@pytest.mark.parametrize(
    "setting",
    [
        "set default_transaction_read_only = on;",
        "set session characteristics as transaction read only;",
        "set statement_timeout = 1;",
        "reset all;",
    ],
)
def test_what_a_file_sets_does_not_reach_the_ledger(
    connect: Connect, write: Write, setting: str
) -> None:
    runner.up(connect, write(_0001_a=f"-- migrate:up transaction:false\n{setting}\n"))
    assert _column(connect, "select version from ops.schema_migrations") == ["0001"]


def _until_it_runs(connect: Connect, query: str) -> None:
    end = monotonic() + 20
    while not _column(connect, "select pid from pg_stat_activity where query like %s", query):
        assert monotonic() < end
        sleep(0.02)


@pytest.mark.parametrize("call", ["pg_advisory_unlock_all()", "unlock()"])
def test_no_statement_lets_a_second_runner_in(
    connect: Connect, write: Write, hasty: Limits, call: str
) -> None:
    with connect() as connection:
        connection.execute(
            "create function unlock() returns void"
            " language sql as 'select pg_advisory_unlock_all()'"
        )
    sql = f"select {call};\nselect pg_sleep(1);\ncreate table late (id int);"
    migrations = write(_0001_a=(sql, ""))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(runner.up, connect, migrations)
        _until_it_runs(connect, "select pg_sleep(1)")
        with pytest.raises(BusyError):
            runner.up(connect, migrations, limits=hasty)
        assert len(first.result().migrations) == 1


def test_a_run_whose_lock_was_lost_stops_and_records_nothing(
    connect: Connect, write: Write, hasty: Limits
) -> None:
    migrations = write(_0001_a=("create table a (id int); select pg_sleep(1);", ""))
    with ThreadPoolExecutor(1) as pool, connect() as look:
        first = pool.submit(runner.up, connect, migrations)
        _until_it_runs(connect, "select pg_sleep(1)")
        look.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
            " and objid::bigint = %s & 4294967295", [LOCK_KEY]
        )  # fmt: skip
        with pytest.raises(BusyError):
            runner.up(connect, migrations, limits=hasty)
        with pytest.raises(LockLostError, match="was lost"):
            first.result()
    assert _column(connect, "select count(*) from ops.schema_migrations") == [0]
    assert len(runner.up(connect, migrations).migrations) == 1
