"""The catalogue, the units and the stacks' sets against a real PostgreSQL 15."""

import itertools
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from psycopg import sql as psql

from infra.flags import FlagType, FlagValue, catalogue, compile_flag, compile_flags
from infra.flags.elsewhere import contexts
from infra.flags.memory import PROCESS_MB
from infra.flags.proof import Proof, Prover
from infra.flags.units import NotANumberError, parse_float, parse_integer
from infra.flags.verdict import judge
from ops.checks.result import State
from ops.db import CHANGE, DIAGNOSTIC, Database
from ops.scratch import SUPERUSER, Scratch, ScratchFailedError

PG_TYPES = {
    "bool": FlagType.BOOLEAN,
    "enum": FlagType.ENUM,
    "integer": FlagType.INTEGER,
    "real": FlagType.FLOAT,
}
# Where Cloud SQL says otherwise than PostgreSQL.
NARROWER = {
    "max_connections",
    "max_logical_replication_workers",
    "max_pred_locks_per_transaction",
    "max_replication_slots",
    "max_sync_workers_per_subscription",
    "max_wal_senders",
    "max_worker_processes",
    "min_wal_size",
    "old_snapshot_threshold",
    "temp_file_limit",
    "track_activity_query_size",
}
# Fractions in PostgreSQL, whole numbers in Cloud SQL.
OTHER_TYPE = {"autovacuum_vacuum_cost_delay", "vacuum_cost_delay"}
# What PostgreSQL calls the same by another word, or takes from elsewhere.
OWNED_HERE = {"auto_explain", "pg_stat_statements"}


@pytest.fixture
def server(cluster: Scratch) -> Iterator[Database]:
    with cluster.running({"shared_preload_libraries": ", ".join(OWNED_HERE)}) as database:
        yield database


def test_every_flag_is_a_setting_of_its_type_unit_range_and_restart(server: Database) -> None:
    with server.connect(SUPERUSER, budget=DIAGNOSTIC) as connection:
        rows = connection.execute(
            "SELECT name, context, vartype, coalesce(unit, ''), min_val, max_val, enumvals"
            " FROM pg_settings"
        ).fetchall()
    described = {row[0]: row[1:] for row in rows}
    assert {name: row[0] for name, row in described.items() if name in contexts()} == contexts()
    assert {name for name in described if "." not in name} <= set(catalogue()) | set(contexts())
    for flag in catalogue().values():
        if flag.library not in {None, *OWNED_HERE} or flag.cloud_only:
            continue  # of a module that is not part of PostgreSQL
        context, kind, unit, low, high, words = described[flag.name]
        assert flag.restart == (context == "postmaster"), flag.name
        if flag.name not in OTHER_TYPE:
            assert flag.type is PG_TYPES[kind], flag.name
        assert flag.unit == unit, flag.name
        if flag.type is FlagType.ENUM:
            assert set(flag.choices) <= {*words, "regress"}, flag.name
        if flag.minimum is None or flag.maximum is None:
            continue
        if flag.name in NARROWER:
            assert float(low) <= flag.minimum, flag.name
            assert flag.maximum <= float(high), flag.name
        else:
            assert math.isclose(flag.minimum, float(low)), flag.name
            assert math.isclose(flag.maximum, float(high), rel_tol=1e-5), flag.name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shared_buffers", "2.5GB"),
        ("shared_buffers", "300.7MB"),
        ("shared_buffers", "1000001 kB"),
        ("work_mem", "64.5kB"),
        ("work_mem", "0x1000"),
        ("work_mem", "010000"),
        ("work_mem", "1e4"),
        ("work_mem", "70000B"),
        ("maintenance_work_mem", ".5GB"),
        ("autovacuum_naptime", "1.1min"),
        ("autovacuum_naptime", "1500ms"),
        ("autovacuum_naptime", "2500ms"),
        ("checkpoint_timeout", "0.3h"),
        ("log_min_duration_statement", "1.0005s"),
        ("log_min_duration_statement", "0.7 d"),
        ("log_min_duration_statement", "-1"),
        ("deadlock_timeout", "1499us"),
        ("max_wal_size", "1.5GB"),
        ("min_wal_size", "100.3MB"),
        ("track_activity_query_size", "1.1kB"),
        ("temp_file_limit", "1.1TB"),
        ("log_temp_files", "512B"),
        ("log_temp_files", "1536B"),
    ],
)
def test_integers_are_read_as_postgresql_reads_them(
    cluster: Scratch, name: str, words: str
) -> None:
    told = cluster.ask(name, {name: words})
    assert parse_integer(words, catalogue()[name].unit) == int(told)


