"""One check over many things: what came out for each, and what that makes of the whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ops.checks import limit as limits
from ops.checks.result import CheckResult, Finding, Level, ObjectId, Remedy, State, worst
from ops.checks.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out for one object: a state and, unless all is well, a message about it."""

    state: State
    message: str = ""
    remedy: str = ""

    def finding(self, about: ObjectId) -> Finding:
        """Return it as a finding; what is good and has a remedy is a warning."""
        level = _LEVELS.get(self.state, Level.WARNING if self.remedy else Level.NOTE)
        remedy = Remedy(self.remedy) if self.remedy else None
        return Finding(about, level, self.message, remedy=remedy)


FINE = Outcome(State.OK)
_LEVELS = {State.FINDING: Level.FINDING, State.UNKNOWN: Level.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Words:
    """What a check says.

    Attributes:
        ok: all is well.
        wrong: what holds of those that are wrong, after ``3 of 7``.
        unknown: what holds of those that could not be looked at, likewise.
        none: there is nothing to look at.
    """

    ok: str
    wrong: str
    unknown: str = "could not be looked at"
    none: str = "there are none"


def of_trouble(trouble: Trouble) -> Outcome:
    """Return what a question that failed means."""
    return Outcome(trouble.state, trouble.detail, trouble.remedy)


def result(
    check: str,
    outcomes: Mapping[ObjectId, Outcome],
    words: Words,
    facts: Mapping[str, object] | None = None,
    late: int = 0,
) -> CheckResult:
    """Return a check's result.

    Args:
        check: its name.
        outcomes: what came out, by object.
        words: what it says.
        facts: evidence.
        late: how many more there are, which were not got to in time: unknown, never ok.
    """
    total, evidence = len(outcomes) + late, dict(facts or {})
    findings = tuple(
        outcome.finding(about) for about, outcome in sorted(outcomes.items()) if outcome.message
    )
    states = [*(outcome.state for outcome in outcomes.values()), *([State.UNKNOWN] if late else [])]
    state = worst(states) if states else State.NOT_APPLICABLE
    known = sum(outcome.state is not State.UNKNOWN for outcome in outcomes.values())
    detail = words.ok if states else words.none
    if state is State.FINDING:
        wrong = sum(outcome.state is State.FINDING for outcome in outcomes.values())
        evidence["wrong"] = wrong
        detail = f"{wrong} of {total} {words.wrong}"
    elif state is State.UNKNOWN and len(outcomes) > known:
        detail = f"{len(outcomes) - known} of {total} {words.unknown}"
    elif late:
        detail = f"the {len(outcomes)} of {total} that were looked at are good"
    remedies = [outcome.remedy for outcome in outcomes.values()]
    if late:
        detail = f"{detail}; {late} were {limits.LATE.detail}"
        remedies.append(limits.LATE.remedy)
    return CheckResult(check, state, known, total, detail, findings, evidence, _joined(remedies))


def _joined(remedies: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(remedy for remedy in remedies if remedy))


def of_findings(
    check: str, findings: Iterable[Finding], words: Words, places: int = 1, remedy: str = ""
) -> CheckResult:
    """Return the result of a check that lists what is not as it should be, and counts the rest not.

    Args:
        check: its name.
        findings: what there is to say.
        words: what it says; ``wrong`` and ``unknown`` follow a number of findings.
        places: databases or instances that were to be looked at; an unknown is one that was not.
        remedy: what to do about all of it.
    """
    listed = tuple(findings)
    wrong = sum(finding.level is Level.FINDING for finding in listed)
    unknown = sum(finding.level is Level.UNKNOWN for finding in listed)
    state = State.FINDING if wrong else State.UNKNOWN if unknown or not places else State.OK
    counts = [f"{wrong} {words.wrong}"] if wrong else []
    counts += [f"{unknown} {words.unknown}"] if unknown else []
    detail = "; ".join(counts) or (words.ok if places else words.none)
    return CheckResult(
        check,
        state,
        max(0, places - unknown),
        places,
        detail,
        listed,
        remedy=remedy if wrong or unknown else "",
    )
