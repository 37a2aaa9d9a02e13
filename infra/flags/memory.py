"""The parts of the memory that PostgreSQL may take with a set of flags, each with its source.

Every part has two figures. The *typical* one is for a busy day: every allowed connection
is open and sorts or hashes once. The *worst case* is for the same connections and workers
with several hash tables each, full temporary buffers, large caches and compiled code.
PostgreSQL bounds neither
(https://www.postgresql.org/docs/15/runtime-config-resource.html#RUNTIME-CONFIG-RESOURCE-MEMORY).
Google names the same flags:
https://cloud.google.com/sql/docs/postgres/manage-memory-usage-best-practices

"Measured" is on PostgreSQL 15.18, x86-64; tests/infra/test_memory_on_postgres.py repeats it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.flags.catalogue import catalogue
from infra.flags.units import BASE_UNITS, KIB

MB = KIB**2
# PostgreSQL's manual says that a query may sort and hash several times at once; pgtune
# reckons with three (its selectWorkMem).
NODES_WORST = 3
# hash_mem_multiplier of PostgreSQL 15 (1.0 before), which is no Cloud SQL flag.
HASH_MEM_MULTIPLIER = 2.0
# Measured: a hash aggregate with work_mem of 64 MB took 153 MB, a hash join 93 MB; a sort
# took 64 MB, one with 16 MB up to 25 MB, within what is counted for a hash table.
HASH_OVERSHOOT = 1.25
# Measured, private memory of a backend (smaps_rollup): 1.1 MB fresh, 2.0 MB after joins
# over 40 tables; 11.2 MB after 200 tables, information_schema and 100 prepared
# statements. JIT added 22 MB with a first plan and 28 MB with several.
PROCESS_MB = 2
PROCESS_WORST_MB = 11
JIT_WORST_MB = 30
# One session in 20 fills its temporary buffers: ours, as no source says how many do.
TEMP_SHARE = 0.05
# Measured: 24 MB took 24.4 MB, since each buffer of 8 kB has a descriptor.
TEMP_EXTRA = 0.02
# PostgreSQL's manual expects few maintenance commands at once; this project runs one. A
# parallel index build shares maintenance_work_mem: measured 138 MB with 128 MB and 3 workers.
MAINTENANCE = 1
MAINTENANCE_WORST = 3
# Until version 17 a vacuum collects dead rows in at most 1 GB:
# https://www.postgresql.org/docs/15/runtime-config-resource.html#GUC-AUTOVACUUM-WORK-MEM
VACUUM_MOST_MB = 1024
# Measured: a process that vacuums took 2.6 MB beside its dead rows.
VACUUM_PROCESS_MB = 3
# logical_decoding_work_mem is 64 MB for each process that decodes, and no Cloud SQL flag;
# measured: a sender took 67 MB.
DECODING_MB = 70
# "about a third": https://cloud.google.com/sql/docs/postgres/flags (shared_buffers)
_SHARED_BUFFERS_SHARE = 1 / 3
# XLOGChooseNumBuffers, PostgreSQL 15, src/backend/access/transam/xlog.c: a 32nd of
# shared_buffers, one WAL segment at most.
_WAL_BUFFERS_SHARE = 1 / 32
_WAL_BUFFERS_MOST_MB = 16
# Measured with -C shared_memory_size, rounded up. Descriptors and the lookup table add
# 2.2 % to shared_buffers, a page's state 0.1 % to wal_buffers; a process, a prepared
# transaction, a lock, a predicate lock and a statement of pg_stat_statements take 8.5 kB,
# 3.3 kB, 396, 259 and 386 bytes.
_BUFFERS_EXTRA = 0.0225
_WAL_EXTRA = 0.002
_SHARED_LEAST_MB = 4
_PROCESS_BYTES = 9 * KIB
_PREPARED_BYTES = 4 * KIB
_LOCK_BYTES = 420
_PREDICATE_LOCK_BYTES = 280
_STATEMENT_BYTES = 400
# A process that has touched all of the shared memory has an entry of 8 bytes a page of
# 4 kB in its page table; huge pages make that a 512th.
PAGE_TABLE_SHARE = 8 / (4 * KIB)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the memory.

    Attributes:
        name: The flag, or what else needs it.
        mb: In typical use, in MiB.
        worst_mb: In the worst case, in MiB.
        how: How both are reckoned.
    """

    name: str
    mb: float
    worst_mb: float
    how: str


