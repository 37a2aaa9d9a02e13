"""What a check found: four states, and which of them wins."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum

from ops.errors import ExitCode

Facts = Mapping[str, object]  # ready for JSON
Document = dict[str, object]


class State(StrEnum):
    """The outcome of a check; unknown is never ok."""

    OK = "ok"
    FINDING = "finding"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"


class Level(StrEnum):
    """What a finding means for the check that it belongs to.

    A finding makes the check a finding, an unknown makes it unknown; warnings and notes are
    shown and decide nothing.
    """

    FINDING = "finding"
    UNKNOWN = "unknown"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class ObjectId:
    """Which object a finding is about: two answers are compared by it, never by their words.

    Attributes:
        kind: table, index, sequence, role, backup run, instance ...
        name: within its schema, or alone.
        schema: of an object in a database; else empty.
        part: a column, a constraint or a page of the object; else empty.
    """

    kind: str
    name: str
    schema: str = ""
    part: str = ""

    @property
    def label(self) -> str:
        """Return how people name it."""
        qualified = f"{self.schema}.{self.name}" if self.schema else self.name
        return f"{qualified} {self.part}" if self.part else qualified


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do about a finding.

    Attributes:
        text: a sentence for people.
        sql: the statement that does it; empty where it is no statement.
        lock: the lock that the statement takes, as PostgreSQL names it.
        undo: the statement that takes it back.
    """

    text: str
    sql: str = ""
    lock: str = ""
    undo: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One object that is not as it should be, or could not be looked at.

    Attributes:
        object: which one.
        level: what it means.
        message: what is the matter with it, after its name.
        evidence: the facts behind the message, ready for JSON.
        remedy: what to do about this object, where the check's remedy does not say it.
    """

    object: ObjectId
    level: Level
    message: str = ""
    evidence: Facts = field(default_factory=dict)
    remedy: Remedy | None = None

    @property
    def line(self) -> str:
        """Return what people read."""
        label = self.object.label
        return f"{label}: {self.message}" if label and self.message else label or self.message

    def document(self) -> Document:
        """Return what machines read."""
        return asdict(self)


def finding(kind: str, name: str, message: str = "", level: Level = Level.FINDING) -> Finding:
    """Return a finding about an object that lies in no schema."""
    return Finding(ObjectId(kind, name), level, message)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer to one question about one system.

    Attributes:
        check: the question's name, as its SQL file is named.
        state: what came out.
        examined: how many objects were looked at.
        total: how many there were to look at.
        detail: one sentence for people.
        findings: one for each object that is not as it should be or could not be looked at.
        evidence: the facts behind the sentence, ready for JSON.
        remedy: what to do about it, empty where nothing is to be done.
    """

    check: str
    state: State
    examined: int
    total: int
    detail: str
    findings: tuple[Finding, ...] = ()
    evidence: Mapping[str, object] = field(default_factory=dict)
    remedy: str = ""

    @property
    def differences(self) -> tuple[str, ...]:
        """Return a line a finding, for people."""
        return tuple(each.line for each in self.findings)

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "check": self.check,
            "state": self.state,
            "examined": self.examined,
            "total": self.total,
            "detail": self.detail,
            "differences": self.differences,
            "findings": [each.document() for each in self.findings],
            "evidence": self.evidence,
            "remedy": self.remedy,
        }

    def at(self, level: Level) -> tuple[Finding, ...]:
        """Return the findings of a level."""
        return tuple(each for each in self.findings if each.level is level)


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
        return {
            "name": f"{self.copy.replace(' ', '_')}.{self.result.check}",
            "copy": self.copy,
            **self.result.document(),
        }


def unsure(checked: Checked) -> Checked:
    """Return a finding as unknown: others may have changed what was checked meanwhile."""
    result = checked.result
    if result.state is not State.FINDING:
        return checked
    words = f"{result.detail}; another process may have caused this, so it proves nothing"
    return Checked(checked.copy, doubt(result, words))


def doubt(result: CheckResult, detail: str, remedy: str = "") -> CheckResult:
    """Return a finding as unknown: something else may have caused what was found.

    Args:
        result: with findings.
        detail: the sentence that says what.
        remedy: in place of the check's own; empty leaves that.
    """
    findings = tuple(
        replace(each, level=Level.UNKNOWN) if each.level is Level.FINDING else each
        for each in result.findings
    )
    return replace(
        result,
        state=State.UNKNOWN,
        detail=detail,
        findings=findings,
        remedy=remedy or result.remedy,
    )
