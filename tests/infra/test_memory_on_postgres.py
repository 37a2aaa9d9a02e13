"""Every part of the memory budget against what a real PostgreSQL 15 takes.

Each prediction is an upper bound, and no more than a stated ratio above what was taken.
Tables are small: the flags are, too, so that what they allow is taken within seconds.
"""

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psycopg
import pytest
from psycopg import sql as psql

from infra.flags import FlagWord, compile_flags
from infra.flags.memory import PAGE_TABLE_SHARE, PROCESS_MB, Demand, Part
from ops.db import CHANGE, Database
from ops.scratch import SUPERUSER, Scratch

MEMORY_MB = 7680
SHARED = ("shared_buffers", "wal_buffers", "other shared memory")
WORK_MB = 16  # work_mem and the like here; 32 for a hash table by hash_mem_multiplier
ROWS = 500_000
SERIAL = {"max_parallel_workers_per_gather": "0"}
PARALLEL = {
    "max_parallel_workers_per_gather": "2",
    "min_parallel_table_scan_size": "0",
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
}
SETTINGS = {
    "autovacuum": "off",
    "jit": "off",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
    "wal_level": "logical",
    "work_mem": f"{WORK_MB}MB",
    "maintenance_work_mem": f"{WORK_MB}MB",
    # parallel hash tables are files of the data directory then, which are counted there
    "dynamic_shared_memory_type": "mmap",
}


def demand(words: dict[str, FlagWord], connections: int = 100) -> Demand:
    flags, wrong = compile_flags(words)
    assert not wrong
    return Demand({flag.name: flag.value for flag in flags}, MEMORY_MB, connections)


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"shared_buffers": "64GB"},
        {"max_connections": 5000},
        {"max_connections": 1000, "max_locks_per_transaction": 1024},
        {"max_pred_locks_per_transaction": 10000},
        {"max_prepared_transactions": 5000},
        {"max_connections": 1000, "track_activity_query_size": 102400},
        {"pg_stat_statements.max": 1_000_000},
        {"max_worker_processes": 1000, "autovacuum_max_workers": 1000, "max_wal_senders": 1000},
        {"wal_buffers": "1GB"},
    ],
    ids=lambda words: "-".join(words) or "defaults",
)
def test_shared_memory_is_at_most_what_is_predicted(
    cluster: Scratch, words: dict[str, FlagWord]
) -> None:
    whole = {"shared_buffers": "1GB", "max_connections": 100, **words}
    counted = demand(whole, int(whole["max_connections"]))
    predicted_mb = sum(part.mb for part in counted.parts() if part.name in SHARED)
    settings = {**counted.values, "shared_preload_libraries": "pg_stat_statements"}
    taken_mb = int(cluster.ask("shared_memory_size", settings))
    assert taken_mb <= predicted_mb + 1 <= taken_mb * 1.1


@dataclass(frozen=True)
class Server:
    """A server with a table ``big``.

    Attributes:
        database: Of the table.
        postmaster: The process whose children are measured.
        dynamic: The folder of its dynamic shared memory.
        inherited_mb: What each process shares with the postmaster, in MiB.
    """

    database: Database
    postmaster: int
    dynamic: Path
    inherited_mb: float

    @contextlib.contextmanager
    def session(self, **settings: str) -> Iterator[psycopg.Connection]:
        with self.database.connect(SUPERUSER, budget=CHANGE) as connection:
            for name, value in settings.items():
                connection.execute(
                    psql.SQL("SET {} = {}").format(psql.Identifier(name), psql.Literal(value))
                )
            connection.execute("SELECT count(*) FROM big WHERE id < 10").fetchall()
            yield connection


@pytest.fixture(scope="module")
def server(cluster: Scratch) -> Iterator[Server]:
    with cluster.running(SETTINGS) as database:
        with database.connect(SUPERUSER, budget=CHANGE) as connection:
            connection.execute(
                psql.SQL(
                    "CREATE TABLE big AS SELECT id, md5(id::text) AS word"
                    " FROM generate_series(1, {}) id"
                ).format(ROWS)
            )
            connection.execute("VACUUM ANALYZE big")
            pid = connection.info.backend_pid
            inherited_mb = _inherited_mb(pid)
        postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
        yield Server(database, postmaster, cluster.data / "pg_dynshmem", inherited_mb)


