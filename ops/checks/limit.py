"""How long verification may take: what is not got to in time is unknown, never ok."""

import time
from dataclasses import dataclass

from ops import sql
from ops.checks.result import State
from ops.checks.trouble import Trouble
from ops.db import Connection, statement

LATE = Trouble(
    State.UNKNOWN,
    "not got to in the time given for verification",
    "Give verification more time with --verify-limit.",
)


@dataclass(frozen=True, slots=True)
class Limit:
    """The end of the time given.

    Attributes:
        ends: on the monotonic clock, in seconds; None is without an end.
    """

    ends: float | None = None

    @classmethod
    def after(cls, seconds: float | None) -> "Limit":
        """Return the limit that many seconds from now."""
        return cls(None if seconds is None else time.monotonic() + seconds)

    @property
    def passed(self) -> bool:
        """Return whether no time is left."""
        return self.ends is not None and time.monotonic() >= self.ends

    def hold(self, connection: Connection) -> None:
        """Let the next statements take no longer than what is left; free where there is no end."""
        if self.ends is None:
            return
        left_ms = max(1, int((self.ends - time.monotonic()) * 1000))
        query = statement(sql.load("checks/statement_limit"))
        connection.execute(query, {"limit": f"{left_ms}ms"})

    def lift(self, connection: Connection) -> None:
        """Let what costs nothing be asked all the same: how much there is to look at."""
        if self.ends is not None:
            connection.execute("RESET statement_timeout")

    def trouble(self, reason: Trouble) -> Trouble:
        """Return why a statement has no answer: where the time is up, it was cut short."""
        return LATE if self.passed and reason.state is State.UNKNOWN else reason


NONE = Limit()
