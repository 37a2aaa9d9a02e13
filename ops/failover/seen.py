"""What one client of a drill saw: each acknowledgement, each error, what was in doubt."""

import time
from collections import Counter
from dataclasses import dataclass, field

import psycopg

# libpq's own words, which carry no SQLSTATE.
_WORDS = (
    ("connection refused", "connection refused"),
    ("closed the connection", "connection lost"),
    ("connection is lost", "connection lost"),
    ("consuming input", "connection lost"),
    ("timeout expired", "connection timed out"),
    ("timed out", "connection timed out"),
    ("starting up", "57P03 CannotConnectNow"),
    ("shutting down", "57P03 CannotConnectNow"),
    ("terminating connection", "57P01 AdminShutdown"),
    ("too many", "53300 TooManyConnections"),
    ("password authentication failed", "28P01 InvalidPassword"),
)


@dataclass(slots=True)
class Log:
    """What one client saw.

    Attributes:
        name: the client's.
        pooled: whether it takes its connections from the pool.
        acknowledged: when each write was, in seconds of the monotonic clock; a write's number
            is its place.
        failed: when each failed try did.
        errors: failed tries, by SQLSTATE or class.
        committed: writes in doubt that had come in, as their next try showed.
        not_committed: writes in doubt that had not.
        pending: whether the write after the last acknowledged one is in doubt.
    """

    name: str
    pooled: bool
    acknowledged: list[float] = field(default_factory=list)
    failed: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    committed: int = 0
    not_committed: int = 0
    pending: bool = False

    def acknowledge(self, *, written: bool) -> None:
        """Count a write; ``written`` says that this try made it, not one before."""
        self.acknowledged.append(time.monotonic())
        self.committed += not written
        self.not_committed += self.pending and written
        self.pending = False

    def fail(self, error: Exception, *, sent: bool) -> None:
        """Count a failed try; one that was ``sent`` may have come in."""
        self.failed.append(time.monotonic())
        self.errors[kind(error)] += 1
        self.pending = self.pending or sent


def kind(error: BaseException) -> str:
    """Return what a client would have seen: the SQLSTATE and its name, else the error's class."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, psycopg.Error):
            name = type(seen).__name__
            return f"{seen.sqlstate} {name}" if seen.sqlstate else _without_sqlstate(seen)
        seen = seen.__cause__
    return type(error).__name__


def _without_sqlstate(error: psycopg.Error) -> str:
    text = str(error).lower()
    for words, name in _WORDS:
        if words in text:
            return name
    return type(error).__name__
