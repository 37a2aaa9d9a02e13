"""Carries an order out, from wherever an earlier process left it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ops import guard, sql
from ops.cloudsql import Instance, NoSuchInstanceError, Operation, once
from ops.console import Progress
from ops.db import CHANGE, statement
from ops.errors import OpsError
from ops.restore import cleanup
from ops.restore.recovery import body
from ops.restore.recovery.calls import Calls
from ops.restore.recovery.order import RUN_LABEL, Order, Task
from ops.restore.source import Source

# What brings the data, by task: the last call, after which only checking is left.
BRINGS = {Task.TO_NEW: "restore", Task.PITR: "clone", Task.IN_PLACE: "restore"}
MAKES = {Task.TO_NEW: "create", Task.PITR: "clone"}
# Cloud SQL archives the log every five minutes or sooner:
# https://cloud.google.com/sql/docs/postgres/backup-recovery/pitr
ARCHIVED_LIMIT_S, _ARCHIVED_PAUSE_S = 600.0, 5.0
_PASS_TRIES, _PASS_PAUSE_S = 5, 0.5


class ReplicasLeftError(OpsError):
    """A read replica can't be deleted."""

    def __init__(self, left: tuple[str, ...]) -> None:
        super().__init__(
            f"Not every read replica could be deleted: {'; '.join(left)}. Delete them, then run "
            "this again: it goes on."
        )


class NotPassedError(OpsError):
    """The source's clock is not past the moment."""

    def __init__(self, order: Order) -> None:
        super().__init__(
            f"The clock of {order.source} is not past {order.moment:%Y-%m-%d %H:%M:%S.%f} yet. Ask "
            "for an earlier time, or a little later."
        )


@dataclass(frozen=True, slots=True)
class Carried:
    """What the cloud did.

    Attributes:
        operations: in order, each done.
        safety: the backup run that was taken first; empty where none was.
    """

    operations: tuple[Operation, ...]
    safety: str = ""


def carry(source: Source, order: Order, calls: Calls, progress: Progress) -> Carried:
    """Make every call that is left, and wait for each.

    Raises:
        ops.errors.OpsError: a call was refused, or an operation failed or still runs.
    """
    how: dict[Task, Callable[[_Carrier], Carried]] = {
        Task.TO_NEW: _Carrier.to_new,
        Task.PITR: _Carrier.pitr,
        Task.IN_PLACE: _Carrier.in_place,
    }
    return how[order.task](_Carrier(source, order, calls, progress))


def description(run: str) -> str:
    """Return the words by which the backup that a restore takes first is known."""
    return f"before restore.in-place {run}"


def is_ours(instance: Instance, run: str) -> bool:
    """Tell whether an instance bears the label of a restore."""
    labels = instance.body.get("settings", {}).get("userLabels", {})
    return bool(labels.get(RUN_LABEL) == run)


@dataclass(frozen=True, slots=True)
class _Carrier:
    source: Source
    order: Order
    calls: Calls
    progress: Progress

    @property
    def run(self) -> str:
        return self.calls.journal.run

    def to_new(self) -> Carried:
        order = self.order
        guard.differ(order.source, order.instance)
        with self.progress.phase(f"Create {order.instance}"):
            created = self.calls.once(
                "create", order.instance, "CREATE", self._insert, self._check_created
            )
        return Carried((created, self._restore()))

    def pitr(self) -> Carried:
        order, cloud = self.order, self.source.cloud
        guard.differ(order.source, order.instance)
        if order.pass_by and self.calls.entry("clone") is None:
            self.calls.confirm()
            pass_by(self.source, order)
            self._archived(order)
        with self.progress.phase(f"Clone {order.content} to {order.instance}"):
            cloned = self.calls.once(
                "clone",
                order.instance,
                "CLONE",
                lambda: cloud.clone(order.source, order.instance, order.moment),
            )
        return Carried((cloned,))

    def _archived(self, order: Order) -> None:
        """Wait until the archive reaches the moment; the clone's own call has the last word.

        The local Cloud SQL archives as it clones.
        """
        if self.source.server is not None or order.moment is None:
            return
        until = time.monotonic() + ARCHIVED_LIMIT_S
        with self.progress.phase(f"Wait until the archive reaches {order.moment:%H:%M:%S} UTC"):
            while time.monotonic() < until:
                latest = self.source.cloud.recovery_window(order.source).latest
                if latest is not None and latest >= order.moment:
                    return
                time.sleep(_ARCHIVED_PAUSE_S)

    def in_place(self) -> Carried:
        order, cloud = self.order, self.source.cloud
        done: list[Operation] = []
        safety = ""
        if not order.request.no_backup_first:
            with self.progress.phase(f"Back up {order.instance} first"):
                backup = self.calls.once(
                    "backup",
                    order.instance,
                    "BACKUP_VOLUME",
                    lambda: cloud.create_backup(order.instance, description(self.run)),
                    self._backed_up,
                )
            done.append(backup)
            safety = self._safety(backup)
            self.progress.line(f"What is there now is in backup run {safety}.")
        if order.replicas and self.calls.entry("restore") is None:
            self.calls.confirm()
            with self.progress.phase(f"Delete {', '.join(order.replicas)}"):
                left = cleanup.remove(cloud, self.calls.journal, order.replicas)
            if left:
                raise ReplicasLeftError(left)
        return Carried((*done, self._restore()), safety)

    def _restore(self) -> Operation:
        order, cloud = self.order, self.source.cloud
        with self.progress.phase(f"Restore backup run {order.backup} into {order.instance}"):
            return self.calls.once(
                "restore",
                order.instance,
                "RESTORE_VOLUME",
                lambda: cloud.restore_backup(order.source, order.backup, order.instance),
            )

    def _insert(self) -> Operation:
        order, cloud = self.order, self.source.cloud
        like = cloud.instance(order.source)
        return cloud.insert(
            body.new_instance(like, order.instance, self.run, zonal=order.request.zonal)
        )

    def _check_created(self, _operation: Operation) -> bool:
        """Tell whether a creation was ours: the instance bears our label."""
        try:
            return is_ours(self.source.cloud.instance(self.order.instance), self.run)
        except NoSuchInstanceError:
            return True  # it failed and left nothing: its error is to be told

    def _backed_up(self, operation: Operation) -> bool:
        cloud = self.source.cloud
        return once.backup_call(cloud, self.order.instance, description(self.run)).ours(operation)

    def _safety(self, operation: Operation) -> str:
        runs = self.source.cloud.backup_runs(self.order.instance)
        run = once.find_run(runs, description(self.run), operation.backup_id)
        return operation.backup_id if run is None else run.id


def pass_by(source: Source, order: Order) -> None:
    """Commit a transaction on the source that is later than the moment.

    Raises:
        NotPassedError: the source's clock is behind ours by more than the tries take.
        ops.db.CannotConnectError: the source does not answer.
    """
    query = statement(sql.load("restore/passing_commit"))
    with source.database.connect(source.owner, budget=CHANGE, name="restore") as connection:
        for _ in range(_PASS_TRIES):
            row = connection.execute(query, {"moment": order.moment}).fetchone()
            if row and row[0]:
                return
            time.sleep(_PASS_PAUSE_S)
    raise NotPassedError(order)
