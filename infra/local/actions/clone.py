"""Clone an instance: as it is now, or as it was at a time.

The clone takes the base backup it came from along, as links, with the WAL up to where its
timeline branches off: it can be recovered to a point in time from its first moment.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from infra.local import availability, window
from infra.local.actions.subject import instance_of
from infra.local.engine import archive, basebackup, recovery, wal
from infra.local.engine.cluster import Cluster
from infra.local.engine.conf import Recovery
from infra.local.errors import EngineError
from infra.local.model import Base, Instance, InstanceState
from infra.local.service import Service
from infra.local.work import Job

# Replaying this much takes about as long as reading a small cluster once more.
_REPLAY_ALWAYS_BYTES = 512 * 1024 * 1024


class OutsideWindowError(EngineError):
    """No base backup is old enough."""

    def __init__(self, name: str, moment: datetime) -> None:
        super().__init__(
            f"{name} can't be recovered to {moment.isoformat()}: no base backup is older. "
            "Choose a later time."
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """What a clone is made from.

    Attributes:
        base_id: Names the base backup's folder below the clone.
        recovery: What is recovered on top of it.
        inherited: The archive whose WAL the clone takes along; None for none.
    """

    base_id: int
    recovery: Recovery
    inherited: Path | None


def run(job: Job) -> None:
    """Copy a base backup, recover it to the target, promote it."""
    service = job.service
    source = instance_of(job, "source_uid")
    instance = service.claim_address(instance_of(job))
    layout = service.make_home(instance)
    cluster = service.cluster(instance)
    origin = _originate(job, service.cluster(source), source, cluster)
    base = layout.base(origin.base_id)
    basebackup.copy(service.runner, base, layout.data)
    history = recovery.recover(cluster, origin.recovery)
    if origin.inherited is not None and cluster.settings.archive is not None:
        archive.inherit(
            origin.inherited,
            cluster.settings.archive,
            first=basebackup.first_segment(base),
            history=history,
        )
    keep_base(service, instance, origin.base_id, recoverable_from(cluster))
    basebackup.sync(service.runner, layout.root)
    if instance.stopped:
        cluster.stop()
    availability.ensure(service, instance)
    service.store.save_instance(replace(instance, state=InstanceState.RUNNABLE))


def recoverable_from(cluster: Cluster) -> datetime:
    """Return from when on a promoted cluster can be recovered, a commit behind it shipped."""
    moment = archive.now()
    if cluster.settings.archive is not None:
        archive.ship(cluster)
    return moment


def keep_base(service: Service, instance: Instance, base_id: int, usable_from: datetime) -> None:
    """Keep the base backup that an instance came from, or drop it where it is of no use."""
    if instance.point_in_time_recovery:
        service.store.add_base(Base(base_id, instance.uid, instance.era, usable_from))
    else:
        basebackup.discard(service.layout(instance.uid).base(base_id))


def _originate(job: Job, source: Cluster, instance: Instance, clone: Cluster) -> Origin:
    """Put the base backup into the clone's folder, and say what to recover on top of it."""
    text = job.operation.facts.get("point_in_time")
    lsn = _ship(source) if instance.point_in_time_recovery else None
    if text is not None:
        moment = datetime.fromisoformat(text)
        base = _base_before(job.service, instance, moment)
        return _from_base(job, source, base, clone, target_time=moment.isoformat())
    if lsn is not None:
        bases = job.service.store.bases(instance.uid)
        newest = next((base for base in bases if base.era == instance.era), None)
        if newest is not None and _worth_replaying(source, newest):
            return _from_base(job, source, newest, clone, target_lsn=lsn)
    base_id = int(archive.now().timestamp() * 1000)
    basebackup.take(source, clone.layout.base(base_id))
    return Origin(base_id, Recovery(archive=None), inherited=None)


def _ship(source: Cluster) -> str | None:
    """Bring a running source's archive up to date; a stopped one's is what it is."""
    return archive.ship(source) if source.is_running() else None


def _from_base(
    job: Job,
    source: Cluster,
    base: Base,
    clone: Cluster,
    *,
    target_time: str | None = None,
    target_lsn: str | None = None,
) -> Origin:
    folder = source.layout.archive(base.era)
    basebackup.adopt(job.service.runner, source.layout.base(base.id), clone.layout.base(base.id))
    return Origin(base.id, Recovery(folder, target_time, target_lsn), inherited=folder)


def _base_before(service: Service, instance: Instance, moment: datetime) -> Base:
    base = window.base_before(service, instance, moment)
    if base is None:
        raise OutsideWindowError(instance.name, moment)
    return base


def _worth_replaying(source: Cluster, base: Base) -> bool:
    """Whether replaying the WAL since a base backup is cheaper than taking another."""
    first = basebackup.first_segment(source.layout.base(base.id))
    since = [
        segment for segment in wal.segments(source.layout.archive(base.era)) if segment >= first
    ]
    replayed = len(since) * wal.SEGMENT_BYTES
    if replayed <= _REPLAY_ALWAYS_BYTES:
        return True
    with source.connect() as connection:
        row = connection.execute("SELECT sum(pg_database_size(oid)) FROM pg_database").fetchone()
    return row is not None and replayed <= int(row[0])
