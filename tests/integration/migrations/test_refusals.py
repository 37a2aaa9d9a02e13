import pytest
from psycopg import sql as psql

from ops.db import CHANGE, Connection, Database
from ops.errors import BadInputError
from ops.migrations import disagreements, runner, standing
from ops.migrations.errors import AloneInTransactionError
from ops.migrations.failures import ConnectionLostError, StepFailedError, TooSlowError
from ops.migrations.others import Connect
from tests.clusters import OWNER, SUPERUSER
from tests.integration.migrations.conftest import Write

GOOD = ("create table a (id int);", "drop table a;")


def _tables(connect: Connect) -> list[str]:
    with connect() as connection:
        asked = "select tablename from pg_tables where schemaname in ('public', 'ops') order by 1"
        return [row[0] for row in connection.execute(asked)]


def _one(connection: Connection, asked: psql.SQL) -> object:
    row = connection.execute(asked).fetchone()
    return row and row[0]


def test_concurrently_between_begin_and_commit_is_refused_before_anything_runs(
    connect: Connect, write: Write
) -> None:
    text = "begin;\ncreate index concurrently i on a (id);\ncommit;"
    migrations = write(_0001_a=GOOD, _0002_b=(text, ""))
    with pytest.raises(AloneInTransactionError, match=r"0002_b\.sql:3.*Remove BEGIN and COMMIT"):
        runner.up(connect, migrations)
    assert "a" not in _tables(connect)


def test_a_way_back_that_can_not_be_cut_is_refused_on_the_way_up(
    connect: Connect, write: Write
) -> None:
    with pytest.raises(BadInputError, match="no COMMIT"):
        runner.up(connect, write(_0001_a=(GOOD[0], "begin; drop table a;")))
    assert "a" not in _tables(connect)


def test_a_dry_run_changes_nothing_and_makes_no_ledger(connect: Connect, write: Write) -> None:
    plan = runner.plan_up(connect, write(_0001_a=GOOD))
    assert [(s.version, s.transaction, s.statements) for s in plan.steps] == [
        ("0001", True, ("create table a (id int)",))
    ]
    assert runner.status(connect, write()).migrations[0].standing is standing.Standing.PENDING
    assert _tables(connect) == []


def test_a_failing_statement_is_named_with_its_line_and_takes_its_step_back(
    connect: Connect, write: Write
) -> None:
    migrations = write(_0001_a=GOOD, _0002_b=("create table b (id int);\n\nselect 1,\n  nope;", ""))
    with pytest.raises(StepFailedError, match=r"0002_b\.sql:5: column \"nope\" does not exist"):
        runner.up(connect, migrations)
    assert _tables(connect) == ["a", "schema_migration_steps", "schema_migrations"]


def test_a_deferred_check_that_fails_at_commit_is_told_too(connect: Connect, write: Write) -> None:
    text = (
        "create table p (id int primary key);"
        "create table c (p int references p deferrable initially deferred);"
        "insert into c values (1);"
    )
    with pytest.raises(StepFailedError, match="violates foreign key"):
        runner.up(connect, write(_0001_a=(text, "")))


def test_an_applied_file_that_was_changed_is_refused_but_a_comment_is_none(
    connect: Connect, write: Write
) -> None:
    runner.up(connect, write(_0001_a=GOOD))
    commented = ("-- a note\nCREATE TABLE a (\n  id int);", GOOD[1])
    assert runner.up(connect, write(_0001_a=commented)).migrations == ()
    with pytest.raises(disagreements.ChangedError, match=r"0001_a\.sql was changed after"):
        runner.up(connect, write(_0001_a=("create table a (id bigint);", GOOD[1])))


def test_out_of_order_is_refused_unless_allowed(connect: Connect, write: Write) -> None:
    runner.up(connect, write(_0002_b=GOOD))
    migrations = write(_0001_a=("create table early (id int);", "drop table early;"))
    with pytest.raises(disagreements.OutOfOrderError, match=r"0001_a\.sql"):
        runner.up(connect, migrations)
    done = runner.up(connect, migrations, allow_out_of_order=True).migrations
    assert [m.version for m in done] == ["0001"]
    assert [m.version for m in runner.down(connect, migrations).migrations] == ["0001"]


def test_an_irreversible_one_keeps_all_from_being_taken_back(
    connect: Connect, write: Write
) -> None:
    text = '-- migrate:up\nselect 1;\n-- migrate:down irreversible:"rows are gone"\n'
    migrations = write(_0001_a=text, _0002_b=GOOD)
    runner.up(connect, migrations)
    with pytest.raises(disagreements.IrreversibleError, match="rows are gone"):
        runner.down(connect, migrations, to="0")
    assert "a" in _tables(connect)


def test_a_statement_over_its_time_is_stopped(connect: Connect, write: Write) -> None:
    with pytest.raises(TooSlowError, match=r"0001_a\.sql:2.*50 ms.*timeout:"):
        runner.up(connect, write(_0001_a="-- migrate:up timeout:50ms\nselect pg_sleep(5);"))


def test_a_lost_connection_says_that_up_goes_on(connect: Connect, write: Write) -> None:
    migrations = write(_0001_a=("select pg_terminate_backend(pg_backend_pid());", ""))
    with pytest.raises(ConnectionLostError, match=r"0001_a\.sql:2.*again"):
        runner.up(connect, migrations)


def test_a_migration_may_take_a_role_that_can_not_write_to_the_ledger(
    connect: Connect, write: Write, database: Database
) -> None:
    role = psql.Identifier(f"maker_{database.name}")
    with database.connect(SUPERUSER, budget=CHANGE) as connection:
        connection.execute(psql.SQL("CREATE ROLE {}").format(role))
        grant = psql.SQL("GRANT {} TO {}; GRANT CREATE ON SCHEMA public TO {}")
        connection.execute(grant.format(role, psql.Identifier(OWNER), role))
    text = (
        f"set role maker_{database.name};"
        "create table m (id int); create index concurrently m_i on m (id); create table n (id int);"
    )
    runner.up(connect, write(_0001_a=(text, "")))
    with connect() as connection:
        asked = psql.SQL("select count(*) from pg_tables where tableowner like 'maker%'")
        assert _one(connection, asked) == 2
