import re
from pathlib import Path

import pytest

from ops.errors import BadInputError
from ops.migrations import errors, files, parse
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
        ("1_a.sql", "-- migrate:up transaction=false", errors.UnknownOptionError, ":1:"),
        ("1_a.sql", "-- migrate:up transaction: false", errors.UnknownOptionError, "transaction:"),
        ("1_a.sql", "-- migrate:up Transaction:false", errors.UnknownOptionError, "Transaction"),
        ("1_a.sql", "-- migrate:up timeout:0s", errors.UnknownOptionError, "timeout:0s"),
        ("1_a.sql", "-- migrate:up timeout:600h", errors.UnknownOptionError, "timeout:600h"),
        ("1_a.sql", "-- migrate:up timeout:1s timeout:2s", errors.UnknownOptionError, "second"),
        ("1_a.sql", "-- migrate:up irreversible:x", errors.UnknownOptionError, "irreversible"),
        ("1_a.sql", GOOD + "-- migrate:down", errors.StrayTextError, ":5:"),
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


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.NoFolderError):
        files.read(tmp_path / "none")


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"-- migrate:up\nselect '\xff';", errors.NotTextError, r"0002_b\.sql:2: .*not UTF-8"),
        ("-- migrate:up\nselect 1;".encode("utf-16"), errors.WideTextError, "UTF-16"),
        ("-- migrate:up\nselect 1;".encode("utf-16-le"), errors.NulByteError, "UTF-16"),
        (b"\xef\xbb\xbf-- migrate:up\r\nselect 1;", errors.ByteOrderMarkError, ":1: .*BOM"),
        (b"-- migrate:up\nselect 1;\0\n-- migrate:down", errors.NulByteError, ":2: .*NUL"),
        (b"-- migrate:up\nselect 1;\nselct 2;", parse.MigrationSyntaxError, ":3: syntax error"),
        (b"-- migrate:up\nselect 1 /* a", parse.MigrationSyntaxError, "unterminated"),
        (b"select 1;", errors.NoUpError, "migrate:up"),
    ],
)
def test_a_file_that_can_not_be_read_whole_is_named_beside_the_others(
    tmp_path: Path, data: bytes, error: type[BadInputError], words: str
) -> None:
    for name in ("0001_a.sql", "0003_c.sql"):
        (tmp_path / name).write_text(GOOD)
    (tmp_path / "0002_b.sql").write_bytes(data)
    first, second, third = files.read(tmp_path)
    assert (first.problem, third.problem) == (None, None)
    assert isinstance(second.problem, error)
    assert re.search(words, str(second.problem))
    assert (second.analysed, second.draft, second.up.statements) == (False, False, ())


def test_what_has_no_content_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").symlink_to(tmp_path / "nowhere")
    assert isinstance(files.read(tmp_path)[0].problem, errors.CantReadError)
    (tmp_path / "0002_b.SQL").write_text(GOOD)
    with pytest.raises(errors.BadFileNameError, match=r"0002_b\.SQL"):
        files.read(tmp_path)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_do_not_count(tmp_path: Path, end: str) -> None:
    (tmp_path / "0001_a.sql").write_bytes(GOOD.replace("\n", end).encode())
    assert files.read(tmp_path)[0].up == files.parse_text("0001_a.sql", GOOD).up


@pytest.mark.parametrize("text", ["", "\n", "-- what it will do\n", "-- migrate:up\n-- later\n"])
def test_a_file_without_statements_is_a_draft(text: str) -> None:
    assert files.parse_text("1_a.sql", text).draft


@pytest.mark.parametrize(
    ("text", "line", "comment"),
    [
        ("-- migrate:up\nselect 1;\n-- migrate: down\nselect 2;", 3, "-- migrate: down"),
        ("-- migrate:up\nselect 1; /* migrate:down */ select 2;", 2, "/* migrate:down */"),
        ("-- migrate:up\nselect 1;\n-- Down\nselect 2;", 3, "-- Down"),
        ("-- migrate:up\n-- -- migrate:down\nselect 2;", 2, "-- -- migrate:down"),
        (GOOD + "-- migrate: up\nselect 3;", 5, "-- migrate: up"),
        ("-- Migrate:Up\n-- migrate:up\nselect 1;", 1, "-- Migrate:Up"),
    ],
)
def test_a_comment_that_is_almost_a_mark_is_a_problem(text: str, line: int, comment: str) -> None:
    migration = files.parse_text("1_a.sql", text)
    assert migration.analysed
    assert str(migration.problem).startswith(f"1_a.sql:{line}: the comment {comment!r} is almost")


@pytest.mark.parametrize(
    "text",
    [
        files._TEMPLATE,
        "-- migrate:up\ncreate type way as enum (\n-- up\n'u', -- down\n'd');",
        "-- migrate:up\nselect $$\n-- migrate: down\n$$;",
        GOOD + "-- see migrate: down",
    ],
)
def test_a_comment_that_is_no_mark_is_none(text: str) -> None:
    assert files.parse_text("1_a.sql", text).problem is None


def test_the_products_own_files_have_no_problem() -> None:
    assert {migration.problem for migration in files.read()} == {None}


def test_a_new_file_takes_the_next_number_and_waits_for_its_statements(tmp_path: Path) -> None:
    assert files.create("Add due-date", tmp_path).name == "0001_add_due_date.sql"
    assert files.create("second", tmp_path).name == "0002_second.sql"
    assert [migration.draft for migration in files.read(tmp_path)] == [True, True]
    with pytest.raises(errors.BadNameError):
        files.create("a/b", tmp_path)
