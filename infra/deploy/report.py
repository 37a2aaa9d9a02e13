"""What a deployment says: the plan, what came of it, and what did not arrive."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from infra.deploy.steps import Action, Plan, Step
from infra.drift.differences import Difference, outstanding, undeclared
from infra.drift.report import subject, table
from ops.checks.result import State
from ops.console import Table

COLUMNS = ("do", "what", "property", "before", "after", "effect")


def rows(step: Step) -> Iterator[tuple[object, ...]]:
    """Yield a step as lines of a table: one a change."""
    what = f"{step.kind} {step.name}"
    if not step.changes:
        yield (step.action, what, "", "", step.why, "")
    for change in step.changes:
        yield (step.action, what, change.property, change.before, change.after, change.effect)


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deployment did, or would do.

    Attributes:
        stack: The stack.
        applied: Whether it was carried out.
        plan: What was decided.
        found: What differs afterwards, as drift tells it.
        outputs: Of the program, by name.
    """

    stack: str
    applied: bool
    plan: Plan
    found: tuple[Difference, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def left(self) -> tuple[Difference, ...]:
        """What was declared and did not arrive; should be nothing."""
        return outstanding(self.found)

    @property
    def state(self) -> State:
        """Whether everything that was declared is there; what nobody could read is unknown."""
        if self.left:
            return State.FINDING
        return State.UNKNOWN if self.plan.unread else State.OK

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Table | str]:
        steps = self.plan.steps
        if steps:
            lines = tuple(row for step in steps for row in rows(step))
            yield Table("Plan" if not self.applied else "Deployed", COLUMNS, lines)
        elif not self.plan.unread:
            beside = " What it does not declare is listed below." if undeclared(self.found) else ""
            yield f"Nothing to change: {self.stack} is what its configuration declares.{beside}"
        for change in self.plan.ignored:
            yield (
                f"Left alone: {change.property} is {change.before} and declared"
                f" {change.after or 'nothing'}; it is set when the instance is made."
            )
        yield from (f"COULD NOT TELL: {sentence}" for sentence in self.plan.unread)
        if not self.applied and any(step.action is Action.REPLACE for step in steps):
            yield "A replacement deletes data; it is carried out only with --replace."
        if self.left:
            yield table("DID NOT ARRIVE (declared, yet the live instance differs)", self.left)
        for difference in undeclared(self.found):
            yield f"Not declared, and left alone: {subject(difference)}. {difference.resolve}"
        if self.outputs:
            yield Table("", ("output", "value"), tuple(sorted(self.outputs.items())))


@dataclass(frozen=True, slots=True)
class Destruction:
    """What was deleted.

    Attributes:
        stack: The stack.
        instances: Names of the instances that are gone.
    """

    stack: str
    instances: tuple[str, ...]

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        if not self.instances:
            return (f"There was nothing to delete: {self.stack} is not deployed.",)
        return (f"Deleted, with databases, users and passwords: {', '.join(self.instances)}.",)