@dataclass(frozen=True, slots=True)
class Demand:
    """A set of flags on a tier, and what each of its processes may take.

    Attributes:
        values: By the flag's name, as the API takes them; what is unset has its default.
        memory_mb: The tier's memory, in MiB.
        connections: How many are allowed.
    """

    values: Mapping[str, str]
    memory_mb: int
    connections: int

    def parts(self) -> tuple[Part, ...]:
        """Return every part of the memory, the shared ones first."""
        return (*self._shared(), *self._maintenance(), *self._processes())

    def number(self, name: str) -> int:
        """Return a flag's value in its base unit."""
        return int(self.values.get(name, catalogue()[name].default))

    def mb(self, name: str) -> float:
        """Return a flag's value in MiB."""
        return self.number(name) * BASE_UNITS[catalogue()[name].unit] / MB

    @property
    def shared_buffers_mb(self) -> float:
        """The shared buffers, in MiB; unset, what Cloud SQL takes."""
        if "shared_buffers" in self.values:
            return self.mb("shared_buffers")
        return self.memory_mb * _SHARED_BUFFERS_SHARE

    @property
    def hash_table_mb(self) -> float:
        """What one hash table may take, in MiB."""
        multiplier = float(self.values.get("hash_mem_multiplier", HASH_MEM_MULTIPLIER))
        return self.mb("work_mem") * multiplier * HASH_OVERSHOOT

    @property
    def parallel_workers(self) -> int:
        """How many parallel workers may run at once."""
        a_command = ("max_parallel_workers_per_gather", "max_parallel_maintenance_workers")
        if not any(self.number(name) for name in a_command):
            return 0
        return min(self.number("max_parallel_workers"), self.number("max_worker_processes"))

    def _shared(self) -> Iterator[Part]:
        set_ = "shared_buffers" in self.values
        how = "as set" if set_ else "Cloud SQL's third of memory"
        yield _always("shared_buffers", self.shared_buffers_mb, how)
        wal_mb, how = self.mb("wal_buffers"), "as set"
        if wal_mb < 0:
            wal_mb = min(self.shared_buffers_mb * _WAL_BUFFERS_SHARE, _WAL_BUFFERS_MOST_MB)
            how = "a 32nd of shared_buffers, 16 MB at most"
        yield _always("wal_buffers", wal_mb * (1 + _WAL_EXTRA), how)
        yield _always(
            "other shared memory",
            self._other_shared_mb(),
            f"{100 * _BUFFERS_EXTRA:g} % of shared_buffers, {_SHARED_LEAST_MB} MB; locks, query"
            " texts and statistics of what max_connections and the like allow",
        )

    def _other_shared_mb(self) -> float:
        workers = ("autovacuum_max_workers", "max_worker_processes", "max_wal_senders")
        processes = self.connections + 1 + sum(map(self.number, workers))
        prepared = self.number("max_prepared_transactions")
        locks = (
            self.number("max_locks_per_transaction") * _LOCK_BYTES
            + self.number("max_pred_locks_per_transaction") * _PREDICATE_LOCK_BYTES
        )
        other_mb = (
            processes * (_PROCESS_BYTES + self.number("track_activity_query_size"))
            + prepared * _PREPARED_BYTES
            + (processes + prepared) * locks
            + self.number("pg_stat_statements.max") * _STATEMENT_BYTES
        )
        return self.shared_buffers_mb * _BUFFERS_EXTRA + _SHARED_LEAST_MB + other_mb / MB

    def _maintenance(self) -> Iterator[Part]:
        workers = self.number("autovacuum_max_workers")
        own = self.number("autovacuum_work_mem") >= 0
        vacuum_mb = self.mb("autovacuum_work_mem" if own else "maintenance_work_mem")
        each_mb = min(vacuum_mb, VACUUM_MOST_MB)
        # PostgreSQL starts the workers against wraparound although autovacuum is off:
        # https://www.postgresql.org/docs/15/runtime-config-autovacuum.html#GUC-AUTOVACUUM
        off = "; it is off, but still starts against wraparound"
        yield _always(
            "autovacuum",
            workers * (each_mb + VACUUM_PROCESS_MB),
            f"{workers} workers x {size(each_mb + VACUUM_PROCESS_MB)}"
            f"{off if self.values.get('autovacuum') == 'off' else ''}",
        )
        each_mb = self.mb("maintenance_work_mem")
        yield Part(
            "maintenance by hand",
            MAINTENANCE * each_mb,
            MAINTENANCE_WORST * each_mb,
            f"{MAINTENANCE} command with its parallel workers x {size(each_mb)};"
            f" worst case {MAINTENANCE_WORST}",
        )

    def _processes(self) -> Iterator[Part]:
        sessions, work_mb = self.connections, self.mb("work_mem")
        process_worst_mb = PROCESS_WORST_MB + JIT_WORST_MB
        query_worst_mb = NODES_WORST * self.hash_table_mb
        hashes = f"{NODES_WORST} x {size(self.hash_table_mb)}"
        yield Part(
            "work_mem",
            sessions * work_mb,
            sessions * query_worst_mb,
            f"{sessions} x {size(work_mb)}; worst case {sessions} x {hashes}",
        )
        temp_mb = self.mb("temp_buffers") * (1 + TEMP_EXTRA)
        yield Part(
            "temp_buffers",
            sessions * TEMP_SHARE * temp_mb,
            sessions * temp_mb,
            f"{size(self.mb('temp_buffers'))} of {100 * TEMP_SHARE:g} % of {sessions} sessions;"
            " worst case of all",
        )
        yield Part(
            "sessions",
            sessions * PROCESS_MB,
            sessions * process_worst_mb,
            f"{sessions} x {PROCESS_MB} MB; worst case {process_worst_mb} MB",
        )
        workers, most = self.parallel_workers, self.number("max_worker_processes")
        yield Part(
            "parallel workers",
            workers * (PROCESS_MB + work_mb),
            most * (process_worst_mb + query_worst_mb),
            f"{workers} x {size(PROCESS_MB + work_mb)}; worst case max_worker_processes {most} x"
            f" {size(process_worst_mb + query_worst_mb)}",
        )
        yield self._senders()
        yield self._page_tables()

    def _senders(self) -> Part:
        most = self.number("max_wal_senders")
        if self.values.get("cloudsql.logical_decoding") != "on":
            how = f"none; worst case {most} x {PROCESS_MB} MB"
            return Part("WAL senders", 0, most * PROCESS_MB, how)
        each_mb = PROCESS_MB + DECODING_MB
        how = f"1 decodes with {each_mb} MB; worst case max_wal_senders {most}"
        return Part("WAL senders", each_mb, most * each_mb, how)

    def _page_tables(self) -> Part:
        processes = self.connections + self.number("max_worker_processes")
        each_mb = self.shared_buffers_mb * PAGE_TABLE_SHARE
        whole_mb = processes * each_mb
        how = f"{processes} processes x {each_mb:.1f} MB"
        if self.values.get("huge_pages") == "off":
            return Part("page tables", whole_mb, whole_mb, f"{how}: huge_pages is off")
        return Part("page tables", 0, whole_mb, f"none; worst case {how}, without huge pages")


def _always(name: str, mb: float, how: str) -> Part:
    return Part(name, mb, mb, how)


def size(mb: float) -> str:
    """Return MiB in the unit that people would say, three digits of it: 7680 -> "7.5 GB"."""
    for unit, step in (("TB", KIB**2), ("GB", KIB)):
        if mb >= step:
            return f"{mb / step:.3g} {unit}"
    return f"{mb:.0f} MB"
