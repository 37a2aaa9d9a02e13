"""Apply migrations and take them back: under the lock, step by step, resumable anywhere."""

from collections.abc import Sequence
from time import monotonic

from ops.console import Phase, Progress, Silent
from ops.db import Connection
from ops.migrations import ledger, selection
from ops.migrations.execute import Executor
from ops.migrations.files import Migration
from ops.migrations.ledger import State
from ops.migrations.others import Connect
from ops.migrations.results import Done, Outcome, Plan, PlannedStep, Status
from ops.migrations.session import Limits, exclusive
from ops.migrations.steps import Direction, Step, plan

_QUIET = Silent()
_STANDARD = Limits()
Work = tuple[tuple[Migration, tuple[Step, ...]], ...]


def status(connect: Connect, migrations: Sequence[Migration]) -> Status:
    """Return how every migration stands; changes nothing."""
    with connect() as connection:
        return Status(selection.entries(migrations, ledger.read(connection)))


def plan_up(
    connect: Connect,
    migrations: Sequence[Migration],
    *,
    to: str = "",
    allow_out_of_order: bool = False,
) -> Plan:
    """Return what ``up`` would run; changes nothing, and waits for no lock.

    Raises:
        ops.errors.OpsError: what ``up`` would refuse.
    """
    with connect() as connection:
        state = ledger.read(connection)
    chosen = selection.to_apply(migrations, state, to=to, allow_out_of_order=allow_out_of_order)
    return _plan(chosen, Direction.UP, state)


def plan_down(connect: Connect, migrations: Sequence[Migration], *, to: str = "") -> Plan:
    """Return what ``down`` would run; changes nothing, and waits for no lock.

    Raises:
        ops.errors.OpsError: what ``down`` would refuse.
    """
    with connect() as connection:
        state = ledger.read(connection)
    return _plan(selection.to_take_back(migrations, state, to=to), Direction.DOWN, state)


def up(
    connect: Connect,
    migrations: Sequence[Migration],
    *,
    to: str = "",
    allow_out_of_order: bool = False,
    limits: Limits = _STANDARD,
    progress: Progress = _QUIET,
) -> Outcome:
    """Apply what is pending, after whatever an interrupted run left.

    Args:
        connect: opens a direct session in autocommit, as the schema's owner.
        migrations: of the folder.
        to: the last version to apply; empty means all.
        allow_out_of_order: also apply files below the highest applied number.
        limits: how patient to be.
        progress: shows the steps.

    Raises:
        ops.errors.OpsError: refused before anything ran, or a step failed; what ran before
            it stays applied.
    """
    with exclusive(connect, limits, progress) as connection:
        ledger.ensure(connection)
        state = ledger.read(connection)
        chosen = selection.to_apply(migrations, state, to=to, allow_out_of_order=allow_out_of_order)
        work = _work(chosen, Direction.UP, state)
        executor = Executor(connection, connect, limits, progress)
        return Outcome(Direction.UP, _run(connection, executor, work, state, progress))


def down(
    connect: Connect,
    migrations: Sequence[Migration],
    *,
    to: str = "",
    limits: Limits = _STANDARD,
    progress: Progress = _QUIET,
) -> Outcome:
    """Take back the last applied migration, or all that came after ``to``.

    Args:
        connect: opens a direct session in autocommit, as the schema's owner.
        migrations: of the folder.
        to: the version that stays, ``0`` for none.
        limits: how patient to be.
        progress: shows the steps.

    Raises:
        ops.errors.OpsError: refused before anything ran, or a step failed.
    """
    with exclusive(connect, limits, progress) as connection:
        state = ledger.read(connection)
        chosen = selection.to_take_back(migrations, state, to=to)
        work = _work(chosen, Direction.DOWN, state)
        executor = Executor(connection, connect, limits, progress)
        return Outcome(Direction.DOWN, _run(connection, executor, work, state, progress))


def _work(chosen: Sequence[Migration], direction: Direction, state: State) -> Work:
    """Return every step of every migration: all are planned before the first one runs.

    The way back is planned as well: what can't be cut is better known now than on the
    day it is needed.
    """
    for migration in chosen:
        plan(migration, Direction.DOWN)
    return tuple((m, selection.remaining(m, direction, state)) for m in chosen)


def _plan(chosen: Sequence[Migration], direction: Direction, state: State) -> Plan:
    work = _work(chosen, direction, state)
    return Plan(direction, tuple(PlannedStep.of(step) for _, steps in work for step in steps))


def _run(
    connection: Connection, executor: Executor, work: Work, state: State, progress: Progress
) -> tuple[Done, ...]:
    if not work:
        return ()
    done = []
    with progress.phase("Migrations", sum(len(steps) for _, steps in work)) as phase:
        for migration, steps in work:
            phase.note(f"{migration.version}_{migration.name}")
            done.append(_migrate(connection, executor, migration, steps, state=state, phase=phase))
    return tuple(done)


def _migrate(
    connection: Connection,
    executor: Executor,
    migration: Migration,
    steps: tuple[Step, ...],
    *,
    state: State,
    phase: Phase,
) -> Done:
    start = monotonic()

    def finish(step: Step) -> None:
        ledger.finish_step(connection, step, _ms_since(start))

    tries = 0
    for step in steps:
        begun = selection.begun(step, state)
        tries = max(tries, executor.run(step, begun=begun, finish=finish))
        phase.advance()
    said = executor.messages.take()
    return Done(migration.version, migration.name, len(steps), tries, _ms_since(start), said)


def _ms_since(start: float) -> int:
    return round((monotonic() - start) * 1000)
