"""Decides, without touching anything: what a restore does, what it costs, why it is refused."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ops import durations, guard
from ops.cloudsql import BackupRun
from ops.console import Table
from ops.restore.recovery import refusals
from ops.restore.recovery.order import Order, Request, Task
from ops.restore.recovery.situation import Drilled, Situation
from ops.shortlived import NAME_LIMIT, name_stem

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
NOT_CARRIED = (
    "Not carried over: the address and the connection name, the server's certificate and client "
    "certificates, read replicas, earlier backups and recovery times, alerts, jobs and IAM "
    "conditions that name the source; Pulumi's state does not know the new instance."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore does; printed before anything is done.

    Attributes:
        order: what is to be done.
        steps: a line a step, in order.
        costs: what is lost or cut, and for how long.
        estimate_s: how long it takes if it takes as long as a drill did, in seconds.
        drilled: that drill; None where no time is expected, as of one that goes on.
        dry: why nothing is done, and how to do it; empty where it is done.
        shown: whether people have read it already.
    """

    order: Order
    steps: tuple[str, ...]
    costs: tuple[str, ...]
    estimate_s: float | None
    drilled: Drilled | None = None
    dry: str = ""
    shown: bool = False

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read before it begins, or instead."""
        if self.shown:
            return (self.dry,)
        lines = [f"Restore {self.order.content} ({self.order.task}) into {self.order.instance}:"]
        lines += [f"  {number}. {step}" for number, step in enumerate(self.steps, start=1)]
        lines += [f"  - {line}" for line in (*self.costs, *self._time())]
        return (*lines, *((self.dry,) if self.dry else ()))

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        order = self.order
        return {
            "done": False,
            "task": order.task,
            "stack": order.stack,
            "source": order.source,
            "instance": order.instance,
            "backup": order.backup,
            "moment": order.moment,
            "replicas": order.replicas,
            "steps": self.steps,
            "costs": self.costs,
            "estimate_s": self.estimate_s,
            "dry": self.dry,
        }

    def _time(self) -> Iterator[str]:
        drilled = self.drilled
        if drilled is None:
            return
        if self.estimate_s is None:
            why = "no restore drill left evidence"
            if drilled.records:
                why = f"none of {drilled.records} restore drills on record measured it"
            yield f"How long it takes is not known: {why} (`invoke restore-drill`)."
            return
        verdict = "which passed" if drilled.verdict == "pass" else f"verdict {drilled.verdict}"
        yield f"By drill {drilled.run} ({verdict}) it takes about {self.estimate_s:.0f} s."
        if drilled.is_doubtful:
            yield (
                "The records of restore drills can't be trusted: see "
                "`invoke restore.evidence --verify`."
            )

    def undone(self, hint: str, *, is_shown: bool = False) -> "Plan":
        """Return it as an answer: nothing was done, and how to do it."""
        return replace(self, dry=f"Nothing was done. {hint}", shown=is_shown)


def decide(request: Request, situation: Situation, moment: datetime | None) -> Plan:
    """Return what a restore does.

    Args:
        request: what was asked for.
        situation: what there is.
        moment: the time to go back to, for ``pitr``; None for the latest.

    Raises:
        ops.errors.OpsError: it can't be done (``refusals`` has them all).
    """
    if request.task is Task.PITR:
        return _pitr(request, situation, moment)
    chosen = _backup(request, situation)
    if request.task is Task.TO_NEW:
        return _to_new(request, situation, chosen)
    return _in_place(request, situation, chosen)


def _to_new(request: Request, situation: Situation, chosen: BackupRun) -> Plan:
    order = _order(request, situation, _name(request, situation), chosen)
    steps = (
        f"create {order.instance}: {_shape(request, situation)}",
        f"restore backup run {chosen.id} into it",
        "check it as owner and as the application",
    )
    return Plan(order, steps, tuple(_new_costs(situation, chosen.started)), *_time(situation))


def _pitr(request: Request, situation: Situation, moment: datetime | None) -> Plan:
    if not situation.recovers_to_times:
        raise refusals.NoRecoveryError(situation.instance.name, situation.stack)
    if situation.stopped:
        raise refusals.StoppedError(situation.instance.name)
    at, pass_by = _inside(situation, moment)
    name = _name(request, situation)
    order = Order(request, situation.stack, situation.instance.name, name, "", at, pass_by)
    steps = [f"clone {order.source} as of {at:%Y-%m-%d %H:%M:%S.%f} UTC to {name}"]
    if pass_by:
        steps.insert(
            0,
            "commit one empty transaction on the source, for recovery needs one behind the moment",
        )
    steps += [
        f"see that it is {_shape(request, situation)}",
        "check it as owner and as the application",
    ]
    return Plan(order, tuple(steps), tuple(_new_costs(situation, at)), *_time(situation))


def _in_place(request: Request, situation: Situation, chosen: BackupRun) -> Plan:
    name = situation.instance.name
    if situation.stopped:
        raise refusals.StoppedError(name)
    if situation.replicas and not request.delete_replicas:
        raise refusals.ReplicasError(name, situation.replicas)
    order = replace(_order(request, situation, name, chosen), replicas=situation.replicas)
    steps = [f"back up {name} first, and wait for it"]
    if request.no_backup_first:
        steps = [f"take no backup first: {request.no_backup_first}"]
    steps += [f"delete the read replica {replica}" for replica in situation.replicas]
    steps += [f"replace everything in {name} by backup run {chosen.id}", "check it"]
    return Plan(
        order,
        tuple(steps),
        tuple(_in_place_costs(situation, chosen)),
        _in_place_s(situation),
        situation.drilled,
    )


def _order(request: Request, situation: Situation, name: str, chosen: BackupRun) -> Order:
    return Order(
        request,
        situation.stack,
        situation.instance.name,
        name,
        chosen.id,
        chosen.started or chosen.ended,
    )


def _new_costs(situation: Situation, since: datetime | None) -> Iterator[str]:
    source, machine = situation.instance, situation.instance.body.get("settings", {}).get("tier")
    yield f"{source.name} is not touched"
    yield f"what was committed since {_age(situation, since)} is not in the new one"
    yield f"a second {machine or 'machine'} is paid for until one of them is deleted"
    yield NOT_CARRIED


def _in_place_costs(situation: Situation, chosen: BackupRun) -> Iterator[str]:
    yield f"everything committed since {_age(situation, chosen.started)} is lost"
    known = {
        "the newest heartbeat is of": situation.heartbeat,
        "the newest archived commit is of": situation.window and situation.window.latest,
    }
    for words, at in known.items():
        if at is not None:
            yield f"{words} {at:%Y-%m-%d %H:%M:%S} UTC"
    cut = (
        "how many are connected is not known"
        if situation.sessions is None
        else f"{situation.sessions} now"
    )
    yield f"every connection is dropped ({cut}), and refused until it is over"
    yield "flags, settings, address and labels stay; roles and passwords are the backup's"
    yield "times before the restore can't be recovered to afterwards; the backup runs stay"


def _time(situation: Situation) -> tuple[float | None, Drilled]:
    return situation.drilled.seconds, situation.drilled


def _in_place_s(situation: Situation) -> float | None:
    """Return a drill's time and that of one more backup, in seconds."""
    if situation.drilled.seconds is None:
        return None
    newest = next((run for run in situation.backups if run.status == "SUCCESSFUL"), None)
    if newest is None or newest.started is None or newest.ended is None:
        return situation.drilled.seconds
    return situation.drilled.seconds + (newest.ended - newest.started).total_seconds()


