"""Rows whose foreign key leads nowhere.

After a restore a constraint that is marked as validated may hold such rows all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ops import sql
from ops.db import Connection, statement
from ops.restore.proof import limit as limits
from ops.restore.proof import trouble
from ops.restore.proof.limit import Limit
from ops.restore.proof.outcomes import FINE, Outcome, Words, of_trouble, result
from ops.restore.proof.reading import released, under
from ops.results import CheckResult, State


@dataclass(frozen=True, slots=True)
class Key:
    """One column of a foreign key and the one it refers to; Jinja reads it."""

    column: str
    refers_to: str
    operator: Sequence[str]
    collation: str


def check(connection: Connection, limit: Limit = limits.NONE) -> CheckResult:
    """Look for rows that lead nowhere, in every foreign key that is validated."""
    limit.lift(connection)
    keys = connection.execute(statement(sql.load("restore/foreign_keys"))).fetchall()
    found: dict[str, Outcome] = {}
    rows = 0
    with under(connection):
        for name, table, *structure in keys:
            if limit.passed:
                break
            total, outcome = _look(connection, table, structure, limit)
            found[f"{'.'.join(table)} {name}"] = outcome
            rows += total
    words = Words(
        ok=f"{rows} rows of {len(keys)} foreign keys lead somewhere",
        wrong="foreign keys have rows that lead nowhere",
        unknown="foreign keys could not be looked at",
        none="there are no foreign keys",
    )
    return result("orphans", found, words, {"rows": rows}, late=len(keys) - len(found))


def _look(
    connection: Connection,
    table: Sequence[str],
    structure: Sequence[Any],  # lists of the statement's columns
    limit: Limit,
) -> tuple[int, Outcome]:
    referenced, *columns = structure
    keys = [Key(*one) for one in zip(*columns, strict=True)]
    query = sql.render("restore/orphans", {"table": table, "referenced": referenced, "keys": keys})
    try:
        with released(connection):
            limit.hold(connection)
            row = connection.execute(statement(query)).fetchone()
    except psycopg.Error as error:
        if connection.broken:
            raise
        return 0, of_trouble(limit.trouble(trouble.of(error)))
    total, lost = row or (0, 0)
    return total, Outcome(State.FINDING, f"{lost} of {total} rows") if lost else FINE
