"""How far back an instance can be recovered, and what may go from its archive.

Base backups and archived WAL carry PostgreSQL's times, which are the machine's; how long
they are kept is counted by the Admin API's clock.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from infra.local import schedule
from infra.local.engine import basebackup, wal
from infra.local.model import Base, Instance
from infra.local.service import Service


def bases(service: Service, instance: Instance) -> tuple[Base, ...]:
    """Return the base backups whose WAL since then is all there, newest first."""
    if not instance.point_in_time_recovery:
        return ()
    layout = service.layout(instance.uid)
    oldest: dict[int, wal.Segment | None] = {}

    def leads_on(base: Base) -> bool:
        if base.era not in oldest:
            archived = _segments(layout.archive(base.era))
            oldest[base.era] = archived[0] if archived else None
        first = oldest[base.era]
        if first is None:  # nothing was archived yet, or all of it has gone
            return base.era == instance.era
        # The archive goes on where the WAL ends that the base backup brings along.
        last = basebackup.last_segment(layout.base(base.id))
        return last is not None and first.number <= last.number + 1

    return tuple(base for base in service.store.bases(instance.uid) if leads_on(base))


def cutoff(service: Service, instance: Instance) -> datetime:
    """Return the machine's time before which the log need not reach."""
    days = schedule.log_days(instance.settings)
    return service.clock.machine(service.clock.now() - timedelta(days=days))


def earliest(service: Service, instance: Instance) -> datetime | None:
    """Return the earliest time that an instance can be recovered to, or None."""
    reached = min((base.usable_from for base in bases(service, instance)), default=None)
    return None if reached is None else max(reached, cutoff(service, instance))


def base_before(service: Service, instance: Instance, moment: datetime) -> Base | None:
    """Return the base backup that recovery to a time starts from, or None."""
    newest_first = bases(service, instance)
    return next((base for base in newest_first if base.usable_from <= moment), None)


def first_needed(service: Service, instance: Instance) -> Base | None:
    """Return the base backup that the beginning of the recovery window stands on, or None."""
    newest_first = bases(service, instance)
    before = base_before(service, instance, cutoff(service, instance))
    return before or (newest_first[-1] if newest_first else None)


def trim(service: Service, instance: Instance) -> None:
    """Remove the base backups of the server's own and the WAL that the window no longer needs.

    Killed in the midst it goes on at the next look: WAL goes oldest first, so that what is
    left has no gap, and a base backup is forgotten before its files go.
    """
    limit = cutoff(service, instance)
    if all(base.usable_from > limit for base in service.store.bases(instance.uid)):
        return
    # Within a transaction no operation begins that might read what is removed.
    with service.store.transaction():
        needed = first_needed(service, instance)
        if needed is None or needed.usable_from > limit or _busy(service, instance):
            return
        doomed = tuple(
            base
            for base in service.store.bases(instance.uid)
            if base.run is None and base.usable_from < needed.usable_from
        )
        for base in doomed:
            service.store.remove_base(base)
        for path in _unneeded(service, instance, needed):
            path.unlink(missing_ok=True)
    for base in doomed:
        service.discard_base(instance.uid, base.id)


def _unneeded(service: Service, instance: Instance, needed: Base) -> Iterator[Path]:
    layout = service.layout(instance.uid)
    first = basebackup.first_segment(layout.base(needed.id))
    for era in range(1, needed.era + 1):
        folder = layout.archive(era)
        for part in _segments(folder):
            if era < needed.era or part.number < first.number:
                yield folder / part.name


def _busy(service: Service, instance: Instance) -> bool:
    return any(
        operation.project == instance.project
        and instance.name in (operation.target, operation.source)
        for operation in service.store.open_operations()
    )


def _segments(folder: Path) -> tuple[wal.Segment, ...]:
    return wal.segments(folder) if folder.exists() else ()
