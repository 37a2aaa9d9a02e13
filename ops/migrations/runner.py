"""Apply migrations and take them back: under the lock, step by step, resumable anywhere."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from ops.console import Phase, Progress, Silent
from ops.migrations import disagreements, ledger, selection, standing
from ops.migrations.answers import Answers, NotPlannedError
from ops.migrations.execute import Executor
from ops.migrations.files import Migration
from ops.migrations.ledger import State
from ops.migrations.others import Connect
from ops.migrations.results import Done, Outcome, Plan, PlannedStep, Status
from ops.migrations.session import Limits, RunnerSession, exclusive
from ops.migrations.steps import Direction, Step, plan

_QUIET = Silent()
_STANDARD = Limits()
_NO_ANSWERS = Answers()


@dataclass(frozen=True, slots=True)
class Share:
    """What is to do for one migration.

    Attributes:
        migration: whose steps.
        done: steps that somebody declared done; they are recorded and not run.
        steps: to run.
    """

    migration: Migration
    done: tuple[Step, ...]
    steps: tuple[Step, ...]


Work = tuple[Share, ...]


def status(connect: Connect, migrations: Sequence[Migration]) -> Status:
    """Return how every migration stands; changes nothing."""
    with connect() as connection:
        return Status(standing.entries(migrations, ledger.read(connection)))


def plan_up(
    connect: Connect,
    migrations: Sequence[Migration],
    *,
    to: str = "",
    allow_out_of_order: bool = False,
    answers: Answers = _NO_ANSWERS,
) -> Plan:
    """Return what ``up`` would run; changes nothing, and waits for no lock.

    Raises:
        ops.errors.OpsError: what ``up`` would refuse.
    """
    with connect() as connection:
        state = ledger.read(connection)
    selection.refuse_unfinished(migrations, state, answers, Direction.UP)
    chosen = selection.to_apply(migrations, state, to=to, allow_out_of_order=allow_out_of_order)
    refused = selection.refused_file(migrations, state, to=to)
    return replace(
        _plan(chosen, Direction.UP, state, answers),
        drafts=_titles(selection.drafts(migrations, state, to=to)),
        refused=str(refused.problem) if refused else "",
    )


def plan_down(
    connect: Connect,
    migrations: Sequence[Migration],
    *,
    to: str = "",
    answers: Answers = _NO_ANSWERS,
) -> Plan:
    """Return what ``down`` would run; changes nothing, and waits for no lock.

    Raises:
        ops.errors.OpsError: what ``down`` would refuse.
    """
    with connect() as connection:
        state = ledger.read(connection)
    selection.refuse_unfinished(migrations, state, answers, Direction.DOWN)
    chosen = selection.to_take_back(migrations, state, to=to)
    return _plan(chosen, Direction.DOWN, state, answers)


def up(
    connect: Connect,
    migrations: Sequence[Migration],
    *,
    to: str = "",
    allow_out_of_order: bool = False,
    answers: Answers = _NO_ANSWERS,
    limits: Limits = _STANDARD,
    progress: Progress = _QUIET,
) -> Outcome:
    """Apply what is pending, after whatever an interrupted run left.

    Args:
        connect: opens a direct session in autocommit, as the schema's owner.
        migrations: of the folder.
        to: the last version to apply; empty means all.
        allow_out_of_order: also apply files below the highest applied number.
        answers: what somebody decided about steps that an earlier run did not finish.
        limits: how patient to be.
        progress: shows the steps.

    Raises:
        ops.errors.OpsError: refused before anything ran, a step failed, or a file must not
            run; what ran before stays applied.
    """
    with exclusive(connect, limits, progress) as session:
        ledger.ensure(session.connection)
        state = ledger.read(session.connection)
        selection.refuse_unfinished(migrations, state, answers, Direction.UP)
        chosen = selection.to_apply(migrations, state, to=to, allow_out_of_order=allow_out_of_order)
        work = _work(chosen, Direction.UP, state, answers)
        _forget(session, state, answers, Direction.UP)
        executor = Executor(session, connect, limits, progress)
        done = _run(session, executor, work, state, progress)
        if refused := selection.refused_file(migrations, state, to=to):
            raise disagreements.StoppedError(refused, _titles(chosen))
        return Outcome(Direction.UP, done, _titles(selection.drafts(migrations, state, to=to)))


def down(
    connect: Connect,
    migrations: Sequence[Migration],
    *,
    to: str = "",
    answers: Answers = _NO_ANSWERS,
    approve: Callable[[Sequence[Migration]], None] = lambda _: None,
    limits: Limits = _STANDARD,
    progress: Progress = _QUIET,
) -> Outcome:
    """Take back the last applied migration, or all that came after ``to``.

    Args:
        connect: opens a direct session in autocommit, as the schema's owner.
        migrations: of the folder.
        to: the version that stays, ``0`` for none.
        answers: what somebody decided about steps that an earlier run did not finish.
        approve: called with what is about to be taken back, and nobody applies any more
            meanwhile; raises where that may not be.
        limits: how patient to be.
        progress: shows the steps.

    Raises:
        ops.errors.OpsError: refused before anything ran, or a step failed.
    """
    with exclusive(connect, limits, progress) as session:
        ledger.ensure(session.connection, make=False)
        state = ledger.read(session.connection)
        selection.refuse_unfinished(migrations, state, answers, Direction.DOWN)
        chosen = selection.to_take_back(migrations, state, to=to)
        work = _work(chosen, Direction.DOWN, state, answers)
        approve(chosen)
        _forget(session, state, answers, Direction.DOWN)
        executor = Executor(session, connect, limits, progress)
        return Outcome(Direction.DOWN, _run(session, executor, work, state, progress))


def _forget(session: RunnerSession, state: State, answers: Answers, direction: Direction) -> None:
    """Forget that steps were begun which somebody wants to run again."""
    for row in state.steps:
        if row.direction is direction and row.key in answers.rerun:
            ledger.forget_begun(session.beside, row)


def _work(
    chosen: Sequence[Migration], direction: Direction, state: State, answers: Answers
) -> Work:
    """Return every step of every migration: all are planned before the first one runs.

    The way back is planned as well: what can't be cut is better known now than on the
    day it is needed.
    """
    for migration in chosen:
        plan(migration, Direction.DOWN)
    chosen_numbers = {migration.order for migration in chosen}
    for key in sorted(answers.rerun | answers.done):
        if key[0] not in chosen_numbers:
            raise NotPlannedError(key, direction)
    settled = selection.answered(state, answers, direction)
    return tuple(
        Share(
            migration,
            tuple(s for s in plan(migration, direction) if s.key in answers.done),
            selection.remaining(migration, direction, settled),
        )
        for migration in chosen
    )


def _plan(
    chosen: Sequence[Migration], direction: Direction, state: State, answers: Answers
) -> Plan:
    work = _work(chosen, direction, state, answers)
    return Plan(direction, tuple(step for share in work for step in _planned(share)))


def _planned(share: Share) -> Iterator[PlannedStep]:
    for step in share.done:
        yield PlannedStep.of(step, recorded=True)
    for step in share.steps:
        yield PlannedStep.of(step)


def _run(
    session: RunnerSession, executor: Executor, work: Work, state: State, progress: Progress
) -> tuple[Done, ...]:
    if not work:
        return ()
    done = []
    with progress.phase("Migrations", sum(len(share.steps) for share in work)) as phase:
        for share in work:
            phase.note(f"{share.migration.version}_{share.migration.name}")
            done.append(_migrate(session, executor, share, state=state, phase=phase))
    return tuple(done)


def _migrate(
    session: RunnerSession, executor: Executor, share: Share, *, state: State, phase: Phase
) -> Done:
    start = monotonic()

    def finish(step: Step) -> None:
        ledger.finish_step(session.connection, step, _ms_since(start))

    for step in share.done:
        executor.record(step, finish)
    tries = 0
    for step in share.steps:
        is_begun = selection.is_begun(step, state)
        tries = max(tries, executor.run(step, is_begun=is_begun, finish=finish))
        phase.advance()
    migration, messages = share.migration, executor.messages.take()
    return Done(
        migration.version, migration.name, len(share.steps), tries, _ms_since(start), messages
    )


def _titles(migrations: Sequence[Migration]) -> tuple[str, ...]:
    return tuple(migration.title for migration in migrations)


def _ms_since(start: float) -> int:
    return round((monotonic() - start) * 1000)
