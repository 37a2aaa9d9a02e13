"""Lists an instance's backup runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from ops.cloudsql import BackupRun
from ops.console import Table
from ops.invocation import Invocation


@dataclass(frozen=True, slots=True)
class Backups:
    """The backup runs of an instance, the newest first."""

    instance: str
    backups: tuple[BackupRun, ...]

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        if not self.backups:
            return (f"{self.instance} has no backups. Take one with `invoke backup.create`.",)
        columns = ("id", "type", "status", "started (UTC)", "seconds", "description")
        rows = tuple(
            (
                run.id,
                run.type,
                run.status,
                run.started and f"{run.started:%Y-%m-%d %H:%M:%S}",
                _seconds(run),
                run.error or run.description,
            )
            for run in self.backups
        )
        return (Table(f"Backups of {self.instance}", columns, rows),)


def listing(run: Invocation) -> Backups:
    """Return the backup runs of the stack's instance.

    Raises:
        ops.cloudsql.NoSuchInstanceError: the instance is not provisioned.
    """
    name = run.cloud.instance(run.target.instance).name
    return Backups(name, run.cloud.backup_runs(name))


def _seconds(run: BackupRun) -> str:
    if run.started is None or run.ended is None:
        return ""
    return f"{(run.ended - run.started).total_seconds():.1f}"
