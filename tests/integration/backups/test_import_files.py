"""Files to import: cut, packed, in other encodings, with odd rows, and CSV."""

import gzip
from collections.abc import Callable

import pytest

from ops.backups import importerrors, importing
from ops.backups.transfer import ImportOptions
from ops.checks.result import State
from ops.invocation import Invocation
from tests.integration.backups.dumps import (
    ALL_OK,
    END,
    YES,
    bring_in,
    execute,
    put,
    said,
    states,
)

ODD_ROWS = {
    "NUL": (b"6\ta\0b\n", importerrors.DamagedFileError),
    "end mark inside": (b"6\ta\n\\.\n7\tb\n", importerrors.DamagedFileError),
    "end mark and space": (b"6\ta\n\\. \n", importerrors.ImportFailedError),
    "other line ends": (b"6\ta\rb\n", importerrors.ImportFailedError),
    "a key twice": (b"1\tx\n", importerrors.ImportFailedError),
}


@pytest.mark.parametrize("rows", ODD_ROWS)
def test_odd_rows_are_not_called_imported(
    run: Invocation, fresh: str, dump: bytes, rows: str
) -> None:
    content, error = ODD_ROWS[rows]
    begin = b'COPY shop.item (id, "the name") FROM stdin;\n'
    assert begin in dump
    with pytest.raises(error):
        bring_in(run, put(run, "odd-rows.sql", dump.replace(begin, begin + content)), fresh)


def test_a_row_over_two_lines_is_not_called_rightly_counted(
    run: Invocation, fresh: str, dump: bytes
) -> None:
    begin = b'COPY shop.item (id, "the name") FROM stdin;\n'
    text = dump.replace(begin, begin + b"7\ta\\\nb\n")
    came = bring_in(run, put(run, "two-lines.sql", text), fresh)
    assert states(came)["rows"] is State.FINDING, said(came)


def _flipped(packed: bytes) -> bytes:
    return packed[:200] + bytes([packed[200] ^ 1]) + packed[201:]


# What psql runs here stands in a comment or a string for whoever reads lines to their end.
HIDDEN = {
    "after a carriage return": b"-- note\rDELETE FROM public.account WHERE id > 90;\n",
    "in a long comment": b"/* a */ -- note\rDROP TABLE public.account; -- note\n",
    "a command of psql": b"-- note\r\\! touch hidden\n",
    "after a NUL byte": (
        b"INSERT INTO shop.empty VALUES ('1\0');\n"
        b"INSERT INTO shop.empty VALUES ('); DELETE FROM public.account WHERE id > 90; --');\n"
    ),
    "after a comment's NUL byte": b"-- \0\nSELECT 1;\n",
}


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_statement_can_not_hide(run: Invocation, victim: str, dump: bytes, hidden: str) -> None:
    uri = put(run, "hidden.sql", dump.replace(END, HIDDEN[hidden] + END))
    with pytest.raises((importerrors.DamagedFileError, importerrors.ForeignStatementsError)):
        bring_in(run, uri, victim)


def test_comments_may_end_with_a_carriage_return(run: Invocation, fresh: str, dump: bytes) -> None:
    uri = put(run, "crlf.sql", dump.replace(b"\n--\n", b"\r\n--\r\n"))
    came = bring_in(run, uri, fresh)
    assert states(came) == ALL_OK, said(came)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda dump: gzip.compress(dump)[:-200],
    "no checksum": lambda dump: gzip.compress(dump)[:-4],
    "another bit": lambda dump: _flipped(gzip.compress(dump)),
    "rubbish after": lambda dump: gzip.compress(dump) + b"rubbish",
    "second part cut": lambda dump: gzip.compress(dump) + gzip.compress(b"SELECT 1;")[:-3],
    "second part does more": lambda dump: gzip.compress(dump) + gzip.compress(b"DROP TABLE t;"),
    "not packed": lambda dump: dump,
}


@pytest.mark.parametrize("packed", PACKED)
def test_a_packed_file_is_read_to_its_end(
    run: Invocation, victim: str, dump: bytes, packed: str
) -> None:
    uri = put(run, "packed.sql.gz", PACKED[packed](dump))
    with pytest.raises((importerrors.DamagedFileError, importerrors.ForeignStatementsError)):
        bring_in(run, uri, victim)


def test_a_packed_file_may_have_two_parts(run: Invocation, fresh: str, dump: bytes) -> None:
    middle = dump.index(b"-- Data for Name")
    packed = gzip.compress(dump[:middle]) + gzip.compress(dump[middle:])
    came = bring_in(run, put(run, "parts.sql.gz", packed), fresh)
    assert states(came) == ALL_OK, said(came)


def _without(dump: bytes, begin: bytes, end: bytes) -> bytes:
    at = dump.index(begin)
    return dump[:at] + dump[dump.index(end, at) + len(end) :]


