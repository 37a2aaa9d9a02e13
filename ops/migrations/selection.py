"""Decide which migrations run: pure, from the files and what the ledger says."""

from collections.abc import Sequence
from dataclasses import replace

from ops.migrations import steps
from ops.migrations.answers import Answers, NotUnfinishedError
from ops.migrations.disagreements import (
    AppliedFileMissingError,
    ChangedError,
    DownChangedError,
    FileMissingError,
    HalfDoneError,
    HalfFileMissingError,
    IrreversibleError,
    OutOfOrderError,
    RenumberedError,
    UnfinishedStepError,
    UnknownVersionError,
    UnverifiableError,
)
from ops.migrations.errors import AlmostMarkError
from ops.migrations.files import Migration
from ops.migrations.ledger import Applied, State
from ops.migrations.standing import down_changed
from ops.migrations.steps import Direction, Step


def to_apply(
    migrations: Sequence[Migration],
    state: State,
    *,
    to: str = "",
    allow_out_of_order: bool = False,
) -> tuple[Migration, ...]:
    """Return what ``up`` has to apply, in order, up to the first file that must not run.

    Args:
        migrations: of the folder.
        state: of the ledger.
        to: the last version to apply; empty means all.
        allow_out_of_order: also apply files below the highest applied number.

    Raises:
        ops.errors.OpsError: files and ledger don't agree, or there is no such version.
    """
    _refuse_half(state, Direction.DOWN)
    applied = {int(row.version): row for row in state.applied}
    for migration in migrations:
        _refuse_changed(migration, applied.get(migration.order), down=True)
    files = {migration.order for migration in migrations}
    lost = {row.checksum: row for order, row in applied.items() if order not in files}
    pending = _pending(migrations, state, to)
    for migration in (m for m in migrations if m.order not in applied):
        if not migration.draft and migration.up.checksum in lost:
            raise RenumberedError(migration.file, lost[migration.up.checksum])
    if lost:
        raise AppliedFileMissingError([row for o, row in applied.items() if o not in files])
    refused = refused_file(migrations, state, to=to)
    limit = refused.order if refused else max(files, default=0) + 1
    skipped = drafts(migrations, state, to=to)
    chosen = tuple(m for m in pending if m.order < limit and m not in skipped)
    highest = max(applied, default=0)
    early = [m for m in chosen if m.order < highest]
    if early and not allow_out_of_order:
        raise OutOfOrderError(early, applied[highest].version)
    return chosen


def drafts(migrations: Sequence[Migration], state: State, *, to: str = "") -> tuple[Migration, ...]:
    """Return the pending files without a statement, which ``up`` skips."""
    begun_versions = {row.version for row in state.steps}
    pending = _pending(migrations, state, to)
    return tuple(m for m in pending if m.draft and m.version not in begun_versions)


def refused_file(
    migrations: Sequence[Migration], state: State, *, to: str = ""
) -> Migration | None:
    """Return the first pending file that must not run: ``up`` stops before it."""
    return next((m for m in _pending(migrations, state, to) if m.problem), None)


def _pending(migrations: Sequence[Migration], state: State, to: str) -> tuple[Migration, ...]:
    applied = {int(row.version) for row in state.applied}
    limit = _number(to, {m.order for m in migrations}) if to else None
    pending = (m for m in migrations if m.order not in applied)
    return tuple(m for m in pending if limit is None or m.order <= limit)


def to_take_back(
    migrations: Sequence[Migration], state: State, *, to: str = ""
) -> tuple[Migration, ...]:
    """Return what ``down`` has to take back, the last applied first.

    Args:
        migrations: of the folder.
        state: of the ledger.
        to: the version that stays, ``0`` for none; empty takes back the last one only.

    Raises:
        ops.errors.OpsError: something can't be taken back, or there is no such version.
    """
    _refuse_half(state, Direction.UP)
    rows = tuple(reversed(state.applied))
    if to:
        limit = _number(to, {0} | {int(row.version) for row in rows})
        rows = tuple(row for row in rows if int(row.version) > limit)
    else:
        rows = rows[:1]
    files = {migration.order: migration for migration in migrations}
    return tuple(_reversible(files.get(int(row.version)), row) for row in rows)


