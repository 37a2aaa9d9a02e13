"""What a rule is, and what it may answer.

A rule is a pure function over one instance (``infra.policies.subject``) with its names:
ours, and those that published scanners give to the same question. The numbers of the
rows are those of the collected table of published checks; docs/policies.md shows them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.policies.subject import Subject


class Severity(StrEnum):
    """How much it matters; critical and high are mandatory under CrossGuard."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def mandatory(self) -> bool:
        """Whether a violation stops a deployment."""
        return self in {Severity.CRITICAL, Severity.HIGH}


class State(StrEnum):
    """What came of asking a rule; only ``ok`` is ok."""

    OK = "ok"
    VIOLATED = "violated"
    WAIVED = "waived"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"
    NOT_ASKED = "not asked"


class Seen(StrEnum):
    """Where the facts that a rule needs can be seen."""

    ANYWHERE = "anywhere"
    DECLARED = "declared"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Ids:
    """What published scanners call the same check; several of one scanner stand in a row.

    Attributes:
        cis: Section of the CIS Google Cloud Foundations Benchmark v5.
        checkov: Checkov's ids.
        trivy: Trivy's (formerly tfsec's) ids.
        kics: KICS's ids.
        prowler: Prowler's checks, without their prefix ``cloudsql_instance_``.
        cloudsploit: CloudSploit's plugins.
        google: Constraints of Cloud Foundation Fabric, organization policies and
            templates of GoogleCloudPlatform/policy-library.
    """

    cis: tuple[str, ...] = ()
    checkov: tuple[str, ...] = ()
    trivy: tuple[str, ...] = ()
    kics: tuple[str, ...] = ()
    prowler: tuple[str, ...] = ()
    cloudsploit: tuple[str, ...] = ()
    google: tuple[str, ...] = ()

    def by_scanner(self) -> Mapping[str, tuple[str, ...]]:
        """Return the ids by their scanner, without those that have none."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: ids for name, ids in named.items() if ids}


NONE = Ids()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule says of one instance.

    Attributes:
        state: Ok, violated, unknown or not applicable.
        found: What is there, in a few words.
    """

    state: State
    found: str


def fine(detail: str = "") -> Answer:
    """Answer that all is as it should be."""
    return Answer(State.OK, detail)


def broken(detail: str) -> Answer:
    """Answer that the rule is violated, and what was found."""
    return Answer(State.VIOLATED, detail)


def unknown(why: str) -> Answer:
    """Answer that a fact is missing, and which."""
    return Answer(State.UNKNOWN, why)


def aside(why: str) -> Answer:
    """Answer that the rule has nothing to say about this instance, and why."""
    return Answer(State.NOT_APPLICABLE, why)


def either(good: bool, detail: str) -> Answer:  # noqa: FBT001 - the answer's only question
    """Answer ok or violated."""
    return Answer(State.OK if good else State.VIOLATED, detail)


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy.

    Attributes:
        id: Ours, in kebab-case; waivers name it.
        row: Its number in the table of published checks; two rules of one row are two
            sides of a question.
        title: What should be, as a short sentence.
        severity: How much it matters.
        ask: The question, of one instance.
        remedy: What to do, naming the key of the stack file or the command.
        ids: What published scanners call it; none for what only we ask.
        seen: Where its facts can be seen; elsewhere it is not asked.
        of_replicas: Whether read replicas are asked too.
        opposes: The rule that wants the contrary; one of both needs a waiver.
    """

    id: str
    row: int
    title: str
    severity: Severity
    ask: "Callable[[Subject], Answer]"
    remedy: str
    ids: Ids = NONE
    seen: Seen = Seen.ANYWHERE
    of_replicas: bool = True
    opposes: str = ""
