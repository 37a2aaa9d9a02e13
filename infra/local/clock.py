"""The clock of the Admin API: the machine's, set forward as often as one likes.

It rules what the API says of operations, backups and instances, the automated backups and
how long things are kept. PostgreSQL's clock is the machine's and can't be moved: recovery
times stay in it. So each setting is remembered with the machine's time, and any of
PostgreSQL's times can be told in this clock's, and the other way round.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

_NOTE = "clock"
# Ten years: enough for every retention that the API knows.
FURTHEST = timedelta(days=3653)
_ZERO = timedelta()


class Notes(Protocol):
    """Where the settings outlive the server's process."""

    def note(self, name: str) -> str | None:
        """Return what was noted under a name, or None."""

    def set_note(self, name: str, text: str) -> None:
        """Note something durably."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting forward.

    Attributes:
        at: The machine's time when it was made.
        ahead: How far the clock is ahead of the machine since then.
    """

    at: datetime
    ahead: timedelta


@dataclass(slots=True)
class Clock:
    """A clock that can be set forward, never back.

    Attributes:
        notes: Where its settings are kept.
    """

    notes: Notes
    _settings: tuple[Setting, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        self._settings = tuple(_read(self.notes.note(_NOTE)))

    @property
    def ahead(self) -> timedelta:
        """How far it is ahead of the machine's."""
        return self._settings[-1].ahead if self._settings else _ZERO

    def now(self) -> datetime:
        """Return its time."""
        return datetime.now(UTC) + self.ahead

    def forward(self, by: timedelta) -> None:
        """Set it forward, durably.

        Raises:
            ValueError: It would go back, or further than ten years ahead of the machine's.
        """
        ahead = self.ahead + by
        if by < _ZERO:
            raise ValueError("the clock can't go back")
        if ahead > FURTHEST:
            raise ValueError(f"the clock goes {FURTHEST.days} days ahead at most")
        settings = (*self._settings, Setting(datetime.now(UTC), ahead))
        self.notes.set_note(
            _NOTE,
            json.dumps(
                [[setting.at.isoformat(), setting.ahead.total_seconds()] for setting in settings]
            ),
        )
        self._settings = settings

    def cloud_time(self, machine: datetime) -> datetime:
        """Return what this clock said at a time of the machine's, which is PostgreSQL's."""
        ahead = _ZERO
        for setting in self._settings:
            if setting.at <= machine:
                ahead = setting.ahead
        return machine + ahead

    def machine(self, database_time: datetime) -> datetime:
        """Return the machine's time when this clock said so, or was set past it."""
        settings = [Setting(datetime.min.replace(tzinfo=UTC), _ZERO), *self._settings]
        for setting, following in zip(settings, [*settings[1:], None], strict=True):
            moment = database_time - setting.ahead
            if following is None or moment < following.at:
                return max(moment, setting.at)
        raise AssertionError  # the last one is followed by None


def _read(text: str | None) -> Iterator[Setting]:
    for at, ahead_s in json.loads(text or "[]"):
        yield Setting(datetime.fromisoformat(at), timedelta(seconds=ahead_s))
