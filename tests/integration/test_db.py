"""The door to PostgreSQL, on a real server."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ops.db import (
    CHANGE,
    DIAGNOSTIC,
    Budget,
    CannotConnectError,
    Database,
    NoPasswordError,
    PasswordFolder,
    QueryFailedError,
)
from tests import clusters
from tests.clusters import OWNER, Cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with clusters.running() as started:
        yield started


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    made = cluster.create()
    yield made
    cluster.drop(made)


def _setting(database: Database, name: str, budget: Budget) -> str:
    with database.connect(OWNER, budget=budget) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def test_a_budget_is_what_the_server_enforces(database: Database) -> None:
    assert _setting(database, "statement_timeout", DIAGNOSTIC) == "5s"
    assert _setting(database, "lock_timeout", DIAGNOSTIC) == "100ms"
    assert _setting(database, "default_transaction_read_only", DIAGNOSTIC) == "on"
    assert _setting(database, "default_transaction_read_only", CHANGE) == "off"
    hasty = Budget(statement_s=0.05, lock_s=0, read_only=True)
    with (
        pytest.raises(QueryFailedError, match="statement timeout"),
        database.connect(OWNER, budget=hasty) as connection,
    ):
        connection.execute("SELECT pg_sleep(5)")


def test_a_diagnostic_can_not_write(database: Database) -> None:
    with (
        pytest.raises(QueryFailedError, match="SQLSTATE 25006"),
        database.connect(OWNER, budget=DIAGNOSTIC) as connection,
    ):
        connection.execute("CREATE TABLE t ()")


def test_a_block_without_autocommit_is_one_transaction(database: Database) -> None:
    with database.connect(OWNER, budget=CHANGE, autocommit=False) as connection:
        connection.execute("CREATE TABLE kept ()")
    with (
        pytest.raises(QueryFailedError, match="division by zero"),
        database.connect(OWNER, budget=CHANGE, autocommit=False) as connection,
    ):
        connection.execute("CREATE TABLE lost AS SELECT 1 / 0 AS n")
    with database.connect(OWNER, budget=DIAGNOSTIC) as connection:
        row = connection.execute("SELECT to_regclass('kept'), to_regclass('lost')").fetchone()
    assert row == ("kept", None)


def test_who_can_not_connect_reads_why(database: Database) -> None:
    with (
        pytest.raises(CannotConnectError, match='as nobody: FATAL:  role "nobody" does not exist'),
        database.connect("nobody", budget=DIAGNOSTIC),
    ):
        pass
    with (
        pytest.raises(CannotConnectError, match=r"as nobody: Connection refused\. Check"),
        database.at("127.0.0.1", 1).connect("nobody", budget=DIAGNOSTIC),
    ):
        pass


def test_a_password_that_is_not_there_names_its_file(database: Database) -> None:
    passwords = PasswordFolder(Path("/nowhere"))
    with (
        pytest.raises(NoPasswordError, match=r"/nowhere/nobody.*local\.deploy"),
        replace(database, passwords=passwords).connect("nobody", budget=DIAGNOSTIC),
    ):
        pass
