"""timescaledb-tune's formulas, where they differ from pgtune's.

From timescale/timescaledb-tune, pkg/pgtune/memory.go, misc.go and parallel.go, read in
November 2026, without what tunes the extension itself. It knows one workload.
"""

from infra.tuning import pgtune
from infra.tuning.machine import Machine, Workload
from infra.tuning.proposed import Formula

SOURCE = "timescaledb-tune"
_MAINTENANCE_A_GB_MB = 128
_MAINTENANCE_MOST_MB = 2047
_WORK_MEM_A_GB_MB = 6.4 * 20  # its workMemPerGigPerConn, of 20 connections
_WORK_MEM_LEAST_KB = 64  # PostgreSQL's own minimum
_LOCKS_FROM_GB = ((32, 512), (16, 256), (8, 128))


def formulas(machine: Machine, workload: Workload) -> tuple[Formula, ...]:
    """Return pgtune's formulas with timescaledb-tune's in place of those that it has too."""
    own = {formula.flag: formula for formula in _own(machine)}
    proposed = tuple(own.pop(f.flag, f) for f in pgtune.formulas(machine, workload))
    return (*proposed, *own.values())


def _own(machine: Machine) -> tuple[Formula, ...]:
    memory_gb = machine.memory_mb / 1024
    maintenance_mb = min(int(memory_gb * _MAINTENANCE_A_GB_MB), _MAINTENANCE_MOST_MB)
    halves = max(1, round(machine.vcpus / 2))
    work_mb = memory_gb * _WORK_MEM_A_GB_MB / machine.connections / halves
    work = (
        f"{int(work_mb)}MB" if work_mb >= 1 else f"{max(int(work_mb * 1024), _WORK_MEM_LEAST_KB)}kB"
    )
    locks = next((n for least, n in _LOCKS_FROM_GB if memory_gb >= least), 64)
    how_work = f"128 MB a GB / {machine.connections} connections / {halves}"
    return (
        Formula(
            "maintenance_work_mem",
            f"{maintenance_mb}MB",
            "128 MB a GB of memory, 2047 MB at most",
            SOURCE,
        ),
        Formula("work_mem", work, how_work, SOURCE),
        Formula("default_statistics_target", "500", "always", SOURCE),
        Formula("max_locks_per_transaction", str(locks), "64 to 512 by memory", SOURCE),
    )
