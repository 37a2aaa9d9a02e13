"""What there is before a restore: the instance, its backups, who is connected, how long it takes.

What only the database can tell is None where it does not answer: a restore is for such a day.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from ops import sql
from ops.cloudsql import ApiError, BackupRun, Instance, RecoveryWindow
from ops.db import DIAGNOSTIC, statement
from ops.errors import OpsError
from ops.evidence import latest
from ops.restore.source import ROOM as DRILL
from ops.restore.source import Source


@dataclass(frozen=True, slots=True)
class Situation:
    """What there is before a restore.

    Attributes:
        stack, project: where it is.
        now: the time.
        instance: the source, as the Admin API tells of it.
        names: of every instance of the project.
        backups: the source's backup runs, the newest first.
        window: from when to when it can be recovered; None where it can't be.
        sessions: how many sessions are connected; None where nobody answers.
        heartbeat: when the newest heartbeat was written; None likewise, or without any.
        drilled_s: how long the newest restore drill took to a verified copy, in seconds.
    """

    stack: str
    project: str
    now: datetime
    instance: Instance
    names: frozenset[str]
    backups: tuple[BackupRun, ...]
    window: RecoveryWindow | None
    sessions: int | None
    heartbeat: datetime | None
    drilled_s: float | None

    @property
    def stopped(self) -> bool:
        """Tell whether the instance was stopped by its owner: the API still says RUNNABLE."""
        return bool(self.instance.body.get("settings", {}).get("activationPolicy") == "NEVER")

    @property
    def recovers_to_times(self) -> bool:
        """Tell whether point-in-time recovery is enabled."""
        settings = self.instance.body.get("settings", {})
        return bool(settings.get("backupConfiguration", {}).get("pointInTimeRecoveryEnabled"))

    @property
    def replicas(self) -> tuple[str, ...]:
        """Return the names of the read replicas."""
        return tuple(str(name) for name in self.instance.body.get("replicaNames", ()))


def look(source: Source) -> Situation:
    """Return what there is before a restore.

    Raises:
        ops.cloudsql.NoSuchInstanceError: the source is not there.
        ops.cloudsql.ApiError: the Admin API refuses to tell.
    """
    cloud = source.cloud
    instance = cloud.instance(source.instance)
    sessions, heartbeat = _ask(source) if instance.address else (None, None)
    return Situation(
        stack=source.stack,
        project=cloud.project,
        now=datetime.now(UTC),
        instance=instance,
        names=frozenset(one.name for one in cloud.instances()),
        backups=cloud.backup_runs(source.instance),
        window=_window(source),
        sessions=sessions,
        heartbeat=heartbeat,
        drilled_s=_drilled_s(source),
    )


def _window(source: Source) -> RecoveryWindow | None:
    try:
        return source.cloud.recovery_window(source.instance)
    except ApiError:
        return None  # without point-in-time recovery, or without an archived transaction


def _ask(source: Source) -> tuple[int | None, datetime | None]:
    sessions: int | None = None
    heartbeat: datetime | None = None
    with (
        suppress(OpsError),
        source.database.connect(source.owner, budget=DIAGNOSTIC, name="restore") as connection,
    ):
        row = connection.execute(statement(sql.load("restore/sessions"))).fetchone()
        sessions = None if row is None else row[0]
        row = connection.execute(
            statement(sql.load("restore/heartbeat_newest")), {"until": None}
        ).fetchone()
        heartbeat = None if row is None else row[1]
    return sessions, heartbeat


def _drilled_s(source: Source) -> float | None:
    """Return how long the newest restore drill took, from its evidence."""
    record = latest(source.store, DRILL)
    try:
        return float(json.loads(record or b"{}")["drill"]["rto_s"]["total"])
    except (ValueError, KeyError, TypeError):
        return None
