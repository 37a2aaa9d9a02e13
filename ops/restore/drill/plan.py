"""Decides, without touching anything: which backups, which names."""

import random
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ops import backupruns
from ops.checks.result import CheckResult, State
from ops.cloudsql import BackupRun
from ops.errors import BadInputError
from ops.restore.copies import CopyPlan, Kind
from ops.shortlived import name_stem

# How long a drill's instances may live before anybody may take them for forgotten.
TIME_TO_LIVE = timedelta(hours=24)
EXPIRES = "drill-expires"  # the label that says until when, in a label's characters
SUCCESSFUL = "SUCCESSFUL"
SHOWN_RUNS = 5
_EXPIRY = "%Y%m%dt%H%M%Sz"
_RUN = r"\d{12}-[0-9a-f]{4}"


class UnknownBackupError(BadInputError):
    """``--backup`` names a run that can't be restored."""

    def __init__(self, backup: str, instance: str, usable: Sequence[str]) -> None:
        listed = ", ".join(usable[:5]) or "none"
        super().__init__(
            f"Instance {instance} has no successful backup run {backup!r}. Those it has, the "
            f"newest first: {listed}. `invoke backup.list` tells more."
        )


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """What one drill restores.

    Attributes:
        run: the drill's name, unique and sorted by time.
        copies: the instances to be made.
        labels: for the instances that take labels.
        checks: what the choice of backups found.
        seed: what drew the older backup; None where none was drawn.
        drawn_from: how many older backups there were to draw from.
        notes: backup runs that were passed over, and why, a line each.
    """

    run: str
    copies: tuple[CopyPlan, ...]
    labels: Mapping[str, str]
    checks: tuple[CheckResult, ...]
    seed: int | None = None
    drawn_from: int = 0
    notes: tuple[str, ...] = ()

    @property
    def clones(self) -> bool:
        """Return whether there is a point-in-time clone among the copies."""
        return any(copy.kind is Kind.CLONE for copy in self.copies)


def draw() -> int:
    """Return a new seed, short enough to be typed again."""
    return secrets.randbelow(10**6)


def plan(
    instance: str,
    project: str,
    runs: Sequence[BackupRun],
    *,
    run: str,
    now: datetime,
    backup: str = "",
    latest: bool = False,
    seed: int = 0,
    point_in_time: bool = True,
    checks: tuple[CheckResult, ...] | None = None,
) -> DrillPlan:
    """Return what a drill restores.

    Args:
        instance: the source.
        project: its project, which counts in the limit of names.
        runs: the source's backup runs, the newest first.
        run: the drill's name.
        now: the time.
        backup: the one backup run to restore; empty takes the newest successful and one older.
        latest: restore the newest successful one alone.
        seed: draws the older one; the same seed and runs draw the same.
        point_in_time: whether the source can be cloned to a time.
        checks: what was found of the backup runs; None looks at their age alone.

    Raises:
        UnknownBackupError: ``backup`` is not there or was not successful.
    """
    chosen = choose(instance, runs, backup=backup, latest=latest, seed=seed)
    results = (backupruns.freshness(runs, now),) if checks is None else checks
    results = results if point_in_time else (*results, _no_clone(instance))
    notes = tuple(_passed_over(runs))
    if not chosen:
        return DrillPlan(run, (), {}, results, notes=notes)
    stem = name_stem(instance, project)
    backups = tuple(
        CopyPlan(Kind.BACKUP, f"{stem}{run}-b{number}", backup)
        for number, backup in enumerate(chosen, start=1)
    )
    labels = {
        "made-by": "restore-drill",
        "drill": run,
        EXPIRES: f"{now + TIME_TO_LIVE:{_EXPIRY}}",
    }
    clone = (CopyPlan(Kind.CLONE, f"{stem}{run}-c"),) if point_in_time else ()
    drawn = len(chosen) > 1
    older = sum(backup_run.status == SUCCESSFUL for backup_run in runs) - 1
    return DrillPlan(
        run,
        (*backups, *clone),
        labels,
        results,
        seed=seed if drawn else None,
        drawn_from=older if drawn else 0,
        notes=notes,
    )


def choose(
    instance: str, runs: Sequence[BackupRun], *, backup: str = "", latest: bool = False, seed: int
) -> tuple[BackupRun, ...]:
    """Return the backup runs to restore, see ``plan``; none where there is no successful one."""
    good = [run for run in runs if run.status == SUCCESSFUL]
    if backup:
        named = [run for run in good if run.id == backup]
        if not named:
            raise UnknownBackupError(backup, instance, [run.id for run in good])
        return (named[0],)
    if latest or len(good) < 2:  # noqa: PLR2004 - the newest and one older
        return tuple(good[:1])
    return (good[0], random.Random(seed).choice(good[1:]))  # noqa: S311 - a sample, no secret


def _passed_over(runs: Sequence[BackupRun]) -> Iterator[str]:
    """Yield a line for each of the newest runs that can't be restored."""
    bad = [run for run in runs if run.status != SUCCESSFUL]
    for run in bad[:SHOWN_RUNS]:
        why = f": {run.error}" if run.error else ""
        yield f"Backup run {run.id} ({run.type}) is {run.status}{why}; it is not restored"
    if len(bad) > SHOWN_RUNS:
        yield f"And {len(bad) - SHOWN_RUNS} more runs that can't be restored"


def _no_clone(instance: str) -> CheckResult:
    words = f"{instance} has no point-in-time recovery: all since the newest backup would be lost"
    remedy = "Set the stack's pointInTimeRecovery, or drill what there is: its backups."
    return CheckResult("point_in_time", State.FINDING, 1, 1, words, remedy=remedy)


def is_drill_copy(name: str, instance: str, project: str) -> bool:
    """Tell whether a name can only be that of a copy made by a drill of this instance.

    ``b1`` is a restored backup, ``c`` the clone, ``i`` the trial import of an export, ``s`` the
    source of a self-test, ``f1`` a copy that it spoils.
    """
    stem = re.escape(name_stem(instance, project))
    return re.fullmatch(rf"{stem}{_RUN}-([bf]\d{{1,2}}|c|i|s)", name) is not None


def began(run: str) -> datetime | None:
    """Return when a drill began, from its name; None where the name is no drill's."""
    if not re.fullmatch(_RUN, run):
        return None
    return datetime.strptime(run[:12], "%y%m%d%H%M%S").replace(tzinfo=UTC)


def born(name: str) -> datetime:
    """Return when the drill began that made a copy, from the copy's name."""
    match = re.search(r"-drill-(\d{12})-", name)
    assert match is not None  # noqa: S101 - is_drill_copy was asked before
    return datetime.strptime(match[1], "%y%m%d%H%M%S").replace(tzinfo=UTC)


def expires(name: str, labels: Mapping[str, str]) -> datetime:
    """Return until when a copy may live: what its label says, else a day from its drill's begin.

    A clone call takes no labels, so a clone has the source's own.
    """
    try:
        return datetime.strptime(labels.get(EXPIRES, ""), _EXPIRY).replace(tzinfo=UTC)
    except ValueError:
        return born(name) + TIME_TO_LIVE
