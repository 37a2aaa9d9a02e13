"""The memory budget: each part, its defaults, the two figures, and the four levels."""

import pytest

from infra.flags import FlagWord, compile_flags
from infra.flags.budget import NOT_COUNTED, Budget, Level, default_connections, reckon
from infra.flags.memory import Part, size
from infra.settings import load

MEMORY_MB = 7680
SMALL: dict[str, FlagWord] = {
    "shared_buffers": "1GB",
    "max_connections": 20,
    "max_worker_processes": 8,
}


def budget(words: dict[str, FlagWord], memory_mb: int = MEMORY_MB) -> Budget:
    flags, wrong = compile_flags(words, memory_mb)
    assert not wrong
    return reckon(flags, memory_mb)


def parts(words: dict[str, FlagWord]) -> dict[str, Part]:
    return {part.name: part for part in budget(words).parts}


def test_every_part_is_reckoned_from_what_is_declared() -> None:
    counted = parts(
        {
            "shared_buffers": "2GB",
            "work_mem": "8MB",
            "temp_buffers": "100MB",
            "max_connections": 100,
            "maintenance_work_mem": "256MB",
            "autovacuum_max_workers": 5,
            "wal_buffers": "8MB",
            "max_parallel_workers": 4,
            "max_worker_processes": 10,
            "cloudsql.logical_decoding": True,
        }
    )
    figures = {name: (round(part.mb), round(part.worst_mb)) for name, part in counted.items()}
    assert figures == {
        "shared_buffers": (2048, 2048),
        "wal_buffers": (8, 8),
        "other shared memory": (59, 59),
        "autovacuum": (5 * 259, 5 * 259),
        "maintenance by hand": (256, 3 * 256),
        "work_mem": (100 * 8, 100 * 3 * 20),  # 20 = 8 x 2.0 x 1.25
        "temp_buffers": (510, 10200),
        "sessions": (100 * 2, 100 * 41),
        "parallel workers": (4 * (2 + 8), 10 * (41 + 60)),
        "WAL senders": (72, 10 * 72),
        "page tables": (0, 110 * 4),
    }


