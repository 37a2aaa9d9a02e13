"""Decides, without touching anything: which backups, which names."""

import random
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ops import backupruns
from ops.cloudsql import BackupRun
from ops.copynames import name_stem
from ops.errors import BadInputError
from ops.restore.copies import CopyPlan, Kind
from ops.results import CheckResult

# How long a drill's instances may live before anybody may take them for forgotten.
TIME_TO_LIVE = timedelta(hours=24)
_RUN = r"\d{12}-[0-9a-f]{4}"


class UnknownBackupError(BadInputError):
    """``--backup`` names a run that can't be restored."""

    def __init__(self, given: str, instance: str, usable: Sequence[str]) -> None:
        there = ", ".join(usable[:5]) or "none"
        super().__init__(
            f"Instance {instance} has no successful backup run {given!r}. Those it has, the newest "
            f"first: {there}. `invoke backup.list` tells more."
        )


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """What one drill restores.

    Attributes:
        run: the drill's name, unique and sorted by time.
        copies: the instances to be made.
        labels: for the instances that take labels.
        checks: what the choice of backups found.
    """

    run: str
    copies: tuple[CopyPlan, ...]
    labels: Mapping[str, str]
    checks: tuple[CheckResult, ...]


def run_name(now: datetime) -> str:
    """Return a new drill's name: its time in UTC and four random digits."""
    return f"{now.astimezone(UTC):%y%m%d%H%M%S}-{secrets.token_hex(2)}"


def plan(
    instance: str,
    project: str,
    runs: Sequence[BackupRun],
    *,
    run: str,
    now: datetime,
    backup: str = "",
    seed: int | None = None,
) -> DrillPlan:
    """Return what a drill restores.

    Args:
        instance: the source.
        project: its project, which counts in the limit of names.
        runs: the source's backup runs, the newest first.
        run: the drill's name.
        now: the time.
        backup: the one backup run to restore; empty takes the newest successful one.
        seed: restore one older run too, drawn at random from this seed.

    Raises:
        UnknownBackupError: ``backup`` is not there or was not successful.
    """
    chosen = choose(instance, runs, backup=backup, seed=seed)
    if not chosen:
        return DrillPlan(run, (), {}, (backupruns.freshness(runs, now),))
    stem = name_stem(instance, project)
    copies = tuple(
        CopyPlan(Kind.BACKUP, f"{stem}{run}-b{number}", one)
        for number, one in enumerate(chosen, start=1)
    )
    labels = {
        "made-by": "restore-drill",
        "drill": run,
        "drill-expires": f"{now + TIME_TO_LIVE:%Y%m%dt%H%M%Sz}",
    }
    clone = CopyPlan(Kind.CLONE, f"{stem}{run}-c")
    return DrillPlan(run, (*copies, clone), labels, (backupruns.freshness(runs, now),))


def choose(
    instance: str, runs: Sequence[BackupRun], *, backup: str, seed: int | None
) -> tuple[BackupRun, ...]:
    """Return the backup runs to restore; none where there is no successful one."""
    good = [run for run in runs if run.status == "SUCCESSFUL"]
    if backup:
        named = [run for run in good if run.id == backup]
        if not named:
            raise UnknownBackupError(backup, instance, [run.id for run in good])
        return (named[0],)
    if seed is None or len(good) < 2:  # noqa: PLR2004 - the newest and one older
        return tuple(good[:1])
    return (good[0], random.Random(seed).choice(good[1:]))  # noqa: S311 - a sample, no secret


def is_drill_copy(name: str, instance: str, project: str) -> bool:
    """Tell whether a name can only be that of a copy made by a drill of this instance.

    ``b1`` is a restored backup, ``c`` the clone, ``i`` the trial import of an export.
    """
    stem = re.escape(name_stem(instance, project))
    return re.fullmatch(rf"{stem}{_RUN}-(b\d{{1,2}}|c|i)", name) is not None


def born(name: str) -> datetime:
    """Return when the drill began that made a copy, from the copy's name."""
    found = re.search(r"-drill-(\d{12})-", name)
    assert found is not None  # noqa: S101 - is_drill_copy was asked before
    return datetime.strptime(found[1], "%y%m%d%H%M%S").replace(tzinfo=UTC)
