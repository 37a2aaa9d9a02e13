"""What a check, an audit and the list of rules say."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.policies.review import Review
from infra.policies.rule import Rule, State
from infra.policies.subject import Origin
from ops.checks import report
from ops.checks import result as results
from ops.checks.report import Column
from ops.console import Table, wrap

_PROBLEMS = frozenset({results.State.FINDING, results.State.UNKNOWN})
_SEVERITY = Column("severity", lambda result: result.evidence.get("severity", ""))
_WORDS = {Origin.DECLARED: "declared state only", Origin.LIVE: "live"}
_ELSEWHERE = {
    Origin.DECLARED: "Seen on the live instance alone (`invoke policy.audit`)",
    Origin.LIVE: "Can't be seen live (`invoke policy.check` asks them)",
}


@dataclass(frozen=True, slots=True)
class Report:
    """One stack's review, or several.

    Attributes:
        reviews: One a stack.
        everything: Whether people see every rule, and not problems alone.
    """

    reviews: tuple[Review, ...]
    everything: bool

    @property
    def state(self) -> results.State:
        """The verdict over all stacks."""
        return results.worst(review.state for review in self.reviews)

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return tuple(
            block for review in self.reviews for block in _blocks(review, all_=self.everything)
        )

    def document(self) -> object:
        """Return every rule of every stack, whatever people see."""
        return {
            "state": self.state,
            "stacks": [
                {
                    "stack": review.stack,
                    "origin": review.origin,
                    "state": review.state,
                    "counts": counts(review),
                    "checks": review.checks,
                    "results": review.results,
                    "waivers": review.waivers,
                }
                for review in self.reviews
            ],
        }


def counts(review: Review) -> dict[str, int]:
    """Return how many answers there are of each state, and of waivers that fail."""
    states = Counter(result.state for result in review.results)
    counted = {state.value: states[state] for state in State}
    return counted | {"waiver problems": len(review.waivers)}


def _blocks(review: Review, *, all_: bool) -> Iterator[Table | str]:
    yield _summary(review)
    problems = [each for each in review.checks if all_ or each.result.state in _PROBLEMS]
    if problems:
        yield from report.blocks("", problems, (_SEVERITY,))
    waived = review.of(State.WAIVED)
    if waived and not all_:
        yield wrap(f"Waived: {', '.join(sorted({result.rule for result in waived}))}.")
    elsewhere = review.of(State.NOT_ASKED)
    if elsewhere:
        names = ", ".join(sorted({result.rule for result in elsewhere}))
        yield wrap(f"{_ELSEWHERE[review.origin]}: {names}.")


def _and(first: str, second: str) -> str:
    """Return two lines of one cell, or the one that there is."""
    return "\n".join(filter(None, (first, second)))


def _summary(review: Review) -> str:
    numbers = [f"{count} {words}" for words, count in counts(review).items() if count]
    return f"{review.stack} ({_WORDS[review.origin]}): {', '.join(numbers)}."


@dataclass(frozen=True, slots=True)
class Listing:
    """The rules that there are."""

    rules: tuple[Rule, ...]

    def blocks(self) -> Sequence[Table | str]:
        """Return one line a rule."""
        rows = tuple(
            (rule.row, rule.id, rule.severity, _and(rule.title, known_as(rule)))
            for rule in self.rules
        )
        columns = ("#", "rule", "severity", "what should be (as CIS v5, Checkov and Trivy call it)")
        return (Table("", columns, rows),)

    def document(self) -> object:
        """Return the rules with their ids by scanner."""
        return {
            "rules": [
                {
                    "id": rule.id,
                    "row": rule.row,
                    "title": rule.title,
                    "severity": rule.severity,
                    "seen": rule.seen,
                    "of_replicas": rule.of_replicas,
                    "opposes": rule.opposes,
                    "remedy": rule.remedy,
                    "ids": rule.ids.by_scanner(),
                }
                for rule in self.rules
            ]
        }


def known_as(rule: Rule) -> str:
    """Return the ids that people know a check by; JSON has those of every scanner."""
    return ", ".join((*rule.ids.cis, *rule.ids.checkov, *rule.ids.trivy))