def test_what_is_unset_counts_by_its_default() -> None:
    counted = {name: round(part.mb) for name, part in parts({}).items()}
    assert counted == {
        "shared_buffers": MEMORY_MB / 3,
        "wal_buffers": 16,
        "other shared memory": 86,
        "autovacuum": 3 * 67,
        "maintenance by hand": 64,
        "work_mem": 400 * 4,
        "temp_buffers": 163,  # 8 MB of 20 sessions
        "sessions": 400 * 2,
        "parallel workers": 8 * 6,
        "WAL senders": 0,
        "page tables": 0,
    }
    assert budget({}).level is Level.TYPICAL


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"temp_buffers": "1GB"}, "temp_buffers"),
        ({"work_mem": "1GB"}, "work_mem"),
        ({"max_parallel_workers": 1024, "max_worker_processes": 2000}, "parallel workers"),
        ({"max_worker_processes": 262143}, "other shared memory"),
        ({"maintenance_work_mem": "2GB"}, "autovacuum"),
        ({"autovacuum_work_mem": "64MB", "maintenance_work_mem": "8GB"}, "maintenance by hand"),
        ({"autovacuum_max_workers": 100}, "autovacuum"),
        ({"max_locks_per_transaction": 200_000}, "other shared memory"),
        ({"max_prepared_transactions": 262143}, "other shared memory"),
        ({"max_pred_locks_per_transaction": 500_000}, "other shared memory"),
        ({"track_activity_query_size": 102400, "max_wal_senders": 90_000}, "other shared memory"),
        ({"pg_stat_statements.max": 30_000_000}, "other shared memory"),
        ({"wal_buffers": "2047MB", "shared_buffers": "4.5GB"}, "wal_buffers"),
        ({"huge_pages": "off", "shared_buffers": "4GB", "max_connections": 700}, "page tables"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_no_flag_takes_memory_unseen(more: dict[str, FlagWord], part: str) -> None:
    base: dict[str, FlagWord] = {"shared_buffers": "2GB", "max_connections": 100}
    assert budget(base).level is Level.TYPICAL
    assert budget(base | more).level is Level.OVER
    assert parts(base | more)[part].mb > 1000


def test_no_parallel_workers_are_counted_where_no_command_starts_them() -> None:
    none: dict[str, FlagWord] = {
        "max_parallel_workers_per_gather": 0,
        "max_parallel_maintenance_workers": 0,
    }
    assert parts(none)["parallel workers"].mb == 0
    builds: dict[str, FlagWord] = {"max_parallel_workers_per_gather": 0}
    assert parts(builds)["parallel workers"].mb == 8 * 6


@pytest.mark.parametrize(
    ("memory_mb", "connections"),
    [(3840, 100), (6144, 200), (7679, 200), (7680, 400), (61440, 800), (638976, 1000)],
)
def test_cloud_sql_allows_connections_by_memory(memory_mb: int, connections: int) -> None:
    assert default_connections(memory_mb) == connections


def test_vacuum_has_memory_of_its_own_up_to_a_gigabyte() -> None:
    assert parts({"autovacuum_work_mem": "100MB"})["autovacuum"].mb == 3 * 103
    assert parts({"maintenance_work_mem": "2GB"})["autovacuum"].mb == 3 * 1027


def test_switching_autovacuum_off_saves_nothing() -> None:
    off = parts({"autovacuum": "off"})["autovacuum"]
    assert off.mb == parts({})["autovacuum"].mb
    assert off.how == "3 workers x 67 MB; it is off, but still starts against wraparound"


def test_only_what_has_room_for_the_worst_case_just_fits() -> None:
    small = budget(SMALL)
    assert small.level is Level.FITS
    assert small.worst_percent < 100
    assert small.sentence.endswith("The set fits.")
    typical = budget(SMALL | {"max_connections": 100})
    assert typical.level is Level.TYPICAL
    assert typical.worst_percent > 100
    assert "more than the tier has. The set fits in typical use only." in typical.sentence


def test_between_fitting_and_not_there_is_a_warning() -> None:
    set_: dict[str, FlagWord] = {"shared_buffers": "4GB", "max_connections": 285, "work_mem": "7MB"}
    tight = budget(set_)
    assert tight.level is Level.TIGHT
    assert "Above 90 % Google warns" in tight.sentence
    over = budget(set_ | {"work_mem": "12MB"})
    assert over.level is Level.OVER
    assert over.sentence.startswith("max_connections: 285 with these flags needs")
    assert budget(set_ | {"work_mem": "4MB"}).level is Level.TYPICAL


@pytest.mark.parametrize("work_mem", ["4MB", "40MB", "1GB"])
def test_the_sentence_names_both_figures_and_what_they_assume(work_mem: str) -> None:
    sentence = budget({"work_mem": work_mem, "max_connections": 123}).sentence
    for words in (
        "123 connections with one work_mem of",
        "temp_buffers of 8 MB filled in 5 % of them, 8 parallel workers, 3 autovacuum workers",
        "In the worst case (123 connections and 8 workers with 3 hash tables of",
        "8 MB of temp_buffers a connection, 41 MB of caches and JIT code a process, and 3",
    ):
        assert words in sentence
    assert "typical use" in sentence
    assert "ALTER ROLE" in " ".join(NOT_COUNTED)


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_the_stacks_fit_in_typical_use(stack: str) -> None:
    instance = load(stack).instance
    assert reckon(instance.flags, instance.tier.memory_mb).level is Level.TYPICAL


def test_as_many_connections_as_it_says_really_fit() -> None:
    set_: dict[str, FlagWord] = {"shared_buffers": "2GB", "work_mem": "16MB", "huge_pages": "off"}
    most = budget(set_ | {"max_connections": 5000}).connections_fit
    assert budget(set_ | {"max_connections": most}).level is not Level.OVER
    assert budget(set_ | {"max_connections": most + 1}).level is Level.OVER


def test_where_no_connection_would_fit_it_names_the_memory() -> None:
    told = budget({"shared_buffers": "4.5GB", "maintenance_work_mem": "1GB"}).sentence
    assert "Lower shared_buffers or the maintenance memory, or take a larger tier." in told


@pytest.mark.parametrize(
    ("mb", "words"),
    [(7680, "7.5 GB"), (3840, "3.75 GB"), (100, "100 MB"), (1.5, "2 MB"), (2_097_152, "2 TB")],
)
def test_sizes_are_said_for_people(mb: float, words: str) -> None:
    assert size(mb) == words
