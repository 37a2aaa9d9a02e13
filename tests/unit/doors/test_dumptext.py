"""Statements and names in dumps, whatever stands in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import dumptext

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
PIECES = st.sampled_from(
    [
        b"SELECT 'it''s; -- not one';",
        b'SELECT "a;b""c";',
        b"SELECT E'\\';\\\\';",
        b"SELECT $$;'$$, $x$;$$;$x$;",
        b"-- a comment; 'with quotes\nSELECT 1;",
        b"/* ; /* ' */ \" */ SELECT a$b$c;",
    ]
)


def _statements(text: bytes) -> list[dumptext.Statement]:
    return list(dumptext.statements(iter(text.splitlines(keepends=True))))


@given(st.lists(PIECES), st.sampled_from([b"\n", b" ", b"\n\n"]))
def test_a_statement_ends_at_its_own_semicolon_and_nothing_is_lost(
    pieces: list[bytes], between: bytes
) -> None:
    text = between.join(pieces)
    found = _statements(text)
    assert len(found) == len(pieces) + 1
    assert b"".join(one.raw for one in found) == text


@given(NAMES, NAMES)
def test_every_name_is_read_as_it_was_written(schema: str, name: str) -> None:
    label = dumptext.label((schema, name))
    assert dumptext.table(label) == (schema, name)
    assert dumptext.resolve(label, [(schema, name)]) == (schema, name)
    assert dumptext.split(f"{label},{label}") == (label, label)
    text = f'CREATE TABLE {label} (a int);\nCOPY {label} ("x) FROM y") FROM stdin;\n'.encode()
    created, copied, _ = _statements(text)
    assert created.created.decode() == label
    assert copied.copied.decode() == label


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 'COPY t (a) FROM stdin';",
        b"CREATE FUNCTION f() AS $$\nCOPY t (a) FROM stdin;\n$$;",
        b"COPY t (a) TO stdout;",
        b"COPY t (a) FROM '/file';",
    ],
)
def test_what_only_looks_like_rows_has_none(text: bytes) -> None:
    assert not any(one.copied or one.created for one in _statements(text))


def test_tables_without_columns_or_of_a_type_are_tables() -> None:
    copied, created, _ = _statements(b"COPY public.t  FROM stdin;\nCREATE TABLE a.b OF c;\n")
    assert (copied.copied, created.created) == (b"public.t", b"a.b")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("item", ("public", "item")),
        ("ITEM", ("public", "item")),
        ("public.My Table", ("public", "My Table")),
        ('"My Table"', ("public", "My Table")),
        ("s.item", ("s", "item")),
        ("Mixed", ("public", "Mixed")),
        ("a.b.c", None),
        ("it*", None),
    ],
)
def test_a_table_is_meant_as_sql_reads_it_or_letter_by_letter(
    name: str, expected: tuple[str, str] | None
) -> None:
    tables = [("s", "item"), ("public", "item"), ("public", "My Table"), ("public", "Mixed")]
    assert dumptext.resolve(name, tables) == expected


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (b"SET client_encoding = 'UTF8';", "utf-8"),
        (b"SET client_encoding = 'LATIN1';", "iso8859-1"),
        (b"SET client_encoding = 'WIN1252';", "cp1252"),
        (b"SET client_encoding = 'SQL_ASCII';", "utf-8"),
        (b"SET x = 1;", ""),
    ],
)
def test_a_dump_names_its_encoding(text: bytes, encoding: str) -> None:
    assert _statements(text)[0].encoding == encoding


def test_however_much_is_left_out_before_a_routine_it_ends_at_its_own_end() -> None:
    routine = (
        b"CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;\n"
    )
    first, rest = _statements(b"-- a comment\n\n" * 200 + routine)
    assert (first.text, first.line, rest.text) == (routine[:-2], 401, b"")


@pytest.mark.parametrize("between", [b"", b" ", b"/* ; */"])
def test_a_carriage_return_ends_a_comment(between: bytes) -> None:
    text = between + b"-- a comment; 'with quotes\rSELECT 1; -- another\r\n"
    first, rest = dumptext.statements(iter([text]))
    assert (first.text, rest.text) == (b"SELECT 1", b"")
    assert first.raw + rest.raw == text
