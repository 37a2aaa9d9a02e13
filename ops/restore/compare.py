"""Compares a clone with the baseline: pure, no connection."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ops.restore import sequences
from ops.restore.baseline import Baseline, Proven
from ops.restore.content import Content
from ops.restore.questions import Answer
from ops.restore.sequences import Reach
from ops.restore.trouble import Trouble
from ops.results import CheckResult, State, worst

_CLIP = 160  # characters of a definition that a difference shows


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out for one thing: a state and, unless all is well, a line about it."""

    state: State
    line: str = ""


def answers(baseline: Baseline, question: str, copy: Answer | Trouble) -> CheckResult:
    """Compare the answers to one question."""
    source, moving = baseline.answers[question], baseline.moving[question]
    if isinstance(copy, Trouble):
        return copy.result(question, len(source))
    lines = [*_differences(source, copy, moving)]
    still = [name for name in source if name not in moving]
    words = question.replace("_", " ")
    if lines:
        detail = f"{len(lines)} of {len(source)} {words} differ from the source at the marker"
        return CheckResult(
            question, State.FINDING, len(still), len(source), detail, tuple(sorted(lines))
        )
    if moving:
        detail = f"{len(moving)} of {len(source)} {words} changed while they were read"
        return CheckResult(
            question, State.UNKNOWN, len(still), len(source), detail, tuple(sorted(moving))
        )
    detail = (
        f"all {len(source)} {words} are as at the marker" if source else f"there are no {words}"
    )
    return CheckResult(question, State.OK, len(source), len(source), detail)


def _differences(source: Answer, copy: Answer, moving: frozenset[str]) -> Iterator[str]:
    for name in source.keys() | copy.keys():
        if name in moving:
            continue
        if name not in copy:
            yield f"{name}: lost"
        elif name not in source:
            yield f"{name}: not on the source"
        elif source[name] != copy[name]:
            yield f"{name}: {_clip(copy[name])}; the source has {_clip(source[name])}"


def _clip(text: str) -> str:
    return text if len(text) <= _CLIP else f"{text[: _CLIP - 3]}..."


def counts(baseline: Baseline, copy: Mapping[str, Content]) -> CheckResult:
    """Compare how many rows every table has."""
    found = {label: _count(want, copy.get(label)) for label, want in baseline.content.items()}
    rows = sum(content.rows for content in copy.values())
    return _of_tables("counts", found, f"{rows} rows in {len(found)} tables", baseline)


def _count(want: Proven, have: Content | None) -> Outcome:
    if have is None or want.trouble is not None:
        return Outcome(State.UNKNOWN, _why(want.trouble))
    if have.trouble is not None:
        return Outcome(have.trouble.state, have.trouble.detail)
    low = sum(one.rows for one in want.sums.values())
    proven = sum(one.rows for key, one in have.sums.items() if key not in _open(want, have))
    if proven != low:
        return Outcome(State.FINDING, f"{proven} rows; the source had {low}")
    return Outcome(State.OK)


def contents(baseline: Baseline, copy: Mapping[str, Content]) -> CheckResult:
    """Compare the content of every table, row for row, by its hashes."""
    found = {label: _content(want, copy.get(label)) for label, want in baseline.content.items()}
    rows = sum(want.rows for want in baseline.content.values())
    moving = sum(want.moving_rows for want in baseline.content.values())
    share = f", {moving / rows:.1%} of the rows moving" if moving else ""
    method = "exactly" if baseline.marker.exact else "in what was equal before and after"
    words = f"{rows} rows compared {method} as of the marker{share}"
    return _of_tables("content", found, words, baseline)


def _content(want: Proven, have: Content | None) -> Outcome:
    if have is None or want.trouble is not None:
        return Outcome(State.UNKNOWN, _why(want.trouble))
    if have.trouble is not None:
        return Outcome(have.trouble.state, have.trouble.detail)
    unproven = _open(want, have)
    wrong = [
        key
        for key in (want.sums.keys() | have.sums.keys()) - unproven
        if want.sums.get(key) != have.sums.get(key)
    ]
    if wrong:
        where = f" in {len(wrong)} of {len(want.sums)} stretches" if len(want.sums) > 1 else ""
        return Outcome(State.FINDING, f"its rows are not those of the source{where}")
    if unproven and not want.sums:
        return Outcome(State.UNKNOWN, "all of it changed around the marker: nothing was proven")
    return Outcome(State.OK)


def _open(want: Proven, have: Content) -> frozenset[int]:
    """Return the stretches of which nothing is known: moving, or new pages of a moving table."""
    if not want.moving:
        return frozenset()
    return want.moving | (have.sums.keys() - want.sums.keys())


def _why(trouble: Trouble | None) -> str:
    return "the copy's was not read" if trouble is None else f"on the source: {trouble.detail}"


def reach(baseline: Baseline, copy: Mapping[str, Reach] | Trouble) -> CheckResult:
    """Compare how far the sequences are: never behind, ahead by no more than WAL allows."""
    before, after = baseline.marker.sequences, baseline.sequences
    if isinstance(copy, Trouble):
        return copy.result("sequences", len(before))
    found = {
        name: _reach(reach, after[name], copy[name])
        for name, reach in before.items()
        if name in after and name in copy  # a lost one is told of by the definitions
    }
    return _result("sequences", found, f"all {len(found)} sequences are where they were")


def _reach(before: Reach, after: Reach, copy: Reach) -> Outcome:
    if not (before.readable and copy.readable):
        return Outcome(State.UNKNOWN, "may not be read: grant USAGE")
    fault = sequences.fault(before, after, copy)
    return Outcome(State.FINDING, fault) if fault else Outcome(State.OK)


def _of_tables(
    check: str, found: Mapping[str, Outcome], words: str, baseline: Baseline
) -> CheckResult:
    facts = {
        "method": "exact" if baseline.marker.exact else "sandwich",
        "rows": sum(want.rows for want in baseline.content.values()),
        "moving_rows": sum(want.moving_rows for want in baseline.content.values()),
    }
    return _result(check, found, words, facts)


def _result(
    check: str, found: Mapping[str, Outcome], words: str, facts: Mapping[str, object] | None = None
) -> CheckResult:
    lines = tuple(
        f"{name}: {outcome.line}"
        for name, outcome in sorted(found.items())
        if outcome.state is not State.OK
    )
    state = worst(outcome.state for outcome in found.values()) if found else State.NOT_APPLICABLE
    known = sum(outcome.state is not State.UNKNOWN for outcome in found.values())
    if state is State.FINDING:
        wrong = sum(outcome.state is State.FINDING for outcome in found.values())
        words = f"{wrong} of {len(found)} are not as on the source"
    elif state is State.UNKNOWN:
        words = f"{len(found) - known} of {len(found)} could not be compared"
    elif not found:
        words = "there are none"
    return CheckResult(check, state, known, len(found), words, lines, facts or {})
