"""Flags: people's words in, the API's bare values out, and every refusal."""

import math

import pytest

from infra.flags import (
    FlagError,
    FlagType,
    FlagWord,
    catalogue,
    compile_flag,
    compile_flags,
    in_words,
    permitted,
)
from infra.flags.catalogue import SWITCHES
from infra.flags.units import NotANumberError, in_units, parse_float, parse_integer
from infra.local.engine import conf

MEMORY_MB = 7680


@pytest.mark.parametrize(
    ("name", "word", "value"),
    [
        ("shared_buffers", "2.5GB", "327680"),
        ("shared_buffers", "2.5 GB", "327680"),
        ("shared_buffers", 327680, "327680"),
        ("work_mem", "8MB", "8192"),
        ("autovacuum_naptime", "30s", "30"),
        ("autovacuum_naptime", "1min", "60"),
        ("checkpoint_timeout", "0.25h", "900"),
        ("log_min_duration_statement", "500ms", "500"),
        ("log_min_duration_statement", "1.5s", "1500"),
        ("log_min_duration_statement", -1, "-1"),
        ("max_wal_size", "4GB", "4096"),
        ("track_activity_query_size", "4kB", "4096"),
        ("temp_file_limit", "1GB", "1048576"),
        ("random_page_cost", 1.1, "1.1"),
        ("random_page_cost", 4, "4"),
        ("autovacuum_vacuum_scale_factor", "0.05", "0.05"),
        ("autovacuum", True, "on"),
        ("autovacuum", "no", "off"),
        ("log_lock_waits", "ON", "on"),
        ("cloudsql.iam_authentication", "true", "on"),
        ("wal_compression", True, "on"),  # YAML reads the word on as true
        ("wal_compression", "lz4", "lz4"),
        ("huge_pages", False, "off"),
        ("pg_stat_statements.track", "ALL", "all"),
        ("ssl_min_protocol_version", "tlsv1.3", "TLSv1.3"),
        ("default_transaction_isolation", "repeatable read", "repeatable read"),
        ("pgaudit.log", "ddl, WRITE,-misc", "ddl,write,-misc"),
        ("cron.database_name", "ai_square", "ai_square"),
    ],
)
def test_compiles(name: str, word: FlagWord, value: str) -> None:
    assert compile_flag(name, word, MEMORY_MB).value == value


