"""Compare the state with what is in the data folder, before anything is started or removed.

What the state does not know is never removed: where the two disagree, the start is refused.
The state is read from a copy, so that a damaged one stays as it is.
"""

import os
import shlex
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from infra.local import schema
from infra.local.errors import StateRefusedError
from infra.local.mark import MarkFile
from infra.local.model import Instance, InstanceState
from infra.local.store import Store, spare_of

STATE = "state.sqlite"
REMOVED = ".removed"  # marks an instance's folder that is being removed
# In these states an instance's files are half there, and an operation or its owner knows it.
_UNSETTLED = (InstanceState.PENDING_CREATE, InstanceState.PENDING_DELETE, InstanceState.FAILED)
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """How the state and the folder disagree.

    Attributes:
        reason: In words, as ``is empty``.
        readable: Whether the state itself can be gone on with.
        unknown: Folders of instances and backups that the state does not know.
    """

    reason: str
    readable: bool
    unknown: tuple[Path, ...]


class _UnusableError(Exception):
    """The state can't be gone on with; the message says why."""


class _NoStateError(_UnusableError):
    """There is no state, or an empty one."""


def refusal(data: Path, finding: Finding) -> StateRefusedError:
    """Return the refusal to start, which names what is there and how to go on."""
    spare = _spare_advice(data, finding)
    return StateRefusedError(data, finding.reason, describe(data), spare, readable=finding.readable)


def inspect(data: Path) -> Finding | None:
    """Return how the state and the folder disagree; None if they don't."""
    try:
        return _compare(data)
    except _NoStateError as error:
        folders = (*_folders(data / "instances"), *_folders(data / "backups"))
        if not folders and MarkFile(data / "state.mark").read() is None:
            return None  # a new folder, or one that was left before anything was made
        return Finding(str(error), readable=False, unknown=folders)
    except _UnusableError as error:
        folders = (*_folders(data / "instances"), *_folders(data / "backups"))
        return Finding(str(error), readable=False, unknown=folders)


def describe(data: Path) -> str:
    """Return in words which instances and backups a data folder has, with their sizes."""
    homes, backups = _folders(data / "instances"), _folders(data / "backups")
    bases = sum(len(_folders(home / "bases")) for home in homes)
    named = _listed(f"{path.name} ({_size_mb(path)} MB)" for path in homes)
    size = sum(_size_mb(path) for path in backups)
    return (
        f"instances: {named or 'none'}; base backups in them: {bases}; backups of deleted "
        f"instances: {len(backups)} ({size} MB)"
    )


def _compare(data: Path) -> Finding | None:
    path = data / STATE
    if not path.exists() or path.stat().st_size == 0:
        raise _NoStateError("is empty" if path.exists() else "is missing")
    with tempfile.TemporaryDirectory(prefix="lcs-state-") as folder:
        copy = Path(folder) / STATE
        for source in (path, path.with_name(f"{STATE}-wal")):
            if source.exists():
                shutil.copyfile(source, copy.with_name(source.name))
        _check_tables(copy)
        try:
            with closing(Store(copy)) as store:
                _check_mark(data, store)
                return _disagreement(data, store)
        except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
            raise _UnusableError(f"can't be read ({error})") from error


def _check_tables(copy: Path) -> None:
    """Refuse a state that is damaged, lacks tables, or is of a later version.

    Raises:
        _UnusableError: Saying which.
    """
    try:
        with closing(sqlite3.connect(copy)) as connection:
            version = schema.version(connection)
            if version > schema.VERSION:
                raise _UnusableError(f"was written by a later version (its tables: {version})")
            wrong = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if wrong != "ok":
                raise _UnusableError(f"is damaged ({wrong})")
            if schema.is_empty(connection):
                raise _NoStateError("has no tables")
            if lacking := schema.missing(connection):
                raise _UnusableError(f"lacks {_listed(lacking)}")
    except sqlite3.Error as error:
        raise _UnusableError(f"is damaged ({error})") from error


def _check_mark(data: Path, store: Store) -> None:
    """Refuse a state that is not the one that was written last.

    Raises:
        _UnusableError: It is another folder's, or older.
    """
    written = MarkFile(data / "state.mark").read()
    if written is None:  # of an earlier version, or lost: what is in the folder has to tell
        return
    if written.identity != store.mark.identity:
        raise _UnusableError("is another folder's")
    behind = written.sequence - store.mark.sequence
    if behind > 0:
        raise _UnusableError(f"is an older one: it lacks the last {behind} changes")


