"""What came out of a restore: for people, for machines, and as evidence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ops import durations
from ops.checks.report import explain, table
from ops.checks.result import CheckResult, State, count, verdict, worst
from ops.cloudsql import Operation
from ops.console import Table
from ops.evidence import Evidence, uncompared
from ops.evidence.identity import Identity
from ops.evidence.uncompared import NOT_COMPARED
from ops.restore.recovery.order import ROOM, Order, Task

NO_AMCHECK = "indexes and pages with what they must be (leave out --no-amcheck)"


@dataclass(frozen=True, slots=True)
class Recovered:
    """A restore that was carried out and checked.

    Attributes:
        run: its name.
        order: what was done.
        address, connection_name: of the instance that has the data now.
        began, ended: when, by this machine's clock.
        operations: what the cloud did for it, in order.
        safety: the backup run that was taken first; empty where none was.
        checks: what the checks of the restored instance found.
        heartbeat: when the newest recovered heartbeat was written; None where there is none.
        evidence: where the evidence lies.
        database: the application's, which was checked.
        other_databases: of the restored instance, which nobody looked at.
    """

    run: str
    order: Order
    address: str
    connection_name: str
    began: datetime
    ended: datetime
    operations: tuple[Operation, ...]
    safety: str
    checks: tuple[CheckResult, ...]
    heartbeat: datetime | None
    evidence: str
    database: str = ""
    other_databases: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """Return the worst state of all checks."""
        return worst(check.state for check in self.checks)

    @property
    def took_s(self) -> float:
        """Return how long the cloud worked for it, in seconds, by its own times."""
        return sum(operation.seconds or 0.0 for operation in self.operations)

    @property
    def lost_s(self) -> float | None:
        """Return how much older what was restored is than the beginning of the restore, in s."""
        if self.order.moment is None:
            return None
        return max(0.0, (self.began - self.order.moment).total_seconds())

    def document(self) -> dict[str, object]:
        """Return what machines read: also the evidence's content."""
        order = self.order
        return {
            "done": True,
            "verdict": verdict(self.state),
            "run": self.run,
            "task": order.task,
            "stack": order.stack,
            "source": order.source,
            "instance": order.instance,
            "address": self.address,
            "connection_name": self.connection_name,
            "backup": order.backup,
            "moment": order.moment,
            "began": self.began,
            "ended": self.ended,
            "took_s": round(self.took_s, 3),
            "operations": [
                (operation.type, operation.id, operation.seconds) for operation in self.operations
            ],
            "safety_backup": self.safety,
            "no_backup_first": order.request.no_backup_first,
            "deleted_replicas": order.replicas,
            "lost_s": self.lost_s,
            "newest_heartbeat": self.heartbeat,
            "counts": count(check.state for check in self.checks),
            NOT_COMPARED: self.not_compared,
            "checks": self.checks,
            "next": self.next_steps,
            "evidence": self.evidence,
        }

    def blocks(self) -> Sequence[Table | str]:
        """Return a line a check, what is wrong, then where it is and what to do next."""
        steps = [f"  {number}. {step}" for number, step in enumerate(self.next_steps, start=1)]
        return (
            table(f"Checks of {self.order.instance}", self.checks),
            *explain(self.checks),
            self.summary,
            *self.lines,
            "Next:",
            *steps,
            f"Evidence: {self.evidence}",
        )

    @property
    def summary(self) -> str:
        """Return what was done, in a sentence."""
        order = self.order
        return (
            f"Restored {order.content} into {order.instance} in {self.took_s:.1f} s; it is at "
            f"{self.address} ({self.connection_name}). Verdict: {verdict(self.state)}. "
            f"Checks: {count(check.state for check in self.checks).words()}. "
            f"{uncompared.sentence(self.not_compared)}"
        )

    @property
    def not_compared(self) -> tuple[str, ...]:
        """Return what of the restored instance was compared with nothing."""
        rows: tuple[str, ...] = (f"the rows of {self.order.content} with those that were there",)
        if self.order.backup:
            rows = uncompared.of_backups([self.order.backup])
        looked = (check for check in self.checks if check.state is not State.NOT_APPLICABLE)
        pages = () if any(check.check == "amcheck" for check in looked) else (NO_AMCHECK,)
        others = uncompared.of_databases(self.other_databases, self.database)
        return (*rows, *pages, *others)

    @property
    def lines(self) -> tuple[str, ...]:
        """Return what is not in it, and what was taken first."""
        return tuple(self._yield_lines())

    def _yield_lines(self) -> Iterator[str]:
        if self.order.moment is not None:
            age = durations.words(self.began - self.order.moment)
            yield (
                f"Not in it: what was committed since {self.order.moment:%Y-%m-%d %H:%M:%S} UTC, "
                f"{age} before the restore began."
            )
        if self.safety:
            yield f"What was there before is in backup run {self.safety}."

    @property
    def next_steps(self) -> tuple[str, ...]:
        """Return what to do next, in order."""
        order = self.order
        look = () if self.state is State.OK else ("Look into the checks that are not ok.",)
        if order.task is Task.IN_PLACE:
            return (*look, *self._after_in_place())
        adopt = f"invoke adopt -s {order.stack} --instance {order.instance} --out adopted"
        return (
            *look,
            f"Look at the data at {self.address}, or by the Auth Proxy ({self.connection_name}).",
            f"Point the application there: {self.address} or {self.connection_name}.",
            f"Move the stack over before anybody deploys it (docs/restoring.md): `{adopt}`.",
            f"Not needed after all? Delete {order.instance}, protection off first: it is paid for.",
        )

    def _after_in_place(self) -> Iterator[str]:
        order = self.order
        stack = order.stack
        yield f"Let the application connect anew: every connection to {order.instance} was dropped."
        yield f"`invoke migrate.status -s {stack}`: migrations since the backup are not applied."
        if order.replicas:
            yield f"Deploy the stack: it makes the replicas anew ({', '.join(order.replicas)})."
        yield f"`invoke backup.create -s {stack}`: recovery to a time begins anew from here."
        if self.safety:
            yield f"Wrong backup? `invoke restore.in-place -s {stack} --backup {self.safety}`."


def evidence(report: Recovered, versions: dict[str, str], instance: Identity) -> Evidence:
    """Return the evidence of a restore.

    Args:
        report: what came out.
        versions: of what took part besides this product.
        instance: the source.
    """
    order = report.order
    return Evidence(
        kind=ROOM,
        run=report.run,
        title=f"Restore {report.run} ({order.task}): {verdict(report.state)}",
        drill=report.document(),
        account=(
            f"From {report.began:%Y-%m-%d %H:%M:%S} to {report.ended:%H:%M:%S} UTC.",
            *report.blocks(),
        ),
        targets={},
        versions=versions,
        instance=instance,
    )


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A restore that was given up.

    Attributes:
        order: what it was; None where there was none.
        removed: instances that are gone now.
        task: which of the three was given up.
        safety: the backup run that it took first, which stays.
    """

    task: Task
    order: Order | None
    removed: tuple[str, ...] = ()
    safety: str = ""

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        if self.order is None:
            return (f"No restore.{self.task} is unfinished here.",)
        lines = [f"Gave up restoring {self.order.content} into {self.order.instance}."]
        lines += [f"Removed {name}." for name in self.removed]
        if not self.removed:
            lines.append("Nothing was replaced or is left of it.")
        if self.safety:
            lines.append(f"The backup that was taken first, run {self.safety}, stays.")
        return lines
