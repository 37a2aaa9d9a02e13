from collections.abc import Callable
from pathlib import Path

import pytest

from ops.errors import BadInputError
from ops.migrations import errors, files
from ops.migrations.files import Phase

GOOD = "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;\n"


def test_sections_and_their_options_are_read() -> None:
    text = (
        "-- about\n-- migrate:up phase:backfill timeout:2min transaction:false\nselect 1;\n"
        '-- migrate:down irreversible:"rows are gone"\n'
    )
    migration = files.parse_text("0007_fill_x.sql", text)
    up, down = migration.up, migration.down
    assert (migration.version, migration.name, migration.order) == ("0007", "fill_x", 7)
    assert (up.phase, up.timeout_ms, up.transaction, up.line) == (
        Phase.BACKFILL,
        120_000,
        False,
        2,
    )
    assert [s.line for s in up.statements] == [3]
    assert down is not None
    assert down.irreversible == "rows are gone"


def test_a_mark_inside_a_string_is_text() -> None:
    migration = files.parse_text("1_a.sql", "-- migrate:up\nselect $$\n-- migrate:down\n$$;")
    assert migration.down is None


@pytest.mark.parametrize(
    ("name", "text", "error", "words"),
    [
        ("x.sql", GOOD, errors.BadFileNameError, "NNNN_name.sql"),
        ("1_a.sql", "select 1;", errors.NoUpError, "-- migrate:up"),
        ("1_a.sql", "select 1;\n-- migrate:up\nselect 1;", errors.StrayTextError, ":1:"),
        ("1_a.sql", GOOD + "-- migrate:up\n", errors.StrayTextError, ":5:"),
        ("1_a.sql", "-- migrate:up phase:now\nselect 1;", errors.UnknownOptionError, "phase:now"),
        ("1_a.sql", "-- migrate:up timeout:5\nselect 1;", errors.UnknownOptionError, "timeout:5"),
        ("1_a.sql", "-- migrate:up a'b\nselect 1;", errors.UnknownOptionError, "a'b"),
    ],
)
def test_what_can_not_be_meant_is_refused(
    name: str, text: str, error: type[BadInputError], words: str
) -> None:
    with pytest.raises(error) as caught:
        files.parse_text(name, text)
    assert words in str(caught.value)


def test_the_same_number_twice_is_refused_with_the_next_free_one(tmp_path: Path) -> None:
    for name in ("0001_a.sql", "0002_b.sql", "2_c.sql"):
        (tmp_path / name).write_text(GOOD)
    with pytest.raises(errors.DuplicateNumberError, match="0003"):
        files.read(tmp_path)


def test_numbers_order_the_files(tmp_path: Path) -> None:
    for name in ("0010_a.sql", "0009_b.sql", "20250101120000_c.sql"):
        (tmp_path / name).write_text(GOOD)
    assert [m.name for m in files.read(tmp_path)] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda folder: folder / "none", errors.NoFolderError),
        (lambda folder: (folder / "1_a.sql").write_bytes(b"\xff") and folder, errors.NotTextError),
    ],
)
def test_what_can_not_be_read_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], error: type[BadInputError]
) -> None:
    with pytest.raises(error):
        files.read(make(tmp_path))


def test_a_new_file_takes_the_next_number_and_waits_for_its_statements(tmp_path: Path) -> None:
    assert files.create("Add due-date", tmp_path).name == "0001_add_due_date.sql"
    assert files.create("second", tmp_path).name == "0002_second.sql"
    assert [migration.draft for migration in files.read(tmp_path)] == [True, True]
    with pytest.raises(errors.BadNameError):
        files.create("a/b", tmp_path)
