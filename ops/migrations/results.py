"""What the tasks show: how migrations stand, what would run, what has run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.checks.result import State
from ops.console import Table
from ops.migrations.messages import Message
from ops.migrations.parse import shortened
from ops.migrations.standing import TROUBLE, Entry, Standing
from ops.migrations.steps import Direction, Step
from ops.waiting import duration

_STATEMENT_WIDTH = 42  # what the plan's other columns leave of 100


@dataclass(frozen=True, slots=True)
class Created:
    """A new file."""

    file: str

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return [f"Made {self.file}. Write the change in it, then run `invoke migrate.up`."]


@dataclass(frozen=True, slots=True)
class Status:
    """Every migration of the files and of the database."""

    migrations: tuple[Entry, ...]

    @property
    def state(self) -> State:
        """Return a finding where files and database don't agree; pending ones are good.

        An applied file that can't be read is unknown: it may be what was applied.
        """
        standings = {entry.standing for entry in self.migrations}
        if standings & TROUBLE:
            return State.FINDING
        return State.UNKNOWN if Standing.UNREADABLE in standings else State.OK

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        rows = tuple(
            (e.version, e.name, e.standing.value, _moment(e), e.applied_by) for e in self.migrations
        )
        columns = ("version", "name", "standing", "applied (UTC)", "by")
        if not rows:
            return ["There are no migrations."]
        details = [entry.detail for entry in self.migrations if entry.detail]
        return [Table("Migrations", columns, rows), *details]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step that would run.

    Attributes:
        version: the migration's.
        name: the migration's.
        step: its number, from 1.
        steps: how many there are.
        place: file and line.
        transaction: whether it is tried in a transaction.
        may_commit: whether it runs outside, once, if PostgreSQL refuses its COMMIT there.
        recorded: whether it is recorded as done only, because of --step-done.
        lock: the strongest table lock.
        statements: their beginnings.
    """

    version: str
    name: str
    step: int
    steps: int
    place: str
    transaction: bool
    may_commit: bool
    recorded: bool
    lock: str
    statements: tuple[str, ...]

    @property
    def transaction_words(self) -> str:
        """Return whether it runs in a transaction, as a table shows it."""
        if self.recorded:
            return "is recorded only"
        if self.may_commit:
            return "unless it commits"
        return "yes" if self.transaction else "outside"

    @classmethod
    def of(cls, step: Step, *, recorded: bool = False) -> "PlannedStep":
        """Return what a plan shows of a step that would run, or be recorded only."""
        return cls(
            version=step.migration.version,
            name=step.migration.name,
            step=step.number,
            steps=step.total,
            place=step.place,
            transaction=step.transactional,
            may_commit=step.may_commit,
            recorded=recorded,
            lock=step.lock.words,
            statements=tuple(statement.summary for statement in step.statements),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What would run, step by step.

    Attributes:
        direction: which way.
        steps: in their order.
        drafts: pending files without a statement, which are skipped.
        refused: why the run would stop after these steps; empty where it would not.
    """

    direction: Direction
    steps: tuple[PlannedStep, ...]
    drafts: tuple[str, ...] = ()
    refused: str = ""

    @property
    def state(self) -> State:
        """Return a finding where the run would stop at a file that must not run."""
        return State.FINDING if self.refused else State.OK

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        notes = [*_skipped(self.drafts)]
        if self.refused:
            notes.append(f"The run would stop there: {self.refused}")
        if not self.steps:
            return [*notes, *([] if self.refused else ["Nothing to do."])]
        columns = ("version", "step", "transaction", "strongest lock", "statements")
        rows = tuple(
            (
                step.version,
                f"{step.step}/{step.steps}",
                step.transaction_words,
                step.lock.lower(),
                "\n".join(shortened(text, _STATEMENT_WIDTH) for text in step.statements),
            )
            for step in self.steps
        )
        return [
            Table(f"Would run ({self.direction})", columns, rows),
            *notes,
            "Dry run: nothing was changed.",
        ]


@dataclass(frozen=True, slots=True)
class Done:
    """One migration that ran.

    Attributes:
        version: its number.
        name: its name.
        steps: how many steps this run took; earlier runs may have taken some.
        tries: the most tries that a step needed for its locks.
        duration_ms: of this run.
        messages: what PostgreSQL said: RAISE NOTICE, warnings, what was skipped.
    """

    version: str
    name: str
    steps: int
    tries: int
    duration_ms: int
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has run.

    Attributes:
        direction: which way.
        migrations: in their order.
        drafts: pending files without a statement, which were skipped.
    """

    direction: Direction
    migrations: tuple[Done, ...]
    drafts: tuple[str, ...] = ()

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        if not self.migrations:
            return [*_skipped(self.drafts), "Nothing to do."]
        title = "Applied" if self.direction is Direction.UP else "Taken back"
        rows = tuple(
            (done.version, done.name, done.steps, done.tries, duration(done.duration_ms / 1000))
            for done in self.migrations
        )
        table = Table(title, ("version", "name", "steps", "tries", "took"), rows)
        return [table, *_skipped(self.drafts)]


def created(path: Path) -> Created:
    """Return what to show of a new file: its path as people type it."""
    current = Path.cwd()
    return Created(str(path.relative_to(current) if path.is_relative_to(current) else path))


def _skipped(drafts: Sequence[str]) -> list[str]:
    return [f"Skipped {draft}: it has no statement yet, and stays pending." for draft in drafts]


def _moment(entry: Entry) -> str:
    return f"{entry.applied_at:%Y-%m-%d %H:%M:%S}" if entry.applied_at else ""
