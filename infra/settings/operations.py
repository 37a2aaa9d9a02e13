"""What operations are held to: the pool, the drills' targets, the change window."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from infra.settings.keys import Day, Hours, Keys, Rule, key, keys

if TYPE_CHECKING:
    from infra.settings.declared import Declared

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class OperationsKeys(Keys):
    """Keys that operations read."""

    pool_max_connections: int = Field(
        100, ge=1, description="Connections that all pools together may open."
    )
    pool_size: int = Field(20, ge=1, description="Connections of one pool.")
    pool_idle_timeout_seconds: int = Field(
        600, ge=1, description="An idle pooled connection is closed after so many seconds."
    )
    pool_lifetime_seconds: int = Field(
        3600, ge=1, description="A pooled connection is closed after so many seconds."
    )
    drill_rto_target_seconds: int = Field(
        3600, ge=1, description="Longest time to a working copy that a restore drill accepts."
    )
    drill_rpo_target_seconds: int = Field(
        300, ge=0, description="Most data, in seconds, that a restore drill accepts to lose."
    )
    drill_lease_minutes: int = Field(
        15, ge=1, description="A drill that says nothing for so long counts as dead."
    )
    drill_time_limit_minutes: int = Field(
        180, ge=1, description="A restore drill that takes longer is stopped and cleaned up."
    )
    drill_cost_cap_usd: int = Field(
        0,
        ge=0,
        description="Most that a restore drill's copies may cost, in USD; 0 for no cap.",
    )
    failover_gap_target_seconds: int = Field(
        60, ge=1, description="Longest pause of writes that a failover drill accepts."
    )
    failover_reconnect_target_seconds: int = Field(
        120, ge=1, description="Longest that the pool may take to connect again after a failover."
    )
    change_days: list[Day] = Field(
        [], description="Days on which changes may begin, mon to sun; empty for every day."
    )
    change_hours: Hours = Field(
        "", description="Hours for changes, HH:MM-HH:MM in UTC; empty for the whole day."
    )


@dataclass(frozen=True, slots=True)
class Pool:
    """The application's connection pool.

    Attributes:
        max_connections: What all pools together may open.
        size: Connections of one pool.
        idle_timeout_s: An idle connection is closed after so many seconds.
        lifetime_s: Any connection is closed after so many seconds.
    """

    max_connections: int
    size: int
    idle_timeout_s: int
    lifetime_s: int


@dataclass(frozen=True, slots=True)
class DrillSettings:
    """What a restore drill is held to.

    Attributes:
        rto_target_s: Longest time to a working copy, in seconds.
        rpo_target_s: Most data that may be lost, in seconds.
        lease_minutes: A drill that says nothing for so long counts as dead.
        time_limit_s: A drill that takes longer is stopped, in seconds.
        cost_cap_usd: Most that its copies may cost; None for no cap.
        stale_days: Days after which the newest passed drill is too old.
    """

    rto_target_s: int
    rpo_target_s: int
    lease_minutes: int
    time_limit_s: int
    cost_cap_usd: int | None
    stale_days: int


@dataclass(frozen=True, slots=True)
class FailoverSettings:
    """What a failover drill is held to.

    Attributes:
        gap_target_s: Longest pause of acknowledged writes, in seconds. Cloud SQL's failovers
            take about 60: https://cloud.google.com/sql/docs/postgres/high-availability
        reconnect_target_s: Longest that the pool may take to connect again, in seconds. Pools
            wait longer after each try that failed, up to twice the pause.
    """

    gap_target_s: int
    reconnect_target_s: int


@dataclass(frozen=True, slots=True)
class ChangeWindow:
    """When changes may be made; all times are UTC.

    Attributes:
        days: Days on which the window opens, ``mon`` to ``sun``.
        start: When it opens.
        end: When it closes; earlier than start means on the next day.
    """

    days: tuple[str, ...]
    start: time
    end: time

    def contains(self, moment: datetime) -> bool:
        """Tell whether changes may be made at a moment (which knows its zone)."""
        utc = moment.astimezone(UTC)
        at = utc.time()
        today = WEEKDAYS[utc.weekday()] in self.days
        yesterday = WEEKDAYS[(utc - timedelta(days=1)).weekday()] in self.days
        if self.start < self.end:
            return today and self.start <= at < self.end
        return (today and at >= self.start) or (yesterday and at < self.end)

    def __str__(self) -> str:
        return f"{', '.join(self.days)} {self.start:%H:%M}-{self.end:%H:%M} UTC"


def pool(d: "Declared") -> Pool:
    """Return the pool's settings."""
    return Pool(
        max_connections=d.pool_max_connections,
        size=d.pool_size,
        idle_timeout_s=d.pool_idle_timeout_seconds,
        lifetime_s=d.pool_lifetime_seconds,
    )


def drill(d: "Declared") -> DrillSettings:
    """Return what a drill is held to."""
    return DrillSettings(
        rto_target_s=d.drill_rto_target_seconds,
        rpo_target_s=d.drill_rpo_target_seconds,
        lease_minutes=d.drill_lease_minutes,
        time_limit_s=d.drill_time_limit_minutes * 60,
        cost_cap_usd=d.drill_cost_cap_usd or None,
        stale_days=d.alert_drill_days,
    )


def failover(d: "Declared") -> FailoverSettings:
    """Return what a failover drill is held to."""
    return FailoverSettings(
        gap_target_s=d.failover_gap_target_seconds,
        reconnect_target_s=d.failover_reconnect_target_seconds,
    )


def change_window(d: "Declared") -> ChangeWindow | None:
    """Return when changes may be made; None for always."""
    if not d.change_days and not d.change_hours:
        return None
    start, end = (d.change_hours or "00:00-00:00").split("-")
    days = tuple(day for day in WEEKDAYS if day in (d.change_days or WEEKDAYS))
    return ChangeWindow(days, time.fromisoformat(start), time.fromisoformat(end))


def _window(d: "Declared") -> Iterator[str]:
    if d.change_hours and len(set(d.change_hours.split("-"))) == 1:
        yield f"{key('change_hours')}: {d.change_hours} is no time at all."


def _pool(d: "Declared") -> Iterator[str]:
    if d.pool_size > d.pool_max_connections:
        yield (
            f"{key('pool_size')}: one pool of {d.pool_size} is more than all pools together"
            f" may open (poolMaxConnections: {d.pool_max_connections})."
        )


RULES: tuple[Rule, ...] = (
    (keys("change_hours"), _window),
    (keys("pool_size", "pool_max_connections"), _pool),
)
