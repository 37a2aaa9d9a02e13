"""Sequences against the columns that they feed: none may hand out a value that is taken."""

from decimal import Decimal

import psycopg

from ops import sql
from ops.db import Connection, statement
from ops.restore.proof import limit as limits
from ops.restore.proof import trouble
from ops.restore.proof.limit import Limit
from ops.restore.proof.outcomes import FINE, Outcome, Words, of_trouble, result
from ops.restore.proof.reading import released, under
from ops.results import CheckResult, State


def check(connection: Connection, limit: Limit = limits.NONE) -> CheckResult:
    """Compare every sequence with the farthest value of the column that it feeds."""
    limit.lift(connection)
    fed = connection.execute(statement(sql.load("restore/fed_columns"))).fetchall()
    found: dict[str, Outcome] = {}
    with under(connection):
        for name, schema, table, column, last, readable, increment in fed:
            if limit.passed:
                break
            if readable:
                place = (schema, table, column)
                found[name] = _look(connection, place, last, increment, limit)
            else:
                found[name] = Outcome(State.UNKNOWN, "may not be read: grant USAGE")
    words = Words(
        ok=f"{len(fed)} sequences are at or past their columns",
        wrong="sequences would hand out values that are taken",
        unknown="sequences or columns may not be read",
        none="no sequence feeds a column",
    )
    return result("sequence_reach", found, words, late=len(fed) - len(found))


def _look(
    connection: Connection,
    place: tuple[str, str, str],
    last: int | None,
    increment: int,
    limit: Limit,
) -> Outcome:
    schema, table, column = place
    structure = {"table": (schema, table), "column": [column], "ascending": increment > 0}
    query = statement(sql.render("restore/column_reach", structure))
    try:
        with released(connection):
            limit.hold(connection)
            row = connection.execute(query).fetchone()
    except psycopg.Error as error:
        if connection.broken:
            raise
        return of_trouble(limit.trouble(trouble.of(error)))
    farthest: Decimal | None = row[0] if row else None
    if farthest is None or not farthest.is_finite():
        return FINE
    behind = last is None or (last - farthest) * (1 if increment > 0 else -1) < 0
    if not behind:
        return FINE
    return Outcome(State.FINDING, f"is at {last or 'its start'}; {table}.{column} has {farthest}")
