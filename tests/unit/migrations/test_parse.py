import pytest

from ops.migrations import parse
from ops.migrations.parse import MigrationSyntaxError, Source


def _checksum(text: str) -> str:
    return parse.checksum(parse.parse(Source("x.sql", text)))


def test_statements_come_with_their_line_and_text_alone() -> None:
    text = "-- about é\n\ncreate table é(a int); -- after\n\n/* b */ select 'x;y'\n;\n"
    found = parse.parse(Source("x.sql", text, first_line=10))
    assert [(s.line, s.text) for s in found] == [
        (12, "create table é(a int)"),
        (14, "select 'x;y'"),
    ]


def test_semicolons_inside_a_function_body_end_no_statement() -> None:
    text = "create function f() returns int language sql begin atomic select 1; end; select 2"
    assert [s.text for s in parse.parse(Source("x.sql", text))][1:] == ["select 2"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("create table a(b int);", "CREATE  TABLE A (\n b INT -- note\n)"),
        ("select 1; select 2", "select 1 ;\n\n/* two */ select 2;"),
    ],
)
def test_layout_comments_and_case_do_not_count(one: str, other: str) -> None:
    assert _checksum(one) == _checksum(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select 1", "select 2"),
        ("select 'a'", "select 'A'"),
        ('create table "A"(b int)', "create table a(b int)"),
        ("select 1; select 2", "select 2; select 1"),
        ("do $$begin null; end$$", "do $$begin  null; end$$"),
    ],
)
def test_everything_else_counts(one: str, other: str) -> None:
    assert _checksum(one) != _checksum(other)


def test_a_syntax_error_names_file_line_and_remedy() -> None:
    with pytest.raises(MigrationSyntaxError) as caught:
        parse.parse(Source("m/0001_x.sql", "select 1;\n-- é\nselct 2;", first_line=3))
    assert str(caught.value).startswith('m/0001_x.sql:5: syntax error at or near "selct".')
    assert "mend that line" in str(caught.value)


def test_a_probe_moves_an_index_to_a_temporary_table() -> None:
    text = (
        "create unique index concurrently if not exists i on s.t using gin (lower(a)) where b > 1"
    )
    probe = parse.probe(parse.parse(Source("x.sql", text))[0], "tmp", "tmp_i")
    assert probe == "CREATE UNIQUE INDEX tmp_i ON pg_temp.tmp USING gin (lower(a)) WHERE b > 1"
