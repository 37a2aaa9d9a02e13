"""What every restored copy is asked, whoever restored it: a drill, or a restore for real."""

from dataclasses import dataclass, replace
from datetime import datetime

from ops.checks.ask import Asking
from ops.checks.crew import Login
from ops.checks.questions import amcheck, application, orphans, product, sequence_reach
from ops.checks.result import CheckResult, State
from ops.checks.sqlcheck import SqlCheck
from ops.db import CHANGE, Connection
from ops.restore.proof import checks
from ops.restore.source import Source

_LEFT_OUT = CheckResult(
    "amcheck", State.NOT_APPLICABLE, 0, 0, "left out: indexes and pages were not looked at"
)
# Checks that one statement answers. A new one is a file in sql/checks and a line here.
STATEMENTS = (
    SqlCheck(
        "checks/unproven_keys", "{total} foreign keys are proven", "are not", "there are none"
    ),
    SqlCheck("checks/invalid_indexes", "{total} indexes are valid", "are not", "there are none"),
)
STEPS = 7 + len(STATEMENTS)  # how often a copy's ``advance`` is called


@dataclass(frozen=True, slots=True)
class CopyChecks:
    """The checks that every copy gets, in three parts; the last two read much or all of it.

    Attributes:
        asking: asks the copy as the owner.
        reference: whose ledger of migrations the copy's is held against: the source, or the copy
            itself where the source does not answer.
        app: the application's role.
    """

    asking: Asking
    reference: Source
    app: str

    def connect(self) -> None:
        """Note whether the application could go on."""
        asking = self.asking
        app, original = self._as_app()
        asking.note(
            application.CHECK,
            lambda: application.check(asking.crew, app, original, asking.limit),
        )

    def cheap(self, connection: Connection, until: datetime | None) -> None:
        """Note the checks that cost little.

        Args:
            connection: the owner's, to the copy.
            until: what the data is as of, by the database's clock.
        """
        asking, limit = self.asking, self.asking.limit
        asking.note(
            "migrations", lambda: checks.migrations(asking.crew, self.reference, connection, until)
        )
        asking.note_beside(
            sequence_reach.CHECK, connection, lambda each: sequence_reach.check(each, limit)
        )
        for check in STATEMENTS:
            self._note_statement(check, connection)
        app, original = self._as_app()
        asking.note("smoke", lambda: product.smoke(asking.crew, app, limit, original))

    def _note_statement(self, check: SqlCheck, connection: Connection) -> None:
        limit = self.asking.limit
        self.asking.note_beside(check.name, connection, lambda each: check.ask(each, limit))

    def thorough(self, connection: Connection, *, pages: bool = True) -> None:
        """Note the checks that read all of the copy.

        Args:
            connection: the owner's, to the copy.
            pages: whether to look at every index and page too.
        """
        asking, limit = self.asking, self.asking.limit
        source = None if asking.original is None else product.Original(asking.crew, asking.original)
        asking.note("rules", lambda: product.rules(connection, limit, source))
        asking.note_beside("orphans", connection, lambda each: orphans.check(each, limit))
        if not pages:
            asking.note("amcheck", lambda: _LEFT_OUT)
            return
        if not limit.passed:
            amcheck.install(asking.crew, replace(asking.login, budget=CHANGE))
        asking.note("amcheck", lambda: amcheck.check(asking.crew, asking.login, limit))

    def _as_app(self) -> tuple[Login, Login | None]:
        """Return the application's logins on the copy and on the original."""
        original = self.asking.original
        on_original = None if original is None else replace(original, user=self.app)
        return replace(self.asking.login, user=self.app), on_original
