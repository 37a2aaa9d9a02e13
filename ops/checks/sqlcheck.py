"""Checks that one statement answers: a new one is a file in ``sql/`` and a line in a list.

The statement returns a row for each object that it looked at, in these columns::

    kind, schema, name, part  of the object, as in ObjectId; '' where it has none
    level                     finding, unknown, warning or note; NULL where all is well
    message                   what is the matter with it
    remedy, sql, lock, undo   what to do about it, as in Remedy; '' for nothing
"""

from dataclasses import dataclass

from ops import sql
from ops.checks import limit as limits
from ops.checks.limit import Limit
from ops.checks.result import CheckResult, Finding, Level, ObjectId, Remedy, State
from ops.db import Connection, statement


@dataclass(frozen=True, slots=True)
class SqlCheck:
    """A check that one statement answers.

    Attributes:
        file: below ``sql/``, without its ending; the last part is the check's name.
        fine: what to say where all is well; ``{total}`` is the number of objects.
        wrong: what holds of those that are not, after ``3 of 7``.
        none: what to say where there is nothing to look at.
    """

    file: str
    fine: str
    wrong: str
    none: str

    @property
    def name(self) -> str:
        """Return the check's name."""
        return self.file.rpartition("/")[2]

    def ask(self, connection: Connection, limit: Limit = limits.NONE) -> CheckResult:
        """Return what the statement answers.

        Raises:
            psycopg.Error: it fails; ``ops.checks.trouble`` says what that means.
        """
        limit.hold(connection)
        with connection.transaction():
            rows = connection.execute(statement(sql.load(self.file))).fetchall()
        findings = tuple(_finding(row) for row in rows if row[4] is not None)
        return self.judge(findings, len(rows))

    def judge(self, findings: tuple[Finding, ...], total: int) -> CheckResult:
        """Return the result for objects that were looked at, and what there is to say of some."""
        levels = [finding.level for finding in findings]
        unknown = levels.count(Level.UNKNOWN)
        state = State.OK if total else State.NOT_APPLICABLE
        if Level.FINDING in levels:
            state = State.FINDING
        elif unknown:
            state = State.UNKNOWN
        detail = self.fine.format(total=total) if total else self.none
        if levels:
            detail = f"{len(levels)} of {total} {self.wrong}"
        return CheckResult(self.name, state, total - unknown, total, detail, findings)


def _finding(row: tuple[object, ...]) -> Finding:
    kind, schema, name, part, level, message, *advice = map(str, row)
    remedy = Remedy(*advice) if any(advice) else None
    return Finding(ObjectId(kind, name, schema, part), Level(level), message, remedy=remedy)
