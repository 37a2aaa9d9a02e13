"""What a look at the live instances found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.drift import checks
from infra.drift.differences import Difference, Finding, Unread
from ops.checks import report
from ops.checks.result import CheckResult, State, worst
from ops.console import Table

COLUMNS = ("what", "property", "declared", "live", "deploying")


def row(difference: Difference) -> tuple[object, ...]:
    """Return a difference as a line of a table."""
    part = difference.property.removeprefix("settings.").replace("databaseFlags.", "flag ")
    return (
        f"{difference.kind} {difference.name}",
        part,
        difference.declared,
        difference.live,
        difference.deploying,
    )


def subject(difference: Difference) -> str:
    """Return what is not declared, in words."""
    what = f"{difference.kind} {difference.name}"
    if not difference.property:
        return what
    return f"{what}, {difference.property} is {difference.live}"


def table(title: str, differences: Sequence[Difference]) -> Table:
    """Return differences as a table."""
    return Table(title, COLUMNS, tuple(map(row, differences)))


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
    def checks(self) -> tuple[CheckResult, ...]:
        """What came out for instances, databases, users, and settings in SQL."""
        return checks.of(self.differences, self.unread, len(self.instances))

    @property
    def state(self) -> State:
        """Whether anything differs; what could not be read is unknown, never good."""
        return worst(check.state for check in self.checks)

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Table | str]:
        findings = [each for each in self.differences if each.finding is not Finding.NOTE]
        yield from (f"DANGER: {each.danger} {each.resolve}" for each in findings if each.danger)
        if self.state is State.OK:
            yield (
                f"No drift: {', '.join(self.instances)} as {self.stack} declares, and no setting of"
                " a role or database besides. Rights, and whether sql/roles was applied, are"
                " `invoke roles.status`."
            )
            yield from checks.notes(self.checks)
        else:
            yield from report.blocks(f"Drift from what {self.stack} declares", self.checks)

    def document(self) -> dict[str, object]:
        """Return what JSON holds: the state with the facts."""
        return {
            "stack": self.stack,
            "state": self.state,
            "instances": self.instances,
            "checks": self.checks,
            "differences": self.differences,
            "unread": self.unread,
        }
