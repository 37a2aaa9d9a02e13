"""The failover drill: look, write, fail over, count, tell.

A drill that is cut short leaves evidence too. The failover itself can't be taken back: it
goes on, and the journal tells the next drill of it.
"""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime

from ops import guard, lease, logline, sql
from ops.console import Progress
from ops.db import CHANGE, statement
from ops.errors import OpsError
from ops.evidence import key, run_name, write
from ops.evidence.afterwards import afterwards
from ops.evidence.cut import in_spite_of
from ops.failover import evidence, operation
from ops.failover.course import Course, report
from ops.failover.execute import execute
from ops.failover.plan import Options, Plan, plan
from ops.failover.prechecks import NotReadyError, Precheck, judge, refused
from ops.failover.report import Report
from ops.failover.source import RESTORE_DRILL, ROOM, Source, of
from ops.failover.survey import Survey, look
from ops.failover.writers import NAME, SILENCE_S
from ops.invocation import Invocation
from ops.journal import Journal
from ops.lease import Holding

__all__ = ["Options", "Plan", "Report", "drill", "perform"]


def drill(run: Invocation, options: Options) -> Report | Plan:
    """Drill a failover of a stack's instance: see ``perform``; production is guarded."""
    target = run.target
    source = of(target)
    action = f"fail {target.instance} over"
    allowed = not options.dry_run and guard.permit(
        target, action, yes=options.yes, confirm=options.confirm
    )
    if allowed:
        with afterwards(run, ROOM):
            return perform(source, options, run.progress)
    seen = _look(source, run.progress)
    checks = _judge(source, seen, options)
    if seen.application is not None:
        source = replace(source, writer=seen.application.writer)
    return plan(source, seen.standing, checks, options, production=target.production)


def perform(source: Source, options: Options, progress: Progress) -> Report:
    """Fail an instance over while clients write to it; tell what they lost and for how long.

    Raises:
        NotReadyError: something stands in the way; nothing was done.
        ops.failover.execute.NotWritingError: the clients could not write before the failover.
        ops.cloudsql.ApiError: the API refused to fail over.
        ops.lease.LeaseHeldError: another drill of the instance is under way.
        ops.lease.LeaseLostError: it was suspended past its lease, and another process went on.
    """
    with ExitStack() as stack:
        holdings = tuple(
            stack.enter_context(lease.hold(source.store, name, source.lease))
            for name in (ROOM, RESTORE_DRILL)
        )
        return _perform(source, options, progress, holdings)


def _judge(source: Source, seen: Survey, options: Options) -> tuple[Precheck, ...]:
    return judge(
        seen,
        source.clock(),
        declared=source.replicas,
        pool=min(options.clients, source.pool.size),
        lose=options.lose,
    )


def _look(source: Source, progress: Progress) -> Survey:
    with progress.phase(f"Look at {source.instance}"):
        return look(source, source.cloud.instance(source.instance))


def _confirm(holdings: tuple[Holding, ...]) -> None:
    for holding in holdings:
        holding.confirm()


def _perform(
    source: Source, options: Options, progress: Progress, holdings: tuple[Holding, ...]
) -> Report:
    started = datetime.now(UTC)
    settled = operation.settle(source)
    seen = _look(source, progress)
    checks = _judge(source, seen, options)
    if wrong := refused(checks):
        for line in settled:  # no report is going to tell
            progress.line(f"From before: {line}")
        raise NotReadyError(source.instance, wrong)
    if seen.application is not None:
        source = replace(source, writer=seen.application.writer)
    course = Course(source, run_name(started), started, checks, settled)
    logline.bind(run=course.run)
    try:
        _run(course, seen, options, progress, lambda: _confirm(holdings))
        _confirm(holdings)  # else another drill may have failed it over meanwhile
    except BaseException as error:
        _keep(course, error, progress)
        raise
    result = report(course, source.store.where(key(ROOM, course.run)))
    write(source.store, evidence.of(source, result))
    return result


def _keep(course: Course, error: BaseException, progress: Progress) -> None:
    """Write the evidence of a drill that is cut short; its error stays the one that is told."""
    store = course.source.store
    with suppress(Exception):
        for line in course.going_on():
            progress.line(line)
    with in_spite_of(progress.line):
        result = report(course, store.where(key(ROOM, course.run)), error)
        write(store, evidence.of(course.source, result))
        progress.line(f"{result.summary()} Evidence: {result.evidence}")


def _run(
    course: Course,
    seen: Survey,
    options: Options,
    progress: Progress,
    confirm: Callable[[], None],
) -> None:
    journal = Journal(course.source.store, ROOM, course.run)
    prune(course.source, ())
    course.leftovers = (f"rows of drill {course.run} in ops.failover_write",)
    try:
        execute(course.begin("failover", seen.standing), options, journal, progress, confirm)
        if options.failback and course.can_go_back():
            after = course.legs[-1].after
            leg = course.begin("failback", after or seen.standing)
            execute(leg, options, journal, progress, confirm)
    finally:
        if not course.goes_on:
            journal.close()
        keep = course.worth_keeping()
        with suppress(OpsError):  # the next drill removes them
            prune(course.source, keep)
            course.leftovers = tuple(f"rows of drill {drill}, to be looked at" for drill in keep)


def prune(source: Source, keep: tuple[str, ...]) -> None:
    """Remove the writes of all drills but these."""
    with source.database.connect(
        source.owner, budget=CHANGE, name=NAME, silence_s=SILENCE_S
    ) as connection:
        connection.execute(statement(sql.load("failover/prune")), {"kept": list(keep)})
