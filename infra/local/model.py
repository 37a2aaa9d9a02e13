"""What an instance, an operation, a backup run and a base backup are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

# A JSON object of the API, in its canonical form (see api/body.py).
Body = Mapping[str, Any]


class InstanceState(StrEnum):
    """Cloud SQL's states of an instance, those that occur here."""

    RUNNABLE = "RUNNABLE"
    SUSPENDED = "SUSPENDED"
    PENDING_CREATE = "PENDING_CREATE"
    PENDING_DELETE = "PENDING_DELETE"
    MAINTENANCE = "MAINTENANCE"
    FAILED = "FAILED"


class OperationStatus(StrEnum):
    """How far an operation is."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"


class OperationType(StrEnum):
    """Cloud SQL's types of operation, those that occur here."""

    CREATE = "CREATE"
    CLONE = "CLONE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    RESTART = "RESTART"
    AUTO_RESTART = "AUTO_RESTART"
    FAILOVER = "FAILOVER"
    RECREATE_REPLICA = "RECREATE_REPLICA"
    CREATE_REPLICA = "CREATE_REPLICA"
    PROMOTE_REPLICA = "PROMOTE_REPLICA"
    SWITCHOVER = "SWITCHOVER"
    START_REPLICA = "START_REPLICA"
    STOP_REPLICA = "STOP_REPLICA"
    BACKUP_VOLUME = "BACKUP_VOLUME"
    DELETE_BACKUP = "DELETE_BACKUP"
    UPDATE_BACKUP = "UPDATE_BACKUP"
    RESTORE_VOLUME = "RESTORE_VOLUME"
    EXPORT = "EXPORT"
    IMPORT = "IMPORT"
    CREATE_USER = "CREATE_USER"
    UPDATE_USER = "UPDATE_USER"
    DELETE_USER = "DELETE_USER"
    CREATE_DATABASE = "CREATE_DATABASE"
    UPDATE_DATABASE = "UPDATE_DATABASE"
    DELETE_DATABASE = "DELETE_DATABASE"


class RunStatus(StrEnum):
    """States of a backup run."""

    ENQUEUED = "ENQUEUED"
    RUNNING = "RUNNING"
    SUCCESSFUL = "SUCCESSFUL"
    FAILED = "FAILED"


def major_of(version: str) -> int:
    """Return PostgreSQL's major version of a Cloud SQL version, as 15 of POSTGRES_15."""
    return int(version.removeprefix("POSTGRES_").split("_")[0])


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance, as the server keeps it.

    Attributes:
        uid: Names its folder; another one when an instance of the same name is made again.
        project: The project it lies in.
        name: Its name.
        state: Cloud SQL's state.
        version: As ``POSTGRES_15``.
        region: As ``asia-east1``.
        settings: The API's settings, with every default filled in.
        address: Its loopback address.
        era: Which WAL archive it writes to; a restore begins a new one.
        created: When.
        extra: Further fields of the API's resource, as they were given.
        facts: What the server itself has to know of it, as which instance it replicates.
    """

    uid: str
    project: str
    name: str
    state: InstanceState
    version: str
    region: str
    settings: Body
    address: str
    era: int
    created: datetime
    extra: Body = field(default_factory=dict)
    facts: Body = field(default_factory=dict)

    @property
    def major(self) -> int:
        """PostgreSQL's major version."""
        return major_of(self.version)

    @property
    def flags(self) -> tuple[tuple[str, str], ...]:
        """The database flags: name and value."""
        flags = self.settings.get("databaseFlags") or ()
        return tuple((flag["name"], flag.get("value", "")) for flag in flags)

    @property
    def point_in_time_recovery(self) -> bool:
        """Whether its WAL is archived."""
        return bool(self._backup_configuration.get("pointInTimeRecoveryEnabled"))

    @property
    def stopped(self) -> bool:
        """Whether its owner wants it not to run."""
        return bool(self.settings.get("activationPolicy") == "NEVER")

    @property
    def side(self) -> str:
        """Name of the data directory that is the primary's."""
        return str(self.facts.get("side", "data"))

    @property
    def primary(self) -> str | None:
        """The uid of the instance that it replicates; None for one of its own."""
        uid = self.facts.get("primary")
        return None if uid is None else str(uid)

    @property
    def highly_available(self) -> bool:
        """Whether it has a standby."""
        return self.settings.get("availabilityType") == "REGIONAL" and self.primary is None

    @property
    def deletion_protected(self) -> bool:
        """Whether deleting it is refused."""
        return bool(self.settings.get("deletionProtectionEnabled"))

    @property
    def certified_name(self) -> str:
        """What its server certificate calls it: connectors compare it."""
        return f"{self.project}:{self.name}"

    @property
    def ssl_mode(self) -> str:
        """Which connections PostgreSQL's own port takes, as ``ENCRYPTED_ONLY``."""
        network: Body = self.settings.get("ipConfiguration") or {}
        return str(network.get("sslMode") or "ALLOW_UNENCRYPTED_AND_ENCRYPTED")

    @property
    def connectors_only(self) -> bool:
        """Whether PostgreSQL's own port takes no connections at all."""
        return bool(self.settings.get("connectorEnforcement") == "REQUIRED")

    @property
    def _backup_configuration(self) -> Body:
        configuration: Body = self.settings.get("backupConfiguration") or {}
        return configuration


