"""Cloud SQL's limits on what the formulas say, and what the disk and the memory bear.

Separate from the formulas on purpose: those know PostgreSQL, these know Cloud SQL.
"""

from collections.abc import Sequence
from dataclasses import replace

from infra.flags import Flag, FlagType, FlagValue, catalogue, compile_flag, permitted
from infra.flags.budget import TIGHT_PERCENT, Budget, reckon
from infra.flags.units import BASE_UNITS, MEMORY, parse_integer
from infra.tuning.machine import Machine
from infra.tuning.proposed import Formula, Proposed

# Ours: WAL that waits for a checkpoint stays a small part of the disk that it shares.
WAL_DISK_PERCENT = 10
# pgtune's own ratio of max_wal_size to min_wal_size, for every workload.
_WAL_RATIO = 4
_WORK_MEM_LEAST_MB = 4  # pgtune's floor, PostgreSQL's default
_MAINTENANCE_LEAST_MB = 64  # PostgreSQL's default of maintenance_work_mem


def clamp(formulas: Sequence[Formula], machine: Machine) -> tuple[Proposed, ...]:
    """Return the formulas' flags within Cloud SQL's ranges on this tier and this disk."""
    return _wal(tuple(_clamp(formula, machine) for formula in formulas), machine)


def _clamp(formula: Formula, machine: Machine) -> Proposed:
    flag = catalogue()[formula.flag]
    if flag.type is FlagType.INTEGER:
        allowed = permitted(flag, machine.memory_mb)
        number = parse_integer(formula.value, flag.unit)
        if number > allowed.high:
            return Proposed(formula, _round(flag, allowed.high), _why(flag, "most"))
        if number < allowed.low:
            return Proposed(formula, _round(flag, allowed.low, up=True), _why(flag, "least"))
    return Proposed(formula, compile_flag(flag.name, formula.value), "")


def _why(flag: Flag, end: str) -> str:
    percent = flag.memory_maximum_percent if end == "most" else flag.memory_minimum_percent
    at = f"{percent} % of memory" if percent is not None else "its range"
    return f"Cloud SQL's {end}: {at}"


def _round(flag: Flag, number: float, *, up: bool = False) -> FlagValue:
    """Return a bound in whole MB where it is memory, inside the range."""
    if flag.unit in {"8kB", "kB", "B"}:
        step = MEMORY["MB"] // BASE_UNITS[flag.unit]
        number = -(-number // step) * step if up else number // step * step
    return compile_flag(flag.name, str(int(number)))


def _wal(proposed: tuple[Proposed, ...], machine: Machine) -> tuple[Proposed, ...]:
    most_mb = machine.disk_gb * 1024 * WAL_DISK_PERCENT // 100
    why = f"{WAL_DISK_PERCENT} % of the {machine.disk_gb} GB disk"
    limits = {
        "max_wal_size": (most_mb, why),
        "min_wal_size": (max(most_mb // _WAL_RATIO, 80), f"a quarter of {why}"),
    }
    return tuple(
        _at_most(flag, *limits[flag.flag]) if flag.flag in limits else flag for flag in proposed
    )


def _at_most(proposal: Proposed, most_mb: int, why: str) -> Proposed:
    if _mb(proposal) <= most_mb:
        return proposal
    return replace(proposal, value=compile_flag(proposal.flag, f"{most_mb}MB"), bounded=why)


def _mb(proposal: Proposed) -> int:
    return int(proposal.value.value) * BASE_UNITS[catalogue()[proposal.flag].unit] // MEMORY["MB"]


def fit(
    proposed: tuple[Proposed, ...], others: Sequence[FlagValue], machine: Machine
) -> tuple[Proposed, ...]:
    """Lower what can be lowered until typical use leaves a tenth of the memory free.

    First ``work_mem``, which spills to the disk where it is short; then the memory of the
    autovacuum workers, who make more rounds; then that of a maintenance command by hand.

    Args:
        proposed: Within Cloud SQL's ranges.
        others: What the stack declares besides.
        machine: The machine.
    """
    fitted = _lower(proposed, others, machine, "work_mem", _WORK_MEM_LEAST_MB)
    if not _excess_mb(fitted, others, machine):
        return fitted
    if all(proposal.flag != "autovacuum_work_mem" for proposal in fitted):
        maintenance = next(
            proposal for proposal in fitted if proposal.flag == "maintenance_work_mem"
        )
        says = f"{_mb(maintenance)}MB"
        formula = Formula("autovacuum_work_mem", says, "maintenance_work_mem", "PostgreSQL")
        own = Proposed(formula, compile_flag(formula.flag, formula.value), "")
        fitted = (*fitted, own)
    for name in ("autovacuum_work_mem", "maintenance_work_mem"):
        fitted = _lower(fitted, others, machine, name, _MAINTENANCE_LEAST_MB)
    return fitted


def whole_set(proposed: Sequence[Proposed], others: Sequence[FlagValue]) -> tuple[FlagValue, ...]:
    """Return the stack's flags with the proposed ones in their place, in order of names."""
    values = {flag.name: flag for flag in others} | {
        proposal.flag: proposal.value for proposal in proposed
    }
    return tuple(values[name] for name in sorted(values))


def budget(proposed: Sequence[Proposed], others: Sequence[FlagValue], machine: Machine) -> Budget:
    """Return what the whole set needs of the machine's memory."""
    return reckon(whole_set(proposed, others), machine.memory_mb)


def _excess_mb(
    proposed: Sequence[Proposed], others: Sequence[FlagValue], machine: Machine
) -> float:
    allowed = machine.memory_mb * TIGHT_PERCENT / 100
    return max(0.0, budget(proposed, others, machine).typical_mb - allowed)


def _lower(
    proposed: tuple[Proposed, ...],
    others: Sequence[FlagValue],
    machine: Machine,
    name: str,
    least_mb: int,
) -> tuple[Proposed, ...]:
    """Lower one flag, by whole MB, to what fits or to its floor."""

    def at(mb: int) -> tuple[Proposed, ...]:
        why = f"lowered to leave {100 - TIGHT_PERCENT} % of memory free"
        value = compile_flag(name, f"{mb}MB")
        return tuple(
            replace(proposal, value=value, bounded=why) if proposal.flag == name else proposal
            for proposal in proposed
        )

    low, high = least_mb, _mb(next(proposal for proposal in proposed if proposal.flag == name))
    if not _excess_mb(proposed, others, machine) or high <= low:
        return proposed
    while low < high:  # the largest that fits
        middle = (low + high + 1) // 2
        if _excess_mb(at(middle), others, machine):
            high = middle - 1
        else:
            low = middle
    return at(low)
