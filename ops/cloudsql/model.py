"""What the Admin API tells of, read from its own JSON shape (camelCase)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Body = Mapping[str, Any]
BUILT_IN = "BUILT_IN"  # the type of users with a password, which the API may leave out


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the Admin API.

    Attributes:
        id: by which it is asked for.
        type: CREATE, CLONE, RESTORE_VOLUME, BACKUP_VOLUME ...
        status: PENDING, RUNNING or DONE.
        instance: the one it works on (``targetId``).
        inserted, started, ended: the operation's own times; None until they are there.
        errors: pairs of code and message.
        backup_id: of the backup run it makes, else empty.
        uri: of the file that it writes or reads, else empty.
        database: that it imports into, else empty.
    """

    id: str
    type: str
    status: str
    instance: str
    inserted: datetime | None
    started: datetime | None
    ended: datetime | None
    errors: tuple[tuple[str, str], ...]
    backup_id: str
    uri: str = ""
    database: str = ""

    @property
    def seconds(self) -> float | None:
        """Return how long it ran, by its own times, or None while it runs."""
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance, as the API tells of it; ``body`` is all that it told."""

    name: str
    state: str
    address: str
    connection_name: str
    database_version: str
    settings_version: int
    deletion_protection: bool
    body: Body


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """Who may log in to an instance.

    Attributes:
        name: PostgreSQL's.
        type: BUILT_IN, CLOUD_IAM_USER, CLOUD_IAM_SERVICE_ACCOUNT, CLOUD_IAM_GROUP ...
        email: as IAM knows them; empty for who has a password.
        roles: the database roles that the API tells of.
        settings: whatever else it tells of them, by its path, as ``passwordPolicy.status.locked``.
    """

    name: str
    type: str = BUILT_IN
    email: str = ""
    roles: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Database:
    """A database of an instance, as the API tells of it."""

    name: str
    charset: str = ""
    collation: str = ""


@dataclass(frozen=True, slots=True)
class BackupRun:
    """One backup run of an instance.

    Attributes:
        id: the run's.
        instance: whose it is.
        status: SUCCESSFUL, FAILED, SKIPPED, RUNNING ...
        type: AUTOMATED or ON_DEMAND.
        description: what its maker wrote.
        started, ended: None until they are there.
        error: the API's message where it failed, else empty.
        window: when the backup window began that it was taken in; None where it is not told.
        location: where it is kept.
        enqueued: when it was asked for; None where that is not told.
    """

    id: str
    instance: str
    status: str
    type: str
    description: str
    started: datetime | None
    ended: datetime | None
    error: str
    window: datetime | None = None
    location: str = ""
    enqueued: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeptBackup:
    """A backup that outlives its instance.

    Attributes:
        name: the API's, ``projects/PROJECT/backups/ID``.
        instance: the name that its instance had.
        type: FINAL, AUTOMATED or ON_DEMAND.
        state: SUCCESSFUL, FAILED, DELETING ...
        expires: when it is deleted; None for never.
        instance_deleted: when its instance was deleted; None while that is there.
    """

    name: str
    instance: str
    type: str
    state: str
    expires: datetime | None
    instance_deleted: datetime | None


@dataclass(frozen=True, slots=True)
class RecoveryWindow:
    """Between which times an instance can be recovered to any moment.

    Attributes:
        earliest, latest: None where the API does not tell.
    """

    earliest: datetime | None
    latest: datetime | None


def moment(text: object) -> datetime | None:
    """Return the time that a body's RFC 3339 text means; None where there is none."""
    if not text:
        return None
    return datetime.fromisoformat(str(text))


def operation(body: Body) -> Operation:
    """Return the operation that a body tells of."""
    file = body.get("exportContext") or body.get("importContext") or {}
    return Operation(
        id=str(body.get("name", "")),
        type=str(body.get("operationType", "")),
        status=str(body.get("status", "")),
        instance=str(body.get("targetId", "")),
        inserted=moment(body.get("insertTime")),
        started=moment(body.get("startTime")),
        ended=moment(body.get("endTime")),
        errors=tuple(
            (str(e.get("code", "")), str(e.get("message", "")))
            for e in body.get("error", {}).get("errors", ())
        ),
        backup_id=str(body.get("backupContext", {}).get("backupId", "")),
        uri=str(file.get("uri", "")),
        database=str(file.get("database", "")),
    )


def instance(body: Body) -> Instance:
    """Return the instance that a body tells of."""
    settings = body.get("settings", {})
    addresses = {a.get("type"): a.get("ipAddress", "") for a in body.get("ipAddresses", ())}
    return Instance(
        name=str(body.get("name", "")),
        state=str(body.get("state", "")),
        address=addresses.get("PRIVATE") or addresses.get("PRIMARY") or "",
        connection_name=str(body.get("connectionName", "")),
        database_version=str(body.get("databaseVersion", "")),
        settings_version=int(settings.get("settingsVersion", 0)),
        deletion_protection=bool(settings.get("deletionProtectionEnabled", False)),
        body=body,
    )


def account(body: Body) -> Account:
    """Return the user that a body tells of."""
    return Account(
        name=str(body.get("name", "")),
        type=str(body.get("type") or BUILT_IN),
        email=str(body.get("iamEmail", "")),
        roles=tuple(str(role) for role in body.get("databaseRoles", ())),
        settings=tuple(sorted(_settings(body))),
    )


# What an account has fields for, and what only says which one it is.
_NO_SETTINGS = frozenset(
    {"kind", "etag", "name", "instance", "project", "type", "iamEmail", "databaseRoles"}
)


def _settings(body: Body, above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in body.items():
        path = f"{above}{key}"
        if path in _NO_SETTINGS or value is None:
            continue
        if isinstance(value, Mapping):
            yield from _settings(value, f"{path}.")
        else:
            yield path, value if isinstance(value, str) else json.dumps(value)


def database(body: Body) -> Database:
    """Return the database that a body tells of."""
    charset, collation = (str(body.get(key) or "") for key in ("charset", "collation"))
    return Database(str(body.get("name", "")), charset, collation)


def backup_run(body: Body) -> BackupRun:
    """Return the backup run that a body tells of."""
    return BackupRun(
        id=str(body.get("id", "")),
        instance=str(body.get("instance", "")),
        status=str(body.get("status", "")),
        type=str(body.get("type", "")),
        description=str(body.get("description", "")),
        started=moment(body.get("startTime")),
        ended=moment(body.get("endTime")),
        error=str(body.get("error", {}).get("message", "")),
        window=moment(body.get("windowStartTime")),
        location=str(body.get("location", "")),
        enqueued=moment(body.get("enqueuedTime")),
    )


def kept_backup(body: Body) -> KeptBackup:
    """Return the backup without an instance that a body tells of."""
    return KeptBackup(
        name=str(body.get("name", "")),
        instance=str(body.get("instance", "")),
        type=str(body.get("type", "")),
        state=str(body.get("state", "")),
        expires=moment(body.get("expiryTime")),
        instance_deleted=moment(body.get("instanceDeletionTime")),
    )
