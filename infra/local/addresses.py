"""Loopback addresses: one an instance, claimed for the whole machine.

A claim is a file named as the address, in a folder that every user of the machine may
write to; it names the data folder that it belongs to. It outlives the server, since its
clusters may; it is void when that data folder is gone.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import EngineError, NoAddressError, PostgresPortInUseError

CLAIMS = Path("/tmp/local-cloud-sql")  # noqa: S108 - shared by all users on purpose, sticky bit set
_TRIES = 2000
_TCP = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_EVERY = "0.0.0.0"  # noqa: S104 - looked for, not bound
_LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Claims loopback addresses for one data folder.

    Attributes:
        data: The data folder.
        port: PostgreSQL's port on each of them.
        claims: Where the machine's claims lie.
    """

    data: Path
    port: int
    claims: Path = CLAIMS

    def claim(self, owner: str, preferred: str | None = None) -> str:
        """Claim a free address.

        Args:
            owner: Whose it is; the same name gets the same address where it is free.
            preferred: The address that it had.

        Raises:
            PostgresPortInUseError: If the port is taken on every address.
            NoAddressError: If none is free.
        """
        self.check_port()
        with self._lock():
            for address in _candidates(f"{self.data}|{owner}", preferred):
                if (
                    self._is_ours_or_free(address)
                    and is_free(address, self.port)
                    and self._write(address)
                ):
                    return address
        raise NoAddressError

    def hold(self, address: str) -> bool:
        """Renew the claim on the address of a running cluster; False if it became another's."""
        with self._lock():
            return self._is_ours_or_free(address) and self._write(address)

    def release(self, address: str) -> None:
        """Give an address back."""
        with self._lock():
            claim = self.claims / address
            if claim.exists() and claim.read_text() == str(self.data):
                claim.unlink()

    def sweep(self) -> None:
        """Remove the machine's claims whose data folder is gone, as far as this user may."""
        with self._lock():
            for claim in self.claims.iterdir():
                if claim.name.startswith(".") or not self._is_ours_or_free(claim.name):
                    continue
                if claim.read_text() != str(self.data):
                    with contextlib.suppress(PermissionError):
                        claim.unlink()

    def used(self) -> tuple[str, ...]:
        """Return the addresses that this data folder has claimed."""
        if not self.claims.exists():
            return ()
        claims = (path for path in self.claims.iterdir() if not path.name.startswith("."))
        return tuple(path.name for path in claims if path.read_text() == str(self.data))

    def check_port(self) -> None:
        """Refuse a port that something holds on all addresses.

        Raises:
            PostgresPortInUseError: Naming the holder.
        """
        holder = holder_of(self.port)
        if holder is not None:
            raise PostgresPortInUseError(self.port, holder)

    def _is_ours_or_free(self, address: str) -> bool:
        try:
            holder = Path((self.claims / address).read_text())
        except FileNotFoundError:
            return True
        if holder == self.data:
            return True
        try:
            return not (holder / "server.lock").exists()
        except PermissionError:
            return False

    def _write(self, address: str) -> bool:
        """Write a claim; False where the sticky bit protects another user's void one."""
        claim = self.claims / address
        # Replaced, not rewritten: a claim may have been left by another user.
        fresh = self.claims / f".{os.getpid()}.{address}"
        fresh.write_text(str(self.data))
        fresh.chmod(0o644)
        try:
            fresh.replace(claim)
        except PermissionError:
            fresh.unlink()
            return False
        return True

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self._make_claims()
        path = self.claims / ".lock"
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make_claims(self) -> None:
        try:
            self.claims.mkdir()
        except FileExistsError:
            if not stat.S_ISDIR(self.claims.lstat().st_mode):
                raise EngineError(f"{self.claims} is no folder. Remove it.") from None
        else:
            self.claims.chmod(0o1777)


def _candidates(seed: str, preferred: str | None) -> Iterator[str]:
    if preferred is not None:
        yield preferred
    for turn in range(_TRIES):
        digest = hashlib.sha256(f"{seed}|{turn}".encode()).digest()
        # Never 127.0.x.y, where other things of this machine listen; nor 0 or 255 at the end.
        yield f"127.{1 + digest[0] % 254}.{digest[1]}.{1 + digest[2] % 254}"


def is_free(address: str, port: int) -> bool:
    """Return whether nobody listens on this port of this address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise EngineError(
                f"{address}:{port} can't be listened on: {error.strerror}."
            ) from error
        return True


def holder_of(port: int, address: str = _EVERY) -> str | None:
    """Return who listens on this port of this very address, in words; None if nobody does."""
    endpoints = {f"{socket.inet_aton(address)[::-1].hex().upper()}:{port:04X}"}
    if address == _EVERY:
        # A listener on [::] takes the addresses of IPv4 too, as docker's usually do.
        endpoints.add(f"{'0' * 32}:{port:04X}")
    for table in _TCP:
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            fields = line.split()
            if fields[1] in endpoints and fields[3] == _LISTEN:
                return _name_of(fields[9])
    return None


def _name_of(inode: str) -> str:
    """Return the process that holds a socket, as far as this user may see it."""
    link = f"socket:[{inode}]"
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(fd.readlink()) == link for fd in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue
    return "another user's process"
