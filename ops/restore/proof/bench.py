"""One copy on the bench: how its checks are called, and those that every copy gets."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from ops.checks import trouble
from ops.checks.crew import Crew, Login, StoppedError
from ops.checks.judge import against
from ops.checks.limit import Limit
from ops.checks.questions import amcheck, application, orphans, product
from ops.checks.questions import sequence_reach as reach
from ops.db import (
    CHANGE,
    VERIFY,
    CannotConnectError,
    Connection,
    Database,
    QueryFailedError,
)
from ops.errors import OpsError
from ops.restore.proof import checks
from ops.restore.proof.baseline import READ
from ops.restore.source import Source
from ops.results import CheckResult, State


@dataclass(frozen=True, slots=True)
class Bench:
    """One copy on the bench, and what was found of it so far.

    Attributes:
        crew: to connect with.
        source: the source.
        database: the application's, on the copy.
        advance: called once a step.
        found: takes every result as it comes out.
        limit: when verification ends.
    """

    crew: Crew
    source: Source
    database: Database
    advance: Callable[[], None]
    found: list[CheckResult]
    limit: Limit

    def login(self) -> Login:
        """Return the owner's login on the copy."""
        return Login(self.database, self.source.owner, VERIFY)

    def try_(self, name: str, ask: Callable[[], CheckResult]) -> CheckResult:
        """Return a check's result, or what its failure means.

        A drill that is given up cancels its queries: that says nothing about the copy.
        """
        try:
            return ask()
        except StoppedError:
            raise
        except (OpsError, psycopg.Error) as error:
            self.crew.check()
            found = trouble.of(error)
            if self._of_source(error):  # says nothing of the copy either
                found = found.on_source()
            return self.limit.trouble(found).result(name)
        finally:
            self.advance()

    def _of_source(self, error: Exception) -> bool:
        """Tell whether it is the source that refused us, or went away."""
        if not isinstance(error, CannotConnectError | QueryFailedError):
            return False
        return error.database == self.source.database

    def note(self, name: str, ask: Callable[[], CheckResult]) -> None:
        """Note a check's result, or what its failure means."""
        self.found.append(self.try_(name, ask))

    def hold(
        self, name: str, connection: Connection, ask: Callable[[Connection], CheckResult]
    ) -> None:
        """Note a check's result; what is wrong on the source just as well came with the data."""
        found = self.try_(name, lambda: ask(connection))
        if found.state is State.FINDING:
            try:
                with self.crew.connect(self.source.login(READ)) as original:
                    found = against(found, ask(original))
            except (OpsError, psycopg.Error):
                self.crew.check()  # else the finding stands
        self.found.append(found)

    def quick(self, connection: Connection, until: datetime | None) -> None:
        """Note the checks that every copy gets and that cost little."""
        crew, source = self.crew, self.source
        self.note("migrations", lambda: checks.migrations(crew, source, connection, until))
        self.hold(reach.CHECK, connection, lambda asked: reach.check(asked, self.limit))
        app = Login(self.database, source.app, VERIFY)
        original = Login(source.database, source.app, READ)
        self.note("smoke", lambda: product.smoke(crew, app, self.limit, original))

    def dear(self, connection: Connection) -> None:
        """Note the checks that every copy gets and that read all of it."""
        crew, original = self.crew, product.Original(self.crew, self.source.login(READ))
        self.note("rules", lambda: product.rules(connection, self.limit, original))
        self.hold("orphans", connection, lambda asked: orphans.check(asked, self.limit))
        if not self.limit.passed:
            amcheck.install(crew, Login(self.database, self.source.owner, CHANGE))
        self.note("amcheck", lambda: amcheck.check(crew, self.login(), self.limit))

    def application(self) -> None:
        """Note whether the application could go on."""
        app = Login(self.database, self.source.app, VERIFY)
        original = Login(self.source.database, self.source.app, READ)
        self.note("application", lambda: application.check(self.crew, app, original, self.limit))
