"""A restore from its plan to its evidence; a second call goes on where the first was cut."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ops import arguments, guard, lease
from ops.cloudsql import OperationFailedError
from ops.console import Progress
from ops.errors import OpsError, Terminated
from ops.evidence import born, key, run_name, write
from ops.evidence.record import AlreadyRecordedError
from ops.guard import NO_CONSENT, Consent
from ops.invocation import Invocation
from ops.journal import Journal, unfinished
from ops.lease import Holding, LeaseLostError
from ops.restore.recovery import checks, giving_up, order, plan, refusals, when
from ops.restore.recovery.calls import CallRefusedError, Calls, Patience
from ops.restore.recovery.carry import BRINGS, carry
from ops.restore.recovery.order import ROOM, Order, Request, Task, UnfinishedError
from ops.restore.recovery.plan import Plan
from ops.restore.recovery.report import Abandoned, Recovered, evidence
from ops.restore.recovery.situation import look
from ops.restore.source import Source, of
from ops.target import Target

__all__ = ["Options", "Request", "Task", "options", "restore"]


class GoesOnError(OpsError):
    """We stop waiting; the cloud may go on."""

    def __init__(self, error: OpsError, ordered: Order) -> None:
        super().__init__(f"{error} {ordered.go_on}")


class RestoreFailedError(OpsError):
    """A call was refused, or an operation failed: the restore is over."""

    def __init__(self, error: OpsError, rest: str) -> None:
        super().__init__(f"{error} {rest}")


@dataclass(frozen=True, slots=True)
class Options:
    """How it is done.

    Attributes:
        consent: what production, and every restore in place, asks for.
        dry_run: whether only the plan is shown.
        abandon: whether an unfinished one is given up.
        amcheck: whether the check looks at every index and page.
        patience: how long to wait for the cloud.
    """

    consent: Consent = NO_CONSENT
    dry_run: bool = False
    abandon: bool = False
    amcheck: bool = True
    patience: Patience = field(default_factory=Patience)


def options(
    yes: bool,  # noqa: FBT001 - as a task hands them on
    confirm: str,
    wait: str,
    dry_run: bool,  # noqa: FBT001 - as above
    abandon: bool,  # noqa: FBT001 - as above
    amcheck: bool,  # noqa: FBT001 - as above
) -> Options:
    """Return the options of a command line; raises ops.arguments.BadArgumentError."""
    return Options(Consent(yes, confirm), dry_run, abandon, amcheck, _patience(wait))


def _patience(minutes: str) -> Patience:
    if not minutes:
        return Patience()
    return Patience(60 * arguments.number("--wait", minutes, least=0.001, unit="minutes"))


def restore(
    run: Invocation, request: Request, options: Options = Options()
) -> Plan | Recovered | Abandoned:
    """Restore for real: plan, ask, carry out, check, leave evidence.

    Where an earlier call of the same task did not end, this one goes on with it.

    Raises:
        ops.lease.LeaseHeldError: another restore is under way.
        ops.lease.LeaseLostError: this one was suspended, and another process went on with it.
        ops.restore.recovery.order.UnfinishedError: an earlier one asked for something else.
        GoesOnError: we stop waiting, and the cloud may go on.
        RestoreFailedError: it failed; the sentence tells what is left.
    """
    if request.task is Task.IN_PLACE and request.to:
        raise refusals.InPlaceToTimeError(run.target.stack, request.to)
    source = of(run.target)
    with lease.hold(source.store, ROOM, source.lease) as holding:
        return _Restore(run.target, source, request, options, run.progress, holding).do()


@dataclass(frozen=True, slots=True)
class _Restore:
    target: Target
    source: Source
    request: Request
    options: Options
    progress: Progress
    held: Holding

    def do(self) -> Plan | Recovered | Abandoned:
        earlier = _unfinished(self.source, self.request.task)
        if self.options.abandon:
            return self._abandon(earlier)
        if earlier is None:
            return self._begin()
        journal, ordered = earlier
        if not self.request.agrees(ordered.request):
            raise UnfinishedError(ordered)
        calls = self._calls(journal)
        going_on = _going_on(ordered)
        if self.options.dry_run:
            return going_on.undone(f"`{ordered.command}` goes on with it.")
        self._show(going_on)
        entry = calls.entry(BRINGS[ordered.task])
        if entry is None or not entry.operation:  # else all that is left is to wait and to look
            hint = self._unpermitted(ordered)
            if hint:
                return going_on.undone(hint, is_shown=True)
        return self._perform(ordered, calls)

    def _begin(self) -> Plan | Recovered:
        situation = look(self.source)
        moment = None
        if self.request.task is Task.PITR:
            moment = when.ask(self.source, when.parse(self.request.to, situation.now))
        decided = plan.decide(self.request, situation, moment)
        ordered = decided.order
        if self.options.dry_run:
            return decided.undone("Leave out --dry-run to do it.")
        self._show(decided)
        if hint := self._unpermitted(ordered):
            return decided.undone(hint, is_shown=True)
        self.held.confirm()  # a person may have taken an hour to answer
        journal = Journal(self.source.store, ROOM, run_name(situation.now))
        journal.intend("plan", ordered.instance, **ordered.facts())
        return self._perform(ordered, self._calls(journal))

    def _unpermitted(self, ordered: Order) -> str:
        """Return how to permit it; empty where it is permitted.

        Raises:
            ops.guard.NotConfirmedError: without it, everything in an instance is not replaced.
            ops.guard.OutsideWindowError: production's change window is closed.
        """
        yes, confirm = self.options.consent.yes, self.options.consent.confirm
        if ordered.task is Task.IN_PLACE:
            action = f"replace everything in {ordered.instance}"
            guard.insist(self.target, action, yes=yes, confirm=confirm)
            return ""
        action = f"restore it into {ordered.instance}"
        permitted = guard.permit_new(self.target, action, yes=yes, confirm=confirm)
        return "" if permitted else f"Add --yes --confirm {self.target.instance} to do it."

    def _perform(self, ordered: Order, calls: Calls) -> Recovered:
        source, run = self.source, calls.journal.run
        began = born(run)
        with self._after_failure(ordered, calls):
            carried = carry(source, ordered, calls, self.progress)
            instance = source.cloud.instance(ordered.instance)
            with self.progress.phase(
                f"Check {ordered.instance}", total=checks.steps(ordered)
            ) as phase:
                checked = checks.check(
                    source,
                    ordered,
                    run,
                    instance,
                    amcheck=self.options.amcheck,
                    advance=phase.advance,
                )
            self.held.confirm()  # else the record says what another process's restore is like
        report = Recovered(
            run=run,
            order=ordered,
            address=instance.address,
            connection_name=instance.connection_name,
            began=began,
            ended=datetime.now(UTC),
            operations=carried.operations,
            safety=carried.safety,
            checks=checked.results,
            heartbeat=checked.heartbeat,
            evidence=source.store.where(key(ROOM, run)),
            database=source.database.name,
            other_databases=checked.other_databases,
        )
        with suppress(AlreadyRecordedError):  # killed after it was written, before the end
            versions = {"database": instance.database_version}
            write(source.store, evidence(report, versions, source.identity))
        calls.journal.close()
        return report

    @contextmanager
    def _after_failure(self, ordered: Order, calls: Calls) -> Iterator[None]:
        """Say, however it is cut, what goes on in the cloud, what is left, and how to go on."""
        try:
            yield
        except (KeyboardInterrupt, Terminated):
            with suppress(OpsError):
                self.progress.line(_cut(ordered, calls))
            raise
        except LeaseLostError:
            raise
        except (OperationFailedError, CallRefusedError) as error:
            raise RestoreFailedError(error, giving_up.after_failure(ordered, calls)) from error
        except OpsError as error:  # also a poll that was refused: what was asked for goes on
            raise GoesOnError(error, ordered) from error

    def _abandon(self, earlier: "tuple[Journal, Order] | None") -> Plan | Abandoned:
        if earlier is None:
            return Abandoned(self.request.task, None)
        journal, ordered = earlier
        if self.options.dry_run:
            return _going_on(ordered).undone("Leave out --dry-run to give it up.")
        action = f"give up the restore of {ordered.content} into {ordered.instance}"
        if ordered.task is not Task.IN_PLACE:
            action = f"{action} and delete {ordered.instance}"
        guard.approve_removal(self.target, action, self.options.consent, any_hour=True)
        with self.progress.phase(f"Give up {ordered.instance}"):
            return giving_up.abandon(ordered, self._calls(journal))

    def _calls(self, journal: Journal) -> Calls:
        cloud = self.source.cloud.bounded(each=self.held.check)
        return Calls(cloud, journal, self.options.patience, self.held.confirm)

    def _show(self, decided: Plan) -> None:
        for block in decided.blocks():
            self.progress.line(str(block))


def _unfinished(source: Source, task: Task) -> tuple[Journal, Order] | None:
    """Return the journal of a task that did not end, and what it was to do."""
    for journal in unfinished(source.store, ROOM):
        ordered = order.read(journal)
        if ordered is not None and ordered.task is task:
            return journal, ordered
    return None


def _going_on(ordered: Order) -> Plan:
    """Return what a second call does: what is left of the first."""
    return Plan(ordered, ("go on with the one that did not end",), (), None)


def _cut(ordered: Order, calls: Calls) -> str:
    """Say what goes on in the cloud after we are gone."""
    under_way = [entry for entry in calls.journal.entries() if entry.operation and not entry.done]
    goes_on = "".join(
        f"Operation {entry.operation} ({entry.action} of {entry.object}) goes on in the cloud. "
        for entry in under_way
    )
    return f"{goes_on or 'Nothing is under way in the cloud. '}{ordered.go_on}"
