"""Give an instance other settings: flags, point-in-time recovery, running or stopped."""

from collections.abc import Sequence
from dataclasses import replace

from infra.flags import catalogue
from infra.local import availability, replication, schedule
from infra.local.actions.create import drop_base, take_base
from infra.local.actions.subject import instance_of
from infra.local.engine import standby
from infra.local.engine.cluster import Cluster, ClusterStartError
from infra.local.errors import EngineError
from infra.local.model import Instance
from infra.local.work import Job


class FlagsRefusedError(EngineError):
    """PostgreSQL does not start with changed flags."""

    code = "ERROR_RDBMS"

    def __init__(self, name: str, flags: Sequence[str], reason: str) -> None:
        super().__init__(
            f"PostgreSQL of {name} did not start with another value of {', '.join(flags)}: {reason}"
        )


def run(job: Job) -> None:
    """Apply the settings; what PostgreSQL refuses leaves the old set in force."""
    service = job.service
    before = instance_of(job)
    settings = job.operation.facts["settings"]
    after = replace(
        before,
        settings=settings,
        extra=job.operation.facts["extra"],
        facts=schedule.facts_after(before, settings, service.clock.now()),
    )
    opens = after.point_in_time_recovery and not before.point_in_time_recovery
    if opens:
        # The WAL of the time without is missing: nothing older leads into the new era.
        after = replace(after, era=before.era + 1)
        service.runner.make_folder(service.layout(after.uid).archive(after.era))
    cluster = service.cluster(after)
    restart = _restarts(before, after)
    if restart and before.primary is not None and not before.facts.get("replication_stopped"):
        _settle(service.cluster(replication.primary_of(service.store, before)), cluster)
    _apply(service.cluster(before), cluster, restart=restart)
    if after.stopped:
        cluster.stop()
    elif not cluster.is_running():
        cluster.start()
    has_base = any(base.era == after.era for base in service.store.bases(after.uid))
    if after.point_in_time_recovery and not after.stopped and not has_base:
        take_base(job, cluster, after)
    availability.ensure(service, after)
    service.store.save_instance(after)


def _settle(primary: Cluster, replica: Cluster) -> None:
    """Let a replica know all of its primary's settings before it starts again.

    Recovery begins at the last checkpoint that was replayed. While it finds a primary there
    that had more connections than the replica is to have, the replica does not start.
    """
    with primary.connect() as connection:
        connection.execute("CHECKPOINT")
    standby.wait_replayed(primary, replica)


def _apply(before: Cluster, after: Cluster, *, restart: bool) -> None:
    if before.settings == after.settings:
        return
    after.check_configuration()
    after.configure()
    if not after.is_running():
        return
    if not restart:
        after.reload()
        return
    try:
        after.restart()
    except ClusterStartError as error:
        changed = sorted(
            {name for name, _ in set(before.settings.flags) ^ set(after.settings.flags)}
        )
        if not changed:
            raise
        raise FlagsRefusedError(after.settings.name, changed, error.reason) from error


def _restarts(before: Instance, after: Instance) -> bool:
    """Whether PostgreSQL takes the difference only at a start."""
    if before.point_in_time_recovery != after.point_in_time_recovery:
        return True
    if before.highly_available != after.highly_available:
        return True  # no need here, but Cloud SQL does
    known = catalogue()
    changed = {name for name, _ in set(before.flags) ^ set(after.flags)}
    return any(name not in known or known[name].restart for name in changed)


def undo(job: Job, _reason: str) -> None:
    """Put the settings back that are written down."""
    instance = instance_of(job)
    drop_base(job, instance)
    _forget_bases_of_later_eras(job, instance)
    cluster = job.service.cluster(instance)
    if not cluster.has_configuration():
        cluster.configure()
        cluster.stop()
    if instance.stopped:
        cluster.stop()
    elif not cluster.is_running():
        cluster.start()
    availability.attempt(job.service, instance)


def _forget_bases_of_later_eras(job: Job, instance: Instance) -> None:
    """Remove a whole base backup of the era that did not begin.

    The next time that point-in-time recovery is turned on has the same number. A base backup
    that it met would count as its own, although the WAL between the two was never archived.
    """
    for base in job.service.store.bases(instance.uid):
        if base.era > instance.era:
            job.service.store.remove_base(base)
            job.service.discard_base(instance.uid, base.id)