@dataclass(frozen=True, slots=True)
class OperationError:
    """Why an operation failed.

    Attributes:
        code: As ``INTERNAL_ERROR``.
        message: A sentence.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the Admin API, and how it goes on after the server was killed.

    Attributes:
        name: Its id.
        type: What it does.
        project: The project.
        target: Name of the instance it changes.
        source: Name of the instance it reads, where that is another one.
        status: How far it is.
        inserted: When it was asked for.
        started: When it began.
        ended: When it was done.
        error: Why it failed.
        backup_id: The backup run that it makes, deletes or restores.
        step: The step it was at; each is written down before it begins.
        facts: What its steps need to know.
    """

    name: str
    type: OperationType
    project: str
    target: str
    status: OperationStatus
    inserted: datetime
    source: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    error: OperationError | None = None
    backup_id: int | None = None
    step: str = ""
    facts: Body = field(default_factory=dict)

    @property
    def changes(self) -> frozenset[tuple[str, str]]:
        """Project and name of the instances that it changes.

        A switchover changes its primary too, and turns the other replicas (``followers``).
        """
        names = [self.target, *self.facts.get("followers", ())]
        if self.type is OperationType.SWITCHOVER and self.source is not None:
            names.append(self.source)
        return frozenset((self.project, name) for name in names)


@dataclass(frozen=True, slots=True)
class BackupRun:
    """A backup run of the Admin API.

    Attributes:
        id: Milliseconds since 1970 when it was asked for, unique.
        instance: The instance's uid.
        status: How far it is.
        type: ``ON_DEMAND`` or ``AUTOMATED``.
        description: As given.
        version: As ``POSTGRES_15``.
        location: Region it is kept in.
        enqueued: When it was asked for.
        started: When it began.
        ended: When it was done.
        error: Why it failed.
        expires: When it is to be deleted; None for when the retention says.
        facts: ``window``, when its backup window began, and the instance's ``region`` and
            ``settings`` at that time.
    """

    id: int
    instance: str
    status: RunStatus
    type: str
    description: str
    version: str
    location: str
    enqueued: datetime
    started: datetime | None = None
    ended: datetime | None = None
    error: str | None = None
    expires: datetime | None = None
    facts: Body = field(default_factory=dict)

    @property
    def window(self) -> datetime:
        """When the backup window began that it was taken in."""
        text = self.facts.get("window")
        return datetime.fromisoformat(text) if text else self.enqueued

    @property
    def settings(self) -> Body:
        """The instance's settings when it was taken."""
        settings: Body = self.facts.get("settings") or {}
        return settings


@dataclass(frozen=True, slots=True)
class KeptBackup:
    """A backup that outlives its instance.

    Attributes:
        id: The backup run's.
        project: The project.
        instance: Name that the instance had.
        deleted: When the instance was deleted.
        expires: When it is to be deleted itself; None for never.
        run: The backup run, as it was.
    """

    id: int
    project: str
    instance: str
    deleted: datetime
    expires: datetime | None
    run: BackupRun


@dataclass(frozen=True, slots=True)
class Base:
    """A base backup that point-in-time recovery and restores start from.

    Attributes:
        id: Names its folder; the id of the backup run where it is one's.
        instance: The instance's uid.
        era: The WAL archive that goes on from it.
        usable_from: The earliest time it can be recovered to.
        run: The backup run whose content it is; None for the server's own.
    """

    id: int
    instance: str
    era: int
    usable_from: datetime
    run: int | None = None
