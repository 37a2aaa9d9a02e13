"""Every fault that is a statement is put in, and the question that has to see it answers anew.

All of it in one transaction that is never committed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg import sql as psql

from ops import sql
from ops.db import CHANGE, Connection, statement
from ops.restore.faults import cluster
from ops.restore.faults.fault import NothingToSpoilError
from ops.restore.faults.inject import FAULTS, SUPERUSER
from ops.restore.faults.statements import Statement
from ops.restore.source import Source
from ops.schema import definitions as questions

STATEMENTS = {
    fault.name: (fault, put)
    for fault in FAULTS.values()
    for put in (fault.copy, fault.restored)
    if isinstance(put, Statement)
}


@pytest.fixture(scope="module")
def rich(prepared: Source) -> Iterator[Connection]:
    """The superuser in a transaction in which there is one of everything; it is taken back."""
    local = prepared.local(prepared.instance)
    assert local is not None
    database = cluster.peer(local, prepared.database.name)
    with database.connect(SUPERUSER, budget=CHANGE, autocommit=False) as connection:
        with _as(connection, prepared.owner):
            schema = sql.render("restore/selftest_schema", {"owner": prepared.owner})
            connection.execute(statement(schema))
        yield connection
        connection.rollback()


@contextmanager
def _as(connection: Connection, user: str) -> Iterator[None]:
    """Be another user for the block, with no more rights than that one has."""
    connection.execute(psql.SQL("SET SESSION AUTHORIZATION {}").format(psql.Identifier(user)))
    yield
    connection.execute("RESET SESSION AUTHORIZATION")


def _put_in(connection: Connection, source: Source, name: str) -> None:
    fault, put = STATEMENTS[name]
    question = fault.seen_by if fault.seen_by in questions.EQUAL else ""
    with connection.transaction(force_rollback=True):
        before = questions.ask(connection, question) if question else {}
        assert put.put_in(connection, source)
        if question:
            after = questions.ask(connection, question)
            assert before != after, f"{question} is silent about {name}"


@pytest.mark.parametrize(
    "name", [name for name, (_, put) in STATEMENTS.items() if put.connect is cluster.as_owner]
)
def test_the_owner_puts_it_in(prepared: Source, rich: Connection, name: str) -> None:
    with _as(rich, prepared.owner):
        _put_in(rich, prepared, name)


@pytest.mark.parametrize(
    "name", [name for name, (_, put) in STATEMENTS.items() if put.connect is cluster.as_superuser]
)
def test_the_superuser_puts_it_in(prepared: Source, rich: Connection, name: str) -> None:
    _put_in(rich, prepared, name)


def test_what_nothing_can_be_done_to_is_said(prepared: Source, rich: Connection) -> None:
    put = STATEMENTS["lost-publication"][1]
    with rich.transaction(force_rollback=True):
        rich.execute("DROP PUBLICATION drill_selftest_publication")
        with pytest.raises(NothingToSpoilError, match="finds no publication"):
            put.put_in(rich, prepared)
