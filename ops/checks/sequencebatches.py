"""Questions about sequences, asked of some at a time: each look at one takes a lock."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import psycopg
from psycopg.sql import SQL

from ops import sql
from ops.checks.reading import TRIES, batches
from ops.db import Connection, statement

Apart = Callable[[Connection], AbstractContextManager[object]]


def ask_in_batches(
    connection: Connection, name: str, apart: Apart = nullcontext
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a question about sequences, asked of some at a time.

    Args:
        connection: in no transaction, or with ``apart``.
        name: of the statement, which takes ``relations``.
        apart: keeps the locks and the failure of a batch from a transaction around them.
    """
    numbers = connection.execute(statement(sql.load("checks/sequence_list"))).fetchall()
    query = statement(sql.load(name))
    for batch in batches((number for (number,) in numbers), lambda _: True):
        yield from _ask_again(connection, query, list(batch), apart)


def _ask_again(
    connection: Connection, query: SQL, batch: list[int], apart: Apart
) -> list[tuple[Any, ...]]:
    for _ in range(TRIES - 1):
        with suppress(psycopg.errors.InternalError), apart(connection):
            return connection.execute(query, {"relations": batch}).fetchall()
    with apart(connection):
        return connection.execute(query, {"relations": batch}).fetchall()