def answered(state: State, answers: Answers, direction: Direction) -> State:
    """Return the state as it is once the answers are recorded.

    Raises:
        NotUnfinishedError: an answer names a step that is not unfinished.
    """
    open_ = {row.key for row in state.steps if row.direction is direction and not row.finished}
    for key in sorted((answers.rerun | answers.done) - open_):
        raise NotUnfinishedError(key, direction)
    rows = []
    for row in state.steps:
        is_same = row.direction is direction
        if is_same and row.key in answers.done:
            rows.append(replace(row, finished=True))
        elif not (is_same and row.key in answers.rerun):
            rows.append(row)
    return State(state.applied, tuple(rows))


def refuse_unfinished(
    migrations: Sequence[Migration], state: State, answers: Answers, direction: Direction
) -> None:
    """Refuse to run while a step that commits by itself is unfinished and nobody decided.

    An older program did not note which steps those are: there the file says it.

    Raises:
        UnfinishedStepError: there is one, or one is answered whose file is not here.
        HalfFileMissingError: a file that is half applied is not here, so that under another
            number it would run from its beginning.
    """
    files = {migration.order: migration for migration in migrations}
    applied = {row.version for row in state.applied}
    settled = answered(state, answers, direction)
    for row in state.steps:
        migration = files.get(int(row.version))
        lost = migration is None or migration.version != row.version
        if row.finished:
            if lost and row.direction is Direction.UP and row.version not in applied:
                raise HalfFileMissingError(row.version)
            continue
        if row not in settled.steps and not lost:
            continue
        planned = () if migration is None else steps.plan(migration, row.direction)
        step = next((step for step in planned if step.number == row.step), None)
        if row.once or (step is not None and step.may_commit):
            raise UnfinishedStepError(row, None if lost else migration, step)


def remaining(migration: Migration, direction: Direction, state: State) -> tuple[Step, ...]:
    """Return the steps that are still to run: all of them, unless a run was interrupted.

    Raises:
        ChangedError: a finished step is not what the file says now.
        ops.errors.BadInputError: the file can't be cut into steps.
    """
    planned = steps.plan(migration, direction)
    checksums = {step.number: step.checksum for step in planned}
    done = {
        row.step
        for row in state.steps
        if row.version == migration.version and row.direction is direction and row.finished
    }
    for row in state.steps:
        known = row.version == migration.version and row.direction is direction and row.finished
        if known and checksums.get(row.step) != row.checksum:
            raise ChangedError(migration.file, f"its step {row.step} had run")
    return tuple(step for step in planned if step.number not in done)


def is_begun(step: Step, state: State) -> bool:
    """Tell whether an interrupted run began this step, and the file still says the same."""
    return any(
        row.version == step.migration.version
        and row.direction is step.direction
        and row.step == step.number
        and row.checksum == step.checksum
        and not row.finished
        for row in state.steps
    )


def _number(text: str, known: set[int]) -> int:
    digits = text.partition("_")[0]
    if not digits.isdecimal() or int(digits) not in known:
        raise UnknownVersionError(text)
    return int(digits)


def _refuse_changed(migration: Migration, row: Applied | None, *, down: bool = False) -> None:
    """Refuse a file that is not what was applied.

    Args:
        migration: the file.
        row: of the ledger, None where it is not applied.
        down: also look at its way back.
    """
    if row is None:
        return
    if not migration.analysed:
        raise UnverifiableError(migration)
    if row.checksum != migration.up.checksum:
        raise ChangedError(migration.file, f"it was applied on {row.applied_at:%Y-%m-%d %H:%M}")
    if down and down_changed(migration, row):
        raise DownChangedError(migration.file, row)


def _refuse_half(state: State, direction: Direction) -> None:
    """Refuse to go one way while a migration is half way in the other."""
    applied = {row.version for row in state.applied}
    for step in state.steps:
        half = step.direction is direction and (
            direction is Direction.DOWN or step.version not in applied
        )
        if half:
            raise HalfDoneError(step.version, direction)


def _reversible(migration: Migration | None, row: Applied) -> Migration:
    if migration is None:
        raise FileMissingError(row)
    _refuse_changed(migration, row)
    if isinstance(migration.problem, AlmostMarkError):
        raise IrreversibleError(migration.file, migration.problem.applied)
    down = migration.down
    if down is not None and down.irreversible:
        raise IrreversibleError(migration.file, down.irreversible)
    if down is None or not down.statements:
        raise IrreversibleError(migration.file, "it has no statement under -- migrate:down")
    return migration
