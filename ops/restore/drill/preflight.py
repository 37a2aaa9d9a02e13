"""What stands in a drill's way, told before anything is made."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ops import sql
from ops.cloudsql import BackupRun, Instance, Operation
from ops.cloudsql.model import moment
from ops.console import Progress
from ops.db import DIAGNOSTIC, statement
from ops.errors import OpsError
from ops.restore.copies import CopyPlan
from ops.restore.proof.marker import require_table
from ops.restore.source import Source

# Writer, holder and second snapshot of the marker, two readers of the content, one for the rest.
CONNECTIONS = 6
# How long another operation on the source is waited for before the drill gives up, in seconds.
BUSY_LIMIT_S = 600.0
POLL_S = 2.0
RUNNABLE, MAINTENANCE = "RUNNABLE", "MAINTENANCE"
REPLICA = "READ_REPLICA_INSTANCE"
# Backups are waited for by whoever needs the source to itself: the clone.
BACKUPS = frozenset({"BACKUP_VOLUME", "BACKUP", "DELETE_BACKUP"})


class StoppedSourceError(OpsError):
    """The source is switched off."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Instance {name} is stopped (activation policy NEVER), so nothing can be compared "
            f"with it. Start it: gcloud sql instances patch {name} --activation-policy=ALWAYS"
        )


class NotRunnableError(OpsError):
    """The source is in a state in which nothing can be asked of it."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(
            f"Instance {name} is {state}. Drill when it is RUNNABLE: "
            f"gcloud sql instances describe {name} --format='value(state)'"
        )


class ReplicaSourceError(OpsError):
    """The source has no backups of its own."""

    def __init__(self, name: str, primary: str) -> None:
        super().__init__(
            f"Instance {name} is a read replica and has no backups. Drill its primary, {primary}."
        )


class NoConnectionsError(OpsError):
    """The source has no room for the drill's connections."""

    def __init__(self, name: str, free: int, limit: int) -> None:
        super().__init__(
            f"Instance {name} has room for {max(0, free)} more connections of its {limit}; a drill "
            f"needs {CONNECTIONS}. Drill in a quieter hour, or raise max_connections."
        )


class TakenNameError(OpsError):
    """An instance has the name already that a copy was to get."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"There are instances already with the names of this drill's copies: "
            f"{', '.join(names)}. Nothing was made; drill again, which takes other names."
        )


@dataclass(frozen=True, slots=True)
class Ready:
    """What a drill can start from.

    Attributes:
        instance: the source as the API tells of it.
        runs: its backup runs, the newest first.
        postgresql: the version that it runs.
        point_in_time: whether it can be cloned to a time.
        other_databases: those of the instance that no check looks at.
    """

    instance: Instance
    runs: tuple[BackupRun, ...]
    postgresql: str
    point_in_time: bool
    other_databases: tuple[str, ...] = ()

    @property
    def created(self) -> datetime | None:
        """Return when the source was made; None where the API does not tell."""
        return moment(self.instance.body.get("createTime"))


def look(source: Source, progress: Progress, check: Callable[[], None]) -> Ready:
    """See that a source can be drilled; another operation on it is waited for.

    Args:
        source: what is to be drilled.
        progress: takes a line where something is waited for.
        check: called while it waits; what it raises ends the wait.

    Raises:
        ReplicaSourceError: it is a read replica.
        StoppedSourceError: it is stopped.
        NotRunnableError: it is in another state, and stays so.
        NoConnectionsError: all its connections are taken.
        ops.cloudsql.WaitTimeoutError: another operation on it does not end.
        ops.db.CannotConnectError: it can't be reached.
        ops.restore.proof.marker.NoHeartbeatTableError: it lacks the drill's table.
    """
    cloud, name = source.cloud, source.instance
    instance = cloud.instance(name)
    settings = instance.body.get("settings", {})
    if instance.body.get("instanceType") == REPLICA:
        primary = str(instance.body.get("masterInstanceName", "")).rpartition(":")[2]
        raise ReplicaSourceError(name, primary)
    if settings.get("activationPolicy") == "NEVER":
        raise StoppedSourceError(name)
    _quiet(source, cloud.operations(name), progress)
    _runnable(source, instance, progress, check)
    postgresql = require_table(source)
    others = _room(source)
    backups = settings.get("backupConfiguration", {})
    point_in_time = bool(backups.get("pointInTimeRecoveryEnabled"))
    return Ready(instance, cloud.backup_runs(name), postgresql, point_in_time, others)


def names_free(source: Source, copies: Sequence[CopyPlan]) -> None:
    """See that no instance bears a name that a copy is to get; raises TakenNameError."""
    existing = [copy.name for copy in copies if source.cloud.find(copy.name) is not None]
    if existing:
        raise TakenNameError(existing)


def _quiet(source: Source, operations: Sequence[Operation], progress: Progress) -> None:
    """Wait until no other operation works on the source."""
    for operation in operations:
        if operation.status == "DONE" or operation.type in BACKUPS:
            continue
        progress.line(
            f"Waiting for {operation.type} on {source.instance} (operation {operation.id})"
        )
        source.cloud.wait(operation, BUSY_LIMIT_S)


def _runnable(
    source: Source, instance: Instance, progress: Progress, check: Callable[[], None]
) -> None:
    """Wait until maintenance is over; other states don't end by themselves."""
    until = time.monotonic() + BUSY_LIMIT_S
    if instance.state == MAINTENANCE:
        progress.line(f"Waiting for the maintenance of {source.instance} to end")
    while instance.state == MAINTENANCE and time.monotonic() < until:
        check()
        time.sleep(POLL_S)
        instance = source.cloud.instance(source.instance)
    if instance.state != RUNNABLE:
        raise NotRunnableError(source.instance, instance.state)


def _room(source: Source) -> tuple[str, ...]:
    """See that the drill's connections have room; return the other databases."""
    with source.database.connect(
        source.owner, budget=DIAGNOSTIC, name="restore-drill"
    ) as connection:
        row = connection.execute(statement(sql.load("restore/free_connections"))).fetchone()
        others = tuple(
            name for (name,) in connection.execute(statement(sql.load("restore/databases")))
        )
    assert row is not None  # noqa: S101 - a SELECT without FROM
    free, limit = row
    if free < CONNECTIONS:
        raise NoConnectionsError(source.instance, free, limit)
    return others
