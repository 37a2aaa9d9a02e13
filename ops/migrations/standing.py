"""How each migration stands, by its file and the ledger: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ops.errors import BadInputError
from ops.migrations import steps
from ops.migrations.disagreements import UnverifiableError
from ops.migrations.errors import AlmostMarkError
from ops.migrations.files import Migration
from ops.migrations.ledger import Applied, State
from ops.migrations.steps import Direction


class Standing(StrEnum):
    """How a migration stands."""

    APPLIED = "applied"
    PENDING = "pending"
    DRAFT = "draft: no statement yet"
    HALF_APPLIED = "half applied"
    HALF_TAKEN_BACK = "half taken back"
    CHANGED = "changed since applied"
    FILE_MISSING = "applied, file missing"
    OUT_OF_ORDER = "pending, out of order"
    REFUSED = "pending, can't be applied"
    DOWN_CHANGED = "applied, down changed since"
    ALMOST_MARKED = "applied, a comment is almost a mark"
    UNREADABLE = "applied, file can't be read"


# What the next run can't settle by itself, and somebody should look at.
TROUBLE = frozenset(
    {
        Standing.CHANGED,
        Standing.FILE_MISSING,
        Standing.OUT_OF_ORDER,
        Standing.HALF_APPLIED,
        Standing.HALF_TAKEN_BACK,
        Standing.REFUSED,
        Standing.DOWN_CHANGED,
        Standing.ALMOST_MARKED,
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One migration, and how it stands.

    Attributes:
        version: its number.
        name: its name.
        standing: how it stands.
        applied_at: when, where it is applied.
        applied_by: the role.
        detail: what is wrong with its file, and what to do; empty where nothing is.
    """

    version: str
    name: str
    standing: Standing
    applied_at: datetime | None = None
    applied_by: str = ""
    detail: str = ""


def entries(migrations: Sequence[Migration], state: State) -> tuple[Entry, ...]:
    """Return every migration of the files and the ledger, in the order of numbers."""
    files = {migration.order: migration for migration in migrations}
    applied = {int(row.version): row for row in state.applied}
    highest = max(applied, default=0)
    listed = []
    for order in sorted(files.keys() | applied.keys()):
        row, migration = applied.get(order), files.get(order)
        if row is None and migration is not None:
            migration = _planned(migration)
        standing = _standing(order, migration, row, state, highest)
        known = row or migration
        if known is not None:
            at, by = (row.applied_at, row.applied_by) if row else (None, "")
            detail = _detail(migration, row)
            listed.append(Entry(known.version, known.name, standing, at, by, detail))
    return tuple(listed)


def _planned(migration: Migration) -> Migration:
    """Return a pending file with its problem, where it can't be cut into steps."""
    try:
        for direction in Direction:
            steps.plan(migration, direction)
    except BadInputError as problem:
        return replace(migration, problem=migration.problem or problem)
    return migration


def _detail(migration: Migration | None, row: Applied | None) -> str:
    if migration is None or migration.problem is None:
        return ""
    if row is not None and isinstance(migration.problem, AlmostMarkError):
        return migration.problem.applied
    return str(UnverifiableError(migration) if row else migration.problem)


def _standing(
    order: int, migration: Migration | None, row: Applied | None, state: State, highest: int
) -> Standing:
    half = {step.direction for step in state.steps if int(step.version) == order}
    if row is None:
        return _standing_pending(migration, half=bool(half), early=order < highest)
    if Direction.DOWN in half:
        return Standing.HALF_TAKEN_BACK
    return _standing_applied(migration, row)


def _standing_applied(migration: Migration | None, row: Applied) -> Standing:
    if migration is None:
        return Standing.FILE_MISSING
    if not migration.analysed:
        return Standing.UNREADABLE
    if migration.up.checksum != row.checksum:
        return Standing.CHANGED
    if down_changed(migration, row):
        return Standing.DOWN_CHANGED
    return Standing.ALMOST_MARKED if migration.problem else Standing.APPLIED


def _standing_pending(migration: Migration | None, *, half: bool, early: bool) -> Standing:
    if half:
        return Standing.HALF_APPLIED
    if migration is not None and migration.problem:
        return Standing.REFUSED
    if migration is not None and migration.draft:
        return Standing.DRAFT
    return Standing.OUT_OF_ORDER if early else Standing.PENDING


def down_changed(migration: Migration, row: Applied) -> bool:
    """Tell whether the way back changed; an older program's rows don't say what it was."""
    return row.down_checksum is not None and row.down_checksum != migration.down_checksum
