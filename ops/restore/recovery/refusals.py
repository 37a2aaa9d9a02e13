"""Why a restore is refused before anything is made, as sentences."""

from collections.abc import Sequence
from datetime import datetime

from ops.cloudsql import BackupRun
from ops.errors import BadInputError, OpsError


def _at(moment: datetime | None) -> str:
    return "unknown" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


class UnknownBackupError(BadInputError):
    """``--backup`` names no run of the instance."""

    def __init__(self, backup: str, instance: str, usable: Sequence[str]) -> None:
        listed = ", ".join(usable[:5]) or "none"
        super().__init__(
            f"Instance {instance} has no backup run {backup!r}. Those that can be restored, the "
            f"newest first: {listed}. `invoke backup.list` tells more."
        )


class UnusableBackupError(OpsError):
    """The backup run did not succeed."""

    def __init__(self, run: BackupRun) -> None:
        why = f" ({run.error})" if run.error else ""
        super().__init__(
            f"Backup run {run.id} is {run.status}{why} and can't be restored. Name another one: "
            "`invoke backup.list`."
        )


class NoBackupError(OpsError):
    """There is nothing to restore."""

    def __init__(self, instance: str) -> None:
        super().__init__(
            f"Instance {instance} has no successful backup run. `invoke restore.pitr --to latest` "
            "needs none where point-in-time recovery is on."
        )


class NoBackupNamedError(BadInputError):
    """A restore in place was asked for without saying of what."""

    def __init__(self, instance: str, usable: Sequence[str]) -> None:
        listed = ", ".join(usable[:5]) or "none"
        super().__init__(
            f"Say which backup run replaces everything in {instance}: --backup ID. Those that can "
            f"be restored, the newest first: {listed}."
        )


class InPlaceToTimeError(BadInputError):
    """A moment was asked for in place."""

    def __init__(self, stack: str, to: str) -> None:
        super().__init__(
            "Cloud SQL restores an instance in place from a backup run only. For a moment run "
            f"`invoke restore.pitr -s {stack} --to {to!r}`: it makes a new instance; then set "
            "`ai-square-db:instance` to its name, and point the application there "
            "(docs/restoring.md)."
        )


class StoppedError(OpsError):
    """The instance is stopped."""

    def __init__(self, instance: str) -> None:
        super().__init__(
            f"Instance {instance} is stopped, and Cloud SQL refuses it so. Start it: `gcloud sql "
            f"instances patch {instance} --activation-policy=ALWAYS`; or restore a backup run into "
            "a new one: `invoke restore.to-new`."
        )


class ReplicasError(OpsError):
    """Read replicas stand in the way."""

    def __init__(self, instance: str, replicas: Sequence[str]) -> None:
        super().__init__(
            f"{instance} has read replicas, and Cloud SQL restores nothing under them: "
            f"{', '.join(replicas)}. Add --delete-replicas to delete them first; deploying the "
            "stack makes them anew afterwards."
        )


class NoRecoveryError(OpsError):
    """Point-in-time recovery is off."""

    def __init__(self, instance: str, stack: str) -> None:
        super().__init__(
            f"Point-in-time recovery is not enabled for {instance}, so there are only its backup "
            f"runs: `invoke restore.to-new -s {stack}`."
        )


class NothingArchivedError(OpsError):
    """The API knows no latest recovery time."""

    def __init__(self, instance: str) -> None:
        super().__init__(
            f"Cloud SQL tells no latest recovery time of {instance}: nothing was archived yet. "
            "Give a time, or restore a backup run with `invoke restore.to-new`."
        )


class FutureError(BadInputError):
    """The moment has not come yet."""

    def __init__(self, moment: datetime, now: datetime, latest: datetime | None) -> None:
        super().__init__(
            f"{_at(moment)} is in the future: it is {_at(now)}. The newest time that can be "
            f"recovered to is {_at(latest)} (--to latest)."
        )


class OutsideWindowError(BadInputError):
    """The moment is too long ago."""

    def __init__(
        self, instance: str, moment: datetime, earliest: datetime, latest: datetime | None
    ) -> None:
        super().__init__(
            f"{instance} can't be recovered to {_at(moment)}: its window is from {_at(earliest)} "
            f"to {_at(latest)}. An older state is in its backup runs (`invoke backup.list`, "
            "`invoke restore.to-new --backup ID`)."
        )


class NotArchivedError(OpsError):
    """No commit is known behind the moment, and the source can't be asked for one."""

    def __init__(self, instance: str, moment: datetime, latest: datetime | None) -> None:
        super().__init__(
            f"{_at(moment)} is later than the newest commit in the archive of {instance}, and the "
            "instance does not answer: a recovery to it would not end. The newest time that can "
            f"be recovered to is {_at(latest)} (--to latest)."
        )


class BadNameError(BadInputError):
    """``--name`` can't be an instance's name."""

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(
            f"--name {name!r:.120} can't be an instance's: lower-case letters, digits and "
            f"hyphens, beginning with a letter, at most {limit} characters in this project."
        )


class DrillNameError(BadInputError):
    """``--name`` is what drills call their copies."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"--name {name!r} is what restore drills call their copies, which are swept away. "
            "Take another."
        )


class NameTakenError(BadInputError):
    """There is such an instance."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is an instance {name} already; a restore never writes over one that it did "
            "not make. Take another --name; a deleted instance's name is free after some days."
        )