def _backup(request: Request, situation: Situation) -> BackupRun:
    name = situation.instance.name
    good = [run for run in situation.backups if run.status == "SUCCESSFUL"]
    if request.backup:
        for run in situation.backups:
            if run.id == request.backup:
                if run.status != "SUCCESSFUL":
                    raise refusals.UnusableBackupError(run)
                return run
        raise refusals.UnknownBackupError(request.backup, name, [run.id for run in good])
    if request.task is Task.IN_PLACE:
        raise refusals.NoBackupNamedError(name, [run.id for run in good])
    if not good:
        raise refusals.NoBackupError(name)
    return good[0]


def _inside(situation: Situation, moment: datetime | None) -> tuple[datetime, bool]:
    """Return the moment, and whether a commit has to be made behind it.

    PostgreSQL ends a recovery to a time FATAL where no transaction is behind that time.
    """
    window = situation.window
    earliest, latest = (None, None) if window is None else (window.earliest, window.latest)
    if moment is None:
        if latest is None:
            raise refusals.NothingArchivedError(situation.instance.name)
        return latest, False
    if moment > situation.now:
        raise refusals.FutureError(moment, situation.now, latest)
    if earliest is not None and moment < earliest:
        raise refusals.OutsideWindowError(situation.instance.name, moment, earliest, latest)
    behind = latest is not None and moment <= latest
    if not behind and situation.sessions is None:
        raise refusals.NotArchivedError(situation.instance.name, moment, latest)
    return moment, not behind


def _name(request: Request, situation: Situation) -> str:
    source = situation.instance.name
    limit = NAME_LIMIT - len(situation.project) - 1
    name = request.name
    if not name:
        end = f"-restored-{situation.now:%y%m%d-%H%M%S}"
        name = f"{source[: limit - len(end)].rstrip('-')}{end}"
    guard.differ(source, name)
    if not _NAME.fullmatch(name) or len(name) > limit:
        raise refusals.BadNameError(name, limit)
    if name.startswith(name_stem(source, situation.project)):
        raise refusals.DrillNameError(name)
    if name in situation.names:
        raise refusals.NameTakenError(name)
    return name


def _shape(request: Request, situation: Situation) -> str:
    settings = situation.instance.body.get("settings", {})
    regional = settings.get("availabilityType") == "REGIONAL" and not request.zonal
    protected = "" if situation.instance.deletion_protection else "not "
    return (
        f"{settings.get('tier', 'its machine')}, {'REGIONAL' if regional else 'ZONAL'}, "
        f"{protected}protected from deletion; flags, network, labels and backups as the source"
    )


def _age(situation: Situation, since: datetime | None) -> str:
    if since is None:
        return "then"
    return f"{since:%Y-%m-%d %H:%M:%S} UTC ({durations.words(situation.now - since)} ago)"
