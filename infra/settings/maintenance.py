"""When Cloud SQL may update the machine, and when it may not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from infra.settings.keys import Keys, Rule, TimeOfDay, key, keys
from infra.settings.operations import WEEKDAYS

if TYPE_CHECKING:
    from infra.settings.declared import Declared

# https://cloud.google.com/sql/docs/postgres/maintenance#deny: 1 to 90 days, given with the
# year (once) or without it (every year).
DENY_LIMIT_DAYS = 90
LEAP = 2028  # a year that has every day that a period without a year may name
ORDINARY = 2026  # a year of 365 days; the one after it is one, too
LEAP_DAY = "02-29"
DayOfYear = Annotated[str, StringConstraints(pattern=r"^((\d{4}-)?\d{2}-\d{2})?$")]


class MaintenanceKeys(Keys):
    """Keys of the maintenance window."""

    maintenance_day: Literal["", "mon", "tue", "wed", "thu", "fri", "sat", "sun"] = Field(
        "sat", description="Day of the weekly maintenance window; empty for any time."
    )
    maintenance_hour: int = Field(
        18, ge=0, le=23, description="Hour in UTC at which the window begins; it lasts one hour."
    )
    maintenance_track: Literal["canary", "stable", "week5"] = Field(
        "stable", description="How soon after its release an update comes: canary is the first."
    )
    deny_maintenance_start: DayOfYear = Field(
        "", description="First day without maintenance, YYYY-MM-DD, or MM-DD for every year."
    )
    deny_maintenance_end: DayOfYear = Field(
        "", description="Last day without maintenance, written like the first."
    )
    deny_maintenance_time: TimeOfDay = Field(
        "00:00", description="Time in UTC at which the days without maintenance begin and end."
    )


@dataclass(frozen=True, slots=True)
class DenyPeriod:
    """Days without maintenance.

    Attributes:
        start: First day, ``YYYY-MM-DD`` or ``MM-DD``.
        end: Last day.
        time: At which both begin and end, ``HH:MM:SS`` in UTC.
    """

    start: str
    end: str
    time: str


@dataclass(frozen=True, slots=True)
class Maintenance:
    """When Cloud SQL may update the machine.

    Attributes:
        day: Of the weekly window, 1 for Monday; None for any time.
        hour: At which it begins, in UTC.
        track: ``canary``, ``stable`` or ``week5``.
        deny: Days without maintenance; None for none.
    """

    day: int | None
    hour: int
    track: str
    deny: DenyPeriod | None


def maintenance(d: "Declared") -> Maintenance:
    """Return the maintenance window's settings."""
    at = time.fromisoformat(d.deny_maintenance_time)
    deny = DenyPeriod(d.deny_maintenance_start, d.deny_maintenance_end, at.isoformat("seconds"))
    return Maintenance(
        # the API counts Monday as 1
        day=WEEKDAYS.index(d.maintenance_day) + 1 if d.maintenance_day else None,
        hour=d.maintenance_hour,
        track=d.maintenance_track,
        deny=deny if d.deny_maintenance_start else None,
    )


def period_days(start: str, end: str) -> int:
    """Return how many days a period takes, both ends counted; below 1 where it ends too early.

    A period of every year is counted in an ordinary one: that a leap year adds a day to it
    breaks no limit. What begins on 29 February begins on 1 March then, what ends on it on 28.

    Args:
        start: First day, ``YYYY-MM-DD``, or ``MM-DD`` for every year.
        end: Last day, written alike.

    Raises:
        ValueError: One of them is no day, or they are written differently.
    """
    if len(start) != len("MM-DD"):
        return (date.fromisoformat(end) - date.fromisoformat(start)).days + 1
    for day in (start, end):
        date.fromisoformat(f"{LEAP}-{day}")
    if start == end:
        return 1
    first = date.fromisoformat(f"{ORDINARY}-{'03-01' if start == LEAP_DAY else start}")
    year = ORDINARY + (end < start)  # over the end of the year
    last = date.fromisoformat(f"{year}-{'02-28' if end == LEAP_DAY else end}")
    return (last - first).days + 1


def deny_days(start: str, end: str) -> int | None:
    """Return how many days a period takes, both ends counted; None where it is none."""
    try:
        days = period_days(start, end)
    except ValueError:
        return None
    return days if days > 0 else None


def _deny(d: "Declared") -> Iterator[str]:
    start, end = d.deny_maintenance_start, d.deny_maintenance_end
    if not start and not end:
        return
    days = deny_days(start, end)
    if days is None:
        yield (
            f"{key('deny_maintenance_start')}: {start!r} to {end!r} is no period. Write both days,"
            " as 2026-12-01 and 2027-01-15, or as 12-01 and 01-15 for every year."
        )
    elif days > DENY_LIMIT_DAYS:
        yield (
            f"{key('deny_maintenance_end')}: {days} days without maintenance swallow"
            f" {days // 7} of the weekly windows in a row; Cloud SQL takes 1 to"
            f" {DENY_LIMIT_DAYS} days."
        )


RULES: tuple[Rule, ...] = ((keys("deny_maintenance_start", "deny_maintenance_end"), _deny),)
