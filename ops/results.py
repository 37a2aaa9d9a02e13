"""What a check found: four states, and which of them wins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ops.errors import ExitCode


class State(StrEnum):
    """The outcome of a check; unknown is never ok."""

    OK = "ok"
    FINDING = "finding"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer to one question about one system.

    Attributes:
        check: the question's name, as its SQL file is named.
        state: what came out.
        examined: how many objects were looked at.
        total: how many there were to look at.
        detail: one sentence for people.
        differences: one line for each thing that is not as it should be.
        evidence: the facts behind the sentence, ready for JSON.
        remedy: what to do about it, empty where nothing is to be done.
    """

    check: str
    state: State
    examined: int
    total: int
    detail: str
    differences: tuple[str, ...] = ()
    evidence: Mapping[str, object] = field(default_factory=dict)
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many checks came out how; the same everywhere a record is shown.

    Attributes:
        ok, finding, unknown, not_applicable: checks of each state.
    """

    ok: int
    finding: int
    unknown: int
    not_applicable: int

    @property
    def applicable(self) -> int:
        """Return how many checks apply: the number that ok ones are compared with."""
        return self.ok + self.finding + self.unknown

    def words(self) -> str:
        """Return the counts for people."""
        rest = f", {self.not_applicable} not applicable" if self.not_applicable else ""
        return f"{self.ok} of {self.applicable} ok{rest}"


def count(states: Iterable[str]) -> Counts:
    """Return how many checks came out how; a state that this version does not know is unknown."""
    seen = [str(state) for state in states]
    ok, finding, other = (
        seen.count(state.value) for state in (State.OK, State.FINDING, State.NOT_APPLICABLE)
    )
    return Counts(ok, finding, len(seen) - ok - finding - other, other)


def worst(states: Iterable[State]) -> State:
    """Return the state that decides: a finding beats an unknown, an unknown beats ok.

    No states at all is unknown: nothing was looked at.
    """
    seen = set(states)
    for state in (State.FINDING, State.UNKNOWN, State.OK):
        if state in seen:
            return state
    return State.UNKNOWN


def exit_code(state: State) -> ExitCode:
    """Return the documented exit code of an overall state."""
    return {State.FINDING: ExitCode.FINDING, State.UNKNOWN: ExitCode.UNKNOWN}.get(
        state, ExitCode.GOOD
    )


def verdict(state: State) -> str:
    """Return pass, fail or unknown, as drills say it."""
    return {State.OK: "pass", State.FINDING: "fail"}.get(state, "unknown")


@dataclass(frozen=True, slots=True)
class Checked:
    """A check's result, and of what it is.

    Attributes:
        copy: what was checked: a restored copy, a failover, or the drill itself.
        result: what came out.
    """

    copy: str
    result: CheckResult

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        result = self.result
        return {
            "name": f"{self.copy.replace(' ', '_')}.{result.check}",
            "copy": self.copy,
            "check": result.check,
            "state": result.state,
            "examined": result.examined,
            "total": result.total,
            "detail": result.detail,
            "differences": result.differences,
            "evidence": result.evidence,
            "remedy": result.remedy,
        }


def unsure(checked: Checked) -> Checked:
    """Return a finding as unknown: others may have changed what was checked meanwhile."""
    result = checked.result
    if result.state is not State.FINDING:
        return checked
    words = f"{result.detail}; another process may have caused this, so it proves nothing"
    return Checked(checked.copy, replace(result, state=State.UNKNOWN, detail=words))