@pytest.mark.parametrize(
    ("name", "word", "said"),
    [
        (
            "shared_buffers",
            "9GB",
            (
                "shared_buffers: 9GB is out of range. Choose a value from 768 MB to 4.5 GB"
                " (source: 10 to 60 % of the tier's 7680 MB of memory,"
                " the Cloud SQL flags reference)."
            ),
        ),
        ("effective_cache_size", "5760MB", "from 768 MB to 5376 MB"),  # pgtune's 75 %
        ("effective_cache_size", "700MB", "from 768 MB to 5376 MB"),
        ("shared_buffers", "256MB", "Choose a value from 768 MB to 4.5 GB"),
        ("shared_buffers", -1, "shared_buffers: -1 is out of range"),
        ("max_connections", 5, "Choose a value from 14 to 262143"),
        ("max_connections", -1, "Choose a value from 14 to 262143"),
        ("min_wal_size", "16MB", "Choose a value from 32 MB"),
        ("max_replication_slots", 9, "Choose a value from 10 to"),
        ("max_worker_processes", 4, "Choose a value from 8 to"),
        ("work_mem", -1, "Choose a value from 64 kB"),
        ("maintenance_work_mem", "512kB", "Choose a value from 1 MB"),
        ("autovacuum_vacuum_cost_delay", "101ms", "Choose a value from -1 to 100 ms"),
        ("idle_in_transaction_session_timeout", -1, "Choose a value from 0 to"),
        ("log_min_duration_statement", -2, "Choose a value from -1 to"),
        ("temp_file_limit", -1, "Choose a value from 1 GB to"),
        ("temp_file_limit", "512MB", "Choose a value from 1 GB to"),
        ("old_snapshot_threshold", -1, "Choose a value from 0 to"),
        ("pgaudit.log", "ddl,everything", "it is a list of read, write,"),
        ("pgaudit.role", " ", "leave the flag out for none"),
        ("track_activity_query_size", "1MB", "Choose a value from 100 B to 100 kB"),
        ("work_mem", "8mb", "its units are B, kB, MB, GB, TB (as spelled)"),
        ("work_mem", "lots", "it is no number with a unit"),
        ("work_mem", "3TB", "does not fit PostgreSQL's 32-bit integers"),
        ("max_connections", "100kB", "it takes a bare number, without a unit"),
        ("random_page_cost", "cheap", "it is no number"),
        ("random_page_cost", "1e999", "larger than any number"),
        ("random_page_cost", -1, "Choose a value from 0 to"),
        ("autovacuum", "maybe", "it is on or off"),
        ("autovacuum", "", "it is on or off"),
        ("huge_pages", "on", "it is one of try, off"),
        ("statement_timeout", "30s", "ALTER ROLE or ALTER DATABASE ... SET statement_timeout"),
        ("jit", "off", "no Cloud SQL flag. Set it in SQL: ALTER ROLE"),
        ("synchronous_commit", "off", "no Cloud SQL flag. Set it in SQL: ALTER ROLE"),
        ("search_path", "x", "If `gcloud sql flags list --database-version=POSTGRES_15` has it"),
        ("zero_damaged_pages", "on", "Only a superuser sets it"),
        ("fsync", "off", "Cloud SQL sets it itself: leave it out."),
        ("wal_level", "logical", "Set cloudsql.logical_decoding to on"),
        ("shared_preload_libraries", "x", "its cloudsql.enable_... flag"),
        ("archive_mode", "off", "where pointInTimeRecovery is true"),
        ("synchronous_standby_names", "*", "Set availability to REGIONAL"),
        ("shared_bufers", "1GB", "Did you mean shared_buffers?"),
        ("wibble", 1, "has no database flag wibble."),
    ],
)
def test_refuses_with_a_sentence(name: str, word: FlagWord, said: str) -> None:
    with pytest.raises(FlagError) as caught:
        compile_flag(name, word, MEMORY_MB)
    assert said in str(caught.value)


def test_collects_everything_that_is_wrong_with_a_set() -> None:
    good, wrong = compile_flags(
        {"work_mem": "8MB", "jit": "off", "autovacuum": "on", "max_connections": "many"}
    )
    assert [flag.name for flag in good] == ["autovacuum", "work_mem"]
    assert [str(error).split()[0] for error in wrong] == ["jit", "max_connections:"]


def test_knows_which_flags_restart() -> None:
    assert compile_flag("shared_buffers", "2GB", MEMORY_MB).restart
    assert not compile_flag("work_mem", "8MB", MEMORY_MB).restart


def test_the_memory_range_is_exact_at_its_ends() -> None:
    allowed = permitted(catalogue()["shared_buffers"], MEMORY_MB)
    assert (allowed.low, allowed.high) == (98304, 589824)
    assert compile_flag("shared_buffers", "4608MB", MEMORY_MB).value == "589824"
    with pytest.raises(FlagError):
        compile_flag("shared_buffers", 589825, MEMORY_MB)


def test_a_share_of_memory_is_said_in_whole_megabytes() -> None:
    with pytest.raises(FlagError, match="from 6554 MB to 39321 MB"):  # 6553.6 to 39321.6
        compile_flag("shared_buffers", "2.5GB", 65536)
    assert compile_flag("shared_buffers", "6554MB", 65536).value
    assert compile_flag("shared_buffers", "39321MB", 65536).value


