"""What there is before a restore: the instance, its backups, who is connected, how long it takes.

What only the database can tell is None where it does not answer: a restore is for such a day.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from ops import sql
from ops.checks.result import State
from ops.cloudsql import ApiError, BackupRun, Instance, RecoveryWindow
from ops.db import DIAGNOSTIC, statement
from ops.errors import OpsError
from ops.evidence import archive, chain, history
from ops.evidence.history import Entry
from ops.measures import RTO
from ops.restore.source import ROOM as DRILL
from ops.restore.source import Source


@dataclass(frozen=True, slots=True)
class Drilled:
    """How long a restore drill took: what a restore is expected to take.

    Attributes:
        records: how many drills left evidence.
        seconds: of the newest that passed, else of the newest with a time; None without any.
        run, verdict: of that drill.
        is_doubtful: whether the chain of records is broken, or could not be verified.
    """

    records: int = 0
    seconds: float | None = None
    run: str = ""
    verdict: str = ""
    is_doubtful: bool = False


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
        drilled: how long a restore drill took.
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
    drilled: Drilled

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
        names=frozenset(instance.name for instance in cloud.instances()),
        backups=cloud.backup_runs(source.instance),
        window=_window(source),
        sessions=sessions,
        heartbeat=heartbeat,
        drilled=_drilled(source),
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


def _drilled(source: Source) -> Drilled:
    """Return what the drills' records say of the time of a restore.

    A drill with an injected fault says nothing: it restores what was spoiled on purpose; nor does
    one of another instance.
    """
    records = archive.read(source.store, DRILL)
    drills = history.read(records, DRILL, identity=source.identity)
    chained = chain.verify_archive(records, source.stack) if drills.total else ()
    is_doubtful = any(check.state in {State.FINDING, State.UNKNOWN} for check in chained)
    own = [entry for entry in drills.entries if not entry.injected and not entry.elsewhere]
    timed = [entry for entry in own if _rto_s(entry) is not None]
    drill = next(iter((*drills.passes, *timed)), None)
    rto_s = None if drill is None else _rto_s(drill)
    if drill is None or rto_s is None:
        return Drilled(drills.total)
    return Drilled(drills.total, rto_s, drill.run, drill.verdict, is_doubtful)


def _rto_s(entry: Entry) -> float | None:
    measure = entry.measures.get(RTO)
    return None if measure is None else measure.seconds
