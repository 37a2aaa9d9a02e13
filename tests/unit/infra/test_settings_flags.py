"""Flags of a stack: the memory and the library that they need, and the versions that have them."""

import pytest

from tests.unit.infra.declared import declared_flags, problems


def test_flags_that_need_more_memory_than_there_is_are_refused() -> None:
    (told,) = problems(flags={"max_connections": 5000})
    assert told.startswith("ai-square-db:flags: max_connections: 5000 with these flags needs")
    assert "of the tier's 7.5 GB" in told
    assert "work_mem 19.5 GB (5000 x 4 MB), sessions 9.77 GB (5000 x 2 MB)" in told
    assert "At most 731 connections fit" in told
    (told,) = problems(flags={"max_connections": 50, "work_mem": "200MB"})
    assert "work_mem 9.77 GB (50 x 200 MB)" in told
    memory = {"maintenance_work_mem": "2GB", "shared_buffers": "4.5GB", "max_connections": 100}
    (told,) = problems(flags=memory)
    assert "autovacuum 3.01 GB (3 workers x 1 GB)" in told


def test_a_replica_needs_the_memory_too() -> None:
    small = {"reader": {"tier": "db-custom-1-3840", "flags": {"shared_buffers": "2.25GB"}}}
    (told,) = problems(flags={"max_connections": 300}, replicas=small)
    assert told.startswith("ai-square-db:replicas.reader.flags: max_connections: 300 with")


@pytest.mark.parametrize(
    ("flags", "switch"),
    [
        ({"pgaudit.log": "ddl"}, "cloudsql.enable_pgaudit"),
        ({"pgaudit.log": "ddl", "cloudsql.enable_pgaudit": False}, "cloudsql.enable_pgaudit"),
        ({"auto_explain.log_min_duration": "1s"}, "cloudsql.enable_auto_explain"),
        ({"cron.database_name": "ai_square"}, "cloudsql.enable_pg_cron"),
    ],
)
def test_a_flag_of_a_library_needs_the_library(flags: dict[str, object], switch: str) -> None:
    (told,) = problems(flags=flags)
    name = next(iter(flags))
    assert told == f"ai-square-db:flags: {name} does nothing without {switch}. Set that to on."
    assert name in declared_flags(flags | {switch: True})
    reader = {"reader": {"flags": flags}}
    assert [told for told in problems(replicas=reader) if told.startswith("ai-square-db:replicas")]


def test_the_library_that_is_always_there_needs_no_switch() -> None:
    assert "pg_stat_statements.track" in declared_flags({"pg_stat_statements.track": "all"})


@pytest.mark.parametrize(
    ("version", "name", "said"),
    [
        ("POSTGRES_17", "old_snapshot_threshold", "removed it after PostgreSQL 16"),
        ("POSTGRES_17", "trace_recovery_messages", "removed it after PostgreSQL 16"),
        ("POSTGRES_16", "force_parallel_mode", "removed it after PostgreSQL 15"),
    ],
)
def test_a_flag_that_the_version_no_longer_has(version: str, name: str, said: str) -> None:
    words = {"old_snapshot_threshold": "1h", "trace_recovery_messages": "log"}
    flags: dict[str, object] = {name: words.get(name, "off")}
    (told,) = problems(databaseVersion=version, flags=flags)
    assert f"flags: {name}: " in told
    assert said in told
    assert name in declared_flags(flags)
