"""Whether what PostgreSQL says is what was declared: pure, one verdict a flag."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.flags.catalogue import Flag, FlagType, catalogue
from infra.flags.proof import Proof, Told
from infra.flags.units import BLOCK_BYTES, KIB
from infra.flags.values import FlagValue, in_words
from ops.checks.result import State

# PostgreSQL 15 keeps the first of an enum's words for a meaning: guc.c, wal_compression_options.
_SAME = {("wal_compression", "on"): "pglz"}
# XLOGChooseNumBuffers, src/backend/access/transam/xlog.c: a 32nd of shared_buffers, within these.
_WAL_BUFFERS_LEAST = 8
_WAL_BUFFERS_MOST = 16 * KIB**2 // BLOCK_BYTES
_SHARED_BUFFERS_DEFAULT = 16384  # 128 MB: PostgreSQL's own, since the set names none


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one flag.

    Attributes:
        flag: Its name.
        declared: In people's units.
        value: As the API receives it.
        told: As PostgreSQL says it; empty where it was not asked.
        state: ok, finding, unknown; not applicable for what only Cloud SQL knows.
        why: A few words for people.
    """

    flag: str
    declared: str
    value: str
    told: str
    state: State
    why: str


def judge(flags: Sequence[FlagValue], proof: Proof) -> tuple[Verdict, ...]:
    """Return a verdict on each flag of a set."""
    values = {flag.name: flag.value for flag in flags}
    return tuple(_verdict(flag, values, proof) for flag in flags)


def _verdict(flag: FlagValue, values: dict[str, str], proof: Proof) -> Verdict:
    known = catalogue()[flag.name]
    report = proof.told.get(flag.name)
    if known.cloud_only:
        state, why = State.NOT_APPLICABLE, "Cloud SQL's own"
    elif proof.refused:
        state, why = _refusal(known, proof)
    elif known.library in proof.missing:
        state, why = State.UNKNOWN, f"not proven: no {known.library} here"
    elif report is None:
        state, why = State.FINDING, "PostgreSQL did not take it"
    else:
        state, why = _compared(known, flag.value, report, values)
    words = "" if report is None else _in_words(flag.name, report)
    return Verdict(flag.name, flag.words, flag.value, words, state, why)


def _refusal(known: Flag, proof: Proof) -> tuple[State, str]:
    if f'"{known.name}"' in proof.refused:
        return State.FINDING, f"refused: {proof.refused}"
    return State.UNKNOWN, "not proven: PostgreSQL refuses the set"


def _compared(known: Flag, value: str, report: Told, values: dict[str, str]) -> tuple[State, str]:
    if report.unit is not None and known.type is FlagType.INTEGER and report.unit != known.unit:
        return State.FINDING, f"it counts in {report.unit or 'no unit'}, not {known.unit or 'none'}"
    if _equal(known, value, report.value, values):
        return State.OK, "as declared"
    return State.FINDING, "not what was declared"


def _equal(known: Flag, value: str, reported: str, values: dict[str, str]) -> bool:
    if known.name == "wal_buffers" and value == "-1":
        return reported in {"-1", str(_wal_buffers(values))}
    if known.type in {FlagType.INTEGER, FlagType.FLOAT}:
        try:
            return float(value) == float(reported)
        except ValueError:
            return False
    return reported == _SAME.get((known.name, value), value)


def _wal_buffers(values: dict[str, str]) -> int:
    shared = int(values.get("shared_buffers", _SHARED_BUFFERS_DEFAULT))
    return max(_WAL_BUFFERS_LEAST, min(_WAL_BUFFERS_MOST, shared // 32))


def _in_words(name: str, report: Told) -> str:
    words = in_words(name, report.value)
    return report.value if words == report.value else f"{report.value} ({words})"
