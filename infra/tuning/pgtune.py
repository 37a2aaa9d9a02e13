"""pgtune's formulas for PostgreSQL 15 on Linux.

From le0pard/pgtune, src/features/configuration/configurationSlice.js, read in November
2026. Sizes are whole MB here, rounded down, where pgtune keeps kB. Left out is what is no
Cloud SQL flag (``jit``, ``wal_level``) or Cloud SQL's own business (``huge_pages``).
"""

from collections.abc import Iterator
from math import ceil

from infra.tuning.machine import Machine, Workload
from infra.tuning.proposed import Formula

SOURCE = "pgtune"
GB = 1024
_MAINTENANCE_MOST_MB = 8 * GB
_AUTOVACUUM_MOST_MB = 2 * GB
_WORK_MEM_LEAST_MB = 4
_SORTS_EACH = 3
_WORKERS_DEFAULT = 8
_PARALLEL_FROM_VCPUS = 4
_WORKERS_A_QUERY_MOST = 4
_WAL_BUFFERS_MOST_KB = 16 * 1024
_WAL_BUFFERS_NEAR_KB = 14 * 1024
_MIN_WAL_GB = {Workload.WEB: 1, Workload.OLTP: 2, Workload.DW: 4, Workload.MIXED: 1}
_MAX_WAL_GB = {Workload.WEB: 4, Workload.OLTP: 8, Workload.DW: 16, Workload.MIXED: 4}


def formulas(machine: Machine, workload: Workload) -> tuple[Formula, ...]:
    """Return what pgtune would set."""
    return (
        *_memory(machine, workload),
        *_wal(machine, workload),
        *_planner(machine, workload),
        *_workers(machine, workload),
    )


def shared_buffers_mb(machine: Machine) -> int:
    """Return a quarter of the memory, in MiB."""
    return machine.memory_mb // 4


def _memory(machine: Machine, workload: Workload) -> Iterator[Formula]:
    shared_mb = shared_buffers_mb(machine)
    yield Formula("max_connections", str(machine.connections), machine.why_connections, "the stack")
    yield Formula("shared_buffers", f"{shared_mb}MB", "memory / 4", SOURCE)
    cache_mb = machine.memory_mb * 3 // 4
    yield Formula("effective_cache_size", f"{cache_mb}MB", "memory x 3/4", SOURCE)
    share = 8 if workload is Workload.DW else 16
    maintenance_mb = min(machine.memory_mb // share, _MAINTENANCE_MOST_MB)
    how = f"memory / {share}, 8 GB at most"
    yield Formula("maintenance_work_mem", f"{maintenance_mb}MB", how, SOURCE)
    if maintenance_mb >= _AUTOVACUUM_MOST_MB:
        how = "2 GB where maintenance_work_mem is more"
        yield Formula("autovacuum_work_mem", f"{_AUTOVACUUM_MOST_MB}MB", how, SOURCE)
    yield _work_mem(machine, workload, shared_mb)


def _work_mem(machine: Machine, workload: Workload, shared_mb: int) -> Formula:
    workers = machine.vcpus if machine.vcpus >= _PARALLEL_FROM_VCPUS else _WORKERS_DEFAULT
    each = (machine.memory_mb - shared_mb) / ((machine.connections + workers) * _SORTS_EACH)
    how = f"(memory - shared_buffers) / (({machine.connections} + {workers} workers) x 3)"
    if workload in {Workload.DW, Workload.MIXED}:
        each, how = each / 2, f"{how} / 2"
    return Formula(
        "work_mem", f"{max(int(each), _WORK_MEM_LEAST_MB)}MB", f"{how}, 4 MB at least", SOURCE
    )


def _wal(machine: Machine, workload: Workload) -> Iterator[Formula]:
    kb = shared_buffers_mb(machine) * 1024 * 3 // 100
    if kb > _WAL_BUFFERS_NEAR_KB:
        kb = _WAL_BUFFERS_MOST_KB
    yield Formula("wal_buffers", f"{kb // 1024}MB", "3 % of shared_buffers, 16 MB at most", SOURCE)
    how = f"for {workload}"
    yield Formula("min_wal_size", f"{_MIN_WAL_GB[workload]}GB", how, SOURCE)
    yield Formula("max_wal_size", f"{_MAX_WAL_GB[workload]}GB", how, SOURCE)
    yield Formula("checkpoint_completion_target", "0.9", "always", SOURCE)
    yield Formula("wal_compression", "lz4", "from PostgreSQL 15 on", SOURCE)


def _planner(machine: Machine, workload: Workload) -> Iterator[Formula]:
    target = "500" if workload is Workload.DW else "100"
    yield Formula("default_statistics_target", target, f"for {workload}", SOURCE)
    disk = "SSD" if machine.ssd else "HDD"
    yield Formula("random_page_cost", "1.1" if machine.ssd else "4", f"on {disk}", SOURCE)
    ahead = "200" if machine.ssd else "2"
    yield Formula("effective_io_concurrency", ahead, f"on {disk}", SOURCE)


def _workers(machine: Machine, workload: Workload) -> Iterator[Formula]:
    """From 4 vCPUs on; below, PostgreSQL's own numbers stay."""
    if machine.vcpus < _PARALLEL_FROM_VCPUS:
        return
    half = ceil(machine.vcpus / 2)
    a_query = half if workload is Workload.DW else min(half, _WORKERS_A_QUERY_MOST)
    how = "vCPUs / 2" if workload is Workload.DW else "vCPUs / 2, 4 at most"
    yield Formula("max_worker_processes", str(machine.vcpus), "vCPUs", SOURCE)
    yield Formula("max_parallel_workers", str(machine.vcpus), "vCPUs", SOURCE)
    yield Formula("max_parallel_workers_per_gather", str(a_query), how, SOURCE)
    building = str(min(half, _WORKERS_A_QUERY_MOST))
    yield Formula("max_parallel_maintenance_workers", building, "vCPUs / 2, 4 at most", SOURCE)
    for least, workers in ((32, 5), (16, 4)):
        if machine.vcpus >= least:
            how = f"from {least} vCPUs on"
            yield Formula("autovacuum_max_workers", str(workers), how, SOURCE)
            return
