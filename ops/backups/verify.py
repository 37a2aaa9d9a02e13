"""Verifies an instance's backups: is everything there that should be?"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from ops import backupruns
from ops.backupruns import Expected
from ops.backups import archiving, gaps, policy
from ops.backups.archiving import Archiver
from ops.checks import report
from ops.checks.result import CheckResult, State, verdict, worst
from ops.cloudsql import ApiError, Instance, KeptBackup, RecoveryWindow
from ops.console import Table
from ops.db import DIAGNOSTIC
from ops.errors import BadInputError, OpsError
from ops.invocation import Invocation

_T = TypeVar("_T")
_AGAIN_S = 1.0  # until an archive that seems to have a gap is looked at again


class ReplicaError(BadInputError):
    """A replica has no backups of its own."""

    def __init__(self, name: str, primary: str) -> None:
        super().__init__(
            f"Instance {name} is a replica of {primary}, and replicas have no backups. Ask for "
            "the stack of its primary."
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of it.

    Attributes:
        instance: whose backups they are.
        at: when, by the clock that the instance lives by.
        checks: everything that was looked at.
        windows: the backup windows of the retention, the newest first.
    """

    instance: str
    at: datetime
    checks: tuple[CheckResult, ...]
    windows: tuple[Expected, ...]

    @property
    def state(self) -> State:
        """Return the worst state of all checks."""
        return worst(one.state for one in self.checks)

    @property
    def verdict(self) -> str:
        """Return pass, fail or unknown, as drills say it."""
        return verdict(self.state)

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "verdict": self.verdict,
            "source": self.instance,
            "at": self.at,
            "checks": self.checks,
            "windows": [
                {
                    "begins": one.begins,
                    "fate": one.fate,
                    "state": one.state,
                    "run": None if one.run is None else one.run.id,
                    "error": "" if one.run is None else one.run.error,
                }
                for one in self.windows
            ],
        }

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        checks = report.table(f"Backups of {self.instance}", self.checks)
        windows = tuple(
            (
                f"{one.begins:%Y-%m-%d %H:%M}",
                one.fate,
                "" if one.run is None else one.run.id,
                _seconds(one),
            )
            for one in self.windows
        )
        table = Table(
            "Expected automated backups", ("window (UTC)", "fate", "run", "seconds"), windows
        )
        wrong = report.explain(self.checks)
        return [checks, *([table] if windows else []), *wrong, f"Verdict: {self.verdict}."]


def verify(run: Invocation) -> Verification:
    """Hold everything about the backups of a stack's instance against what should be.

    Asks the Admin API; the database where recovery ends long ago, to tell an idle one from an
    archive that stands, and in a rehearsal, whose archive can be looked at for gaps.

    Raises:
        ops.cloudsql.NoSuchInstanceError: the instance is not provisioned.
        ReplicaError: it is a replica.
    """
    target, cloud = run.target, run.cloud
    instance = cloud.instance(target.instance)
    if primary := str(instance.body.get("masterInstanceName", "")):
        raise ReplicaError(instance.name, primary.rpartition(":")[2])
    declared, found, now = target.settings.instance.backup, policy.live(instance.body), target.now()
    runs = cloud.backup_runs(instance.name)
    windows = backupruns.expected(declared, found.created, runs, now)
    due = sum(one.run is not None or one.state is State.FINDING for one in windows)
    window = _window(run, instance) if declared.point_in_time else None
    kept = _asked(cloud.kept_backups)
    checks = (
        policy.configuration(declared, found),
        *backupruns.checks(declared, found.created, runs, now),
        policy.retention(declared, due, runs),
        policy.location(declared, str(instance.body.get("region", "")), runs),
        policy.reaches_back(declared, found, window, now),
        *(_log(run, instance, window, now) if found.point_in_time else ()),
        _final(kept, instance.name, now),
    )
    return Verification(instance.name, now, _renamed(checks), windows)


def _renamed(checks: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Return the checks, with the freshness of backups called what it is beside the others."""
    return tuple(
        replace(one, check="newest_backup") if one.check == "backups" else one for one in checks
    )


def _window(run: Invocation, instance: Instance) -> RecoveryWindow | None:
    asked = _asked(lambda: run.cloud.recovery_window(instance.name))
    return None if isinstance(asked, ApiError) else asked


def _log(
    run: Invocation, instance: Instance, window: RecoveryWindow | None, now: datetime
) -> Iterator[CheckResult]:
    """Yield the checks of the log: how far it reaches, and whether it has gaps."""
    target_s = run.target.settings.drill.rpo_target_s
    is_local = run.target.local is not None
    server: Archiver | None = None
    why = ""
    if is_local or archiving.behind(window, target_s, now):
        try:
            server = _archiver(run, instance)
        except OpsError as error:  # then it can't be told, and the checks say so
            why = str(error)
    yield archiving.latest(window, target_s, now, server, why)
    yield _gaps(run, instance, window, server, why) if is_local else gaps.not_listed()


def _gaps(
    run: Invocation,
    instance: Instance,
    window: RecoveryWindow | None,
    server: Archiver | None,
    why: str,
) -> CheckResult:
    if server is None:
        return gaps.unknown(why)
    local = run.target.server().instance(instance.name)
    try:
        archived = () if local is None else gaps.archives(local.archive)
        check = gaps.judge(archived, server, window)
        if check.state is State.FINDING:  # a segment may just have been finished
            time.sleep(_AGAIN_S)
            server = _archiver(run, instance)
            archived = () if local is None else gaps.archives(local.archive)
            check = gaps.judge(archived, server, window)
    except (OSError, OpsError) as error:
        return gaps.unknown(str(error))
    return check


def _archiver(run: Invocation, instance: Instance) -> Archiver:
    """Ask the server of an instance; raises OpsError."""
    database = run.target.database_at(instance.address)
    user = run.target.settings.users.monitor
    with database.connect(user, budget=DIAGNOSTIC, name="backup.verify") as connection:
        return archiving.archiver(connection)


def _final(kept: "tuple[KeptBackup, ...] | ApiError", name: str, now: datetime) -> CheckResult:
    if isinstance(kept, ApiError):
        remedy = "Grant cloudsql.backupRuns.list on the project, as roles/cloudsql.viewer has it."
        return CheckResult("final_backups", State.UNKNOWN, 0, 1, str(kept), remedy=remedy)
    return policy.final_backups(kept, name, now)


def _asked(ask: Callable[[], _T]) -> "_T | ApiError":
    """Return an answer, or the refusal: one question less, and not the end."""
    try:
        return ask()
    except ApiError as error:
        return error


def _seconds(one: Expected) -> str:
    if one.run is None or one.run.started is None or one.run.ended is None:
        return ""
    return f"{(one.run.ended - one.run.started).total_seconds():.1f}"
