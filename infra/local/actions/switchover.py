"""Switch over: a primary and one of its replicas change their roles, and nothing is lost.

The primary is stopped in order, which sends its last record to the replicas. From the moment
that the replica is promoted there is no way back; killed in the midst, the next start goes on.
"""

import re
import time
from dataclasses import replace

from infra.local import availability
from infra.local.actions.create import take_base
from infra.local.actions.replica import independent
from infra.local.actions.subject import instance_of
from infra.local.engine import standby
from infra.local.engine.cluster import Cluster, wait_for_socket
from infra.local.errors import EngineError
from infra.local.model import Body, Instance
from infra.local.work import Job

_SWITCHING, _TURNING = "switching", "turning"
_REPLAY_LIMIT_S = 30
_POLL_S = 0.02
_CHECKPOINT = re.compile(r"^Latest checkpoint location:\s+(\S+)$", re.MULTILINE)
_NO_BACKUPS = {
    "enabled": False,
    "pointInTimeRecoveryEnabled": False,
    "replicationLogArchivingEnabled": False,
}


class BehindError(EngineError):
    """The replica has not got everything."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The replica {name} lacks what its primary wrote last. Try again later.")


def run(job: Job) -> None:
    """Stop the primary, promote the replica, turn the others to it."""
    if job.operation.step != _TURNING:
        _switch(job)
    _turn(job)


def _switch(job: Job) -> None:
    service = job.service
    primary, replica = instance_of(job, "primary_uid"), instance_of(job)
    old, new = service.cluster(primary), service.cluster(replica)
    # Begun again, the primary may be stopping already: nobody streams from it any more.
    if job.operation.step != _SWITCHING and old.is_running():
        standby.wait_streaming(old, new, replica.name, 10)
    job.step(_SWITCHING)
    availability.remove(service, primary)
    old.stop()
    if not new.is_running():
        new.start()
    if not new.is_promoted() and not _has_everything(old, new):
        raise BehindError(replica.name)
    new.promote()
    with service.store.transaction():
        for one in _changed(primary, replica, service.store.replicas(primary.uid)):
            service.store.save_instance(one)
        job.step(_TURNING)


def _has_everything(old: Cluster, new: Cluster) -> bool:
    """Return whether a replica has its stopped primary's last record."""
    text = old.runner.run([old.programs.path("pg_controldata"), old.data], cwd=old.layout.root)
    found = _CHECKPOINT.search(text)
    if found is None:
        return False
    deadline = time.monotonic() + _REPLAY_LIMIT_S
    with new.connect() as connection:
        while time.monotonic() < deadline:
            row = connection.execute(
                "SELECT pg_last_wal_replay_lsn() > %s::pg_lsn", (found[1],)
            ).fetchone()
            if row == (True,):
                return True
            new.runner.pause(_POLL_S)
    return False


def _changed(
    primary: Instance, replica: Instance, replicas: tuple[Instance, ...]
) -> tuple[Instance, ...]:
    """Return the instances with their new roles; backups are the primary's affair."""
    backups: Body = primary.settings["backupConfiguration"]
    turned = tuple(
        replace(one, facts={**one.facts, "primary": replica.uid})
        for one in replicas
        if one.uid != replica.uid
    )
    return (
        replace(
            replica,
            era=replica.era + 1,
            settings={**replica.settings, "backupConfiguration": dict(backups)},
            facts=independent(replica),
        ),
        replace(
            primary,
            settings={**primary.settings, "backupConfiguration": {**backups, **_NO_BACKUPS}},
            facts={**primary.facts, "primary": replica.uid},
        ),
        *turned,
    )


def _turn(job: Job) -> None:
    service, store = job.service, job.service.store
    fresh, demoted = instance_of(job), instance_of(job, "primary_uid")
    service.runner.make_folder(service.layout(fresh.uid).archive(fresh.era))
    cluster = service.cluster(fresh)
    if not cluster.has_configuration():
        cluster.stop()
        cluster.configure()
    if not cluster.is_running():
        cluster.start()
    other = service.cluster(demoted)
    if not standby.is_standby(other):
        other.stop()
        standby.mark(other)
    for one in store.replicas(fresh.uid):
        _follow(service.cluster(one))
    standby.wait_streaming(cluster, other, demoted.name)
    has_base = any(base.era == fresh.era for base in store.bases(fresh.uid))
    if fresh.point_in_time_recovery and not has_base:
        take_base(job, cluster, fresh)
    availability.attempt(service, fresh)


def _follow(follower: Cluster) -> None:
    """Turn a replica to another primary; only what was that primary has to be started."""
    follower.configure()
    if follower.is_running():
        wait_for_socket(follower)  # begun again, it may be starting still
        follower.reload()
    else:
        follower.start()


def undo(job: Job, _reason: str) -> None:
    """Let the primary go on, unless the replica has taken over."""
    service = job.service
    primary, replica = instance_of(job, "primary_uid"), instance_of(job)
    if job.operation.step == _TURNING:
        return
    if job.operation.step == _SWITCHING and not standby.is_standby(service.cluster(replica)):
        run(job)
        return
    cluster = service.cluster(primary)
    if job.operation.step == _SWITCHING:
        cluster.stop()  # it may be under way
    if not cluster.is_running():
        cluster.start()
    availability.attempt(service, primary)
