"""What people call a moment: a timestamp, "5 minutes ago", "before migration 0042", a marker.

Reading it asks nobody. Where the moment stands in the source's own tables, the source is asked
for it, so that has to answer.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ops import sql
from ops.db import DIAGNOSTIC, Connection, statement
from ops.errors import BadInputError
from ops.restore.source import Source

LATEST = "latest"
_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
_AGO = re.compile(r"(\d{1,6}) (second|minute|hour|day)s? ago")
_BEFORE = re.compile(r"before migration (\S+)")
_MARKER = re.compile(r"marker (\S+)")
# RFC 3339, section 5.6, with the seconds left to whoever is in a hurry.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?")
_ZONE = re.compile(r"([Zz]|[+-]\d\d:\d\d)$")
# Recovery to a time takes in what was committed at that very time.
_JUST_BEFORE = timedelta(milliseconds=1)


class BadMomentError(BadInputError):
    """``--to`` names no moment."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"--to {text!r} is no moment. Give a time with its zone (2026-02-01T10:00:00Z), "
            "'5 minutes ago', 'before migration 0042', 'marker DRILL' or 'latest'."
        )


class NoZoneError(BadInputError):
    """A time could be meant in any zone."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"--to {text!r} has no zone, and a restore must not guess it. Add Z for UTC, or an "
            "offset such as +08:00."
        )


class UnknownMigrationError(BadInputError):
    """The ledger does not know the migration."""

    def __init__(self, version: str, instance: str, newest: tuple[str, ...]) -> None:
        listed = ", ".join(newest) or "none"
        super().__init__(
            f"The ledger of {instance} has no migration {version!r}. The newest that it has: "
            f"{listed}. One that was taken back is no longer there: give the time."
        )


class UnknownMarkerError(BadInputError):
    """No drill of that name left a marker."""

    def __init__(self, drill: str, instance: str, newest: tuple[str, ...]) -> None:
        listed = ", ".join(newest) or "none"
        super().__init__(
            f"{instance} has no marker of a drill {drill!r}. The newest drills with one: {listed}."
        )


@dataclass(frozen=True, slots=True)
class When:
    """A moment as it was asked for; at most one of the fields is set.

    Attributes:
        at: a time.
        migration: the moment just before this migration began.
        marker: the moment that this drill marked.
    """

    at: datetime | None = None
    migration: str = ""
    marker: str = ""

    @property
    def latest(self) -> bool:
        """Return whether the newest moment that can be recovered is meant."""
        return self == When()


def parse(typed: str, now: datetime) -> When:
    """Return the moment that a text means.

    Args:
        typed: ``--to``.
        now: the time that "ago" counts from.

    Raises:
        BadMomentError: it means none.
        NoZoneError: it is a time without a zone.
    """
    text = " ".join(typed.split())
    lower = text.lower()
    if lower == LATEST:
        return When()
    if match := _AGO.fullmatch(lower):
        return When(at=_back(text, now, int(match[1]) * _UNITS[match[2]]))
    if lower.startswith("before migration ") and (match := _BEFORE.fullmatch(text)):
        return When(migration=match[1])
    if lower.startswith("marker ") and (match := _MARKER.fullmatch(text)):
        return When(marker=match[1])
    return When(at=_time(text))


def _back(text: str, now: datetime, age: timedelta) -> datetime:
    try:
        return now - age
    except OverflowError:
        raise BadMomentError(text) from None


def _time(text: str) -> datetime:
    zone = _ZONE.search(text)
    bare = text[: zone.start()] if zone else text
    if not _TIME.fullmatch(bare):
        raise BadMomentError(text)
    if zone is None:
        raise NoZoneError(text)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadMomentError(text) from None


def ask(source: Source, when: When) -> datetime | None:
    """Return the time of a moment, asking the source where it stands there; None for the latest.

    Raises:
        UnknownMigrationError: the ledger does not know the migration.
        UnknownMarkerError: no such drill left a marker.
        ops.db.CannotConnectError: the source does not answer.
    """
    if when.at is not None or when.latest:
        return when.at
    with source.database.connect(source.owner, budget=DIAGNOSTIC, name="restore") as connection:
        if when.migration:
            return _before_migration(connection, source, when.migration)
        return _marked(connection, source, when.marker)


def _before_migration(connection: Connection, source: Source, typed: str) -> datetime:
    row = connection.execute(statement(sql.load("restore/migration_ledger"))).fetchone()
    if not (row and row[0]):
        raise UnknownMigrationError(typed, source.instance, ())
    rows = connection.execute(statement(sql.load("restore/migration_began"))).fetchall()
    for version, began in rows:
        if version == typed or version.lstrip("0") == typed.lstrip("0"):
            moment: datetime = began - _JUST_BEFORE
            return moment
    newest = tuple(version for version, _ in rows[:5])
    raise UnknownMigrationError(typed, source.instance, newest)


def _marked(connection: Connection, source: Source, drill: str) -> datetime:
    row = connection.execute(statement(sql.load("restore/heartbeat_table"))).fetchone()
    if not (row and row[0]):
        raise UnknownMarkerError(drill, source.instance, ())
    query = statement(sql.load("restore/marked"))
    rows = connection.execute(query, {"drill": drill}).fetchall()
    for name, marked, after in rows:
        if name == drill:
            # The drill lets a moment pass between the two: the first is committed by then.
            moment: datetime = marked + _JUST_BEFORE if after is None else after - _JUST_BEFORE / 4
            return moment
    raise UnknownMarkerError(drill, source.instance, tuple(name for name, _, _ in rows[:5]))
