"""Rows whose foreign key leads nowhere.

After a restore a constraint that is marked as validated may hold such rows all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from ops import sql
from ops.checks import limit as limits
from ops.checks import trouble
from ops.checks.limit import Limit
from ops.checks.outcomes import FINE, Outcome, Words, of_trouble, result
from ops.checks.reading import batches, together, under
from ops.checks.result import CheckResult, ObjectId, State
from ops.db import Connection, statement


@dataclass(frozen=True, slots=True)
class Key:
    """One column of a foreign key and the one it refers to; Jinja reads it."""

    column: str
    refers_to: str
    operator: Sequence[str]
    collation: str


@dataclass(frozen=True, slots=True)
class Link:
    """One foreign key; Jinja reads it."""

    name: str
    table: Sequence[str]
    referenced: Sequence[str]
    small: bool
    keys: tuple[Key, ...]

    @property
    def object(self) -> ObjectId:
        """Return which one it is."""
        schema, table = self.table
        return ObjectId("foreign key", table, schema, self.name)


_Counted = tuple[Link, int, Outcome]


def check(connection: Connection, limit: Limit = limits.NONE) -> CheckResult:
    """Look for rows that lead nowhere, in every foreign key that is validated."""
    limit.lift(connection)
    rows = connection.execute(statement(sql.load("checks/foreign_keys")))
    links = [
        Link(name, table, referenced, small, tuple(Key(*key) for key in zip(*keys, strict=True)))
        for name, table, referenced, small, *keys in rows
    ]
    counted: list[_Counted] = []
    with under(connection):
        for batch in batches(links, lambda link: link.small):
            counted.extend(_count(connection, batch, limit))
    outcomes = {link.object: outcome for link, _, outcome in counted}
    total = sum(rows for _, rows, _ in counted)
    words = Words(
        ok=f"{total} rows of {len(links)} foreign keys lead somewhere",
        wrong="foreign keys have rows that lead nowhere",
        unknown="foreign keys could not be looked at",
        none="there are no foreign keys",
    )
    return result("orphans", outcomes, words, {"rows": total}, late=len(links) - len(outcomes))


def _count(connection: Connection, batch: Sequence[Link], limit: Limit) -> Sequence[_Counted]:
    def ask(links: Sequence[Link]) -> Sequence[_Counted]:
        if limit.passed:
            return []
        limit.hold(connection)
        query = statement(sql.render("checks/orphans", {"links": links}))
        return [
            (
                links[place],
                total,
                Outcome(State.FINDING, f"{lost} of {total} rows") if lost else FINE,
            )
            for place, total, lost in connection.execute(query)
        ]

    def failed(link: Link, error: psycopg.Error) -> _Counted:
        return link, 0, of_trouble(limit.trouble(trouble.of(error)))

    return together(connection, batch, ask, failed)
