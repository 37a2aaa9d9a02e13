"""What a run may not do is refused before anything ran, with the cause and the way out."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from psycopg import sql as psql

from ops import programs
from ops.db import CHANGE, MIGRATE, Database
from ops.errors import ExitCode
from ops.migrations import runner
from ops.migrations.failures import StepFailedError
from ops.migrations.others import Connect
from ops.migrations.rights import (
    LedgerDeniedError,
    LedgerHiddenError,
    ReadOnlyError,
    StandbyError,
)
from ops.scratch import scratch
from tests.clusters import OWNER, SUPERUSER, Cluster
from tests.integration.migrations.conftest import Write

TABLE = ("create table a (id int);", "drop table a;")
GUEST = "guest"


@pytest.fixture
def guest(cluster: Cluster, database: Database) -> Iterator[Connect]:
    """Open sessions of a role that owns nothing."""
    with cluster.database().connect(SUPERUSER, budget=CHANGE) as superuser:
        superuser.execute("create role guest login")
    yield partial(database.connect, GUEST, budget=MIGRATE)
    cluster.drop(database)
    with cluster.database().connect(SUPERUSER, budget=CHANGE) as superuser:
        superuser.execute("drop role guest")


@pytest.fixture
def govern(database: Database) -> Callable[[str], None]:
    """Run statements as the superuser, ``{}`` being the database's name."""

    def run(text: str) -> None:
        with database.connect(SUPERUSER, budget=CHANGE) as superuser:
            for part in text.split(";"):
                name = psql.Identifier(database.name)
                superuser.execute(psql.SQL(part).format(name))

    return run


def test_a_standby_is_refused_as_such(write: Write) -> None:
    migrations = write(_0001_a=TABLE)
    with scratch(programs.find(15, stand_in=True)) as made:
        (made.data / "standby.signal").touch()
        with made.running({}) as standby:
            connect = partial(standby.connect, SUPERUSER, budget=MIGRATE)
            with pytest.raises(StandbyError, match=r"is a standby .* connect to the primary"):
                runner.up(connect, migrations)
            with pytest.raises(StandbyError):
                runner.down(connect, migrations)
            assert len(runner.status(connect, migrations).migrations) == 1


@pytest.mark.parametrize(
    ("setting", "reset"),
    [
        ("alter database {} set default_transaction_read_only = on", "ALTER DATABASE"),
        (f"alter role {OWNER} set default_transaction_read_only = on", "ALTER ROLE"),
        (f"alter role {OWNER} in database {{}} set default_transaction_read_only = on", "IN DATA"),
    ],
)
def test_a_read_only_database_is_not_written(
    database: Database, write: Write, govern: Callable[[str], None], setting: str, reset: str
) -> None:
    connect = partial(database.connect, OWNER, budget=MIGRATE)
    govern(setting)
    with pytest.raises(ReadOnlyError, match=f"allowed again: .*{reset}") as caught:
        runner.up(connect, write(_0001_a=TABLE))
    assert caught.value.exit_code is ExitCode.REFUSED
    assert len(runner.status(connect, write()).migrations) == 1
    govern(setting.replace("set default_transaction_read_only = on", "reset all"))
    assert len(runner.up(connect, write()).migrations) == 1


def test_a_role_that_may_not_make_the_ledger_is_told_the_grant(
    guest: Connect, write: Write, database: Database, govern: Callable[[str], None]
) -> None:
    with pytest.raises(LedgerDeniedError, match=f"GRANT CREATE ON DATABASE {database.name} TO"):
        runner.up(guest, write(_0001_a=TABLE))
    govern("create schema ops")
    with pytest.raises(
        LedgerDeniedError, match=r"USAGE ON SCHEMA .* CREATE ON SCHEMA ops TO guest"
    ):
        runner.up(guest, write())


def test_a_ledger_that_can_not_be_read_makes_the_status_unknown(
    connect: Connect, guest: Connect, write: Write, govern: Callable[[str], None]
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    for ask in (runner.status, runner.plan_up, runner.plan_down):
        with pytest.raises(LedgerHiddenError, match="GRANT USAGE ON SCHEMA ops TO guest") as caught:
            ask(guest, write())
        assert caught.value.exit_code is ExitCode.UNKNOWN
    govern("grant usage on schema ops to guest; grant select on all tables in schema ops to guest")
    assert len(runner.status(guest, write()).migrations) == 1
    with pytest.raises(LedgerDeniedError, match="GRANT INSERT, UPDATE, DELETE ON ops"):
        runner.up(guest, write())


@pytest.mark.parametrize(
    "text",
    [
        "alter table theirs add b int;",
        "insert into theirs values (1);",
        "create index concurrently i on theirs (id);",
        "create table closed.t ();",
        "drop table theirs;",
    ],
)
def test_a_privilege_that_a_statement_lacks_is_named_with_the_remedy(
    guest: Connect, write: Write, govern: Callable[[str], None], text: str
) -> None:
    govern(
        "grant create on database {} to guest; create table theirs (id int);create schema closed"
    )
    with pytest.raises(StepFailedError, match=r"0001_a\.sql:2: .*(denied|must be owner)") as caught:
        runner.up(guest, write(_0001_a=(text, "select 1;")))
    assert "let the owner of the object grant the privilege" in str(caught.value)


def test_a_full_disk_is_named_with_the_remedy(connect: Connect, write: Write) -> None:
    raising = (
        "do $$ begin raise 'could not extend file: No space left' using errcode = '53100'; end $$;"
    )
    with pytest.raises(StepFailedError, match="the server's disk is full, so enlarge it"):
        runner.up(connect, write(_0001_a=(raising, "select 1;")))
