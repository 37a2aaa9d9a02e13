"""What a killed server must not leave: processes, folders, sockets, addresses, operations."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

from bench.kills.estate import PG_PORT, Estate

_PROC = Path("/proc")
_CLAIMS = Path("/tmp/local-cloud-sql")  # noqa: S108 - the machine's claims on addresses
_SOCKETS = Path("/tmp")  # noqa: S108 - where the clusters' sockets lie
_LISTEN = "0A"
# What an instance's folder holds when nothing works on it.
_SETTLED = {
    "data", "data.2", "bases", "archive", "tls", "postgresql.log", "postgresql.log.1",
    "standby.log", "standby.log.1", "synchronous.conf",
}  # fmt: skip


def leaks(estate: Estate, standbys: frozenset[str]) -> list[str]:
    """Return what should not be there, in words.

    Args:
        estate: The server, settled.
        standbys: Names of the instances that have a standby.
    """
    return [
        *_operations(estate),
        *_folders(estate, standbys),
        *_backups(estate),
        *_processes(estate),
        *_sockets(estate),
        *_addresses(estate),
    ]


def _operations(estate: Estate) -> Iterator[str]:
    for name, kind in estate.state("SELECT name, type FROM operations WHERE status <> 'DONE'"):
        yield f"operation {kind} {name} is unfinished"


def _folders(estate: Estate, standbys: frozenset[str]) -> Iterator[str]:
    homes = estate.homes()
    for folder in (estate.data / "instances").iterdir():
        if folder not in homes.values():
            yield f"folder {folder.name} is no instance's"
    for name, home in homes.items():
        found = {path.name for path in home.iterdir()}
        for path in sorted(found - _SETTLED):
            yield f"{name} has {path} in its folder"
        if len(found & {"data", "data.2"}) != 1 + (name in standbys):
            yield f"{name} has {sorted(found & {'data', 'data.2'})}"


def _backups(estate: Estate) -> Iterator[str]:
    known = {(uid, str(base)) for uid, base in estate.state("SELECT instance, id FROM bases")}
    on_disk = {
        (folder.parent.parent.name, folder.name)
        for folder in (estate.data / "instances").glob("*/bases/*")
    }
    for uid, base in sorted(on_disk - known):
        yield f"base backup {base} of {uid} is known to nobody"
    for uid, base in sorted(known - on_disk):
        yield f"base backup {base} of {uid} is gone"
    for kind, name in estate.state(
        "SELECT status, id FROM backup_runs WHERE status NOT IN ('SUCCESSFUL', 'FAILED')"
    ):
        yield f"backup run {name} is {kind}"


def _processes(estate: Estate) -> Iterator[str]:
    """Each process in the folder is a living data directory's, one postmaster each."""
    expected = {
        lock.parent: int(lock.read_text().split("\n", 1)[0])
        for lock in (estate.data / "instances").glob("*/data*/postmaster.pid")
    }
    for pid, parent, here in _working_in(estate.data):
        postmaster = expected.get(here)
        if postmaster is None:
            yield f"process {pid} works in {here}"
        elif postmaster not in (pid, parent):
            yield f"process {pid} in {here} is not of postmaster {postmaster}"
    for home in estate.homes().values():
        for data in home.glob("data*"):
            if data not in expected:
                yield f"{data} has no postmaster"


def _working_in(folder: Path) -> Iterator[tuple[int, int, Path]]:
    for entry in _PROC.glob("[0-9]*"):
        try:
            here = (entry / "cwd").readlink()
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if here.is_relative_to(folder):
            yield int(entry.name), parent, here


def _sockets(estate: Estate) -> Iterator[str]:
    living = {home.name for home in estate.homes().values()}
    gone = estate.state("SELECT DISTINCT json_extract(facts, '$.uid') FROM operations")
    for (uid,) in gone:
        digest = hashlib.sha256(f"{estate.data}|{uid}".encode()).hexdigest()[:12]
        for folder in _SOCKETS.glob(f"lcs-{digest}*"):
            if uid not in living:
                yield f"socket folder {folder} of the deleted {uid}"


def _addresses(estate: Estate) -> Iterator[str]:
    known = {str(row[0]) for row in estate.state("SELECT address FROM instances")}
    claims = [path for path in _CLAIMS.iterdir() if not path.name.startswith(".")]
    claimed = {path.name for path in claims if _text(path) == str(estate.data)}
    for address in sorted(claimed ^ known):
        yield f"address {address} is {'claimed' if address in claimed else 'not claimed'}"
    # Those of another server, which may use the port too, are its own affair.
    others = {path.name for path in claims} - claimed
    for address in sorted(set(_listeners()) - known - others):
        yield f"{address}:{PG_PORT} is listened on"


def _listeners() -> Iterator[str]:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, state = line.split()[1], line.split()[3]
        host, port = local.split(":")
        if state == _LISTEN and int(port, 16) == PG_PORT:
            yield socket.inet_ntoa(bytes.fromhex(host)[::-1])


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:  # another server gave it back
        return ""
