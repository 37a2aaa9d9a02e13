"""One at a time: a lease in the store, with an owner and an expiry.

Whoever is suspended for longer than its lease (SIGSTOP, a laptop asleep, a store out of reach) may
find that another process took the lease over meanwhile and removed what was half done. Long work
therefore calls ``Holding.check`` while it waits, and ``Holding.confirm`` before it changes
something and before it records a result.
"""

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from ops.errors import ExitCode, OpsError
from ops.store import Store, Stored


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


class LeaseLostError(OpsError):
    """We were held up for longer than our lease, and somebody else may have gone on."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNKNOWN

    def __init__(self, name: str, until: str, fate: str) -> None:
        super().__init__(
            f"This {name} was suspended, or cut off from the store, past its lease, which ended at "
            f"{until}; {fate}. What it had not finished by then is not proven, and it changes "
            "nothing more. See what the other process did, then run this again."
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
        is_local = self.host == socket.gethostname() and self.boot == _boot()
        return is_local and not Path(f"/proc/{self.pid}").exists()


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


def _is_own(stored: Stored | None, lease: Lease) -> bool:
    current = None if stored is None else _decode(stored)
    return current is not None and current.token == lease.token


class Holding:
    """A lease that is held, as long as nobody took it over.

    Attributes:
        lease: as it was taken.
    """

    def __init__(self, store: Store, name: str, ttl: timedelta, lease: Lease) -> None:
        self.lease = lease
        self._store, self._name, self._ttl = store, name, ttl
        self._until = lease.until
        self._lock = threading.Lock()
        self._lost: LeaseLostError | None = None
        self._renewed = _clocks()

    @property
    def key(self) -> str:
        """Return where the lease is stored."""
        return f"leases/{self._name}.json"

    def check(self) -> None:
        """Raise LeaseLostError where the lease is lost; looks only if it was not renewed lately.

        Cheap: made to be called several times a second.
        """
        if self._lost is not None or self._age_s() > self._ttl.total_seconds() / 2:
            self.confirm()

    def confirm(self) -> None:
        """Look into the store whether the lease is still ours, and renew it.

        A lease that has ended and that nobody took is ours again: nothing happened meanwhile.

        Raises:
            LeaseLostError: somebody took it, it was removed, or it has ended and nobody can tell.
        """
        with self._lock:
            if self._lost is None:
                self._lost = self._fate()
            if self._lost is not None:
                raise self._lost

    def _fate(self) -> LeaseLostError | None:
        """Return how the lease was lost; None where it is ours."""
        began = _clocks()
        try:
            stored = self._store.get(self.key)
            holder = None if stored is None else _decode(stored)
            if stored is not None and holder is not None and holder.token == self.lease.token:
                return self._renew(stored, began)
        except (OpsError, OSError) as error:
            if self._age_s() < self._ttl.total_seconds() - _MARGIN_S:
                return None  # nobody else may take it yet
            return self._lost_as(f"{self._store.where(self.key)} can't be read ({error})")
        if holder is not None:
            return self._lost_as(f"process {holder.pid} on {holder.host} holds it now")
        what = "is gone" if stored is None else "can't be read"
        return self._lost_as(f"{self._store.where(self.key)} {what}: somebody may have held it")

    def _renew(self, stored: Stored, began: tuple[float, float]) -> LeaseLostError | None:
        fresh = _lease(self._ttl, token=self.lease.token, since=self.lease.since)
        try:
            renewed = self._store.replace(self.key, _encode(fresh), stored.version)
        except (OpsError, OSError):
            return None  # it may have space again before the lease ends
        if not renewed:
            return self._lost_as("another process took it over just now")
        self._renewed, self._until = began, fresh.until
        return None

    def _lost_as(self, fate: str) -> LeaseLostError:
        return LeaseLostError(self._name, self._until, fate)

    def _age_s(self) -> float:
        """Return the seconds since the last renewal, also those that the machine was asleep."""
        return max(now - then for now, then in zip(_clocks(), self._renewed, strict=True))


_MARGIN_S = 2.0  # the end is written in whole seconds, and a look takes its time


def _clocks() -> tuple[float, float]:
    """Return two clocks: the first stops while a machine sleeps, the second can be set back."""
    return time.monotonic(), time.time()


@contextmanager
def hold(store: Store, name: str, ttl: timedelta) -> Iterator[Holding]:
    """Hold a lease for the block, renewed every third of its time to live.

    A lease that expired, or whose process is gone from this machine, is taken over.

    Raises:
        LeaseHeldError: somebody else holds it.
        BadLeaseError: it can't be told who does.
    """
    lease = _lease(ttl)
    holding = Holding(store, name, ttl, lease)
    _take(store, holding.key, name, lease)
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(ttl.total_seconds() / 3):
            try:
                holding.confirm()
            except LeaseLostError:
                return

    renewer = threading.Thread(target=renew, name=f"lease-{name}", daemon=True)
    renewer.start()
    try:
        yield holding
    finally:
        ended.set()
        renewer.join()
        with suppress(OpsError, OSError):  # it ends by itself
            stored = store.get(holding.key)
            if _is_own(stored, lease):
                store.delete(holding.key)


def _take(store: Store, key: str, name: str, lease: Lease) -> None:
    while not store.create(key, _encode(lease)):
        stored = store.get(key)
        if stored is None:
            continue  # released between our two looks
        holder = _decode(stored)
        if holder is None:
            raise BadLeaseError(name, store.where(key))
        if not holder.stale(datetime.now(UTC)):
            raise LeaseHeldError(name, holder)
        if store.replace(key, _encode(lease), stored.version):
            return
