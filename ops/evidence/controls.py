"""Which control of which standard asks what of a drill, and which checks answer it.

In our own words; the standards say it in theirs: ISO/IEC 27001:2022, Annex A, control 8.13
(information backup), and the AICPA's Trust Services Criteria, A1.3 (recovery plan testing).
A drill is evidence for an auditor, who judges; other demands of the same controls (such as
where backups are kept, and who may delete them) are shown by the stack's configuration.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ops.checks.report import label
from ops.checks.result import CheckResult, State
from ops.evidence.history import Entry
from ops.evidence.uncompared import sentence

FAILOVER = "failover-drill"
ISO = "ISO/IEC 27001:2022 A.8.13, information backup"
SOC = "SOC 2 A1.3, recovery plan testing"
# What is asked of a copy before its content: whether it is there and works.
_WORKS = frozenset({"restored", "connect", "application", "migrations"})
_CONTENT = frozenset({"content of the copies"})  # every other check of a copy
_OF_THE_DRILL = frozenset({"", "drill"})
_RESTORE = "restore"  # a restore for real has one copy, and no drill around it
_RECORDED = frozenset({"records", "links", "head", "pages"})


class Answer(StrEnum):
    """Whether a drill shows that what is asked for is so."""

    MET = "met"
    NOT_MET = "not met"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing that a control asks for.

    Attributes:
        control: which.
        asks: what, in our words.
        checks: the names of the checks that answer it.
        kinds: the kinds of drills that can answer it; empty for all.
        outside: whether the history or the chain answers, not the drill alone.
    """

    control: str
    asks: str
    checks: frozenset[str]
    kinds: frozenset[str] = frozenset()
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What a drill answers to a demand, and by which checks."""

    demand: Demand
    answer: Answer
    by: str


_RESTORES = frozenset({"restore-drill", "restore"})
DEMANDS = (
    Demand(ISO, "Backups are made as the plan says.", frozenset({"backups"}), _RESTORES),
    Demand(
        ISO,
        "A backup can be restored, apart from the source, and the application works with it.",
        _WORKS,
        _RESTORES,
    ),
    Demand(ISO, "What was restored is complete and undamaged.", _CONTENT, _RESTORES),
    Demand(ISO, "Restores are tried regularly.", frozenset({"age"}), _RESTORES, outside=True),
    Demand(ISO, "No copy of the data stays behind.", frozenset({"cleanup"}), _RESTORES),
    Demand(
        SOC,
        "Recovery is tried out as it would be done, to its end.",
        frozenset({"completed", "restored"}),
        _RESTORES,
    ),
    Demand(
        SOC,
        "Recovery meets its objectives of time and of data lost.",
        frozenset({"rto", "rpo"}),
        _RESTORES,
    ),
    Demand(SOC, "The backed-up data are whole and complete.", _CONTENT, _RESTORES),
    Demand(
        SOC,
        "Recovery is tried out, and meets its objectives.",
        frozenset(),  # a failover's checks are all about this
        frozenset({FAILOVER}),
    ),
    Demand(
        SOC,
        "Results are recorded, and no record was changed since.",
        _RECORDED,
        outside=True,
    ),
)


def answers(entry: Entry, outside: Sequence[CheckResult]) -> tuple[Answered, ...]:
    """Return what a drill answers to each demand that its kind can answer.

    Args:
        entry: the drill.
        outside: what its history and its chain show.
    """
    demands = [demand for demand in DEMANDS if not demand.kinds or entry.kind in demand.kinds]
    return tuple(_answered(demand, entry, outside) for demand in demands)


def _answered(demand: Demand, entry: Entry, outside: Sequence[CheckResult]) -> Answered:
    if demand.outside:
        states = [
            (result.check, str(result.state)) for result in outside if result.check in demand.checks
        ]
    elif entry.injected:
        words = f"a fault was put in on purpose ({entry.injected}): this tests the drill"
        return Answered(demand, Answer.NOT_SHOWN, words)
    else:
        states = list(_named(entry, demand.checks))
    bad = {name for name, state in states if state == State.FINDING}
    unknown = {name for name, state in states if state not in {*_TOLD}}
    good = {name for name, state in states if state == State.OK} - bad - unknown
    if bad:
        return Answered(demand, Answer.NOT_MET, f"found something: {', '.join(sorted(bad))}")
    if unknown:
        return Answered(demand, Answer.NOT_SHOWN, f"could not tell: {', '.join(sorted(unknown))}")
    if demand.checks is _CONTENT and entry.not_compared:
        return Answered(demand, Answer.NOT_SHOWN, sentence(entry.not_compared))
    if not good:
        return Answered(demand, Answer.NOT_SHOWN, "no check of this drill tells")
    return Answered(demand, Answer.MET, ", ".join(sorted(good)))


_TOLD = frozenset({State.OK, State.FINDING, State.NOT_APPLICABLE})


def _named(entry: Entry, names: frozenset[str]) -> Iterable[tuple[str, str]]:
    for check in entry.checks:
        name = label(check.result.check)
        of_copy = entry.kind == _RESTORE or check.copy not in _OF_THE_DRILL
        of_content = of_copy and name not in _WORKS
        if not names or name in names or (names is _CONTENT and of_content):
            yield name, check.result.state
