"""How everything is read: under one snapshot, with the same settings, and no lock kept."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from ops import sql
from ops.db import Connection, statement


@contextmanager
def under(connection: Connection, snapshot: str = "") -> Iterator[None]:
    """Read everything of the block under one snapshot: an exported one, or a new one."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if snapshot:
            literal = psycopg.sql.Literal(snapshot)
            connection.execute(psycopg.sql.SQL("SET TRANSACTION SNAPSHOT {}").format(literal))
        connection.execute(statement(sql.load("restore/reading")))
        yield


@contextmanager
def released(connection: Connection) -> Iterator[None]:
    """Give every lock of the block back at its end.

    The locks of a savepoint that is rolled back are gone, those of one that is released stay
    until the transaction ends: 10,000 tables would fill the lock table, for the application
    too.
    """
    with connection.transaction(force_rollback=True):
        yield
