"""One stack's settings: frozen, typed, and validated all at once.

Read from the stack files by ``load``, or from the Pulumi engine by ``from_config``;
both validate through ``infra.rules``, so a program under the CLI and a task see the
same values and the same complaints. Light to import: pydantic and pulumi come only with
the first call.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from infra.flags import FlagValue
from infra.tiers import Tier

PASSWORD_LENGTH = 32  # of generated passwords, letters and digits: 190 bits
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Disk:
    """The data disk.

    Attributes:
        size_gb: At creation; a disk that grew stays grown.
        type: ``PD_SSD`` or ``PD_HDD``.
        autoresize: Whether Cloud SQL grows it when it fills.
        autoresize_limit_gb: Where growing ends; 0 for never.
    """

    size_gb: int
    type: str
    autoresize: bool
    autoresize_limit_gb: int


@dataclass(frozen=True, slots=True)
class Backup:
    """Automated backups and the log for point-in-time recovery.

    Attributes:
        enabled: Whether they are taken.
        start_time: Beginning of the daily window, ``HH:MM`` in UTC.
        retained: How many are kept.
        location: Where they are kept; None for the region's own multi-region.
        point_in_time: Whether the write-ahead log is kept too.
        log_retention_days: For how long it is.
    """

    enabled: bool
    start_time: str
    retained: int
    location: str | None
    point_in_time: bool
    log_retention_days: int


@dataclass(frozen=True, slots=True)
class Network:
    """The private network that the instance is reached through.

    Attributes:
        name: Of the VPC.
        range_address: First address of the range for private services access; None lets
            Google choose.
        range_prefix: Prefix length of that range.
    """

    name: str
    range_address: str | None
    range_prefix: int


@dataclass(frozen=True, slots=True)
class InstanceSettings:
    """The Cloud SQL instance.

    Attributes:
        name: Of the instance.
        database_version: As the API names it: ``POSTGRES_15``.
        edition: Always explicit: PostgreSQL 16 and newer would become ENTERPRISE_PLUS.
        tier: The machine.
        availability: ``REGIONAL`` (high availability) or ``ZONAL``.
        disk: The data disk.
        flags: Compiled to the API's units, in order of their names.
        backup: Automated backups.
        deletion_protection: Of the provider, of the API and of Pulumi, together.
        labels: On the instance.
    """

    name: str
    database_version: str
    edition: str
    tier: Tier
    availability: str
    disk: Disk
    flags: tuple[FlagValue, ...]
    backup: Backup
    deletion_protection: bool
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Users:
    """PostgreSQL users with a generated password.

    Attributes:
        owner: Owns the schema and runs migrations.
        app: The application's.
    """

    owner: str
    app: str


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
    """

    rto_target_s: int
    rpo_target_s: int
    lease_minutes: int


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


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a stack's configuration says.

    Attributes:
        stack: Its name.
        project: The Google Cloud project.
        region: Where the instance is.
        endpoint: Address of another Admin API than Google's, without a path; None for
            Google's.
        local: Whether that is the local Cloud SQL (a loopback address).
        production: Whether changes are guarded.
        instance: The Cloud SQL instance.
        network: The private network; None for the local Cloud SQL, which has none.
        database: Name of the application's database.
        users: Names of the users.
        pool: The application's connections.
        drill: What a restore drill is held to.
        change_window: When changes may be made; None for always.
    """

    stack: str
    project: str
    region: str
    endpoint: str | None
    local: bool
    production: bool
    instance: InstanceSettings
    network: Network | None
    database: str
    users: Users
    pool: Pool
    drill: DrillSettings
    change_window: ChangeWindow | None


def load(stack: str, root: Path | None = None) -> Settings:
    """Return a stack's settings from its files, without a Pulumi engine.

    Args:
        stack: Name of the stack: ``Pulumi.<stack>.yaml``.
        root: Folder of the Pulumi files; the project's own when None.

    Raises:
        UnknownStackError: There is no such stack.
        StackFileError: A file can't be read.
        SettingsError: Values can't be used; all of them are told at once.
    """
    from infra.rules import validate
    from infra.stackfile import ROOT, read_config

    return validate(stack, read_config(stack, root or ROOT))


def from_config() -> Settings:
    """Return the settings that the Pulumi engine handed to the running program.

    Raises:
        SettingsError: Values can't be used; all of them are told at once.
    """
    import pulumi
    from pulumi.runtime import config

    from infra.declared import engine_values
    from infra.rules import validate

    handed = {**config.get_config_env(), **config.CONFIG.get()}
    return validate(pulumi.get_stack(), engine_values(handed))
