"""What a self-test says: fault by fault which checks saw it, and whether healthy copies pass."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ops.checks.report import explain
from ops.checks.result import (
    Checked,
    CheckResult,
    Finding,
    Level,
    State,
    finding,
    unsure,
    verdict,
    worst,
)
from ops.console import Table, wrap

RED, NOT_SEEN, NOT_PUT_IN = "red", "not seen", "not put in"
_SHOWN = 3  # checks that saw a fault, to people; JSON and the evidence have all


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one fault.

    Attributes:
        fault: its name.
        what: what it spoils.
        expected: the check that has to see it.
        spoiled: the object that was spoiled.
        checks: what every check of the copies said.
        seconds: how long it took, from the clone's call to its removal.
        failure: why it could not be put in, or not be looked at to the end; else empty.
    """

    fault: str
    what: str
    expected: str
    spoiled: str
    checks: tuple[CheckResult, ...]
    seconds: float
    failure: str = ""

    @property
    def seen(self) -> tuple[str, ...]:
        """Return the checks that found something, in the order in which they were asked."""
        return self._named(State.FINDING)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return the checks that could not tell."""
        return self._named(State.UNKNOWN)

    def _named(self, state: State) -> tuple[str, ...]:
        names = [check.check for check in self.checks if check.state is state]
        # seen in one of two copies is seen: it is not unknown any more
        loud = {check.check for check in self.checks if check.state is State.FINDING}
        return tuple(
            dict.fromkeys(name for name in names if state is State.FINDING or name not in loud)
        )

    @property
    def state(self) -> State:
        """Return ok where the expected check saw it, unknown where it was not put in."""
        if self.expected in self.seen:
            return State.OK
        return State.UNKNOWN if self.failure else State.FINDING

    @property
    def word(self) -> str:
        """Return red, not seen or not put in."""
        return {State.OK: RED, State.FINDING: NOT_SEEN}.get(self.state, NOT_PUT_IN)

    def check(self) -> CheckResult:
        """Return it as a check of the drill: whether the expected check saw the fault."""
        detail = self.failure
        if not detail:
            detail = f"{self.word}, seen by {', '.join(self.seen) or 'nothing'}"
        findings: tuple[Finding, ...] = ()
        if self.state is not State.OK:
            level = Level.FINDING if self.state is State.FINDING else Level.UNKNOWN
            findings = (finding("fault", self.spoiled or self.what, self._silence(), level),)
        known = int(self.state is not State.UNKNOWN)
        return CheckResult(self.fault, self.state, known, 1, detail, findings)

    def _silence(self) -> str:
        """Return what the expected check did not say."""
        if self.failure:
            return f"{self.expected} was not tried"
        unknown = f"; {_several(self.unknown)} could not tell" if self.unknown else ""
        return f"{self.expected} is silent{unknown}"

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "fault": self.fault,
            "what": self.what,
            "expected": self.expected,
            "spoiled": self.spoiled,
            "state": self.word,
            "seen_by": self.seen,
            "unknown": self.unknown,
            "failure": self.failure,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Control:
    """A healthy copy, which has to pass.

    Attributes:
        name: which one.
        checks: what every check said.
        tries: how many markers it took until nothing was in doubt.
    """

    name: str
    checks: tuple[CheckResult, ...]
    tries: int = 1

    @property
    def state(self) -> State:
        """Return the worst state of all checks."""
        return worst(check.state for check in self.checks)

    def check(self) -> CheckResult:
        """Return it as a check of the drill: whether all checks of a healthy copy are ok."""
        state = State.OK if self.state is State.OK else State.FINDING
        detail = f"{len(self.checks)} checks, {len(self.wrong)} of them not ok"
        findings = tuple(finding("check", wrong.check, wrong.detail) for wrong in self.wrong)
        return CheckResult(self.name, state, 1, 1, detail, findings)

    @property
    def wrong(self) -> tuple[CheckResult, ...]:
        """Return the checks that are not ok."""
        return tuple(
            check for check in self.checks if check.state in {State.FINDING, State.UNKNOWN}
        )

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "copy": self.name,
            "state": "green" if self.state is State.OK else self.state,
            "checks": len(self.checks),
            "tries": self.tries,
            "wrong": [{"check": check.check, "detail": check.detail} for check in self.wrong],
        }


@dataclass(frozen=True, slots=True)
class Writing:
    """The workload: how many clients, how much they wrote, and how the marker was set."""

    clients: int
    transactions: int
    method: str


@dataclass(frozen=True, slots=True)
class SelftestReport:
    """The outcome of a self-test.

    Attributes:
        run: its name.
        stack, source: whose drill was tested.
        started, ended: clean-up included.
        controls: the healthy copies.
        outcomes: a fault each.
        writing: the workload meanwhile.
        swept: what was cleaned up of earlier runs first.
        leftovers: what could not be removed.
        evidence: where the record lies.
        cut: why it did not end by itself; empty where it did.
        lost: whether it lost its lease: others may have removed the copies that it looked at.
    """

    run: str
    stack: str
    source: str
    started: datetime
    ended: datetime
    controls: tuple[Control, ...]
    outcomes: tuple[Outcome, ...]
    writing: Writing
    swept: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    evidence: str = ""
    cut: str = ""
    lost: bool = False

    @property
    def state(self) -> State:
        """Return a finding where a fault was not seen, a healthy copy fails or one is left."""
        if self.lost:
            return State.UNKNOWN
        return worst(checked.result.state for checked in self.checks)

    @property
    def verdict(self) -> str:
        """Return pass, fail or unknown."""
        return verdict(self.state)

    @property
    def red(self) -> int:
        """Return how many faults the expected check saw."""
        return sum(outcome.state is State.OK for outcome in self.outcomes)

    def matrix(self) -> Mapping[str, Mapping[str, str]]:
        """Return the state of every check by fault; where two copies were checked, the worse."""
        return {
            outcome.fault: {
                name: worst(c.state for c in outcome.checks if c.check == name).value
                if any(
                    c.check == name and c.state is not State.NOT_APPLICABLE for c in outcome.checks
                )
                else State.NOT_APPLICABLE.value
                for name in dict.fromkeys(c.check for c in outcome.checks)
            }
            for outcome in self.outcomes
        }

    def document(self) -> dict[str, object]:
        """Return what machines read: also the evidence's content."""
        return {
            "verdict": self.verdict,
            "run": self.run,
            "stack": self.stack,
            "source": self.source,
            "started": self.started,
            "ended": self.ended,
            "red": self.red,
            "total": len(self.outcomes),
            "checks": self.checks,
            "healthy": self.controls,
            "faults": self.outcomes,
            "matrix": self.matrix(),
            "workload": self.writing,
            "swept": self.swept,
            "leftovers": self.leftovers,
            "evidence": self.evidence,
        }

    @property
    def checks(self) -> tuple[Checked, ...]:
        """Return a check a healthy copy and a fault, as every drill's record has them.

        A finding proves nothing where others may have removed the copies.
        """
        checks = tuple(self._checks())
        return tuple(map(unsure, checks)) if self.lost else checks

    def _checks(self) -> Iterator[Checked]:
        if self.cut:
            words = f"the self-test did not end by itself: {self.cut}"
            yield _checked("drill", "completed", State.UNKNOWN, words)
        for left in self.leftovers:
            yield _checked("drill", "cleanup", State.FINDING, left)
        if self.writing.clients and not self.writing.transactions:
            words = "no client of the workload could write"
            yield _checked("drill", "workload", State.UNKNOWN, words)
        yield from (Checked("healthy", control.check()) for control in self.controls)
        yield from (Checked("fault", outcome.check()) for outcome in self.outcomes)

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read: a line a fault, what is wrong, the verdict."""
        rows = tuple(
            (outcome.fault, outcome.expected, _several(outcome.seen), outcome.word)
            for outcome in self.outcomes
        )
        title = f"Self-test {self.run} of the restore drill of {self.source}"
        return (
            *(f"Cleaned up first: {line}" for line in self.swept),
            Table(title, ("fault", "expected", "seen by", "state"), rows),
            *map(wrap, explain(self.checks)),
            *self._written(),
            self.summary(),
            f"Evidence: {self.evidence}",
        )

    def _written(self) -> Iterator[str]:
        if self.writing.clients:
            yield (
                f"Meanwhile {self.writing.clients} clients wrote {self.writing.transactions} "
                f"transactions; what was compared: {self.writing.method}"
            )

    def summary(self) -> str:
        """Return the verdict in one line."""
        took = (self.ended - self.started).total_seconds()
        green = sum(control.state is State.OK for control in self.controls)
        verdict = (
            f"Verdict: {self.verdict}. {self.red} of {len(self.outcomes)} faults are red, {green} "
            f"of {len(self.controls)} healthy copies green, in {took:.0f} s."
        )
        words = [verdict]
        if self.cut:
            words.append(f"It did not end by itself: {self.cut}.")
        if self.leftovers:
            words.append(f"Left behind: {'; '.join(self.leftovers)}.")
        return " ".join(words)


def _checked(copy: str, check: str, state: State, detail: str) -> Checked:
    return Checked(copy, CheckResult(check, state, int(state is not State.UNKNOWN), 1, detail))


def _several(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
