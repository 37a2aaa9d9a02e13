"""Decide how a migration runs: pure, from its parsed statements to steps.

A step is either one transaction with as many statements as belong together, or one
statement that PostgreSQL refuses inside a transaction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ops.migrations import enums, parse
from ops.migrations.answers import StepKey
from ops.migrations.errors import (
    AloneInTransactionError,
    ClientCommandError,
    StrayTransactionError,
    UnnamedIndexError,
    ValueUsedTooSoonError,
)
from ops.migrations.facts import Effect, IndexBuild, Kind
from ops.migrations.files import Migration, Section
from ops.migrations.locks import LockMode
from ops.migrations.parse import Statement
from ops.migrations.session_state import refuse_lost_state
from ops.migrations.settings import names_read, settings_after

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS


class Direction(StrEnum):
    """Which section of a file runs."""

    UP = "up"
    DOWN = "down"


class Patience(StrEnum):
    """How long a step may wait for its locks, by what its waiting does to others."""

    SHORT = "short"  # others queue behind the waiting lock: give up soon, try again
    LONG = "long"  # CONCURRENTLY and VALIDATE: nobody's reads or writes queue behind it
    ROWS = "rows"  # reads and writes rows as an application does


# The longest statement, unless the file says `timeout:`. A lock that keeps others waiting
# is held for as long; concurrent builds of large indexes take hours.
_STATEMENT_MS = {
    Patience.SHORT: 5 * _MINUTE_MS,
    Patience.ROWS: 30 * _MINUTE_MS,
    Patience.LONG: 12 * _HOUR_MS,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction, or one statement outside of any.

    Attributes:
        migration: whose step.
        direction: which section.
        number: its place in the section, from 1.
        total: how many steps the section has.
        statements: what it runs.
        settings: what the steps before set for their session, which every later step repeats.
        transactional: False for a statement that runs outside of any transaction.
        may_commit: whether it is one CALL or DO, which may end transactions itself; it is
            tried in a transaction, and runs outside only if PostgreSQL refuses that.
        reads: settings of applications that the section reads by current_setting.
        lock: the strongest table lock, as far as the text tells.
        patience: how it waits for locks.
        statement_timeout_ms: the longest statement.
        checksum: of its statements.
    """

    migration: Migration
    direction: Direction
    number: int
    total: int
    statements: tuple[Statement, ...]
    settings: tuple[Statement, ...]
    transactional: bool
    may_commit: bool
    reads: frozenset[str]
    lock: LockMode
    patience: Patience
    statement_timeout_ms: int
    checksum: str

    @property
    def key(self) -> StepKey:
        """Return what an answer names it by."""
        return self.migration.order, self.number

    @property
    def once_timeout_ms(self) -> int:
        """Return the longest run outside of a transaction: it holds no lock from end to end."""
        section = self.migration.up if self.direction is Direction.UP else self.migration.down
        own = section.timeout_ms if section else None
        return own or _STATEMENT_MS[Patience.LONG]

    @property
    def effect(self) -> Effect | None:
        """Return what the catalog shows after it; None where a transaction tells."""
        return None if self.transactional else self.statements[0].facts.effect

    @property
    def line(self) -> int:
        """Return the line of its first statement."""
        return self.statements[0].line

    @property
    def place(self) -> str:
        """Return where it stands, as ``sql/migrations/0002_x.sql:7``."""
        return f"{self.migration.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class _Cut:
    statements: tuple[Statement, ...]
    transactional: bool
    bounded: bool = False  # by the author's own BEGIN and COMMIT

    @property
    def may_commit(self) -> bool:
        """Return whether it is one statement that may end transactions."""
        kinds = [statement.facts.kind for statement in self.statements]
        return kinds == [Kind.PROCEDURE] and not self.bounded


def plan(migration: Migration, direction: Direction = Direction.UP) -> tuple[Step, ...]:
    """Return the steps of one direction; none where there is nothing to run.

    Raises:
        ops.errors.BadInputError: statements stand where PostgreSQL refuses them.
    """
    section = migration.up if direction is Direction.UP else migration.down
    if section is None:
        return ()
    for statement in section.statements:
        _check(migration.file, statement)
    cuts = tuple(_cut(migration.file, section))
    refuse_lost_state(migration.file, [(cut.statements, cut.bounded) for cut in cuts])
    return tuple(_steps(migration, direction, section, cuts))