CUTS: dict[str, Callable[[bytes], bytes]] = {
    "rows": lambda dump: _without(dump, b'COPY shop."line item"', b"\\.\n"),
    "rows and comment": lambda dump: _without(dump, b"-- Data for Name: line item", b"\\.\n"),
    "a statement": lambda dump: _without(dump, b"CREATE VIEW shop.names", b";\n"),
    "positions": lambda dump: _without(dump, b"-- Name: item_id_seq; Type: SEQUENCE SET", b";\n"),
    "after the rows": lambda dump: dump[: dump.index(b"-- Data for Name: line item")] + END,
    "in the rows": lambda dump: dump[: dump.index(b"FROM stdin;\n1\t") + 14] + END,
    "in a statement": lambda dump: dump[: dump.index(b"ADD CONSTRAINT")] + b"\n" + END,
    "in a string": lambda dump: dump[: dump.index(b"setval('shop") + 9] + b"\n" + END,
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_middle_is_refused(run: Invocation, fresh: str, dump: bytes, cut: str) -> None:
    uri = put(run, "cut-middle.sql", CUTS[cut](dump))
    with pytest.raises((importerrors.DamagedFileError, importerrors.ForeignStatementsError)):
        bring_in(run, uri, fresh)
    assert fresh not in run.cloud.databases(run.target.instance)


def test_a_file_without_keys_is_not_called_whole(run: Invocation, fresh: str, dump: bytes) -> None:
    at = dump.index(b"-- Name: empty empty_pkey; Type: CONSTRAINT")
    uri = put(run, "keyless.sql", dump[:at] + END)
    came = bring_in(run, uri, fresh)
    assert came.state is State.UNKNOWN, said(came)
    assert "shop.item: no key in the file" in said(came)


@pytest.mark.parametrize("content", [b"SET client_encoding = 'UTF8';\n", b"BEGIN;\nCOMMIT;\n"])
def test_nothing_examined_is_unknown(run: Invocation, fresh: str, content: bytes) -> None:
    came = bring_in(run, put(run, "nothing.sql", content + END), fresh)
    assert came.state is State.UNKNOWN


def test_text_in_another_encoding_than_it_says_is_refused(
    run: Invocation, fresh: str, dump: bytes
) -> None:
    wrong = dump.replace(b"client_encoding = 'UTF8'", b"client_encoding = 'LATIN1'")
    with pytest.raises(importerrors.ForeignStatementsError, match="UTF-8"):
        bring_in(run, put(run, "encoding.sql", wrong), fresh)


CSV = (
    (b'1,"a\nb"\n2,"c ""d""\n\n,"\n3,\n4,""\n', 4),
    (b'1,a\r\n2,"b\r\nc"\r\n', 2),
    ("1,ünïcode 表\n2,x".encode(), 2),
    (b"1," + b"x" * 200_000 + b"\n", 1),
)


@pytest.mark.parametrize(("content", "rows"), CSV, ids=["quotes", "crlf", "utf-8", "long"])
def test_rows_of_csv_files_are_counted_as_postgresql_does(
    run: Invocation, victim: str, content: bytes, rows: int
) -> None:
    uri = put(run, "counted.csv", content)
    options = ImportOptions(uri, victim, table="public.csv_rows")
    came = importing.bring_in(run, options, YES)
    assert came.state is State.OK, said(came)
    assert f"{rows} rows of 1 tables came in" in said(came)


def test_what_a_csv_import_sets_off_is_seen(run: Invocation, used: str) -> None:
    does = (
        "DELETE FROM account WHERE id = 7; UPDATE csv_rows SET words = 'x' WHERE n = 0; "
        "PERFORM setval('number', 1)"
    )
    function = f"AS $$BEGIN {does}; RETURN NEW; END$$ LANGUAGE plpgsql"
    trigger = "BEFORE INSERT ON csv_rows FOR EACH ROW EXECUTE FUNCTION f()"
    execute(run, used, f"CREATE FUNCTION f() RETURNS trigger {function}")
    execute(run, used, f"CREATE TRIGGER t {trigger}")
    uri = put(run, "sets-off.csv", b"1,a\n2,b\n")
    came = importing.bring_in(run, ImportOptions(uri, used, table="public.csv_rows"), YES)
    assert states(came)["untouched"] is State.FINDING, said(came)
    for words in ("public.account: 99 of", "public.csv_rows: ", "sequence public.number"):
        assert words in said(came)


def test_rows_after_the_end_mark_of_a_csv_file_are_missed(run: Invocation, used: str) -> None:
    uri = put(run, "ends-early.csv", b"1,a\n\\.\n2,b\n")
    came = importing.bring_in(run, ImportOptions(uri, used, table="public.csv_rows"), YES)
    assert states(came)["rows"] is State.FINDING, said(came)
