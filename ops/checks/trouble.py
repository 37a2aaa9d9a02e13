"""What it means when a question itself fails on a copy: damage, or only that we may not ask."""

from dataclasses import dataclass, replace

import psycopg

from ops.checks.result import CheckResult, State
from ops.db import CannotConnectError

# Classes of SQLSTATE that say nothing of the data: https://www.postgresql.org/docs/15/errcodes-appendix.html
_NOT_ALLOWED = "42501"
_ROW_SECURITY = "row-level security"  # PostgreSQL has no SQLSTATE of its own for it
_READ_ALL_ROWS = (
    "Row security may hide rows from the role that drills. Let it read them all, which changes "
    "nothing for other roles: CREATE POLICY drill ON the table FOR SELECT TO that role "
    "USING (true), with no RESTRICTIVE policy; or, as a superuser, ALTER ROLE ... BYPASSRLS."
)
# Our own text is wrong, whatever the data: a table, column or function that is lost has its own.
_OURS = {"42601": "syntax error", "42P02": "undefined parameter"}
_TELL_US = "It says nothing of the copy. Mend the statement in sql/."
_WENT_AWAY = "It says nothing of the data. See the instance's log for why, and drill again."
_CONNECTION_EXCEPTION = "08"
_LOOK_THERE = "Drill again when nobody changes objects; if it stays, look at the source."
_CANT_TELL = {
    "0A": "the server can't do that",
    "53": "the server is short of resources",
    "54": "a value is too large for the server to show",
    "55": "an object is in use",
    "57": "the query was cancelled or the server stopped",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a question has no answer.

    Attributes:
        state: a finding where the failure shows damage, unknown where we could not look.
        detail: PostgreSQL's words.
        remedy: what to grant or do.
    """

    state: State
    detail: str
    remedy: str = ""

    def result(self, check: str, total: int = 1) -> CheckResult:
        """Return it as the outcome of a check that examined nothing."""
        return CheckResult(check, self.state, 0, total, self.detail, remedy=self.remedy)

    def on_source(self) -> "Trouble":
        """Return the same of the source: then nothing is known of the copy."""
        return replace(
            self,
            state=State.UNKNOWN,
            detail=f"on the source: {self.detail}",
            remedy=self.remedy or _LOOK_THERE,
        )


def of(error: Exception) -> Trouble:
    """Return what a failed question means."""
    if isinstance(error, CannotConnectError) and (error.away or error.full):
        return Trouble(State.UNKNOWN, str(error), _WENT_AWAY)
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if isinstance(cause, psycopg.Error) and not isinstance(error, CannotConnectError):
        if _is_lost(cause):
            return Trouble(State.UNKNOWN, f"the server went away: {_words(cause)}", _WENT_AWAY)
        if cause is error or cause.sqlstate:
            return _of_sqlstate(cause.sqlstate or "", _words(cause))
    return Trouble(State.FINDING, str(error))


def _is_lost(error: psycopg.Error) -> bool:
    """Tell whether the connection ended under a question: the server has answered nothing."""
    if error.sqlstate is not None:
        return error.sqlstate.startswith(_CONNECTION_EXCEPTION)
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def _of_sqlstate(sqlstate: str, words: str) -> Trouble:
    if sqlstate == _NOT_ALLOWED and _ROW_SECURITY in words:
        return Trouble(State.UNKNOWN, words, _READ_ALL_ROWS)
    if sqlstate == _NOT_ALLOWED:
        remedy = "Grant the role that drills what the statement's file says it needs."
        return Trouble(State.UNKNOWN, words, remedy)
    if sqlstate in _OURS:
        return Trouble(State.UNKNOWN, f"the question itself is wrong: {words}", _TELL_US)
    if why := _CANT_TELL.get(sqlstate[:2]):
        return Trouble(State.UNKNOWN, f"{why}: {words}", "Run the drill again.")
    return Trouble(State.FINDING, words)


def _words(error: psycopg.Error) -> str:
    primary = error.diag.message_primary or str(error).strip() or type(error).__name__
    return primary.splitlines()[0]
