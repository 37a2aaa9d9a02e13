"""What a look at the live instances found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.drift.differences import Difference, Finding, Unread
from ops.checks.result import State
from ops.console import Table

COLUMNS = ("what", "property", "declared", "live", "deploying")


def row(one: Difference) -> tuple[object, ...]:
    """Return a difference as a line of a table."""
    shown = one.property.removeprefix("settings.").replace("databaseFlags.", "flag ")
    return (f"{one.kind} {one.name}", shown, one.declared, one.live, one.deploying)


def subject(difference: Difference) -> str:
    """Return what is not declared, in words."""
    what = f"{difference.kind} {difference.name}"
    if not difference.property:
        return what
    return f"{what}, {difference.property} is {difference.live}"


def table(title: str, found: Sequence[Difference]) -> Table:
    """Return differences as a table."""
    return Table(title, COLUMNS, tuple(map(row, found)))


@dataclass(frozen=True, slots=True)
class Drift:
    """How the live instances differ from what their stack declares.

    Attributes:
        stack: The stack.
        instances: Those that were compared.
        differences: Everything that differs, notes included.
        unread: What could not be read.
    """

    stack: str
    instances: tuple[str, ...]
    differences: tuple[Difference, ...]
    unread: tuple[Unread, ...] = ()

    @property
    def state(self) -> State:
        """Whether anything differs; what could not be read is unknown, never good."""
        if any(one.finding is not Finding.NOTE for one in self.differences):
            return State.FINDING
        return State.UNKNOWN if self.unread or not self.instances else State.OK

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Table | str]:
        findings = [one for one in self.differences if one.finding is not Finding.NOTE]
        yield from (f"DANGER: {one.danger} {one.resolve}" for one in findings if one.danger)
        if findings:
            yield table("DRIFT", findings)
            yield "To resolve:"
            yield from (f"  {row(one)[0]} {row(one)[1]}: {one.resolve}" for one in findings)
        elif self.state is State.OK:
            yield (
                f"No drift: {', '.join(self.instances)} as {self.stack} declares, and no setting of"
                " a role or database besides. Rights, and whether sql/roles was applied, are"
                " `invoke roles.status`."
            )
        for one in self.differences:
            if one.finding is Finding.NOTE:
                yield (
                    f"Note: {one.property} of {one.name} is {one.live}, declared {one.declared}."
                    f" {one.resolve}"
                )
        for unread in self.unread:
            yield f"COULD NOT TELL ({unread.kind} {unread.instance}): {unread.why}"

    def document(self) -> dict[str, object]:
        """Return what JSON holds: the state with the facts."""
        return {
            "stack": self.stack,
            "state": self.state,
            "instances": self.instances,
            "differences": self.differences,
            "unread": self.unread,
        }
