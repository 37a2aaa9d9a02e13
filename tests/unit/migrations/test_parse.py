import postgast
import pytest

from ops import sqltrees as trees
from ops.errors import BadInputError
from ops.migrations import errors, parse
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


@pytest.mark.parametrize(
    ("index", "probe"),
    [
        (
            "create unique index concurrently if not exists i on s.t using gin (lower(a)) where b",
            "CREATE UNIQUE INDEX p ON pg_temp.tmp using gin (lower(a)) where b",
        ),
        ("create index i /* on */ on only t (a)", "CREATE INDEX p ON pg_temp.tmp (a)"),
        ("create index i on only (s.t) (é)", "CREATE INDEX p ON pg_temp.tmp (é)"),
        ('create index "on" on "a b" * ((a || b))', "CREATE INDEX p ON pg_temp.tmp ((a || b))"),
    ],
)
def test_a_probe_moves_an_index_to_a_temporary_table(index: str, probe: str) -> None:
    assert parse.probe(parse.parse(Source("x.sql", index))[0], "tmp", "p") == probe


@pytest.mark.parametrize("text", ["select 1;\n\0 drop table a", "-- a\n--\0", "select 1;\n\0"])
def test_a_nul_byte_is_refused_wherever_it_is(text: str) -> None:
    for read in (parse.scan, parse.parse):
        with pytest.raises(errors.NulByteError, match=r"^x\.sql:2: there is a NUL byte"):
            read(Source("x.sql", text))


def test_a_parser_that_does_not_see_all_of_a_text_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan = postgast.scan
    monkeypatch.setattr(postgast, "scan", lambda text: scan(text.partition("drop")[0]))
    with pytest.raises(errors.LostTextError, match=r"x\.sql:1: the parser skipped a part"):
        parse.parse(Source("x.sql", "select 1; drop table a"))
    monkeypatch.undo()
    monkeypatch.setattr(trees, "parse_statements", lambda *_: postgast.parse("select 1;").stmts)
    with pytest.raises(errors.LostTextError, match=r"x\.sql:1: the parser skipped a part"):
        parse.parse(Source("x.sql", "select 1; select 2"))


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("\\restrict kEy\nselect 1;", errors.PsqlCommandError, r"x\.sql:1: \\restrict is .* both"),
        ("select 1;\n\\i other.sql\n", errors.PsqlCommandError, r"x\.sql:2: \\i is a command of"),
        ("select 1 \\gexec", errors.PsqlCommandError, r"\\gexec is a command of psql.*in SQL"),
        (
            "select 1;\n  COPY t (a)\n  FROM stdin;\n1\tit's\n\\.\nselect 2;",
            errors.CopiedRowsError,
            r"x\.sql:2: COPY .* FROM stdin is followed by its rows.*INSERT",
        ),
        ("copy t from stdin with (format csv);\n1,2\n\\.\n", errors.CopiedRowsError, ":1:"),
        ("copy t from stdin;\n\\.\n", errors.CopiedRowsError, "followed by its rows"),
        (
            "select 1;\n\ufeffselect 2;",
            errors.ByteOrderMarkError,
            r"x\.sql:2: there is a byte order",
        ),
        (
            "copy t from stdin;\nselect 1;\nselct 2;",
            MigrationSyntaxError,
            r"x\.sql:3: syntax error",
        ),
        ("select\u20281;", MigrationSyntaxError, r"mend that line"),
        ("\u00a0select 1;", MigrationSyntaxError, r"U\+00A0, NO-BREAK SPACE.*mend that line"),
    ],
)
def test_a_refusal_names_its_cause(text: str, error: type[BadInputError], words: str) -> None:
    with pytest.raises(error, match=words):
        parse.parse(Source("x.sql", text))
