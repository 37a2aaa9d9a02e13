"""What PostgreSQL says while a migration runs: RAISE NOTICE, warnings, what was skipped."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg.errors import Diagnostic

from ops.console import Progress

# Kept for the JSON; every message is shown as it comes.
_KEPT = 200
# duplicate_table, duplicate_column, duplicate_schema, duplicate_object: IF NOT EXISTS was met.
_SCHEMA_EXISTS = "42P06"
_EXISTS = frozenset({"42P07", "42701", _SCHEMA_EXISTS, "42710"})


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the server.

    Attributes:
        place: the statement's, as ``sql/migrations/0002_x.sql:7``.
        severity: as PostgreSQL says: NOTICE, WARNING, INFO, LOG, DEBUG.
        sqlstate: its code.
        text: the message.
        detail: more of it, or empty.
        hint: PostgreSQL's advice, or empty.
        unchecked: whether IF NOT EXISTS met something that nobody compared with the file.
    """

    place: str
    severity: str
    sqlstate: str
    text: str
    detail: str
    hint: str
    unchecked: bool

    def __str__(self) -> str:
        more = "".join(f" {text}" for text in (self.detail, self.hint) if text)
        doubt = " (Whether it is what this file describes is not checked.)" * self.unchecked
        return f"{self.place}: {self.severity}: {self.text}{more}{doubt}"


class Messages:
    """Shows the messages of a session while it listens, and keeps those of the last try.

    Attributes:
        compared: whether what IF NOT EXISTS may meet was compared with the file.
        own_schema: whether the statement asks for the ledger's schema: the runner made it, so
            that it exists is no news.
    """

    def __init__(self, progress: Progress, where: Callable[[], str]) -> None:
        self._progress, self._where = progress, where
        self.compared = self.own_schema = False
        self._listening = False
        self._kept: list[Message] = []
        self._tried = 0

    def listen(self) -> None:
        """Begin a try: what an earlier one said was taken back with it."""
        del self._kept[self._tried :]
        self._listening = True

    def pause(self) -> None:
        """Ignore what the runner's own statements cause."""
        self._listening = False

    def keep(self) -> None:
        """Keep what the last try said: it holds."""
        self._tried = len(self._kept)
        self._listening = False

    def take(self) -> tuple[Message, ...]:
        """Return what was kept, and begin anew."""
        messages = tuple(self._kept[: self._tried])
        self._kept, self._tried = [], 0
        return messages

    def receive(self, diagnostic: Diagnostic) -> None:
        """Show a message; psycopg calls this for whatever the server says."""
        if not self._listening or (self.own_schema and diagnostic.sqlstate == _SCHEMA_EXISTS):
            return
        message = Message(
            self._where(),
            diagnostic.severity_nonlocalized or diagnostic.severity or "",
            diagnostic.sqlstate or "",
            _printable(diagnostic.message_primary),
            _printable(diagnostic.message_detail),
            _printable(diagnostic.message_hint),
            unchecked=diagnostic.sqlstate in _EXISTS and not self.compared,
        )
        self._progress.line(str(message))
        if len(self._kept) < self._tried + _KEPT:
            self._kept.append(message)


def _printable(text: str | None) -> str:
    """Return text without what moves a terminal's cursor or colours it."""
    return "".join(c for c in text or "" if c in "\n\t" or c.isprintable())
