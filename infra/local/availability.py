"""The standby of a REGIONAL instance: there, streaming and synchronous, or gone."""

import logging
import shutil

import psycopg

from infra.local.engine import standby
from infra.local.engine.cluster import Cluster
from infra.local.errors import EngineError, StoppingError
from infra.local.model import Instance
from infra.local.service import Service

_log = logging.getLogger(__name__)
# A standby that was only restarted is back at once; else it is made anew.
_BACK_LIMIT_S = 10


def ensure(service: Service, instance: Instance) -> None:
    """Give an instance the standby that its settings ask for, or take it away.

    Raises:
        EngineError: If the standby can't be made.
    """
    other = _standby(service, instance)
    if other is None:
        return
    primary = service.cluster(instance)
    if not _is_back(primary, other):
        standby.set_synchronous(primary, on=False)
        standby.seed(primary, other)
        other.start()
        standby.wait_streaming(primary, other, standby.STANDBY)
    standby.set_synchronous(primary, on=True)


def _standby(service: Service, instance: Instance) -> Cluster | None:
    """Return the standby that is to run; where none is, remove it or stop it, and return None."""
    if not instance.highly_available:
        remove(service, instance)
        return None
    other = service.standby(instance)
    if instance.stopped:
        other.stop()
        return None
    return other


def _is_back(primary: Cluster, other: Cluster) -> bool:
    """Return whether a standby that is there already streams, with its settings."""
    if not standby.is_standby(other):
        return False
    try:
        begin(other)
        standby.wait_streaming(primary, other, standby.STANDBY, _BACK_LIMIT_S)
    except StoppingError:
        raise
    except (EngineError, OSError) as error:
        _log.warning("The standby of %s is made anew: %s", primary.settings.name, error)
        return False
    return True


def begin(other: Cluster) -> None:
    """Start a standby with its settings, or leave it alone where it runs with them."""
    if not other.has_configuration():
        other.stop()
        other.configure()
    if not other.is_running():
        other.start()


def attempt(service: Service, instance: Instance) -> None:
    """Do as ``ensure``, but go on without a standby where none can be had: it is tried again."""
    try:
        ensure(service, instance)
    except StoppingError:
        raise
    except (EngineError, OSError, psycopg.Error) as error:
        _log.error("%s has no standby: %s", instance.name, error)


def bring_back(service: Service, instance: Instance) -> None:
    """Start or adopt the standby at the server's start; one that can't be is made anew later."""
    other = _standby(service, instance)
    if other is None:
        return
    try:
        if standby.is_standby(other):
            begin(other)
            return
    except StoppingError:
        raise
    except (EngineError, OSError) as error:
        _log.warning("The standby of %s did not come back: %s", instance.name, error)
    standby.set_synchronous(service.cluster(instance), on=False)


def remove(service: Service, instance: Instance) -> None:
    """Remove the standby, if there is one; commits no longer wait for it."""
    primary, other = service.cluster(instance), service.standby(instance)
    if primary.layout.synchronous.exists():
        standby.set_synchronous(primary, on=False)
    if not other.data.exists():
        return
    other.stop("immediate")
    shutil.rmtree(other.data, ignore_errors=True)
    if not instance.highly_available:
        primary.layout.synchronous.unlink(missing_ok=True)
