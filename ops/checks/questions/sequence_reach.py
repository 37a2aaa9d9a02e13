"""Sequences against the columns that they feed: none may hand out a value that is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import psycopg

from ops import sql
from ops.checks import limit as limits
from ops.checks import trouble
from ops.checks.limit import Limit
from ops.checks.outcomes import FINE, Outcome, Words, of_trouble, result
from ops.checks.reading import batches, together, under
from ops.checks.result import CheckResult, ObjectId, State
from ops.checks.sequencebatches import ask_in_batches
from ops.db import Connection, statement

CHECK = "sequence_reach"
_NOT_READABLE = Outcome(State.UNKNOWN, "may not be read: grant USAGE")


@dataclass(frozen=True, slots=True)
class Fed:
    """A sequence and the column that it feeds; Jinja reads it."""

    name: str
    table: tuple[str, str]
    column: str
    last: int | None
    readable: bool
    increment: int
    small: bool

    @property
    def ascending(self) -> bool:
        """Return whether it counts upwards."""
        return self.increment > 0

    def outcome(self, farthest: Decimal | None) -> Outcome:
        """Return what the column's farthest value means."""
        if farthest is None or not farthest.is_finite():
            return FINE
        direction = 1 if self.ascending else -1
        if self.last is not None and (self.last - farthest) * direction >= 0:
            return FINE
        at = "its start" if self.last is None else self.last
        words = f"is at {at}; {self.table[1]}.{self.column} has {farthest}"
        return Outcome(State.FINDING, words)


_Reached = tuple[Fed, Outcome]


def check(connection: Connection, limit: Limit = limits.NONE) -> CheckResult:
    """Compare every sequence with the farthest value of the column that it feeds."""
    limit.lift(connection)
    rows = ask_in_batches(connection, "checks/fed_columns")
    fed = [Fed(name, (schema, table), *rest) for name, schema, table, *rest in rows]
    reached = [(sequence, _NOT_READABLE) for sequence in fed if not sequence.readable]
    with under(connection):
        for batch in batches(
            (sequence for sequence in fed if sequence.readable), lambda sequence: sequence.small
        ):
            reached.extend(_reach(connection, batch, limit))
    words = Words(
        ok=f"{len(fed)} sequences are at or past their columns",
        wrong="sequences would hand out values that are taken",
        unknown="sequences or columns may not be read",
        none="no sequence feeds a column",
    )
    outcomes = {ObjectId("sequence", sequence.name): outcome for sequence, outcome in reached}
    return result(CHECK, outcomes, words, late=len(fed) - len(outcomes))


def _reach(connection: Connection, batch: Sequence[Fed], limit: Limit) -> Sequence[_Reached]:
    def ask(fed: Sequence[Fed]) -> Sequence[_Reached]:
        if limit.passed:
            return []
        limit.hold(connection)
        query = statement(sql.render("checks/column_reach", {"fed": fed}))
        return [(fed[place], fed[place].outcome(far)) for place, far in connection.execute(query)]

    def failed(sequence: Fed, error: psycopg.Error) -> _Reached:
        return sequence, of_trouble(limit.trouble(trouble.of(error)))

    return together(connection, batch, ask, failed)
