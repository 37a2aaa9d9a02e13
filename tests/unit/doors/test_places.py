"""The tests' clusters lie in memory where there is plenty of it, else on disk."""

from pathlib import Path

import pytest

from tests import places


@pytest.fixture(autouse=True)
def _needs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "NEEDED_KB", 1 << 10)  # the folder of a test has that


def _parent(folder: Path, spare_kb: int) -> Path:
    facts = folder / "meminfo"
    facts.write_text(f"MemTotal: 1 kB\nMemAvailable:   {spare_kb} kB\n")
    return places.parent(folder, facts)


def test_memory_is_used_where_there_is_plenty(tmp_path: Path) -> None:
    assert _parent(tmp_path, 3 << 10) == tmp_path


def test_the_disk_is_used_where_memory_is_scarce(tmp_path: Path) -> None:
    assert _parent(tmp_path, 2 << 10) == places.DISK


def test_the_disk_is_used_where_the_folder_in_memory_is_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "NEEDED_KB", 1 << 60)
    assert _parent(tmp_path, 1 << 62) == places.DISK


def test_without_a_folder_in_memory_the_disk_is_used(tmp_path: Path) -> None:
    assert places.parent(tmp_path / "none") == places.DISK
