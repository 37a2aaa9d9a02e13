"""Damage: every B-tree index against its table, and every table's pages.

What amcheck of PostgreSQL 15 does not see, zeroed and truncated tables, the content
hashes do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg

from ops import sql
from ops.db import Connection, QueryFailedError, statement
from ops.restore.crew import Crew, Login
from ops.restore.proof.compare import WRONG
from ops.results import CheckResult, State

LANES = 2  # amcheck of two objects side by side
_GRANT = (
    "As a superuser (on Cloud SQL: as a member of cloudsqlsuperuser): CREATE EXTENSION amcheck, "
    "and GRANT EXECUTE ON its functions to the role that drills."
)


@dataclass(frozen=True, slots=True)
class _Looked:
    label: str
    faults: tuple[str, ...]
    refused: bool = False


def check(crew: Crew, login: Login) -> CheckResult:
    """Look for damage in every B-tree index, with every row of its table, and in every table."""
    with crew.connect(login) as connection:
        allowed = connection.execute(statement(sql.load("restore/amcheck_allowed"))).fetchone()
        objects = connection.execute(statement(sql.load("restore/amcheck_objects"))).fetchall()
    if allowed is None or not allowed[1]:
        words = "amcheck is not installed" if allowed is None else f"{login.user} may not call it"
        return CheckResult("amcheck", State.UNKNOWN, 0, len(objects), words, remedy=_GRANT)
    schema = allowed[0]

    def lane(taken: Iterator[tuple[str, str, int]]) -> Sequence[_Looked]:
        with crew.connect(login) as connection:
            return [_look(connection, schema, *one) for one in taken]

    looked = crew.share("amcheck", objects, LANES, lane)
    return _of_looked(looked, len(objects))


def _look(connection: Connection, schema: str, kind: str, label: str, relation: int) -> _Looked:
    query = statement(sql.render(f"restore/amcheck_{kind}", {"schema": schema}))
    try:
        rows = connection.execute(query, {"relation": relation}).fetchall()
    except psycopg.Error as error:
        if connection.broken:
            raise
        text = error.diag.message_primary or str(error)
        return _Looked(label, (text,), isinstance(error, psycopg.errors.InsufficientPrivilege))
    if kind == "index":
        return _Looked(label, ())
    return _Looked(label, tuple(f"block {row[0]}, row {row[1]}: {row[3]}" for row in rows))


def _of_looked(looked: Sequence[_Looked], total: int) -> CheckResult:
    damaged = [one for one in looked if one.faults and not one.refused]
    refused = [one for one in looked if one.refused]
    lines = tuple(f"{one.label}: {text}" for one in (*damaged, *refused) for text in one.faults)
    known = total - len(refused)
    if damaged:
        words = f"{len(damaged)} of {total} indexes and tables are damaged"
        facts = {WRONG: len(damaged)}
        return CheckResult("amcheck", State.FINDING, known, total, words, lines, facts)
    if refused:
        words = f"{len(refused)} of {total} indexes and tables may not be looked at"
        return CheckResult("amcheck", State.UNKNOWN, known, total, words, lines, remedy=_GRANT)
    words = f"{total} indexes and tables are sound, every row is in its indexes"
    return CheckResult("amcheck", State.OK, total, total, words)


def install(crew: Crew, login: Login) -> None:
    """Put amcheck into a copy that lacks it; where we may not, the check says so."""
    try:
        with crew.connect(login) as connection:
            connection.execute(statement(sql.load("restore/amcheck_install")))
    except QueryFailedError:
        return
