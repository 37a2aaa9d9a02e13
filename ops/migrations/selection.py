"""Decide which migrations run: pure, from the files and what the ledger says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ops.errors import BadInputError, OpsError
from ops.migrations import steps
from ops.migrations.answers import Answers, NotUnfinishedError, how_to_answer
from ops.migrations.errors import AlmostMarkError
from ops.migrations.files import Migration
from ops.migrations.ledger import Applied, State, StepRow
from ops.migrations.steps import Direction, Step


class ChangedError(OpsError):
    """A file is not what was applied."""

    def __init__(self, file: str, what: str) -> None:
        super().__init__(
            f"{file} was changed after {what}. Restore the file as it was (`git log -p {file}`) "
            "and put the change into a new one: `invoke migrate.new NAME`."
        )


class DownChangedError(OpsError):
    """The way back of a file is not what it was when the file was applied."""

    def __init__(self, file: str, row: "Applied") -> None:
        super().__init__(
            f"{file}: its down section was changed after it was applied on "
            f"{row.applied_at:%Y-%m-%d %H:%M}. Restore it as it was (`git log -p {file}`); if the "
            "new one is right, take the migration back with it (`invoke migrate.down`) and apply "
            "it again."
        )


class UnverifiableError(OpsError):
    """Whether an applied file was changed can't be told."""

    def __init__(self, migration: Migration) -> None:
        super().__init__(
            f"{migration.problem} The file is applied, so whether it was changed since is unknown "
            "until it can be read."
        )


class AppliedFileMissingError(OpsError):
    """What is applied has no file here, so what is pending may be wrong."""

    def __init__(self, rows: Sequence["Applied"]) -> None:
        names = ", ".join(f"{row.version}_{row.name}" for row in rows)
        super().__init__(
            f"The database has {names}, without a file here. Check out the revision that has it; "
            "if it is another branch's and not wanted here, take it back from there (`invoke "
            "migrate.down`)."
        )


class StoppedError(OpsError):
    """A pending file must not run; what comes before it was applied."""

    def __init__(self, migration: Migration, applied: Sequence[str]) -> None:
        before = f"Applied before it: {', '.join(applied)}." if applied else "Nothing was applied."
        super().__init__(f"{migration.problem} {before}")


class RenumberedError(OpsError):
    """A file that is applied got another number."""

    def __init__(self, file: str, applied: Applied) -> None:
        super().__init__(
            f"{file} is applied already, as {applied.version}_{applied.name}. Give it that number "
            "again."
        )


class OutOfOrderError(OpsError):
    """Files are pending below the highest number that is applied."""

    def __init__(self, pending: Sequence[Migration], highest: str) -> None:
        names = ", ".join(migration.file for migration in pending)
        super().__init__(
            f"{names}: not applied, but {highest} is, which comes later. Renumber above it, or "
            "apply out of order with `invoke migrate.up --allow-out-of-order`."
        )


class UnknownVersionError(BadInputError):
    """``--to`` names no migration."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"There is no migration {given!r}. `invoke migrate.status` lists the versions."
        )


class HalfDoneError(OpsError):
    """A migration was interrupted in the other direction."""

    def __init__(self, version: str, direction: Direction) -> None:
        half = "applied" if direction is Direction.UP else "taken back"
        super().__init__(
            f"Migration {version} is half {half}: an earlier run was interrupted. Let "
            f"`invoke migrate.{direction}` finish it first."
        )


class UnfinishedStepError(OpsError):
    """A step that commits by itself was begun, and its end is not recorded."""

    def __init__(self, row: StepRow, migration: Migration | None, step: Step | None) -> None:
        began = f" on {row.started_at:%Y-%m-%d %H:%M:%S}" if row.started_at else ""
        if row.statement:
            what = f"`{row.statement}`"
        else:
            what = f"`{step.statements[0].summary}`" if step else "a statement"
        if migration is None:
            super().__init__(
                f"Step {row.step} of migration {row.version}, {what}, commits by itself. A run "
                f"began it{began} and did not record its end, and the migration has no file here. "
                f"Restore its file under the number {row.version}, then run "
                f"`invoke migrate.{row.direction} --dry-run`, which says what to decide."
            )
            return
        place = step.place if step else migration.file
        total = f" of {step.total}" if step else ""
        changed = step is None or step.checksum != row.checksum
        now = f", which is now `{step.statements[0].summary}`" if step else ""
        answer = how_to_answer(row.version, row.step, row.direction)
        edited = f" Note that the file was changed since, at this step{now}." if changed else ""
        super().__init__(
            f"{place}: step {row.step}{total}, {what}, commits by itself. A run began it{began} "
            "and did not record its end. It is not repeated unasked: what it committed would be "
            f"done twice.{edited} {answer}"
        )


class HalfFileMissingError(OpsError):
    """A migration that is half applied has no file."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"Migration {version} is half applied and has no file here. Restore its file under "
            "that number: under another one its first steps would run again. If you undid it by "
            "hand, delete its rows from ops.schema_migration_steps instead."
        )


class IrreversibleError(OpsError):
    """A migration can't be taken back."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(
            f"{file} can't be taken back: {reason}. Nothing was taken back: write a new migration "
            "that goes forward, or restore a backup."
        )


class FileMissingError(OpsError):
    """What is to be taken back has no file here."""

    def __init__(self, applied: Applied) -> None:
        super().__init__(
            f"Migration {applied.version}_{applied.name} has no file here, so how to take it back "
            "is unknown. Check out the revision that has it."
        )


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
    found = []
    for order in sorted(files.keys() | applied.keys()):
        row, migration = applied.get(order), files.get(order)
        if row is None and migration is not None:
            migration = _planned(migration)
        standing = _standing(order, migration, row, state, highest)
        known = row or migration
        if known is not None:
            at, by = (row.applied_at, row.applied_by) if row else (None, "")
            detail = _detail(migration, row)
            found.append(Entry(known.version, known.name, standing, at, by, detail))
    return tuple(found)


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
    if _down_changed(migration, row):
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
        mine = row.direction is direction
        if mine and row.key in answers.done:
            rows.append(replace(row, finished=True))
        elif not (mine and row.key in answers.rerun):
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


def begun(step: Step, state: State) -> bool:
    """Tell whether an interrupted run began this step, and the file still says the same."""
    return any(
        row.version == step.migration.version
        and row.direction is step.direction
        and row.step == step.number
        and row.checksum == step.checksum
        and not row.finished
        for row in state.steps
    )


def _number(given: str, known: set[int]) -> int:
    digits = given.partition("_")[0]
    if not digits.isdecimal() or int(digits) not in known:
        raise UnknownVersionError(given)
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
    if down and _down_changed(migration, row):
        raise DownChangedError(migration.file, row)


def _down_changed(migration: Migration, row: Applied) -> bool:
    """Tell whether the way back changed; an older program's rows don't say what it was."""
    return row.down_checksum is not None and row.down_checksum != migration.down_checksum


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
