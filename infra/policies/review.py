"""Asking every rule about every instance of a stack, and setting waivers against it. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from infra.policies import waivers as waiving
from infra.policies.rule import Answer, Rule, Seen, Severity, State, aside, unknown
from infra.policies.rules import RULES
from infra.policies.subject import NotKnownError, Origin, Subject
from infra.policies.waivers import Waiver, WaiverProblem
from ops.checks.outcomes import Words, of_findings
from ops.checks.result import Checked, CheckResult, Level, finding, worst
from ops.checks.result import State as Verdict

# What decides, worst first; the others are no verdict.
_VERDICTS = {
    State.VIOLATED: Verdict.FINDING,
    State.UNKNOWN: Verdict.UNKNOWN,
    State.WAIVED: Verdict.OK,
    State.OK: Verdict.OK,
}
_LEVELS = {Verdict.FINDING: Level.FINDING, Verdict.UNKNOWN: Level.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Result:
    """What one rule says of one instance.

    Attributes:
        rule: Its id.
        row: Its number in the table of published checks.
        title: What should be.
        severity: How much it matters.
        state: What came out.
        instance: The instance's name.
        found: What is there.
        remedy: What to do; empty where nothing is to be done.
        waiver: Who waived it, why and until when; empty where nobody did.
        ids: What published scanners call it.
    """

    rule: str
    row: int
    title: str
    severity: Severity
    state: State
    instance: str
    found: str
    remedy: str
    waiver: str
    ids: tuple[str, ...]

    def check(self) -> CheckResult:
        """Return it as a check; a rule that is waived is ok, and says so."""
        state = _VERDICTS.get(self.state, Verdict.NOT_APPLICABLE)
        known = int(state in {Verdict.OK, Verdict.FINDING})
        return CheckResult(
            check=self.rule,
            state=state,
            examined=known,
            total=int(state is not Verdict.NOT_APPLICABLE),
            detail=f"{self.found}; waived: {self.waiver}" if self.waiver else self.found,
            findings=(finding("instance", self.instance, self.found, _LEVELS[state]),)
            if state in _LEVELS
            else (),
            evidence={"title": self.title, "severity": self.severity, "ids": self.ids},
            remedy=self.remedy,
        )


@dataclass(frozen=True, slots=True)
class Review:
    """All rules asked about all instances of one stack.

    Attributes:
        stack: The stack.
        origin: Whether the declaration or the live instances were asked.
        results: By instance, then in the order of the rules.
        waivers: What is wrong with the waivers.
    """

    stack: str
    origin: Origin
    results: tuple[Result, ...]
    waivers: tuple[WaiverProblem, ...]

    @property
    def checks(self) -> tuple[Checked, ...]:
        """What came out, rule by rule, and what is wrong with the waivers."""
        several = len({result.instance for result in self.results}) > 1
        rules = (
            Checked(result.instance if several else "", result.check()) for result in self.results
        )
        return (*rules, *((Checked("", self._waivers()),) if self.waivers else ()))

    def _waivers(self) -> CheckResult:
        problems = (
            finding("waiver", f"{wrong.rule} of {wrong.stack}", wrong.problem)
            for wrong in self.waivers
        )
        return of_findings("waivers", problems, Words("in force", "waivers are wrong"))

    @property
    def state(self) -> Verdict:
        """The verdict: a finding beats an unknown, an unknown beats ok."""
        return worst(checked.result.state for checked in self.checks)

    def of(self, *states: State) -> tuple[Result, ...]:
        """Return the results in these states."""
        return tuple(result for result in self.results if result.state in states)


def ask(rule: Rule, subject: Subject) -> Answer:
    """Return a rule's answer; a fact that is missing makes it unknown, never ok."""
    if rule.seen not in {Seen.ANYWHERE, Seen(subject.origin.value)}:
        return Answer(State.NOT_ASKED, f"only seen {_WHERE[rule.seen]}")
    if subject.is_replica and not rule.of_replicas:
        return aside("the primary's, and it is a replica")
    try:
        return rule.ask(subject)
    except NotKnownError as error:
        return unknown(str(error))
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        return unknown(f"what is there can't be read: {error}")


_WHERE = {Seen.DECLARED: "in the declaration", Seen.LIVE: "on the live instance"}


def review(
    subjects: Sequence[Subject],
    declared_waivers: Iterable[Waiver],
    today: date,
    rules: Sequence[Rule] = RULES,
) -> Review:
    """Ask every rule about every instance of one stack.

    Args:
        subjects: The stack's instances, one at least, of one origin.
        declared_waivers: All waivers.
        today: The day on which waivers count.
        rules: That are asked.
    """
    stack, origin = subjects[0].stack, subjects[0].origin
    every_waiver = tuple(declared_waivers)
    answered = tuple(_result(rule, s, every_waiver, today) for s in subjects for rule in rules)
    wrong = list(waiving.problems(every_waiver, stack, today))
    wrong += _never_needed(answered, every_waiver, stack, origin, today)
    return Review(stack, origin, answered, tuple(wrong))


def _result(rule: Rule, subject: Subject, waivers: tuple[Waiver, ...], today: date) -> Result:
    answer = ask(rule, subject)
    result = Result(
        rule=rule.id,
        row=rule.row,
        title=rule.title,
        severity=rule.severity,
        state=answer.state,
        instance=subject.name,
        found=answer.found,
        remedy=rule.remedy if answer.state is State.VIOLATED else "",
        waiver="",
        ids=tuple(
            f"{who} {identifier}"
            for who, ids in rule.ids.by_scanner().items()
            for identifier in ids
        ),
    )
    if answer.state is not State.VIOLATED:
        return result
    waiver = waiving.in_force(waivers, rule.id, subject.stack, today)
    if waiver is None:
        return result
    words = f"{waiver.reason} ({waiver.owner}, until {waiver.expires})"
    return replace(result, state=State.WAIVED, remedy="", waiver=words)


def _never_needed(
    answered: Sequence[Result],
    waivers: tuple[Waiver, ...],
    stack: str,
    origin: Origin,
    today: date,
) -> Iterator[WaiverProblem]:
    """Yield the waivers of this stack that waive nothing.

    The declaration decides where it can be asked: a live instance that is better than
    declared is drift, and no reason to drop a waiver.
    """
    seen = {
        r.id
        for r in RULES
        if r.seen.value == origin.value or (r.seen is Seen.ANYWHERE and origin is Origin.DECLARED)
    }
    for waiver in waivers:
        if stack not in waiver.stacks or waiver.rule not in seen or waiver.expires < today:
            continue
        states = {result.state for result in answered if result.rule == waiver.rule}
        if not states & {State.WAIVED, State.UNKNOWN}:
            yield WaiverProblem(
                waiver.rule,
                stack,
                f"{stack} does not violate {waiver.rule}. Take the stack out of the waiver.",
            )
