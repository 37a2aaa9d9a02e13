"""One at a time: a lease in the store, with an owner and an expiry."""

import json
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops.errors import OpsError
from ops.store import Store, Stored, StoreFullError


class LeaseHeldError(OpsError):
    """Somebody else does it now."""

    def __init__(self, name: str, holder: "Lease") -> None:
        super().__init__(
            f"Another {name} is under way: process {holder.pid} on {holder.host}, since "
            f"{holder.since}. Wait for it; its lease ends by itself at {holder.until} unless it "
            "renews it."
        )


class BadLeaseError(OpsError):
    """What lies in the lease's place is none."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(
            f"The lease {where} can't be read, so nobody knows who holds it. See that no {name} is "
            "under way, then remove it."
        )


@dataclass(frozen=True, slots=True)
class Lease:
    """Who does something, and until when they may.

    Attributes:
        token: random; names this holder.
        host, boot, pid: the process, the machine, and the machine's boot.
        since, until: ISO 8601, UTC.
    """

    token: str
    host: str
    boot: str
    pid: int
    since: str
    until: str

    def stale(self, now: datetime) -> bool:
        """Return whether nobody holds it any more: expired, or its process is gone from here."""
        if datetime.fromisoformat(self.until) <= now:
            return True
        here = self.host == socket.gethostname() and self.boot == _boot()
        return here and not Path(f"/proc/{self.pid}").exists()


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _lease(ttl: timedelta, *, token: str = "", since: str = "") -> Lease:
    now = datetime.now(UTC)
    return Lease(
        token=token or secrets.token_hex(8),
        host=socket.gethostname(),
        boot=_boot(),
        pid=os.getpid(),
        since=since or now.isoformat(timespec="seconds"),
        until=(now + ttl).isoformat(timespec="seconds"),
    )


def _encode(lease: Lease) -> bytes:
    return json.dumps(asdict(lease), indent=2).encode()


def _decode(stored: Stored) -> Lease | None:
    """Return a lease; None where the object is damaged."""
    try:
        lease = Lease(**json.loads(stored.content))
        return lease if datetime.fromisoformat(lease.until).tzinfo else None
    except (ValueError, TypeError):
        return None


def _ours(stored: Stored | None, lease: Lease) -> bool:
    found = None if stored is None else _decode(stored)
    return found is not None and found.token == lease.token


@contextmanager
def hold(store: Store, name: str, ttl: timedelta) -> Iterator[Lease]:
    """Hold a lease for the block, renewed every third of its time to live.

    A lease that expired, or whose process is gone from this machine, is taken over.

    Raises:
        LeaseHeldError: somebody else holds it.
        BadLeaseError: it can't be told who does.
    """
    key = f"leases/{name}.json"
    lease = _lease(ttl)
    _take(store, key, name, lease)
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(ttl.total_seconds() / 3):
            held = store.get(key)
            if held is None or not _ours(held, lease):
                return
            fresh = _lease(ttl, token=lease.token, since=lease.since)
            with suppress(StoreFullError):  # it may have space again before the lease ends
                store.replace(key, _encode(fresh), held.version)

    renewer = threading.Thread(target=renew, name=f"lease-{name}", daemon=True)
    renewer.start()
    try:
        yield lease
    finally:
        ended.set()
        renewer.join()
        held = store.get(key)
        if _ours(held, lease):
            store.delete(key)


def _take(store: Store, key: str, name: str, lease: Lease) -> None:
    while not store.create(key, _encode(lease)):
        held = store.get(key)
        if held is None:
            continue  # released between our two looks
        holder = _decode(held)
        if holder is None:
            raise BadLeaseError(name, store.where(key))
        if not holder.stale(datetime.now(UTC)):
            raise LeaseHeldError(name, holder)
        if store.replace(key, _encode(lease), held.version):
            return
