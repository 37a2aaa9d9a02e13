"""How everything is read: under one snapshot, with the same settings, and no lock kept."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import psycopg

from ops import sql
from ops.db import Budget, Connection, statement

_T = TypeVar("_T")
_R = TypeVar("_R")

# The whole content is read, but never in front of the application's own locks.
READ = Budget(statement_s=0, lock_s=1.0, read_only=True)
# Small things share a statement, which saves four round trips each. Their locks are held
# together, so they stay a fraction of the smallest lock table (64 a connection by default).
TOGETHER = 50
TRIES = 3  # an object that is dropped while it is looked at makes a statement fail


@contextmanager
def under(connection: Connection, snapshot: str = "") -> Iterator[None]:
    """Read everything of the block under one snapshot: an exported one, or a new one."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if snapshot:
            literal = psycopg.sql.Literal(snapshot)
            connection.execute(psycopg.sql.SQL("SET TRANSACTION SNAPSHOT {}").format(literal))
        connection.execute(statement(sql.load("checks/reading")))
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


def batches(items: Iterable[_T], small: Callable[[_T], bool]) -> Iterator[tuple[_T, ...]]:
    """Yield what is not small alone and first, then the small together."""
    few: list[_T] = []
    for item in items:
        if small(item):
            few.append(item)
        else:
            yield (item,)
    yield from (tuple(few[i : i + TOGETHER]) for i in range(0, len(few), TOGETHER))


def together(
    connection: Connection,
    batch: Sequence[_T],
    ask: Callable[[Sequence[_T]], Sequence[_R]],
    failed: Callable[[_T, psycopg.Error], _R],
) -> Sequence[_R]:
    """Ask about several things at once; where that fails, about each alone.

    Args:
        connection: within a transaction; no lock is kept.
        batch: the things.
        ask: one statement about some of them.
        failed: what it means that one alone failed.
    """
    try:
        with released(connection):
            return ask(batch)
    except psycopg.Error as error:
        if connection.broken:
            raise
        if len(batch) == 1:
            return [failed(batch[0], error)]
    return [answer for item in batch for answer in together(connection, (item,), ask, failed)]
