"""The guard: it notices at once that a PostgreSQL died, and brings its instance back.

It sleeps on the postmasters' pidfds, so that it wakes when one ends. What it does follows
from what it sees alone: a look that comes late, or again, does no harm.
"""

import logging
import os
import select
import threading
from contextlib import suppress

from infra.local.engine import standby
from infra.local.engine.cluster import postmaster_of
from infra.local.errors import StoppingError
from infra.local.model import Instance, InstanceState, Operation, OperationType
from infra.local.service import Service
from infra.local.store import InProgressError
from infra.local.work import Work, new_operation

_LOOK_MS = 300  # a postmaster younger than this may die unnoticed, until the next look
_log = logging.getLogger(__name__)


class Guard:
    """Watches the postmasters, on a thread of its own."""

    def __init__(self, service: Service, work: Work) -> None:
        self._service = service
        self._work = work
        self._watched: dict[int, int] = {}
        self._thread = threading.Thread(target=self._run, name="guard", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Wait for the end of the last look; the server is stopping already."""
        self._thread.join()

    def _run(self) -> None:
        while not self._service.runner.stopping.is_set():
            try:
                self._watch(self._look())
            except StoppingError:
                return
            except Exception:  # noqa: BLE001 - the next look may find it mended
                _log.exception("The guard's look failed")
                self._service.runner.stopping.wait(_LOOK_MS / 1000)
                continue
            poll = select.poll()
            for descriptor in self._watched.values():
                poll.register(descriptor, select.POLLIN)
            poll.poll(_LOOK_MS)

    def _watch(self, pids: set[int]) -> None:
        for ended in self._watched.keys() - pids:
            os.close(self._watched.pop(ended))
        for pid in pids - self._watched.keys():
            with suppress(ProcessLookupError):
                self._watched[pid] = os.pidfd_open(pid)

    def _look(self) -> set[int]:
        """Do what is to be done, and return the pids of the postmasters that live."""
        store = self._service.store
        busy = {name for operation in store.open_operations() for name in operation.changes}
        living: set[int] = set()
        for instance in store.instances():
            if instance.state is not InstanceState.RUNNABLE:
                continue
            layout = self._service.layout_of(instance)
            pids = [postmaster_of(layout.data)]
            if instance.highly_available:
                pids.append(postmaster_of(layout.standby.data))
                self._count_on(instance, *pids)
            living |= {pid for pid in pids if pid is not None}
            should_run = not instance.stopped and (instance.project, instance.name) not in busy
            if None in pids and should_run:
                self._begin(instance)
        return living

    def _count_on(self, instance: Instance, primary: int | None, other: int | None) -> None:
        """Let commits no longer wait for a standby that died, whatever else is going on."""
        layout = self._service.layout_of(instance)
        if primary and not other and standby.waits(layout.synchronous):
            _log.warning("The standby of %s died", instance.name)
            with suppress(FileNotFoundError):  # deleted at this moment
                standby.set_synchronous(self._service.cluster(instance), on=False)

    def _begin(self, seen: Instance) -> None:
        """Begin what brings an instance back, if it still has to be when nothing else begins."""
        store = self._service.store
        with suppress(InProgressError):
            with store.transaction():
                instance = store.by_uid(seen.uid)
                operation = None if instance is None else self._remedy(instance)
                if operation is None:
                    return
                started = store.begin(operation, beside_readers=True)
            self._work.start(started, urgent=True)

    def _remedy(self, instance: Instance) -> Operation | None:
        if instance.state is not InstanceState.RUNNABLE or instance.stopped:
            return None
        layout = self._service.layout_of(instance)
        facts = {"uid": instance.uid}
        if postmaster_of(layout.data) is None:
            synchronous = instance.highly_available and standby.is_synchronous(layout.synchronous)
            kind = OperationType.AUTO_RESTART
            if synchronous and postmaster_of(layout.standby.data) is not None:
                kind = OperationType.FAILOVER
            _log.warning("PostgreSQL of %s died: %s", instance.name, kind)
        elif instance.highly_available and postmaster_of(layout.standby.data) is None:
            kind = OperationType.RECREATE_REPLICA
        else:
            return None
        return new_operation(kind, instance.project, instance.name, facts=facts)
