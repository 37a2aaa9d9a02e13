"""What a preview says of one stack, and what all of them together mean. Frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.consequences import Effect
from infra.preview.difference import Action, ResourceChange
from infra.preview.downtime import Restart
from infra.preview.findings import Memory, PolicyChange
from infra.preview.money import Money
from ops.errors import BadInputError
from ops.results import State


class Verdict(StrEnum):
    """What a change comes to, the worst first."""

    BLOCKED = "blocked by policy"
    DELETES = "deletes (data loss)"
    REPLACES = "replaces (data loss)"
    RESTARTS = "restarts"
    UNKNOWN = "could not tell"
    SAFE = "safe"
    DIFFERS = "differs"
    NO_CHANGE = "no change"


WORDS: Mapping[str, frozenset[Verdict]] = {
    "blocked": frozenset({Verdict.BLOCKED}),
    "replace": frozenset({Verdict.DELETES, Verdict.REPLACES}),
    "restart": frozenset({Verdict.RESTARTS}),
    "change": frozenset({Verdict.SAFE}),
}
FAIL_ON = "restart,replace,blocked"


class UnknownFailOnError(BadInputError):
    """``--fail-on`` names something that there is none of."""

    def __init__(self, given: str) -> None:
        known = ", ".join((*WORDS, "never"))
        super().__init__(
            f"--fail-on takes {known}, separated by commas; {given!r} is none of them."
        )


def fail_on(given: str) -> frozenset[Verdict]:
    """Return the verdicts that end with 3; raises UnknownFailOnError."""
    named = [word.strip() for word in given.split(",") if word.strip()]
    if named == ["never"]:
        return frozenset()
    for word in named:
        if word not in WORDS:
            raise UnknownFailOnError(word)
    return frozenset[Verdict]().union(*(WORDS[word] for word in named))


@dataclass(frozen=True, slots=True)
class StackPreview:
    """What a change does to one stack.

    Attributes:
        stack: Its name.
        verdict: What it comes to.
        note: Why there is no more to say: it exists on one side only, a program failed.
        changes: What happens to each resource.
        secrets: Keys of encrypted values that differ.
        restarts: In the order in which they come.
        circumstances: What there is to know about them, in sentences.
        money: The price a month on both sides; None where there is nothing to compare.
        policy: Findings that come and go.
        memory: The memory budget, where it or its warning changes.
        drill: What the last restore drill covers, where the change asks for it.
        engine: What `pulumi preview` says of a resource, by its name.
    """

    stack: str
    verdict: Verdict
    note: str = ""
    changes: tuple[ResourceChange, ...] = ()
    secrets: tuple[str, ...] = ()
    restarts: tuple[Restart, ...] = ()
    circumstances: tuple[str, ...] = ()
    money: Money | None = None
    policy: tuple[PolicyChange, ...] = ()
    memory: tuple[Memory, ...] = ()
    drill: str = ""
    engine: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change does to every stack that was asked for.

    Attributes:
        before: What it is compared with, in words.
        after: What is compared, in words.
        stacks: One at least.
        failing: Verdicts that are findings.
    """

    before: str
    after: str
    stacks: tuple[StackPreview, ...]
    failing: frozenset[Verdict]

    @property
    def verdict(self) -> Verdict:
        """The worst of all stacks."""
        order = list(Verdict)
        return min((one.verdict for one in self.stacks), key=order.index)

    @property
    def state(self) -> State:
        """The exit code's reason: a failing verdict beats one that could not be told."""
        verdicts = {one.verdict for one in self.stacks}
        if verdicts & self.failing:
            return State.FINDING
        return State.UNKNOWN if Verdict.UNKNOWN in verdicts else State.OK


def at_least(least: Verdict, verdict: Verdict) -> Verdict:
    """Return the worse of two verdicts."""
    order = list(Verdict)
    return min(least, verdict, key=order.index)


def decide(
    changes: tuple[ResourceChange, ...], restarts: tuple[Restart, ...], *, blocked: bool
) -> Verdict:
    """Return what the changes of one stack come to."""
    if all(one.action is Action.LEAVE for one in changes):
        return Verdict.NO_CHANGE
    effects = {change.effect for one in changes for change in one.changes}
    worst_first = (
        (Verdict.BLOCKED, blocked),
        (Verdict.REPLACES, any(one.loses_data for one in changes)),
        (Verdict.RESTARTS, bool(restarts)),
        (Verdict.UNKNOWN, Effect.UNKNOWN in effects),
    )
    return next((verdict for verdict, holds in worst_first if holds), Verdict.SAFE)
