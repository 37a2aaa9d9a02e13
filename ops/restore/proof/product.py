"""The product's own checks: smoke queries that must run, and rules that nothing may break.

A new one is a file in ``sql/restore/smoke`` or ``sql/restore/rules``. It does not apply where
the tables that it names are not there, or not granted to who asks.
"""

from collections.abc import Callable, Sequence

import psycopg

from ops import sql
from ops.db import Connection, statement
from ops.restore.crew import Crew, Login
from ops.restore.proof import limit as limits
from ops.restore.proof import trouble
from ops.restore.proof.limit import Limit
from ops.restore.proof.outcomes import FINE, Outcome, Words, of_trouble, result
from ops.results import CheckResult, State

SHOWN = 5  # violations of one rule, in its line
_NO_SUCH = Outcome(State.NOT_APPLICABLE)


def names(kind: str) -> tuple[str, ...]:
    """Return the checks of a kind, ``smoke`` or ``rules``, in order."""
    return tuple(sorted(path.stem for path in (sql.ROOT / "restore" / kind).glob("*.sql")))


def smoke(crew: Crew, login: Login, limit: Limit = limits.NONE) -> CheckResult:
    """Run every smoke query as the application: none may fail."""
    words = Words(
        ok="the smoke queries ran",
        wrong="smoke queries fail",
        unknown="smoke queries could not be run",
        none="there are no smoke queries",
    )

    def judge(rows: Sequence[tuple[object, ...]]) -> Outcome:
        return Outcome(State.OK, f"{len(rows)} rows")

    with crew.connect(login) as connection:
        return _each("smoke", connection, words, judge, limit)


def rules(connection: Connection, limit: Limit = limits.NONE) -> CheckResult:
    """Ask for violations of every rule: there may be none."""
    words = Words(
        ok="every rule of the product holds",
        wrong="rules of the product are broken",
        unknown="rules could not be looked at",
        none="there are no rules",
    )
    with connection.transaction():
        # of the owner; rows that a policy hides would be an error, not a rule that holds
        connection.execute("SET LOCAL row_security = off")
        return _each("rules", connection, words, _violations, limit)


def _violations(rows: Sequence[tuple[object, ...]]) -> Outcome:
    if not rows:
        return FINE
    told = ", ".join(" ".join(map(str, row)) for row in rows[:SHOWN])
    more = f", and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return Outcome(State.FINDING, f"{told}{more}")


def _each(
    kind: str,
    connection: Connection,
    words: Words,
    judge: Callable[[Sequence[tuple[object, ...]]], Outcome],
    limit: Limit,
) -> CheckResult:
    limit.lift(connection)
    every, found = names(kind), {}
    for name in every:
        if limit.passed:
            break
        found[name] = _ask(connection, f"restore/{kind}/{name}", judge, limit)
    applying = {name: one for name, one in found.items() if one is not _NO_SUCH}
    absent = len(found) - len(applying)
    facts = {"not_applicable": sorted(found.keys() - applying.keys())}
    if every and absent == len(every):
        none = "the product's tables are not there, or not granted"
        return CheckResult(kind, State.NOT_APPLICABLE, 0, 0, none, (), facts)
    return result(kind, applying, words, facts, late=len(every) - len(found))


def _ask(
    connection: Connection,
    name: str,
    judge: Callable[[Sequence[tuple[object, ...]]], Outcome],
    limit: Limit,
) -> Outcome:
    try:
        limit.hold(connection)
        with connection.transaction(force_rollback=True):
            return judge(connection.execute(statement(sql.load(name))).fetchall())
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        # where the source had the table or the grant, the questions tell that it is lost
        return _NO_SUCH
    except psycopg.Error as error:
        if connection.broken:
            raise
        return of_trouble(limit.trouble(trouble.of(error)))
