"""The product's own checks: smoke queries that must run, and rules that nothing may break.

A new one is a file in ``sql/smoke`` or ``sql/rules``. It does not apply where
the tables that it names are not there, or not granted to who asks. They are held against the
source: rows that break a rule there too came with the data, and a query that fails there too
says nothing of the copy.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import psycopg

from ops import sql
from ops.checks import limit as limits
from ops.checks import trouble
from ops.checks.crew import Crew, Login
from ops.checks.judge import MEND_SOURCE
from ops.checks.limit import Limit
from ops.checks.outcomes import FINE, Outcome, Words, of_trouble, result
from ops.checks.result import CheckResult, Level, ObjectId, State
from ops.db import Connection, statement
from ops.errors import OpsError

_KINDS = {"smoke": "smoke query", "rules": "rule"}
SHOWN = 5  # violations of one rule, in its line
_NO_SUCH = Outcome(State.NOT_APPLICABLE)

_Rows = Sequence[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Original:
    """Who asks the source the same, where a copy's answer is not good.

    Attributes:
        crew: to connect with.
        login: on the source, as who asks the copy.
    """

    crew: Crew
    login: Login

    def answer(self, name: str, limit: Limit) -> _Rows | psycopg.Error:
        """Return the source's answer, or why it has none; no rows where nobody answers."""
        with suppress(OpsError), self.crew.connect(self.login) as connection:
            limit.hold(connection)
            try:
                with connection.transaction():
                    return _run(connection, name)
            except psycopg.Error as error:
                return error
        self.crew.check()
        return ()


def names(kind: str) -> tuple[str, ...]:
    """Return the checks of a kind, ``smoke`` or ``rules``, in order."""
    return tuple(sorted(path.stem for path in (sql.ROOT / kind).glob("*.sql")))


def smoke(
    crew: Crew, login: Login, limit: Limit = limits.NONE, original: Login | None = None
) -> CheckResult:
    """Run every smoke query as the application: none may fail that runs on the source.

    Args:
        crew: to connect with.
        login: the application's, on the copy.
        limit: queries that are not got to by then are unknown.
        original: the application's, on the source.
    """
    words = Words(
        ok="the smoke queries ran",
        wrong="smoke queries fail",
        unknown="smoke queries could not be run",
        none="there are no smoke queries",
    )

    def judge(_: str, rows: _Rows) -> Outcome:
        return Outcome(State.OK, f"{len(rows)} rows")

    with crew.connect(login) as connection:
        source = None if original is None else Original(crew, original)
        return _each("smoke", connection, words, judge, limit, source)


def rules(
    connection: Connection, limit: Limit = limits.NONE, original: Original | None = None
) -> CheckResult:
    """Ask for violations of every rule: there may be none that the source has not.

    Args:
        connection: the owner's, to the copy.
        limit: rules that are not got to by then are unknown.
        original: the owner, on the source; without it every violation counts.
    """
    words = Words(
        ok="every rule of the product holds",
        wrong="rules of the product are broken",
        unknown="rules could not be looked at",
        none="there are no rules",
    )

    def judge(name: str, rows: _Rows) -> Outcome:
        on_source = original.answer(name, limit) if rows and original is not None else ()
        return _violations(rows, () if isinstance(on_source, psycopg.Error) else on_source)

    with connection.transaction():
        checked = _each("rules", connection, words, judge, limit, original)
    broken = checked.at(Level.WARNING)
    if checked.state is not State.OK or not broken:
        return checked
    detail = f"{len(broken)} of {checked.total} rules are broken, on the source too"
    return replace(checked, detail=f"{detail}: the copy is as the source is")


def _violations(rows: _Rows, on_source: _Rows) -> Outcome:
    """Tell who breaks a rule on the copy; those that break it on the source too are its data."""
    known = frozenset(on_source)
    new = [row for row in rows if row not in known]
    if new:
        return Outcome(State.FINDING, _list_rows(new))
    if rows:
        return Outcome(State.OK, f"on the source too: {_list_rows(rows)}", MEND_SOURCE)
    return FINE


def _list_rows(rows: _Rows) -> str:
    listed = ", ".join(" ".join(map(str, row)) for row in rows[:SHOWN])
    return f"{listed}, and {len(rows) - SHOWN} more" if len(rows) > SHOWN else listed


def _each(
    kind: str,
    connection: Connection,
    words: Words,
    judge: Callable[[str, _Rows], Outcome],
    limit: Limit,
    original: Original | None,
) -> CheckResult:
    limit.lift(connection)
    files, by_file = names(kind), {}
    for file in files:
        if limit.passed:
            break
        name = f"{kind}/{file}"
        try:
            limit.hold(connection)
            with connection.transaction(force_rollback=True):
                rows = _run(connection, name)
            by_file[file] = judge(name, rows)
        except psycopg.Error as error:
            if connection.broken:
                raise
            by_file[file] = _failed(name, error, limit, original)
    applying = {file: outcome for file, outcome in by_file.items() if outcome is not _NO_SUCH}
    absent = len(by_file) - len(applying)
    facts = {"not_applicable": sorted(by_file.keys() - applying.keys())}
    if files and absent == len(files):
        none = "the product's tables are not there, or not granted"
        return CheckResult(kind, State.NOT_APPLICABLE, 0, 0, none, (), facts)
    outcomes = {ObjectId(_KINDS[kind], file): outcome for file, outcome in applying.items()}
    return result(kind, outcomes, words, facts, late=len(files) - len(by_file))


def _run(connection: Connection, name: str) -> _Rows:
    # a rule is asked by the owner: rows that a policy hides are an error, not a rule that holds
    if name.startswith("rules/"):
        connection.execute("SET LOCAL row_security = off")
    return connection.execute(statement(sql.load(name))).fetchall()


def _failed(name: str, error: psycopg.Error, limit: Limit, original: Original | None) -> Outcome:
    """Return what it means that a statement fails on the copy."""
    if isinstance(
        error, psycopg.errors.UndefinedTable | psycopg.errors.InsufficientPrivilege
    ):  # where the source had the table or the grant, the questions tell that it is lost
        return _NO_SUCH
    reason = limit.trouble(trouble.of(error))
    if reason.state is State.FINDING and original is not None:
        on_source = original.answer(name, limit)
        if isinstance(on_source, psycopg.Error) and on_source.sqlstate == error.sqlstate:
            remedy = f"The statement is wrong, or not for this schema: look at sql/{name}.sql."
            return Outcome(State.UNKNOWN, trouble.of(on_source).on_source().detail, remedy)
    return of_trouble(reason)
