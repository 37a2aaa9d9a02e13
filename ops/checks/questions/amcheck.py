"""Damage: every B-tree index against its table, and every table's pages.

What amcheck of PostgreSQL 15 does not see, zeroed and truncated tables, the content
hashes do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg

from ops import sql
from ops.checks import limit as limits
from ops.checks import trouble
from ops.checks.crew import Crew, Login
from ops.checks.limit import Limit
from ops.checks.outcomes import FINE, Outcome, Words, result
from ops.checks.reading import batches
from ops.checks.result import CheckResult, ObjectId, State
from ops.db import Connection, QueryFailedError, statement

LANES = 2  # amcheck of two objects side by side
_SMALL_BYTES = 1 << 20
_GRANT = (
    "As a superuser (on Cloud SQL: as a member of cloudsqlsuperuser): CREATE EXTENSION amcheck, "
    "and GRANT EXECUTE ON its functions to the role that drills."
)


@dataclass(frozen=True, slots=True)
class _Object:
    kind: str
    label: str
    oid: int
    size_bytes: int


_Looked = tuple[_Object, Outcome]


def check(crew: Crew, login: Login, limit: Limit = limits.NONE) -> CheckResult:
    """Look for damage in every B-tree index, with every row of its table, and in every table.

    Where the time is limited, the smallest come first: so most objects are looked at.
    """
    with crew.connect(login) as connection:
        allowed = connection.execute(statement(sql.load("checks/amcheck_allowed"))).fetchone()
        rows = connection.execute(statement(sql.load("checks/amcheck_objects"))).fetchall()
    objects = [_Object(*row) for row in rows]
    if allowed is None or not allowed[1]:
        words = "amcheck is not installed" if allowed is None else f"{login.user} may not call it"
        return CheckResult("amcheck", State.UNKNOWN, 0, len(objects), words, remedy=_GRANT)
    schema = allowed[0]

    def lane(share: Iterator[tuple[_Object, ...]]) -> Sequence[_Looked]:
        with crew.connect(login) as connection:
            return [looked for batch in share for looked in _look(connection, schema, batch, limit)]

    ordered = _batches(objects)
    if limit.ends is not None:
        ordered.reverse()
    looked = crew.share("amcheck", ordered, LANES, lane)
    return _of_looked(looked, objects)


def _batches(objects: Sequence[_Object]) -> list[tuple[_Object, ...]]:
    """Return batches, the large objects alone and first, then small ones of a kind together."""
    kinds = (
        batches(
            (relation for relation in objects if relation.kind == kind),
            lambda relation: relation.size_bytes <= _SMALL_BYTES,
        )
        for kind in ("table", "index")
    )
    return sorted(
        (batch for kind in kinds for batch in kind),
        key=lambda batch: sum(relation.size_bytes for relation in batch),
        reverse=True,
    )


def _look(
    connection: Connection, schema: str, batch: Sequence[_Object], limit: Limit
) -> Sequence[_Looked]:
    if limit.passed:
        return []
    kind = batch[0].kind
    query = statement(sql.render(f"checks/amcheck_{kind}", {"schema": schema}))
    try:
        limit.hold(connection)
        rows = connection.execute(
            query, {"relations": [relation.oid for relation in batch]}
        ).fetchall()
    except psycopg.Error as error:
        if connection.broken:
            raise
        if len(batch) == 1:
            outcome = _of_error(error, limit)
            return [] if outcome is None else [(batch[0], outcome)]
        # one of them is damaged: which one shows when they are looked at one by one
        return [looked for each in batch for looked in _look(connection, schema, (each,), limit)]
    faults: dict[int, list[str]] = {}
    if kind == "table":
        for oid, block, row, _, text in rows:
            faults.setdefault(oid, []).append(f"block {block}, row {row}: {text}")
    return [(relation, _of_faults(faults.get(relation.oid, ()))) for relation in batch]


def _of_faults(faults: Sequence[str]) -> Outcome:
    return Outcome(State.FINDING, "; ".join(faults)) if faults else FINE


def _of_error(error: psycopg.Error, limit: Limit) -> Outcome | None:
    """Return what an error means; None where the time ran out: the object was not got to."""
    reason = limit.trouble(trouble.of(error))
    if reason is limits.LATE:
        return None
    if reason.state is State.UNKNOWN:
        refused = isinstance(error, psycopg.errors.InsufficientPrivilege)
        return Outcome(State.UNKNOWN, reason.detail, _GRANT if refused else reason.remedy)
    return Outcome(State.FINDING, error.diag.message_primary or str(error))


def _of_looked(looked: Sequence[_Looked], objects: Sequence[_Object]) -> CheckResult:
    outcomes = {ObjectId(relation.kind, relation.label): outcome for relation, outcome in looked}
    words = Words(
        ok=f"{len(objects)} indexes and tables are sound, every row is in its indexes",
        wrong="indexes and tables are damaged",
        unknown="indexes and tables may not be looked at",
        none="there are no indexes and tables",
    )
    facts = {
        "bytes": sum(relation.size_bytes for relation, _ in looked),
        "bytes_in_all": sum(relation.size_bytes for relation in objects),
    }
    return result("amcheck", outcomes, words, facts, late=len(objects) - len(looked))


def install(crew: Crew, login: Login) -> None:
    """Put amcheck into a copy that lacks it; where we may not, the check says so."""
    try:
        with crew.connect(login) as connection:
            connection.execute(statement(sql.load("checks/amcheck_install")))
    except QueryFailedError:
        return
