"""Bring everything back at a start: what a killed server left, and the instances themselves."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg

from infra.local import availability, damage
from infra.local.engine import basebackup
from infra.local.engine.cluster import bring_up
from infra.local.engine.process import settle_orphans
from infra.local.inspection import REMOVED
from infra.local.model import Instance, InstanceState
from infra.local.service import Service
from infra.local.work import Work
from ops.errors import OpsError

_AT_ONCE = 4
_log = logging.getLogger(__name__)


def bring_back(service: Service, work: Work) -> None:
    """Clear what is half-made, carry on what was under way, start or adopt the clusters."""
    settle_orphans(service.homes)
    _clear_removed_homes(service)
    damage.forget(service.data / "faults")
    work.take_back()
    instances = service.store.instances()
    _clear_removed_bases(service)
    # An operation that goes on looks after what it changes itself.
    busy = {name for operation in service.store.open_operations() for name in operation.changes}
    idle = [instance for instance in instances if (instance.project, instance.name) not in busy]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda instance: _start(service, instance), idle))
    _release_unknown_addresses(service)
    # Last: what it reads of other instances runs by now, and nothing else writes them down.
    work.carry_on()


def stop_clusters(service: Service) -> None:
    """Stop every cluster fast."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda instance: _stop(service, instance), service.store.instances()))


def _stop(service: Service, instance: Instance) -> None:
    try:
        service.cluster(instance).stop()
        if instance.highly_available:
            service.standby(instance).stop()
    except OpsError as error:
        _log.error("%s was not stopped: %s", instance.name, error)


def _start(service: Service, instance: Instance) -> None:
    """Adopt a cluster that lived on; start one that did not, or that listens elsewhere."""
    try:
        placed = _place(service, instance)
        service.secure(placed)
        cluster = service.cluster(placed)
        if not placed.stopped:
            bring_up(cluster)
        elif cluster.is_running():
            cluster.stop()
        availability.bring_back(service, placed)
    except (OpsError, OSError, psycopg.Error) as error:
        _log.error("%s did not come back: %s", instance.name, error)
        service.store.save_instance(replace(instance, state=InstanceState.FAILED))
    else:
        service.store.save_instance(replace(placed, state=InstanceState.RUNNABLE))


def _place(service: Service, instance: Instance) -> Instance:
    """Renew an instance's claim on its address, or find it another."""
    if instance.address and service.addresses.hold(instance.address):
        return instance
    return service.claim_address(replace(instance, address=""))


def _clear_removed_homes(service: Service) -> None:
    """Remove the rest of the folders whose removal was cut short; they are marked by their name."""
    known = {instance.uid for instance in service.store.instances()}
    for folder in service.homes.glob(f"*{REMOVED}"):
        if folder.name.removesuffix(REMOVED) not in known:
            basebackup.discard(folder)


def _clear_removed_bases(service: Service) -> None:
    """Remove the base backups that the state has forgotten and notes as to be removed."""
    for uid, base_id in service.store.removed_bases():
        service.discard_base(uid, base_id)


def _release_unknown_addresses(service: Service) -> None:
    known = {instance.address for instance in service.store.instances()}
    for address in service.addresses.used():
        if address not in known:
            service.addresses.release(address)
    service.addresses.sweep()
