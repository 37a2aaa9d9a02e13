"""Whether the application could go on: it connects, and reads everything that it may read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import psycopg

from ops import sql
from ops.checks import limit as limits
from ops.checks import trouble
from ops.checks.crew import Crew, Login
from ops.checks.limit import Limit
from ops.checks.outcomes import FINE, Outcome, Words, of_trouble, result
from ops.checks.reading import batches, together
from ops.checks.result import CheckResult, ObjectId, State
from ops.db import Connection, statement
from ops.errors import OpsError

CHECK = "application"


@dataclass(frozen=True, slots=True)
class Granted:
    """A table that the application may read; Jinja reads it."""

    name: tuple[str, str]
    plain: bool

    @property
    def object(self) -> ObjectId:
        """Return which one it is."""
        schema, table = self.name
        return ObjectId("table", table, schema)


def check(
    crew: Crew, login: Login, original: Login | None = None, limit: Limit = limits.NONE
) -> CheckResult:
    """Connect as the application, and read the first row of everything it may read.

    Args:
        crew: to connect with.
        login: the application's, on the copy.
        original: the application's, on the source: what can't be read there either is no loss.
        limit: tables that are not got to by then are told.
    """
    outcomes: dict[ObjectId, Outcome] = {}
    with crew.connect(login) as connection:
        rows = connection.execute(statement(sql.load("checks/application_tables")))
        tables = [Granted((schema, table), plain) for (schema, table), plain in rows]
        with connection.transaction():
            connection.execute("SET LOCAL jit = off")  # as in reading.sql
            for batch in batches(tables, lambda granted: granted.plain):
                outcomes.update(_first_rows(connection, batch, limit))
    failed = [granted for granted in tables if outcomes.get(granted.object, FINE) is not FINE]
    alike = _fail_on_source(crew, original, failed) if original and failed else frozenset()
    for table in alike:
        outcomes[table] = Outcome(State.OK, "can't be read on the source either")
    if not tables:
        words = f"{login.user} connects; no table is granted to it, none was read"
        remedy = (
            f"If it should read: GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login.user}, "
            "by a migration."
        )
        return CheckResult(CHECK, State.OK, 1, 1, words, remedy=remedy)
    read = len(tables) - len(alike)
    read_words = Words(
        ok=f"{login.user} connects and reads from all {read} tables granted to it",
        wrong=f"tables can't be read by {login.user}",
        unknown=f"tables could not be read by {login.user}",
    )
    checked = result(CHECK, outcomes, read_words, late=len(tables) - len(outcomes))
    # the connection is one more thing that was looked at
    return replace(checked, examined=checked.examined + 1, total=checked.total + 1)


def _first_rows(
    connection: Connection, batch: Sequence[Granted], limit: Limit
) -> Mapping[ObjectId, Outcome]:
    def ask(tables: Sequence[Granted]) -> Sequence[tuple[ObjectId, Outcome]]:
        if limit.passed:
            return []
        limit.hold(connection)
        connection.execute(statement(sql.render("checks/first_row", {"tables": tables})))
        return [(table.object, FINE) for table in tables]

    def failed(table: Granted, error: psycopg.Error) -> tuple[ObjectId, Outcome]:
        return table.object, of_trouble(limit.trouble(trouble.of(error)))

    return dict(together(connection, batch, ask, failed))


def _fail_on_source(crew: Crew, original: Login, tables: Sequence[Granted]) -> frozenset[ObjectId]:
    try:
        with crew.connect(original) as connection, connection.transaction():
            rows = [_first_rows(connection, (table,), limits.NONE) for table in tables]
    except OpsError:
        crew.check()
        return frozenset()
    return frozenset(
        about for row in rows for about, out in row.items() if out.state is State.FINDING
    )