def _steps(
    migration: Migration, direction: Direction, section: Section, cuts: Sequence[_Cut]
) -> Iterator[Step]:
    settings: tuple[Statement, ...] = ()
    reads = names_read(section.statements) if len(cuts) > 1 else frozenset()
    for number, cut in enumerate(cuts, start=1):
        lock = max(statement.facts.lock for statement in cut.statements)
        patience = _patience(cut, lock)
        yield Step(
            migration=migration,
            direction=direction,
            number=number,
            total=len(cuts),
            statements=cut.statements,
            settings=settings,
            transactional=cut.transactional,
            may_commit=cut.may_commit,
            reads=reads,
            lock=lock,
            patience=patience,
            statement_timeout_ms=section.timeout_ms or _STATEMENT_MS[patience],
            checksum=parse.checksum(cut.statements),
        )
        settings = settings_after(settings, cut.statements)


def _patience(cut: _Cut, lock: LockMode) -> Patience:
    if lock >= LockMode.SHARE:
        return Patience.SHORT
    concurrent = not cut.transactional or lock is LockMode.SHARE_UPDATE_EXCLUSIVE
    return Patience.LONG if concurrent else Patience.ROWS


def _check(file: str, statement: Statement) -> None:
    facts = statement.facts
    if facts.kind in {Kind.COPY_INPUT, Kind.DISCARD}:
        raise ClientCommandError(file, statement.line, statement.summary)
    if isinstance(facts.effect, IndexBuild) and not facts.effect.name:
        raise UnnamedIndexError(file, statement.line)


def _cut(file: str, section: Section) -> Iterator[_Cut]:
    """Cut a section at statements that stand alone, and at the author's BEGIN and COMMIT."""
    run: list[Statement] = []
    opened: Statement | None = None
    for place, statement in enumerate(section.statements):
        facts = statement.facts
        if facts.kind in {Kind.BEGIN, Kind.COMMIT, Kind.TRANSACTION}:
            _check_transaction(file, statement, opened)
            yield from _flush(run, bounded=opened is not None)
            opened = statement if facts.kind is Kind.BEGIN else None
        elif opened is not None:
            _check_inside(file, section, place)
            run.append(statement)
        elif _stands_alone(section, place):
            yield from _flush(run)
            yield _Cut((statement,), transactional=not _outside(section, statement))
        else:
            run.append(statement)
    if opened is not None:
        raise StrayTransactionError(file, opened.line, opened.summary, "has no COMMIT")
    yield from _flush(run)


def _flush(run: list[Statement], *, bounded: bool = False) -> Iterator[_Cut]:
    if run:
        yield _Cut(tuple(run), transactional=True, bounded=bounded)
        run.clear()


def _stands_alone(section: Section, place: int) -> bool:
    facts = section.statements[place].facts
    alone = bool(facts.alone) or facts.commits or not section.transaction
    return alone or _value_used(section, place, enums.Use.POSSIBLE) is not None


def _outside(section: Section, statement: Statement) -> bool:
    """Tell whether a statement has to run outside of any transaction.

    ``transaction:false`` gives every statement a transaction of its own, so that it
    and its ledger row are one; only session settings run bare.
    """
    bare = not section.transaction and statement.facts.kind is Kind.SETTING
    return bool(statement.facts.alone) or bare


def _value_used(section: Section, place: int, least: enums.Use) -> int | None:
    """Return where an enum value that is added here is used: PostgreSQL wants it committed.

    Args:
        section: of the statement that adds it.
        place: of that statement.
        least: how sure the use must be.
    """
    facts = section.statements[place].facts
    if facts.kind is not Kind.ENUM_VALUE:
        return None
    value = facts.value
    for later in range(place + 1, len(section.statements)):
        statement = section.statements[later]
        if statement.facts.alone or statement.facts.kind in {Kind.BEGIN, Kind.COMMIT}:
            return None  # it is committed by then
        value = enums.renamed(statement.node, value)
        if enums.use(statement.node, value) >= least:
            return later
    return None


def _check_transaction(file: str, statement: Statement, opened: Statement | None) -> None:
    kind, reason = statement.facts.kind, ""
    if kind is Kind.TRANSACTION:
        reason = "can't be part of a migration"
    elif kind is Kind.BEGIN and opened is not None:
        reason = f"stands inside the transaction of line {opened.line}"
    elif kind is Kind.COMMIT and opened is None:
        reason = "ends a transaction that no BEGIN opened"
    if reason:
        raise StrayTransactionError(file, statement.line, statement.summary, reason)


def _check_inside(file: str, section: Section, place: int) -> None:
    statement = section.statements[place]
    if statement.facts.alone:
        raise AloneInTransactionError(file, statement.line, statement.facts.alone)
    # What is only possible is left to PostgreSQL: it refuses it, and takes everything back.
    used = _value_used(section, place, enums.Use.CERTAIN)
    if used is not None:
        raise ValueUsedTooSoonError(file, section.statements[used].line, statement.facts.value)
