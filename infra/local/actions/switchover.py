"""Switch over: a primary and one of its replicas change their roles, and nothing is lost.

The primary is stopped in order, which sends its last record to the replicas. From the moment
that the replica is promoted there is no way back; killed in the midst, the next start goes on.
"""

import logging
import re
import time
from dataclasses import replace

import psycopg

from infra.local import availability
from infra.local.actions.create import take_base
from infra.local.actions.replica import independent
from infra.local.actions.subject import instance_of
from infra.local.engine import standby
from infra.local.engine.cluster import Cluster, bring_up
from infra.local.errors import EngineError, StoppingError
from infra.local.model import Body, Instance
from infra.local.work import Job

_SWITCHING, _TURNING = "switching", "turning"
_TURNS = 3
_REPLAY_LIMIT_S = 30
_POLL_S = 0.02
_CHECKPOINT = re.compile(r"^Latest checkpoint location:\s+(\S+)$", re.MULTILINE)
_log = logging.getLogger(__name__)
_ORDERLY = re.compile(r"^Database cluster state:\s+shut down$", re.MULTILINE)
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
    for _ in range(_TURNS - 1):
        try:
            _turn(job)
        except StoppingError:
            raise
        except (EngineError, OSError, psycopg.Error) as error:
            # There is no way back: a cluster that was killed meanwhile is started once more.
            _log.warning("%s is turned once more: %s", job.operation.target, error)
        else:
            return
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
    bring_up(new)
    if not new.is_promoted() and not _has_everything(old, new):
        raise BehindError(replica.name)
    new.promote()
    with service.store.transaction():
        for instance in _changed(primary, replica, service.store.replicas(primary.uid)):
            service.store.save_instance(instance)
        job.step(_TURNING)


def _has_everything(old: Cluster, new: Cluster) -> bool:
    """Return whether a replica has its primary's last record, which an orderly stop writes."""
    text = old.runner.run([old.programs.path("pg_controldata"), old.data], cwd=old.layout.root)
    match = _CHECKPOINT.search(text)
    if match is None or _ORDERLY.search(text) is None:
        return False
    deadline = time.monotonic() + _REPLAY_LIMIT_S
    with new.connect() as connection:
        while time.monotonic() < deadline:
            row = connection.execute(
                "SELECT pg_last_wal_replay_lsn() > %s::pg_lsn", (match[1],)
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
        replace(other, facts={**other.facts, "primary": replica.uid})
        for other in replicas
        if other.uid != replica.uid
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
    bring_up(cluster)
    other = service.cluster(demoted)
    if not standby.is_standby(other):
        other.stop()
        standby.mark(other)
    bring_up(other)
    for replica in store.replicas(fresh.uid):
        if replica.uid != demoted.uid:
            _turn_other(service.cluster(replica))
    standby.wait_streaming(cluster, other, demoted.name)
    has_base = any(base.era == fresh.era for base in store.bases(fresh.uid))
    if fresh.point_in_time_recovery and not has_base:
        take_base(job, cluster, fresh)
    availability.attempt(service, fresh)


def _turn_other(follower: Cluster) -> None:
    """Turn another replica to the new primary; one that can't be is made anew by the watch."""
    try:
        follower.configure()
        ran = follower.is_running()
        bring_up(follower)
        if ran:
            follower.reload()
    except StoppingError:
        raise
    except (EngineError, OSError, psycopg.Error) as error:
        _log.warning("%s does not follow yet: %s", follower.settings.name, error)


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