@dataclass
class Peak:
    """The most that processes started from now on take together, in MiB."""

    server: Server
    most_mb: float = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self._ended.wait(0.002):
            self.most_mb = max(self.most_mb, self._taken_mb())

    def _taken_mb(self) -> float:
        processes_mb = sum(
            max(0.0, _anonymous_mb(pid) - self.server.inherited_mb)
            for pid in self._processes() - self._others
        )
        files_mb = 0.0
        for file in self.server.dynamic.glob("mmap.*"):
            with contextlib.suppress(FileNotFoundError):
                files_mb += file.stat().st_blocks / 2048
        return processes_mb + files_mb

    def _processes(self) -> set[int]:
        postmaster = self.server.postmaster
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children")
        return {int(pid) for pid in children.read_text().split()}

    def __enter__(self) -> Self:
        self._others = self._processes()
        self._thread = threading.Thread(target=self.watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def _inherited_mb(pid: int) -> float:
    """Return the anonymous memory in MiB that a process still shares with its parent."""
    shared_kb = 0
    mapping = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if not line.split()[0].endswith(":"):
            mapping = line
        elif line.startswith("Shared_Dirty:") and "/dev/zero" not in mapping:
            shared_kb += int(line.split()[1])
    return shared_kb / 1024


def _anonymous_mb(pid: int) -> float:
    """Return a process's anonymous memory in MiB, which is read in far less time."""
    return _kb(Path(f"/proc/{pid}/status"), "RssAnon") / 1024


def _kb(file: Path, name: str) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in file.read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0  # the process has ended


def most_mb(server: Server, *statements: str, **settings: str) -> float:
    """Return the most that a session and its workers take for statements, in MiB."""
    with Peak(server) as peak, server.session(**settings) as session:
        for statement in statements:
            session.execute(statement)
    return peak.most_mb


def counted(**words: FlagWord) -> dict[str, Part]:
    """Return the budget's parts for one connection of the server."""
    flags: dict[str, FlagWord] = {name: SETTINGS[name] for name in ("work_mem", "shared_buffers")}
    parts = demand({**flags, "maintenance_work_mem": SETTINGS["work_mem"], **words}, 1).parts()
    return {part.name: part for part in parts}


def assert_bounded(taken_mb: float, predicted_mb: float, ratio: float) -> None:
    """Assert that a prediction is an upper bound, at most ``ratio`` times what was taken.

    Five per cent are left for what the C library keeps, and for what changes while the
    processes are read one after the other.
    """
    assert taken_mb <= predicted_mb * 1.05
    assert predicted_mb <= taken_mb * ratio


SORT = "SELECT count(*) FROM (SELECT word FROM big ORDER BY word OFFSET 1) sorted"
GROUP = "SELECT count(*) FROM (SELECT word, count(*) FROM big GROUP BY word OFFSET 1) grouped"
THREE_HASHES = """
SELECT count(*) FROM (SELECT x.word, count(*) FROM big x JOIN big y USING (id)
    JOIN big z ON z.word = y.word GROUP BY x.word OFFSET 1) grouped"""
HASHED = {"enable_sort": "off", "enable_mergejoin": "off"}


def test_a_sort_takes_one_work_mem(server: Server) -> None:
    parts = counted()
    predicted_mb = parts["work_mem"].mb + parts["sessions"].mb
    assert_bounded(most_mb(server, SORT, **SERIAL), predicted_mb, 1.25)


def test_a_hash_table_takes_a_multiple_of_work_mem(server: Server) -> None:
    taken_mb = most_mb(server, GROUP, **SERIAL, **HASHED)
    assert taken_mb > 1.5 * WORK_MB
    predicted_mb = demand({"work_mem": SETTINGS["work_mem"]}).hash_table_mb + PROCESS_MB
    assert_bounded(taken_mb, predicted_mb, 1.5)


def test_several_hash_tables_are_within_the_worst_case(server: Server) -> None:
    parts = counted()
    predicted_mb = parts["work_mem"].worst_mb + parts["sessions"].worst_mb
    assert_bounded(most_mb(server, THREE_HASHES, **SERIAL, **HASHED), predicted_mb, 2.5)


def test_parallel_workers_take_a_work_mem_each(server: Server) -> None:
    parts = counted(max_parallel_workers=2)
    names = ("work_mem", "sessions", "parallel workers")
    predicted_mb = sum(parts[name].mb for name in names)
    assert_bounded(most_mb(server, SORT, **PARALLEL), predicted_mb, 1.25)


def test_parallel_workers_hash_within_the_worst_case(server: Server) -> None:
    table_mb = demand({"work_mem": SETTINGS["work_mem"]}).hash_table_mb
    predicted_mb = 3 * PROCESS_MB + 4 * table_mb  # each of three, and the leader again
    assert_bounded(most_mb(server, GROUP, **PARALLEL, **HASHED), predicted_mb, 2)


def test_a_parallel_hash_table_lies_in_shared_memory(server: Server) -> None:
    join = "SELECT count(x.word) FROM big x JOIN big y USING (id)"
    table_mb = demand({"work_mem": SETTINGS["work_mem"]}).hash_table_mb
    taken_mb = most_mb(server, join, **PARALLEL, **HASHED)
    assert_bounded(taken_mb, 3 * (PROCESS_MB + table_mb), 4)


def test_temporary_tables_fill_temp_buffers(server: Server) -> None:
    parts = counted(temp_buffers="24MB")
    taken_mb = most_mb(server, "CREATE TEMP TABLE t AS SELECT * FROM big", temp_buffers="24MB")
    assert_bounded(taken_mb, parts["temp_buffers"].worst_mb + parts["sessions"].mb, 1.25)


def test_an_index_build_takes_maintenance_work_mem(server: Server) -> None:
    parts = counted()
    statement = "CREATE INDEX ON big (word)"
    taken_mb = most_mb(server, statement, max_parallel_maintenance_workers="0")
    assert_bounded(taken_mb, parts["maintenance by hand"].mb + parts["sessions"].mb, 1.25)


def test_a_parallel_index_build_shares_maintenance_work_mem(server: Server) -> None:
    parts = counted(maintenance_work_mem="64MB")
    settings = {"maintenance_work_mem": "64MB", "max_parallel_maintenance_workers": "1"}
    taken_mb = most_mb(
        server, "CREATE INDEX ON big ((word || word))", min_parallel_table_scan_size="0", **settings
    )
    predicted_mb = parts["maintenance by hand"].mb + 2 * PROCESS_MB
    assert_bounded(taken_mb, predicted_mb, 1.5)


def test_a_vacuum_takes_what_is_counted_for_a_worker(server: Server) -> None:
    with server.session() as session:
        session.execute("CREATE TABLE dead AS SELECT generate_series(1, 800000) AS id")
        session.execute("CREATE INDEX ON dead (id)")
        session.execute("DELETE FROM dead")
    parts = counted(autovacuum_max_workers=1, autovacuum_work_mem="4MB")
    taken_mb = most_mb(server, "VACUUM dead", maintenance_work_mem="4MB")
    assert_bounded(taken_mb, parts["autovacuum"].mb, 1.5)


def test_compiled_plans_are_within_the_worst_case(server: Server) -> None:
    with server.session() as session:
        session.execute("SET jit = on")
        if session.execute("SELECT pg_jit_available()").fetchone() == (False,):
            pytest.skip("this PostgreSQL is built without JIT")
    costs = ("jit_above_cost", "jit_inline_above_cost", "jit_optimize_above_cost")
    plans = (
        "SELECT id, count(*) FROM big WHERE word LIKE 'a%' GROUP BY id HAVING sum(id) > 1",
        "SELECT max(y.word) FROM big x JOIN big y USING (id) WHERE x.id < 99 GROUP BY y.id",
        "SELECT count(*) FILTER (WHERE id BETWEEN 3 AND 9), sum(id * 2) FROM big WHERE id > 2",
    )
    settings = {**SERIAL, "work_mem": "64kB", "jit": "on", **dict.fromkeys(costs, "0")}
    taken_mb = most_mb(server, *plans, **settings)
    assert_bounded(taken_mb, counted()["sessions"].worst_mb, 2)


def test_a_sender_decodes_within_what_is_counted(server: Server, cluster: Scratch) -> None:
    with server.session() as session:
        session.execute("SELECT pg_create_logical_replication_slot('s', 'test_decoding')")
        session.execute("CREATE TABLE sent AS SELECT * FROM big WHERE id <= 300000")
        (end,) = session.execute("SELECT pg_current_wal_lsn()::text").fetchone() or ("",)
    database = server.database
    where = ("-h", database.host, "-p", str(database.port), "-U", SUPERUSER, "-d", database.name)
    program = str(cluster.programs.path("pg_recvlogical"))
    what = ("--slot", "s", "--start", "-f", "/dev/null", "-E", str(end))
    with Peak(server) as peak:
        subprocess.run([program, *where, *what], check=True, timeout=60)
    (senders,) = [
        part
        for part in demand({"cloudsql.logical_decoding": True}).parts()
        if part.name == "WAL senders"
    ]
    assert_bounded(peak.most_mb, senders.mb, 1.25)


def test_a_page_table_grows_with_what_a_process_touches(server: Server) -> None:
    with server.database.connect(SUPERUSER, budget=CHANGE) as session:
        pid = session.info.backend_pid
        (size_mb,) = session.execute("SELECT pg_relation_size('big') / 1048576.0").fetchone() or (
            0,
        )
        session.execute("SET max_parallel_workers_per_gather = 0")
        before_mb = _kb(Path(f"/proc/{pid}/status"), "VmPTE") / 1024
        session.execute("SELECT count(*) FROM big")
        grown_mb = _kb(Path(f"/proc/{pid}/status"), "VmPTE") / 1024 - before_mb
    assert grown_mb == pytest.approx(float(size_mb) * PAGE_TABLE_SHARE, rel=0.5)
