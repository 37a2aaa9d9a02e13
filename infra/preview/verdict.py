"""What a preview says of one stack, and what all of them together mean. Frozen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.consequences import Effect
from infra.preview.difference import Action, ResourceChange
from infra.preview.downtime import Restart
from infra.preview.findings import Memory, PolicyChange
from infra.preview.money import Money
from ops import arguments
from ops.arguments import BadArgumentError
from ops.checks.result import State


class Verdict(StrEnum):
    """What a change comes to, the worst first."""

    BLOCKED = "blocked by policy"
    DELETES = "deletes (data loss)"
    REPLACES = "replaces (data loss)"
    LOSES = "loses data"
    RESTARTS = "restarts"
    INTERRUPTS = "interrupts"
    UNKNOWN = "could not tell"
    SAFE = "safe"
    DIFFERS = "differs"
    NO_CHANGE = "no change"


WORDS: Mapping[str, frozenset[Verdict]] = {
    "blocked": frozenset({Verdict.BLOCKED}),
    "replace": frozenset({Verdict.DELETES, Verdict.REPLACES, Verdict.LOSES}),
    "restart": frozenset({Verdict.RESTARTS}),
    "interrupt": frozenset({Verdict.INTERRUPTS}),
    "change": frozenset({Verdict.SAFE}),
}
FAIL_ON = "interrupt,restart,replace,blocked"


def fail_on(text: str) -> frozenset[Verdict]:
    """Return the verdicts that end with 3; raises BadArgumentError."""
    named = [word.strip() for word in text.split(",") if word.strip()]
    if named == ["never"]:
        return frozenset()
    chosen = [arguments.choice("--fail-on", word, (*WORDS, "never")) for word in named]
    if "never" in chosen:
        remedy = "Give never alone, or leave it out."
        raise BadArgumentError("--fail-on", text, remedy)
    return frozenset[Verdict]().union(*(WORDS[word] for word in chosen))


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
        doubts: What no resource shows and nobody can tell, in sentences.
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
    doubts: tuple[str, ...] = ()

    @property
    def holding(self) -> frozenset[Verdict]:
        """Its verdict and the milder ones that hold beside it: a worse one excuses nothing."""
        if self.verdict is Verdict.DIFFERS:  # two stacks side by side: no change is meant
            return frozenset({self.verdict})
        blocked = any(change.blocks for change in self.policy)
        verdicts = {self.verdict, *_holding(self.changes, self.restarts, blocked=blocked)}
        return frozenset(verdicts | {Verdict.UNKNOWN} if self.doubts or self.secrets else verdicts)


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
        return min((stack.verdict for stack in self.stacks), key=order.index)

    @property
    def state(self) -> State:
        """The exit code's reason: a failing verdict beats one that could not be told."""
        verdicts = {verdict for stack in self.stacks for verdict in stack.holding}
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
    if all(change.action is Action.LEAVE for change in changes):
        return Verdict.NO_CHANGE
    return next(_holding(changes, restarts, blocked=blocked), Verdict.SAFE)


def _holding(
    changes: tuple[ResourceChange, ...], restarts: tuple[Restart, ...], *, blocked: bool
) -> Iterator[Verdict]:
    """Yield every verdict that is not harmless and holds, the worst first."""
    effects = {change.effect for resource in changes for change in resource.changes}
    effects |= {resource.effect for resource in changes}
    anew = any(resource.action is Action.REPLACE for resource in changes)
    worst_first = (
        (Verdict.BLOCKED, blocked),
        (Verdict.REPLACES, any(resource.loses_data for resource in changes)),
        (Verdict.LOSES, Effect.LOSE in effects),
        (Verdict.RESTARTS, bool(restarts)),
        (Verdict.INTERRUPTS, anew or Effect.INTERRUPT in effects),
        (Verdict.UNKNOWN, Effect.UNKNOWN in effects),
    )
    return (verdict for verdict, holds in worst_first if holds)
