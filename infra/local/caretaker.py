"""What is due by the clock: automated backups, the end of old ones, more disk."""

from contextlib import suppress

from infra.local import disk, schedule, window
from infra.local.model import Operation, OperationType
from infra.local.runs import deleting, new_run, taking
from infra.local.service import Service
from infra.local.store import InProgressError
from infra.local.watch import Watcher
from infra.local.work import Work, new_operation


def back_up(service: Service, work: Work) -> None:
    """Begin the automated backups that are due."""
    store = service.store
    for instance in store.instances():
        due = schedule.due(instance, store.runs(instance.uid), store.clock.now())
        if due is None:
            continue
        # A busy instance's turn comes with a later look.
        with suppress(InProgressError):
            with store.transaction():
                run = new_run(store, instance, schedule.AUTOMATED, window=due)
                store.add_run(run)
                operation = store.begin(taking(instance, run))
            work.start(operation)


def expire(service: Service, work: Work) -> None:
    """Begin to delete the backups that had their day, one of an instance at a time."""
    store, now = service.store, service.clock.now()
    for instance in store.instances():
        keep = schedule.retained(instance.settings)
        for run in schedule.expired(store.runs(instance.uid), keep, now)[:1]:
            _begin(service, work, deleting(instance.project, instance.name, run))
    for backup in store.kept_backups():
        if backup.expires is not None and backup.expires <= now:
            _begin(service, work, deleting(backup.project, backup.instance, backup.run))


def trim(service: Service, _work: Work) -> None:
    """Remove the log that no recovery window needs any more."""
    for instance in service.store.instances():
        if instance.point_in_time_recovery:
            window.trim(service, instance)


def _begin(service: Service, work: Work, operation: Operation) -> None:
    with suppress(InProgressError):
        work.start(service.store.begin(operation))


class DiskWatch:
    """Grows the disks that are nearly full; looks as often as Cloud SQL does."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def __call__(self, service: Service, work: Work) -> None:
        """Look if it is time."""
        now_s = service.clock.now().timestamp()
        if now_s < self._next_s:
            return
        self._next_s = now_s + disk.LOOK_EVERY_S
        for instance in service.store.instances():
            if not disk.can_grow(instance):
                continue
            used = disk.used_bytes(service.layout_of(instance).data)
            size_gb = disk.grown_gb(instance.settings, used)
            if size_gb is None:
                continue
            facts = {
                "uid": instance.uid,
                "settings": disk.resized(instance.settings, size_gb),
                "extra": instance.extra,
            }
            growing = new_operation(
                OperationType.UPDATE, instance.project, instance.name, facts=facts
            )
            with suppress(InProgressError):
                with service.store.transaction():
                    # Changed since it was read: the next look sees what it is now.
                    if service.store.by_uid(instance.uid) != instance:
                        continue
                    operation = service.store.begin(growing)
                work.start(operation)


WATCHERS: tuple[Watcher, ...] = (back_up, expire, trim, DiskWatch())
