"""Open and close the doors: one a running instance, all on one thread of their own."""

import asyncio
import errno
import logging
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from infra.local.addresses import holder_of
from infra.local.doors.pipe import Outside
from infra.local.engine.conf import server_pem
from infra.local.engine.keyring import Ring

# Every connector has it built in.
PORT = 3307
_BACKLOG = 512
_LIMIT_S = 10.0
_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opening:
    """A door that should be open.

    Attributes:
        uid: The instance's.
        address: Its loopback address.
        ring: Its certificates.
        socket: Returns the socket of the cluster that serves it now; None for none.
    """

    uid: str
    address: str
    ring: Ring
    socket: Callable[[], Path | None]


@dataclass(slots=True)
class _Door:
    opening: Opening
    stamp: int
    context: ssl.SSLContext
    server: asyncio.Server | None = None
    connections: set[Outside] = field(default_factory=set)

    async def listen(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(
            lambda: Outside(self.context, self._way, self.connections),
            self.opening.address,
            port,
            backlog=_BACKLOG,
        )

    async def _way(self) -> Path | None:
        try:
            return await asyncio.get_running_loop().run_in_executor(None, self.opening.socket)
        except Exception:  # noqa: BLE001 - this client is turned away, the next is asked anew
            _log.exception("No way from %s to its cluster", self.opening.address)
            return None

    async def close(self) -> None:
        if self.server is not None:
            self.server.close()
        for connection in tuple(self.connections):
            connection.abort()


class Doors:
    """The doors of one server. The thread begins with the first door.

    Args:
        port: Where connectors come to.
    """

    def __init__(self, port: int = PORT) -> None:
        self.port = port
        self._doors: dict[str, _Door] = {}
        self._shut: dict[str, str] = {}
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def settle(self, wanted_openings: Iterable[Opening]) -> None:
        """Open the doors that should be open, close all others; renew what was rotated."""
        with self._lock:
            openings = {opening.uid: opening for opening in wanted_openings}
            for uid, door in tuple(self._doors.items()):
                if uid not in openings or openings[uid].address != door.opening.address:
                    self._close(uid)
            for opening in openings.values():
                self._settle_one(opening)

    def close(self, uid: str) -> None:
        """Close an instance's door at once, with all connections through it."""
        with self._lock:
            if uid in self._doors:
                self._close(uid)

    def is_open(self, uid: str) -> bool:
        """Return whether an instance's door is open."""
        return uid in self._doors

    def stop(self) -> None:
        """Close every door and end the thread."""
        with self._lock:
            for uid in tuple(self._doors):
                self._close(uid)
            if self._loop is None or self._thread is None:
                return
            self._wait(self._loop.shutdown_default_executor())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None

    def _settle_one(self, opening: Opening) -> None:
        try:
            stamp = server_pem(opening.ring.folder).stat().st_mtime_ns
            door = self._doors.get(opening.uid)
            if door is None:
                door = _Door(opening, stamp, _context(opening.ring))
                self._wait(door.listen(self.port))
                self._doors[opening.uid] = door
                self._shut.pop(opening.uid, None)
            elif door.stamp != stamp:
                door.context, door.stamp = _context(opening.ring), stamp
        except Exception as error:  # noqa: BLE001 - instances live without their doors
            self._tell(opening, error)

    def _close(self, uid: str) -> None:
        door = self._doors.pop(uid)
        try:
            self._wait(door.close())
        except Exception:  # noqa: BLE001 - who asks has more to do than this
            _log.exception("The door on %s was not closed", door.opening.address)

    def _tell(self, opening: Opening, error: Exception) -> None:
        """Say once why a door stays shut: it is tried again all the time."""
        reason = str(error)
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            holder = (
                holder_of(self.port) or holder_of(self.port, opening.address) or "another process"
            )
            reason = f"port {self.port} is taken by {holder}"
        if self._shut.get(opening.uid) != reason:
            self._shut[opening.uid] = reason
            _log.warning("No door for connectors on %s: %s.", opening.address, reason)

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="doors", daemon=True
            )
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_LIMIT_S)


def _context(ring: Ring) -> ssl.SSLContext:
    keyring = ring.read()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    # A resumed session would outlive the certificate it began with.
    context.num_tickets = 0
    context.load_cert_chain(server_pem(ring.folder))
    context.load_verify_locations(cadata=keyring.ephemeral_authority.cert)
    return context
