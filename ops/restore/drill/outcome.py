"""The report of a drill from the stages that it reached: of a complete one and of one cut short."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from ops.checks.result import Checked, CheckResult, Finding, Level, State, finding, unsure
from ops.errors import reason
from ops.lease import LeaseLostError
from ops.measures import RPO, RTO
from ops.restore.drill import timing
from ops.restore.drill.report import DRILL, Clone, Report, Restored, Settled
from ops.restore.drill.stages import Cleaned, Copy, Decided, DrillStart, Stages
from ops.restore.drill.timing import Loss, Phases
from ops.restore.source import Place


def report(stages: Stages, evidence: str, error: BaseException | None = None) -> Report:
    """Return what came out.

    Args:
        stages: how far the drill came.
        evidence: where the evidence is going to be stored.
        error: what cut the drill short, if anything did.
    """
    start, decided, cleaned = stages.start, stages.decided, stages.cleaned
    source, copies = start.source, stages.verified.copies
    phases = dict(_phases(copies, stages.labels))
    slowest = max(
        (phases[stages.labels[copy.plan.name]] for copy in copies if _is_timed(copy)),
        key=lambda of_copy: of_copy.total,
        default=None,
    )
    loss = _loss(stages)
    compared = (timing.rto(slowest, source.rto_target_s), timing.rpo(loss, source.rpo_target_s))
    return Report(
        run=start.run,
        stack=source.stack,
        source=source.instance,
        started=start.started,
        ended=datetime.now(UTC),
        backups=tuple(_backups(copies)),
        clone=_clone(stages),
        checks=tuple(_checks(stages, compared, error)),
        phases=phases,
        rto=slowest,
        loss=loss,
        injected=start.injected,
        swept=cleaned.swept,
        leftovers=cleaned.leftovers,
        evidence=evidence,
        settled=settled(start, decided),
        database=source.database.name,
        other_databases=() if decided is None else decided.other_databases,
        targets=targets(source),
        notes=(*(() if decided is None else decided.plan.notes), *_notes(copies)),
    )


def targets(source: Place) -> dict[str, float]:
    """Return what drills of an instance are held to, in seconds by measure."""
    return {RTO: source.rto_target_s, RPO: source.rpo_target_s}


def settled(start: DrillStart, decided: Decided | None) -> Settled:
    """Return what was decided before anything was made."""
    return Settled(
        seed=None if decided is None else decided.plan.seed,
        drawn_from=0 if decided is None else decided.plan.drawn_from,
        cost=None if decided is None else decided.cost,
        time_limit_s=start.time_limit_s,
        side_by_side=start.side_by_side,
    )


def _checks(
    stages: Stages, compared: Iterable[CheckResult], error: BaseException | None
) -> Iterator[Checked]:
    """Yield every check; what a drill cut short did not reach is compared with no target."""
    if stages.decided is not None:
        yield from (Checked(DRILL, check) for check in stages.decided.plan.checks)
    is_lost = isinstance(error, LeaseLostError)
    for copy in stages.verified.copies:
        for check in copy.checks:
            of_copy = Checked(stages.labels[copy.plan.name], check)
            yield unsure(of_copy) if is_lost else of_copy
    if error is not None:
        if not is_lost:
            yield from (Checked(DRILL, c) for c in compared if c.state is State.FINDING)
        yield Checked(DRILL, _cut_short(error))
    elif stages.verified.copies:
        yield from (Checked(DRILL, check) for check in compared)
        yield Checked(DRILL, CheckResult("completed", State.OK, 1, 1, "it ended by itself"))
    total = sum(copy.begun for copy in stages.verified.copies)
    yield Checked(DRILL, _clean_up(stages.cleaned, total, stages.start.source.stack))


def _phases(copies: Iterable[Copy], labels: Mapping[str, str]) -> Iterator[tuple[str, Phases]]:
    """Yield the times of each copy that the cloud worked on."""
    for copy in copies:
        if copy.made is not None and copy.made.operations:
            yield labels[copy.plan.name], timing.phases(copy.made, copy.verified_s or 0.0)


def _is_timed(copy: Copy) -> bool:
    """Tell whether a copy was restored and checked to the end, so that its time counts."""
    restored = copy.made is not None and copy.made.operations and not copy.made.failure
    return bool(restored and copy.verified_s)


def _notes(copies: Iterable[Copy]) -> Iterator[str]:
    """Yield what had to be changed on the copies, once each."""
    lines = dict.fromkeys(copy.made.note for copy in copies if copy.made and copy.made.note)
    return (f"{line[0].upper()}{line[1:]}" for line in lines)


def _backups(copies: Iterable[Copy]) -> Iterator[Restored]:
    for copy in copies:
        run = copy.plan.backup
        if run is not None:
            yield Restored(
                run.id, run.type, run.description, run.started, run.ended, copy.plan.name
            )


def _clone(stages: Stages) -> Clone | None:
    clone, marker = stages.verified.clone, stages.verified.marker
    if marker is None or clone is None:
        return None
    method = "exact" if marker.exact else "sandwich"
    return Clone(clone.plan.name, marker.point_in_time, method, marker.tries)


def _loss(stages: Stages) -> Loss | None:
    verified = stages.verified
    if verified.clone is None:
        return _loss_of_backups(stages)
    if verified.marker is None or verified.clone.verified_s is None:
        return None
    newest, latest = verified.clone.newest, verified.latest_recovery_time
    return Loss(verified.marker.point_in_time, newest, latest)


def _loss_of_backups(stages: Stages) -> Loss | None:
    """Return what would be lost where there is no point-in-time recovery."""
    if not stages.verified.copies or stages.decided is None:
        return None
    newest = stages.verified.copies[0].plan.backup
    if newest is None:
        return None
    failed_at = stages.decided.looked or stages.start.started
    return Loss(failed_at, newest.started or newest.ended, None, backup=newest.id)


def _cut_short(error: BaseException) -> CheckResult:
    words = f"the drill did not end by itself: {reason(error)}"
    remedy = "What was not reached in time is not proven. Drill again."
    return CheckResult("completed", State.UNKNOWN, 0, 1, words, remedy=remedy)


def _clean_up(cleaned: Cleaned, total: int, stack: str) -> CheckResult:
    left = cleaned.leftovers
    remedy = f"Run `invoke restore.sweep -s {stack}`; each of them costs money."
    if not cleaned.complete:
        words = "the clean-up was cut short: copies may be left"
        return CheckResult(
            "cleanup", State.UNKNOWN, 0, total, words, _left(left, Level.UNKNOWN), remedy=remedy
        )
    if left:
        words = f"{len(left)} instances could not be removed"
        return CheckResult(
            "cleanup", State.FINDING, total, total, words, _left(left), remedy=remedy
        )
    words = f"{total} copies removed, nothing left" if total else "no copy was begun, nothing left"
    return CheckResult("cleanup", State.OK, total, total, words)


def _left(leftovers: Iterable[str], level: Level = Level.FINDING) -> tuple[Finding, ...]:
    return tuple(finding("instance", line, level=level) for line in leftovers)