def _disagreement(data: Path, store: Store) -> Finding | None:
    instances = {instance.uid: instance for instance in store.instances()}
    busy = {str(uid) for operation in store.open_operations() for uid in operation.facts.values()}
    idle = tuple(instance for instance in instances.values() if instance.uid not in busy)
    _check_sides(data, idle)
    unknown = (
        *(path for path in _folders(data / "instances") if path.name not in instances),
        *_unknown_bases(data, store, idle),
        *_unknown_kept(data, store),
    )
    lost = tuple(instance.name for instance in idle if _is_gone(data, instance))
    reasons = []
    if unknown:
        reasons.append(f"does not know {_listed(str(p.relative_to(data)) for p in unknown)}")
    if lost:
        reasons.append(f"knows instances whose data is gone: {_listed(lost)}")
    return Finding(" and ".join(reasons), readable=True, unknown=unknown) if reasons else None


def _listed(names: Iterable[str]) -> str:
    listed = tuple(names)
    return ", ".join(listed[:_SHOWN]) + (", ..." if len(listed) > _SHOWN else "")


def _unknown_bases(data: Path, store: Store, idle: tuple[Instance, ...]) -> Iterator[Path]:
    """Yield the base backups that nobody knows, of instances that no operation works on."""
    removed = set(store.removed_bases())
    for instance in idle:
        known = {str(base.id) for base in store.bases(instance.uid)}
        known |= {str(base_id) for uid, base_id in removed if uid == instance.uid}
        bases = _folders(data / "instances" / instance.uid / "bases")
        yield from (path for path in bases if path.name not in known)


def _unknown_kept(data: Path, store: Store) -> Iterator[Path]:
    known = {str(backup.id) for backup in store.kept_backups()}
    known |= {str(operation.backup_id) for operation in store.open_operations()}
    yield from (path for path in _folders(data / "backups") if path.name not in known)


def _is_gone(data: Path, instance: Instance) -> bool:
    home = data / "instances" / instance.uid
    return instance.state not in _UNSETTLED and not (home / instance.side).exists()


def _check_sides(data: Path, idle: tuple[Instance, ...]) -> None:
    """Refuse a state of before a failover: what it takes for the standby is the primary.

    Raises:
        _UnusableError: Naming the instance.
    """
    for instance in idle:
        primary = data / "instances" / instance.uid / instance.side
        if instance.primary is None and (primary / "standby.signal").exists():
            raise _UnusableError(f"is an older one: {instance.name} has failed over since")


def _folders(folder: Path) -> tuple[Path, ...]:
    """Return the folders in one, but for those that are being removed."""
    if not folder.is_dir():
        return ()
    paths = (path for path in sorted(folder.iterdir()) if path.is_dir())
    return tuple(path for path in paths if not path.name.endswith(REMOVED))


def _size_mb(folder: Path) -> int:
    """Return the size of the files in a folder; those that vanish or are closed count as none."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - many files
            except OSError:
                continue
    return total // 1_000_000


def _spare_advice(data: Path, finding: Finding) -> str:
    """Return how to put the spare copy of the state back, where it is the newest state."""
    spare = spare_of(data / STATE)
    if finding.readable or not spare.exists():
        return ""
    try:
        with tempfile.TemporaryDirectory(prefix="lcs-state-") as folder:
            copy = Path(folder) / STATE
            shutil.copyfile(spare, copy)
            _check_tables(copy)
            with closing(Store(copy)) as store:
                _check_mark(data, store)
    except (_UnusableError, sqlite3.Error, ValueError, TypeError, KeyError, OSError):
        return ""
    written = datetime.fromtimestamp(spare.stat().st_mtime, UTC)
    state, log, index, copied = (
        shlex.quote(str(path))
        for path in (*(data / f"{STATE}{end}" for end in ("", "-wal", "-shm")), spare)
    )
    return (
        f"put back its spare copy of {written:%Y-%m-%d %H:%M:%S} UTC, which has every change "
        f"(`rm -f {log} {index} && cp {copied} {state}`); or "
    )