def test_the_local_cloud_sql_loads_what_the_catalogue_says() -> None:
    for switch, module in conf._MODULE_FLAGS.items():
        assert SWITCHES[module] == switch


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (327680, "8kB", "2.5 GB"),
        (8192, "kB", "8 MB"),
        (1000, "8kB", "8000 kB"),
        (90, "s", "1.5 min"),
        (66, "s", "1.1 min"),
        (86400, "s", "1 d"),
        (7, "ms", "7 ms"),
        (-1, "kB", "-1"),
        (0, "ms", "0"),
        (100, "", "100"),
    ],
)
def test_says_base_units_in_words(value: int, unit: str, words: str) -> None:
    assert in_units(value, unit) == words


def test_what_it_says_it_reads_back() -> None:
    for unit in ("B", "kB", "8kB", "MB", "ms", "s", "min"):
        for exponent in range(31):
            for value in (
                2**exponent,
                2**exponent - 1,
                3 * 2**exponent // 2,
                10 ** (exponent // 4),
            ):
                assert parse_integer(in_units(value, unit), unit) == value


def test_every_default_compiles_to_itself() -> None:
    for flag in catalogue().values():
        if flag.default:
            assert compile_flag(flag.name, flag.default).value == flag.default
            assert compile_flag(flag.name, in_words(flag.name, flag.default)).value == flag.default


def test_words_of_what_is_no_number_stay() -> None:
    assert in_words("autovacuum", "on") == "on"
    assert in_words("shared_buffers", "strange") == "strange"
    assert in_words("unknown.flag", "x") == "x"


@pytest.mark.parametrize("text", ["inf", "nan", "", "1 2", "--1", "1e", "GB"])
def test_is_no_number(text: str) -> None:
    with pytest.raises(NotANumberError):
        parse_float(text, "ms")


def test_the_catalogue_is_whole() -> None:
    for flag in catalogue().values():
        if flag.type in {FlagType.INTEGER, FlagType.FLOAT}:
            assert flag.minimum is not None, flag.name
            assert flag.maximum is not None, flag.name
            assert flag.minimum < flag.maximum <= math.inf, flag.name
            assert not flag.choices, flag.name
        else:
            worded = {FlagType.ENUM, FlagType.LIST}
            assert flag.minimum is flag.maximum is None, flag.name
            assert not flag.unit, flag.name
            assert bool(flag.choices) == (flag.type in worded), flag.name


def test_the_catalogue_has_every_flag_that_was_collected() -> None:
    """The names of the collected reference, but the one that it says is no flag."""
    collected = """
        shared_buffers effective_cache_size work_mem maintenance_work_mem autovacuum_work_mem
        temp_buffers max_connections autovacuum autovacuum_max_workers autovacuum_naptime
        autovacuum_vacuum_scale_factor autovacuum_analyze_scale_factor
        autovacuum_vacuum_threshold autovacuum_analyze_threshold
        autovacuum_vacuum_insert_scale_factor autovacuum_vacuum_insert_threshold
        autovacuum_vacuum_cost_delay autovacuum_vacuum_cost_limit autovacuum_freeze_max_age
        autovacuum_multixact_freeze_max_age random_page_cost effective_io_concurrency
        max_wal_size min_wal_size wal_buffers wal_compression checkpoint_timeout
        checkpoint_completion_target checkpoint_warning log_min_duration_statement
        log_lock_waits log_temp_files log_autovacuum_min_duration lock_timeout
        idle_in_transaction_session_timeout deadlock_timeout temp_file_limit
        track_activity_query_size pg_stat_statements.max pg_stat_statements.track
        pg_stat_statements.track_planning cloudsql.iam_authentication cloudsql.enable_pgaudit
        cloudsql.logical_decoding cloudsql.enable_pg_cron cloudsql.enable_auto_explain
        cloudsql.enable_index_advisor huge_pages max_replication_slots max_wal_senders
        max_worker_processes max_locks_per_transaction
    """
    assert not set(collected.split()) - set(catalogue())
    assert "statement_timeout" not in catalogue()
