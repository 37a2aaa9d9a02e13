from pathlib import Path

import pytest

from infra.local.engine import archive, wal

HISTORY = "1\t0/3000148\tno recovery target specified\n2\t1/FF000000\tbefore 2026-01-01\n"


def test_a_segments_name_is_read_and_written() -> None:
    name = "00000002000000A1000000FE"

    found = wal.segment(name)

    assert found == wal.Segment(0xA1FE, 2)
    assert found.name == name


@pytest.mark.parametrize("name", ["00000002.history", "000000010000000000000001.partial", ""])
def test_other_files_of_an_archive_are_no_segments(name: str) -> None:
    assert wal.segment(name) is None


def test_a_place_in_the_log_lies_in_a_segment() -> None:
    assert wal.segment_number("0/3000148") == 3
    assert wal.segment_number("1/FF000000") == 0x1FF


def test_history_tells_where_timelines_were_left() -> None:
    assert wal.switches(HISTORY) == {1: 3, 2: 0x1FF}


def test_the_first_segment_of_a_backup_is_in_its_label() -> None:
    label = "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\nCHECKPOINT ...\n"

    assert wal.start_of_backup(label) == wal.Segment(2, 1)
    with pytest.raises(ValueError, match="nothing"):
        wal.start_of_backup("nothing")


def test_an_archive_inherits_its_ancestors_wal_up_to_the_branch(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    for number in range(1, 6):
        (source / wal.Segment(number, 1).name).write_text(f"{number}")
    (source / "00000001.history").write_text("older")

    archive.inherit(source, target, first=wal.Segment(2, 1), history="1\t0/3000148\tby hand\n")

    assert [segment.number for segment in wal.segments(target)] == [2, 3]
    assert (target / "00000001.history").exists()
