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
        return worst(check.state for check in self.checks)

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
                    "begins": window.begins,
                    "fate": window.fate,
                    "state": window.state,
                    "run": None if window.run is None else window.run.id,
                    "error": "" if window.run is None else window.run.error,
                }
                for window in self.windows
            ],
        }

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        checks = report.table(f"Backups of {self.instance}", self.checks)
        windows = tuple(
            (
                f"{window.begins:%Y-%m-%d %H:%M}",
                window.fate,
                "" if window.run is None else window.run.id,
                _seconds(window),
            )
            for window in self.windows
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
    declared, live, now = target.settings.instance.backup, policy.live(instance.body), target.now()
    runs = cloud.backup_runs(instance.name)
    windows = backupruns.expected(declared, live.created, runs, now)
    due = sum(window.run is not None or window.state is State.FINDING for window in windows)
    window = _window(run, instance) if declared.point_in_time else None
    backups = _or_error(cloud.kept_backups)
    checks = (
        policy.configuration(declared, live),
        *backupruns.checks(declared, live.created, runs, now),
        policy.retention(declared, due, runs),
        policy.location(declared, str(instance.body.get("region", "")), runs),
        policy.reaches_back(declared, live, window, now),
        *(_log(run, instance, window, now) if live.point_in_time else ()),
        _final(backups, instance.name, now),
    )
    return Verification(instance.name, now, _renamed(checks), windows)


def _renamed(checks: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Return the checks, with the freshness of backups called what it is beside the others."""
    return tuple(
        replace(check, check="newest_backup") if check.check == "backups" else check
        for check in checks
    )


def _window(run: Invocation, instance: Instance) -> RecoveryWindow | None:
    answer = _or_error(lambda: run.cloud.recovery_window(instance.name))
    return None if isinstance(answer, ApiError) else answer


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


def _final(backups: "tuple[KeptBackup, ...] | ApiError", name: str, now: datetime) -> CheckResult:
    if isinstance(backups, ApiError):
        remedy = "Grant cloudsql.backupRuns.list on the project, as roles/cloudsql.viewer has it."
        return CheckResult("final_backups", State.UNKNOWN, 0, 1, str(backups), remedy=remedy)
    return policy.final_backups(backups, name, now)


def _or_error(ask: Callable[[], _T]) -> "_T | ApiError":
    """Return an answer, or the refusal: one question less, and not the end."""
    try:
        return ask()
    except ApiError as error:
        return error


def _seconds(window: Expected) -> str:
    if window.run is None or window.run.started is None or window.run.ended is None:
        return ""
    return f"{(window.run.ended - window.run.started).total_seconds():.1f}"
