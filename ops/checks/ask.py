"""Asks a database its questions one after the other, and notes what comes out of each."""

from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from ops.checks import limit as limits
from ops.checks import trouble
from ops.checks.crew import Crew, Login, StoppedError
from ops.checks.judge import against
from ops.checks.limit import Limit
from ops.checks.result import CheckResult, State
from ops.db import CannotConnectError, Connection, QueryFailedError
from ops.errors import OpsError


def _ignore() -> None:
    """Count no step."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A database that is asked, and what came out so far.

    Attributes:
        crew: connects.
        login: to the database.
        original: the same role's login where the data came from; None where nobody answers there,
            or where the database itself is that place.
        limit: when the asking ends; what is not reached by then is unknown.
        advance: called once a question.
        results: takes every result as it comes out.
    """

    crew: Crew
    login: Login
    original: Login | None = None
    limit: Limit = limits.NONE
    advance: Callable[[], None] = _ignore
    results: list[CheckResult] = field(default_factory=list)

    def ask(self, check: str, question: Callable[[], CheckResult]) -> CheckResult:
        """Return a check's result, or what its failure means.

        Work that is given up cancels its queries: that says nothing about the database.
        """
        try:
            return question()
        except StoppedError:
            raise
        except (OpsError, psycopg.Error) as error:
            self.crew.check()
            reason = trouble.of(error)
            if self._is_of_original(error):  # says nothing of the database either
                reason = reason.on_source()
            return self.limit.trouble(reason).result(check)
        finally:
            self.advance()

    def _is_of_original(self, error: Exception) -> bool:
        """Tell whether it is the original that refused us, or went away."""
        if self.original is None or not isinstance(error, CannotConnectError | QueryFailedError):
            return False
        return error.database == self.original.database

    def note(self, check: str, question: Callable[[], CheckResult]) -> None:
        """Note a check's result, or what its failure means."""
        self.results.append(self.ask(check, question))

    def note_beside(
        self, check: str, connection: Connection, question: Callable[[Connection], CheckResult]
    ) -> None:
        """Note a check's result; what is wrong with the original just as well came with the data.

        Where the original can't be asked, a finding stands.
        """
        result = self.ask(check, lambda: question(connection))
        if result.state is State.FINDING and self.original is not None:
            try:
                with self.crew.connect(self.original) as original:
                    result = against(result, question(original))
            except (OpsError, psycopg.Error):
                self.crew.check()
        self.results.append(result)
