"""Policy findings and the memory budget on both sides of a change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from infra.body import UnmappedInputError, body_of
from infra.desired import INSTANCE, Desired
from infra.flags import FlagValue
from infra.flags.budget import Budget, Level, reckon
from infra.policies import waivers
from infra.policies.check import registered
from infra.policies.review import Result, review
from infra.policies.rule import Severity, State
from infra.preview.revision import Side
from ops.tiers import BadTierError, parse_tier


class Turn(StrEnum):
    """Which way a finding goes."""

    NEW = "new"
    FIXED = "fixed"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A policy's finding that comes, goes, or is waived from now on.

    Attributes:
        turn: Which way.
        rule: The policy.
        severity: How much it matters.
        instance: About which instance.
        found: What is, or was, there.
        remedy: What to do; empty where nothing is to be done.
    """

    turn: Turn
    rule: str
    severity: Severity
    instance: str
    found: str
    remedy: str

    @property
    def blocks(self) -> bool:
        """Whether it stops a deployment under CrossGuard."""
        return self.turn is Turn.NEW and self.severity.mandatory


def policy_changes(
    stack: str, before: Side, after: Side, now: datetime
) -> tuple[PolicyChange, ...]:
    """Return the findings that differ; those of both sides are nobody's news."""
    old, new = _results(stack, before, now), _results(stack, after, now)
    return tuple(
        change
        for key in dict.fromkeys((*new, *old))
        if (change := _turned(old.get(key), new.get(key))) is not None
    )


def _results(stack: str, side: Side, now: datetime) -> dict[tuple[str, str], Result]:
    if side.desired is None or not side.desired.of_type(INSTANCE):
        return {}
    try:
        subjects = registered(
            stack,
            side.desired,
            now,
            production=side.production,
            pool_connections=side.pool_connections,
        )
    except UnmappedInputError:  # an older program's input; its findings can't be told
        return {}
    # by the resource's place, since a name may be what changes
    results = review(subjects, waivers.load(), now.date()).results
    return {(result.rule, result.instance): result for result in results}


def _turned(old: Result | None, new: Result | None) -> PolicyChange | None:
    was = None if old is None else old.state
    will = None if new is None else new.state
    if will is State.VIOLATED and was is not State.VIOLATED and new is not None:
        return PolicyChange(Turn.NEW, new.rule, new.severity, new.instance, new.found, new.remedy)
    if will is State.WAIVED and was is not State.WAIVED and new is not None:
        return PolicyChange(Turn.WAIVED, new.rule, new.severity, new.instance, new.waiver, "")
    if was is State.VIOLATED and will is not State.VIOLATED and old is not None:
        return PolicyChange(Turn.FIXED, old.rule, old.severity, old.instance, old.found, "")
    return None


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory budget of one instance, before and after.

    Attributes:
        instance: The resource's name in the program.
        before: Share of the memory in percent; None where there was no instance.
        after: Share of the memory in percent.
        level: How it fits then.
        sentence: What to say about it.
    """

    instance: str
    before: float | None
    after: float
    level: Level
    sentence: str


def memory(before: Desired, after: Desired) -> Iterator[Memory]:
    """Yield the budgets that changed."""
    old = {
        resource.name: _budget(body_of(resource.inputs)) for resource in before.of_type(INSTANCE)
    }
    for resource in after.of_type(INSTANCE):
        now, was = _budget(body_of(resource.inputs)), old.get(resource.name)
        if now is not None and now != was:
            yield Memory(
                instance=resource.name,
                before=None if was is None else round(was.percent, 1),
                after=round(now.percent, 1),
                level=now.level,
                sentence=now.sentence,
            )


def _budget(body: Mapping[str, Any]) -> Budget | None:
    settings = body["settings"]
    flags: Sequence[FlagValue] = [
        FlagValue(flag["name"], flag["value"], restart=False)
        for flag in settings.get("databaseFlags", ())
    ]
    try:
        tier = parse_tier(settings["tier"], settings.get("edition", "ENTERPRISE"))
    except BadTierError:
        return None
    return reckon(flags, tier.memory_mb)
