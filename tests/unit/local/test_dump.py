import io
import re
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.engine import dump

DUMP = b"""\
--
-- PostgreSQL database dump
--

\\restrict Key0

-- Dumped by pg_dump

COPY t FROM stdin;
\\restrict Key0
%s
\\.

\\unrestrict Key0

"""


def read(content: bytes, chunk: int) -> bytes:
    with patch.object(dump, "_CHUNK_BYTES", chunk):
        return b"".join(dump._unrestricted(io.BytesIO(content)))


@given(st.integers(1, 60), st.binary(max_size=40).map(lambda rows: re.sub(rb"[\n\\]", b"", rows)))
def test_a_dumps_own_restriction_is_taken_out_and_nothing_else(chunk: int, rows: bytes) -> None:
    content = DUMP % rows
    expected = content.replace(b"\\restrict Key0\n", b"\n", 1).replace(b"\\unrestrict Key0", b"")
    # a line that is read in pieces is none of pg_dump's
    whole = max(chunk, 40)
    assert read(content, whole) == expected


@given(st.integers(1, 20), st.binary(max_size=200))
def test_a_file_that_does_not_restrict_itself_stays_as_it_is(chunk: int, content: bytes) -> None:
    assert read(b"SELECT 1;\n" + content, chunk) == b"SELECT 1;\n" + content


def test_another_key_and_a_later_line_stay() -> None:
    for content in (
        b"\\restrict a\nSELECT 1;\n\\unrestrict b\n",
        b"\\restrict a\nSELECT 1;\n\\unrestrict a b\n",
    ):
        assert read(content, 99) == content.replace(b"\\restrict a\n", b"\n", 1)
    late = b"SELECT 1;\n\\restrict a\n\\unrestrict a\n"
    assert read(late, 99) == late


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"-- Name: de; Type: COLLATION; Schema: public; Owner: -\nCREATE COLLATION de (x);\n",
        b"CREATE FUNCTION f() AS $_$ it's;\nCOPY t (a) FROM stdin; $_$;\n",
        b'/* ; /* \' */ */ CREATE SCHEMA "; -- ";\n',
        b"COMMENT ON SCHEMA s IS E'it\\';\n';\n",
        b"CREATE TABLE t (a text);\n",
    ],
)
def test_comments_on_extensions_are_left_out_before_the_first_rows(before: bytes) -> None:
    comment = b"COMMENT ON EXTENSION \"x-y\" IS 'what;\nelse';\n"
    after = b"COPY t (a) FROM stdin;\n" + comment + b"\\.\n\n" + comment
    sink = io.BytesIO()
    dump._without_extension_comments(io.BytesIO(before + comment + after), sink)
    assert sink.getvalue() == before + after
