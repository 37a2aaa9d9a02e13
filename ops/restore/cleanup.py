"""Removes what a drill made, whatever happened, and puts back what it took away."""

import os
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

from ops.checks.crew import Crew
from ops.cloudsql import (
    ApiError,
    CloudSql,
    ExpiredCredentialsError,
    Operation,
    WaitTimeoutError,
    once,
)
from ops.console import Progress
from ops.errors import OpsError
from ops.journal import Entry, Journal
from ops.restore.source import Place

MAKING = frozenset({"create", "clone"})
DELETING = "delete"
HIDING = "hide"  # a file was moved away, and its place is in the facts
# An instance can't be deleted while it is made: a clone that was just begun takes its minutes.
BUSY_LIMIT_S = 600.0
# An API that is away, or credentials that ran out, may come back; each copy costs money.
PATIENCE_S = 120.0
PAUSE_S = 2.0


class NotGoneError(OpsError):
    """An instance is still there after it was deleted."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Instance {name} is still there although its deletion is done.")


def always(
    source: Place, crew: Crew, journal: Journal, progress: Progress, names: Iterable[str] = ()
) -> tuple[str, ...]:
    """Stop the drill's threads and remove everything it made; return what is left.

    Args:
        source: whose drill it is.
        crew: its threads.
        journal: of what it made.
        progress: where it shows itself.
        names: copies that it made for sure, also where the journal no longer says so.

    Interrupted a second time it says what is left and how to remove it, and gives up.
    """
    try:
        with progress.phase("Remove the copies"):
            crew.stop()
            return undo(source, journal, names)
    except BaseException:
        with suppress(OpsError):
            left = ", ".join(standing(journal)) or "nothing that costs anything"
            progress.line(
                f"The clean-up was cut short. Left behind: {left}. "
                f"Run `invoke restore.sweep -s {source.stack}`."
            )
        raise


def created_names(journal: Journal) -> tuple[str, ...]:
    """Return the instances that a run's journal says it may have made."""
    return tuple(sorted({entry.object for entry in journal.entries() if _makes(entry)}))


def standing(journal: Journal) -> tuple[str, ...]:
    """Return the instances that a run may have made and did not see gone."""
    removed = {
        entry.object for entry in journal.entries() if entry.action == DELETING and entry.done
    }
    return tuple(name for name in created_names(journal) if name not in removed)


def undo(source: Place, journal: Journal, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Undo everything in a run's journal; return a line for each thing left.

    The journal stays open: it is the trace of the drill until there is its evidence.
    """
    for entry in journal.entries():
        if entry.action == HIDING:
            put_back(entry)
    return remove(source.cloud, journal, sorted({*created_names(journal), *names}))


def remove(cloud: CloudSql, journal: Journal, names: Iterable[str]) -> tuple[str, ...]:
    """Delete instances side by side and see that they are gone; return a line for each that stays.

    Deletion protection, which a clone inherits, is taken off first. An operation that still
    runs on an instance is waited for, and so is an API that does not answer or does not know
    us just now.
    """
    patient = cloud.bounded(busy_s=BUSY_LIMIT_S)
    deadline = time.monotonic() + PATIENCE_S
    left: dict[str, OpsError] = _round(patient, journal, names)
    while any(map(_may_pass, left.values())) and time.monotonic() < deadline:
        time.sleep(PAUSE_S)
        again = {name for name, error in left.items() if _may_pass(error)}
        left = {name: error for name, error in left.items() if name not in again}
        left |= _round(patient, journal, sorted(again))
    return tuple(f"{name}: {_reason(cloud, name, error)}" for name, error in sorted(left.items()))


def _round(cloud: CloudSql, journal: Journal, names: Iterable[str]) -> dict[str, OpsError]:
    """Try once; return why each instance stays that does."""
    left: dict[str, OpsError] = {}
    deletions: list[tuple[str, Operation, Entry]] = []
    for name in names:
        try:
            deleting = _delete(cloud, journal, name)
            if deleting is not None:
                deletions.append((name, *deleting))
        except OpsError as error:
            if not _is_deleted(cloud, name):
                left[name] = error
    for name, operation, entry in deletions:
        try:
            cloud.wait(operation)
            if cloud.find(name) is not None:
                raise NotGoneError(name)
            journal.done(entry)
        except OpsError as error:
            left[name] = error
    return left


def _may_pass(error: OpsError) -> bool:
    """Tell whether asking again in a while may help."""
    if isinstance(error, ApiError) and error.status == HTTPStatus.UNAUTHORIZED:
        return True
    return once.may_pass(error) or isinstance(error, ExpiredCredentialsError)


def _reason(cloud: CloudSql, name: str, error: OpsError) -> str:
    """Return why an instance stays; an operation that holds it is named, and how to follow it."""
    if isinstance(error, ApiError) and error.reason == "operationInProgress":
        with suppress(OpsError):
            for operation in cloud.operations(name):
                if operation.status != "DONE":
                    return str(WaitTimeoutError(operation, BUSY_LIMIT_S))
    return str(error)


def _delete(cloud: CloudSql, journal: Journal, name: str) -> tuple[Operation, Entry] | None:
    instance = cloud.find(name)
    if instance is None:
        return None
    if instance.deletion_protection:
        off = {"settings": {"deletionProtectionEnabled": False}}
        cloud.wait(cloud.patch(name, off))
    entry = journal.intend(DELETING, name)
    operation = cloud.delete(name)
    return operation, journal.started(entry, operation.id)


def _is_deleted(cloud: CloudSql, name: str) -> bool:
    """Whether something else removed it: a failed clone takes its own instance back."""
    try:
        return cloud.find(name) is None
    except OpsError:
        return False


def _makes(entry: Entry) -> bool:
    return entry.action in MAKING


def hide(journal: Journal, path: Path, away: Path | None = None) -> Path:
    """Move a file aside, written down first, so that any later run can put it back.

    Args:
        journal: the run's.
        path: the file.
        away: its new place, on the same file system; else beside it.

    Returns:
        Where it is now.
    """
    away = away or path.with_name(f".hidden-{path.name}")
    journal.intend(HIDING, path.name, path=str(path), away=str(away))
    path.rename(away)
    return away


def spoil(
    journal: Journal, path: Path, change: Callable[[Path], None], away: Path | None = None
) -> None:
    """Move a file aside as ``hide`` does, and leave a changed copy in its place.

    The copy is made beside it and renamed: links to the file, as backups and clones share
    them, stay as they are.
    """
    hidden = hide(journal, path, away)
    draft = hidden.with_name(f"{hidden.name}.spoiled")
    shutil.copy2(hidden, draft)
    owner = hidden.stat()
    os.chown(draft, owner.st_uid, owner.st_gid)
    change(draft)
    draft.rename(path)


def put_back(entry: Entry) -> None:
    """Move a hidden file back to its place; nothing where that was done already."""
    path, away = Path(entry.facts["path"]), Path(entry.facts["away"])
    away.with_name(f"{away.name}.spoiled").unlink(missing_ok=True)
    if away.exists():
        away.replace(path)