@pytest.mark.parametrize("words", ["1.1", "4", "1e-3", "0x10", ".25"])
def test_floats_are_read_as_postgresql_reads_them(cluster: Scratch, words: str) -> None:
    told = cluster.ask("random_page_cost", {"random_page_cost": words})
    assert parse_float(words) == float(told)


@pytest.mark.parametrize("words", ["8mb", "3TB", "lots", "1 2", "1e", "inf"])
def test_what_we_refuse_postgresql_refuses(cluster: Scratch, words: str) -> None:
    with pytest.raises(ScratchFailedError, match="invalid value for parameter"):
        cluster.ask("work_mem", {"work_mem": words})
    with pytest.raises(NotANumberError):
        parse_integer(words, "kB")


def _proven(cluster: Scratch, words: dict[str, str]) -> tuple[tuple[FlagValue, ...], Proof]:
    flags, wrong = compile_flags(words)
    assert not wrong
    return flags, Prover(cluster).prove(flags)


def test_every_default_is_proven(cluster: Scratch) -> None:
    defaults = {flag.name: flag.default for flag in catalogue().values() if flag.default}
    flags, proof = _proven(cluster, defaults)
    assert proof.started
    assert len(flags) > 150
    for verdict in judge(flags, proof):
        flag = catalogue()[verdict.flag]
        if flag.cloud_only:
            assert verdict.state is State.NOT_APPLICABLE, verdict
        elif flag.library in {None, *OWNED_HERE}:
            assert verdict.state is State.OK, verdict
        else:
            assert verdict.state is State.UNKNOWN, verdict
            assert str(flag.library) in verdict.why


@pytest.mark.parametrize("turn", range(3))
def test_every_choice_is_proven(cluster: Scratch, turn: int) -> None:
    """All choices of all enums, as many starts as the short ones need; the rest by -C."""
    enums = [
        flag for flag in catalogue().values() if flag.type is FlagType.ENUM and not flag.library
    ]
    words = {flag.name: flag.choices[turn % len(flag.choices)] for flag in enums}
    flags, proof = _proven(cluster, words)
    assert {v.state for v in judge(flags, proof)} == {State.OK}
    for flag in enums:
        for choice in flag.choices[turn + 3 :: 3]:
            value = compile_flag(flag.name, choice).value
            told = cluster.ask(flag.name, {flag.name: value})
            assert told == value, flag.name


def test_a_connection_costs_what_the_budget_counts(cluster: Scratch) -> None:
    """Private memory of sessions that have joined 40 tables, as pooled ones do."""
    tables = 40
    with cluster.running({}) as database, ExitStack() as stack:
        opened = partial(database.connect, SUPERUSER, budget=CHANGE)
        sessions = [stack.enter_context(opened()) for _ in range(5)]
        for number in range(tables):
            sessions[0].execute(
                psql.SQL("CREATE TABLE {} (id bigint PRIMARY KEY, a text, b int, c jsonb)").format(
                    psql.Identifier(f"t{number}")
                )
            )
        join = psql.SQL("SELECT * FROM {} x JOIN {} y USING (id) WHERE x.b = 1 ORDER BY y.a")
        for session, number in itertools.product(sessions, range(tables - 1)):
            pair = map(psql.Identifier, (f"t{number}", f"t{number + 1}"))
            session.execute(join.format(*pair))
        used = [_private_mb(session.info.backend_pid) for session in sessions]
    assert PROCESS_MB / 2 < sum(used) / len(used) < PROCESS_MB * 1.5


def test_autovacuum_that_is_off_starts_all_the_same(cluster: Scratch) -> None:
    """Against wraparound, so that switching it off saves no memory."""
    most = 100_000
    settings = {
        "autovacuum": "off",
        "autovacuum_freeze_max_age": str(most),
        "autovacuum_naptime": "1s",
    }
    frozen = "SELECT bool_or(age(datfrozenxid) < %s) FROM pg_database"
    with (
        cluster.running(settings) as database,
        database.connect(SUPERUSER, budget=CHANGE) as session,
    ):
        session.execute(
            "CREATE PROCEDURE burn() LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..140000 LOOP"
            " PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
        )
        session.execute("CALL burn()")
        deadline = time.monotonic() + 20
        while session.execute(frozen, [most]).fetchone() != (True,):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _private_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024
