"""Questions about sequences, asked of some at a time: each look at one takes a lock."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.sql import SQL

from ops import sql
from ops.checks.reading import TRIES, batches
from ops.db import Connection, statement


def ask_in_batches(connection: Connection, name: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a question about sequences, asked of some at a time.

    Args:
        connection: in no transaction.
        name: of the statement, which takes ``relations``.
    """
    numbers = connection.execute(statement(sql.load("checks/sequence_list"))).fetchall()
    query = statement(sql.load(name))
    for batch in batches((number for (number,) in numbers), lambda _: True):
        yield from _ask_again(connection, query, list(batch))


def _ask_again(connection: Connection, query: SQL, batch: list[int]) -> list[tuple[Any, ...]]:
    for _ in range(TRIES - 1):
        with suppress(psycopg.errors.InternalError):
            return connection.execute(query, {"relations": batch}).fetchall()
    return connection.execute(query, {"relations": batch}).fetchall()
