"""One check over many things: what came out for each, and what that makes of the whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ops.checks import limit as limits
from ops.checks.trouble import Trouble
from ops.results import CheckResult, State, worst

MEND_SOURCE = "What the source has too is no fault of the restore: mend it there."
WRONG = "wrong"  # in the evidence of a finding: how many objects differ


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out for one thing: a state and, unless all is well, a line about it."""

    state: State
    line: str = ""
    remedy: str = ""


FINE = Outcome(State.OK)


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
    found: Mapping[str, Outcome],
    words: Words,
    facts: Mapping[str, object] | None = None,
    late: int = 0,
) -> CheckResult:
    """Return a check's result.

    Args:
        check: its name.
        found: what came out, by the thing's name.
        words: what it says.
        facts: evidence.
        late: how many more there are, which were not got to in time: unknown, never ok.
    """
    total, told = len(found) + late, dict(facts or {})
    lines = tuple(f"{name}: {one.line}" for name, one in sorted(found.items()) if one.line)
    states = [*(one.state for one in found.values()), *([State.UNKNOWN] if late else [])]
    state = worst(states) if states else State.NOT_APPLICABLE
    known = sum(one.state is not State.UNKNOWN for one in found.values())
    detail = words.ok if states else words.none
    if state is State.FINDING:
        wrong = told[WRONG] = sum(one.state is State.FINDING for one in found.values())
        detail = f"{wrong} of {total} {words.wrong}"
    elif state is State.UNKNOWN and len(found) > known:
        detail = f"{len(found) - known} of {total} {words.unknown}"
    elif late:
        detail = f"the {len(found)} of {total} that were looked at are good"
    remedies = [one.remedy for one in found.values()]
    if late:
        detail = f"{detail}; {late} were {limits.LATE.detail}"
        remedies.append(limits.LATE.remedy)
    return CheckResult(check, state, known, total, detail, lines, told, _joined(remedies))


def against(found: CheckResult, theirs: CheckResult) -> CheckResult:
    """Return a finding of a copy without what is wrong on the source just as well.

    What the source says in the same words came with the data. The same thing with other
    figures may have moved on, or may be worse on the copy: that can't be told.

    Args:
        found: of the copy; it stays as it is where something could not be looked at.
        theirs: the same check of the source.
    """
    complete = all(one.examined == one.total for one in (found, theirs))
    if not complete or theirs.state is not State.FINDING:
        return found
    things = {thing(line) for line in theirs.differences}
    same = [line for line in found.differences if line in theirs.differences]
    moved = [line for line in found.differences if line not in same and thing(line) in things]
    if not (same or moved):
        return found
    rest = [line for line in found.differences if line not in {*same, *moved}]
    state = State.FINDING if rest else State.UNKNOWN if moved else State.OK
    words = f"{found.detail}; {len(same)} of them on the source too: that came with the data"
    if moved:
        words += f"; {len(moved)} on the source with other figures"
    told = (
        *(f"{line}, on the source too" for line in same),
        *(f"{line}, on the source with other figures" for line in moved),
        *rest,
    )
    examined = found.examined - len(moved)
    return replace(
        found, state=state, examined=examined, detail=words, differences=told, remedy=MEND_SOURCE
    )


def thing(line: str) -> str:
    """Return what a line of a result is about."""
    return line.partition(": ")[0]


def _joined(remedies: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(one for one in remedies if one))
