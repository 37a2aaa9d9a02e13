"""The memory budget: each part, its defaults, and the three levels."""

import pytest

from infra.flags import FlagWord, compile_flags
from infra.flags.budget import Budget, Level, default_connections, reckon, size

MEMORY_MB = 7680


def budget(words: dict[str, FlagWord], memory_mb: int = MEMORY_MB) -> Budget:
    flags, wrong = compile_flags(words, memory_mb)
    assert not wrong
    return reckon(flags, memory_mb)


def parts(words: dict[str, FlagWord]) -> dict[str, float]:
    return {part.name: part.mb for part in budget(words).parts}


def test_every_part_is_reckoned_from_what_is_declared() -> None:
    found = parts(
        {
            "shared_buffers": "2GB",
            "work_mem": "8MB",
            "max_connections": 100,
            "maintenance_work_mem": "256MB",
            "autovacuum_max_workers": 5,
            "wal_buffers": "8MB",
        }
    )
    assert found == {
        "shared_buffers": 2048,
        "autovacuum": 5 * 256,
        "wal_buffers": 8,
        "work_mem": 800,
        "sessions": 200,
    }


def test_what_is_unset_counts_by_its_default() -> None:
    found = parts({})
    assert found["shared_buffers"] == MEMORY_MB / 3
    assert found["autovacuum"] == 3 * 64
    assert found["wal_buffers"] == 16
    assert found["work_mem"] == 400 * 4
    assert found["sessions"] == 400 * 2
    assert budget({}).level is Level.FITS


@pytest.mark.parametrize(
    ("memory_mb", "connections"),
    [(3840, 100), (6144, 200), (7679, 200), (7680, 400), (61440, 800), (638976, 1000)],
)
def test_cloud_sql_allows_connections_by_memory(memory_mb: int, connections: int) -> None:
    assert default_connections(memory_mb) == connections


def test_vacuum_has_memory_of_its_own_up_to_a_gigabyte() -> None:
    assert parts({"autovacuum_work_mem": "100MB"})["autovacuum"] == 300
    assert parts({"maintenance_work_mem": "2GB"})["autovacuum"] == 3072
    assert parts({"autovacuum": "off"})["autovacuum"] == 0


def test_between_fitting_and_not_there_is_a_warning() -> None:
    set_: dict[str, FlagWord] = {"shared_buffers": "4GB", "max_connections": 300, "work_mem": "8MB"}
    tight = budget(set_)
    assert tight.level is Level.TIGHT
    assert "above 90 % Google warns" in tight.sentence
    assert tight.percent == pytest.approx(100 * (4096 + 192 + 16 + 300 * (8 + 2)) / 7680)
    over = budget(set_ | {"work_mem": "12MB"})
    assert over.level is Level.OVER
    assert over.sentence.startswith("max_connections: 300 with these flags needs")
    fits = budget(set_ | {"work_mem": "4MB"})
    assert fits.level is Level.FITS
    assert fits.peak_mb == pytest.approx(4096 + 192 + 16 + 300 * (3 * 4 + 11))


def test_as_many_connections_as_it_says_really_fit() -> None:
    set_: dict[str, FlagWord] = {"shared_buffers": "2GB", "work_mem": "16MB"}
    most = budget(set_ | {"max_connections": 5000}).connections_fit
    assert budget(set_ | {"max_connections": most}).level is not Level.OVER
    assert budget(set_ | {"max_connections": most + 1}).level is Level.OVER


def test_where_no_connection_would_fit_it_names_the_memory() -> None:
    told = budget({"shared_buffers": "4.5GB", "maintenance_work_mem": "1GB"}).sentence
    assert told.endswith("Lower shared_buffers or the maintenance memory, or take a larger tier.")


@pytest.mark.parametrize(
    ("mb", "words"),
    [(7680, "7.5 GB"), (3840, "3.75 GB"), (100, "100 MB"), (1.5, "2 MB"), (2_097_152, "2 TB")],
)
def test_sizes_are_said_for_people(mb: float, words: str) -> None:
    assert size(mb) == words
