from pathlib import Path

import pytest
from jinja2 import UndefinedError

from ops import sql


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sql, "ROOT", tmp_path)
    sql.load.cache_clear()
    sql._template.cache_clear()
    return tmp_path


def test_comments_do_not_reach_the_driver(folder: Path) -> None:
    (folder / "a.sql").write_text("-- cost: 100% of it\nSELECT 1\n  -- more\n, 2;\n")
    assert sql.load("a") == "SELECT 1\n, 2;"


def test_a_fragment_stands_where_it_is_included(folder: Path) -> None:
    (folder / "fragments").mkdir()
    (folder / "fragments" / "inner.sql").write_text("-- what it is\nx = 1\n")
    (folder / "fragments" / "outer.sql").write_text("(/* include inner */ AND y)")
    (folder / "a.sql").write_text("SELECT 1 WHERE /* include outer */\n   AND z")
    assert sql.load("a") == "SELECT 1 WHERE (x = 1 AND y)\n   AND z"
    (folder / "b.sql").write_text("SELECT 1 WHERE /* include absent */")
    with pytest.raises(sql.NoSuchStatementError, match="fragments/absent"):
        sql.load("b")


def test_structure_is_quoted(folder: Path) -> None:
    (folder / "a.sql").write_text("SELECT {{ c | ident }} FROM {{ t | ident }} = {{ v | literal }}")
    assert (
        sql.render("a", {"c": 'x"y', "t": "public.users", "v": "it's"})
        == 'SELECT "x""y" FROM "public"."users" = \'it\'\'s\''
    )


def test_what_went_through_no_filter_is_refused(folder: Path) -> None:
    (folder / "a.sql").write_text("SELECT {{ c }}")
    with pytest.raises(sql.UnsafeExpressionError, match="without"):
        sql.render("a", {"c": "1; DROP TABLE users"})


@pytest.mark.parametrize("name", ["a\0b", ("public", "a\0b")])
def test_a_name_with_a_nul_byte_is_refused(folder: Path, name: object) -> None:
    (folder / "a.sql").write_text("GRANT SELECT ON t TO {{ c | ident }}; DROP TABLE t")
    with pytest.raises(sql.NulInNameError, match="NUL byte"):
        sql.render("a", {"c": name})


def test_a_name_that_is_not_given_is_refused(folder: Path) -> None:
    (folder / "a.sql").write_text("SELECT {{ c | ident }}")
    with pytest.raises(UndefinedError):
        sql.render("a", {})


def test_a_missing_statement_is_a_sentence() -> None:
    with pytest.raises(sql.NoSuchStatementError, match="not whole"):
        sql.load("absent")
