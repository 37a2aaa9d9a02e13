"""Looks, unasked, whether the standbys that run also stream."""

import time
from enum import Enum, auto

import psycopg

from infra.local.engine import standby
from infra.local.engine.cluster import Cluster
from infra.local.model import Instance, InstanceState, OperationType
from infra.local.service import Service
from infra.local.store import InProgressError
from infra.local.work import Work, new_operation

# As long as a primary may take for a restart, in which its standby waits for it.
_PATIENCE_S = 10.0


class _Health(Enum):
    STREAMS = auto()
    UNKNOWN = auto()
    LOST = auto()


class StandbyCheck:
    """Lets commits wait for the standbys that stream; makes those anew that don't."""

    def __init__(self) -> None:
        self._silent_since: dict[str, float] = {}

    def __call__(self, service: Service, work: Work) -> None:
        """Look at the standbys and replicas of every instance that nothing works on."""
        busy = {name for operation in service.store.open_operations() for name in operation.changes}
        idle = {
            instance.uid: instance
            for instance in service.store.instances()
            if instance.state is InstanceState.RUNNABLE
            and not instance.stopped
            and (instance.project, instance.name) not in busy
        }
        for instance in idle.values():
            if instance.highly_available:
                self._look_at_standby(service, work, instance)
            elif (primary := idle.get(str(instance.primary))) and not instance.facts.get(
                "replication_stopped"
            ):
                pair = service.cluster(primary), service.cluster(instance)
                if self._health(instance, *pair, instance.name) is _Health.LOST:
                    _remake(service, work, instance)

    def _look_at_standby(self, service: Service, work: Work, instance: Instance) -> None:
        primary, other = service.cluster(instance), service.standby(instance)
        health = self._health(instance, primary, other, standby.STANDBY)
        if health is _Health.LOST:
            standby.set_synchronous(primary, on=False)
            _remake(service, work, instance)
        elif health is _Health.STREAMS and not standby.is_synchronous(primary.layout.synchronous):
            standby.set_synchronous(primary, on=True)

    def _health(self, instance: Instance, primary: Cluster, other: Cluster, name: str) -> _Health:
        if not primary.is_running() or not other.is_running():
            return _Health.UNKNOWN  # and the guard's
        try:
            streams = standby.streams(primary, name)
        except psycopg.Error:
            return _Health.UNKNOWN
        if streams:
            self._silent_since.pop(instance.uid, None)
            return _Health.STREAMS
        since = self._silent_since.setdefault(instance.uid, time.monotonic())
        if time.monotonic() - since < _PATIENCE_S:
            return _Health.UNKNOWN
        del self._silent_since[instance.uid]
        return _Health.LOST


def _remake(service: Service, work: Work, instance: Instance) -> None:
    facts = {"uid": instance.uid}
    operation = new_operation(
        OperationType.RECREATE_REPLICA, instance.project, instance.name, facts=facts
    )
    try:
        operation = service.store.begin(operation, beside_readers=True)
    except InProgressError:
        return
    work.start(operation, urgent=True)
