"""Imports of dumps as they are, and of files that do something else: nothing passes unseen."""

import gzip
import re
from collections.abc import Callable, Iterator

import pytest

from ops.backups import exporting, importerrors, importing
from ops.backups.exporting import Reading
from ops.backups.transfer import ExportOptions, ImportOptions
from ops.invocation import Invocation
from ops.results import State
from tests.integration.backups.dumps import (
    END,
    YES,
    add_statements,
    bring_in,
    dump_database,
    execute,
    put,
    said,
    states,
)

SOURCE, VICTIM = "import_source", "import_victim"
# In the dumped database, and in the one into which files are imported.
MADE = """
CREATE SCHEMA shop;
CREATE TABLE shop.item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "the name" text NOT NULL);
CREATE TABLE shop."line item" (id bigserial PRIMARY KEY, item int NOT NULL REFERENCES shop.item);
CREATE TABLE shop.empty (id int PRIMARY KEY);
CREATE INDEX "by name" ON shop.item ("the name");
CREATE VIEW shop.names AS SELECT "the name" FROM shop.item;
CREATE FUNCTION shop.twice(n int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2 * n; END;
INSERT INTO shop.item ("the name") VALUES (E'a\\nb'), (E'c\\\\.'), ('ünï; DELETE FROM x;'), ('');
INSERT INTO shop."line item" (item) SELECT 1 + n % 4 FROM generate_series(1, 40) n;
GRANT SELECT ON shop.item TO {app};
"""
THERE = """
CREATE TABLE account (id int PRIMARY KEY, email text, touched int);
INSERT INTO account SELECT n, n || '@example.org', 0 FROM generate_series(1, 100) n;
CREATE SEQUENCE number; SELECT setval('number', 50);
CREATE TABLE csv_rows (n int, words text); INSERT INTO csv_rows VALUES (0, 'there');
CREATE TABLE note (at timestamptz);
CREATE FUNCTION there(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE SCHEMA IF NOT EXISTS other;
"""


@pytest.fixture(scope="module", autouse=True)
def databases(run: Invocation) -> Iterator[None]:
    cloud, instance = run.cloud, run.target.instance
    for database in (SOURCE, VICTIM):
        cloud.wait(cloud.insert_database(instance, database))
    execute(run, SOURCE, MADE.format(app=run.target.settings.users.app))
    execute(run, VICTIM, THERE)
    yield
    for database in {SOURCE, VICTIM, "fresh"} & set(cloud.databases(instance)):
        cloud.wait(cloud.delete_database(instance, database))


@pytest.fixture
def fresh(run: Invocation) -> Iterator[str]:
    """The name of a database that the import makes."""
    yield "fresh"
    if "fresh" in run.cloud.databases(run.target.instance):
        run.cloud.wait(run.cloud.delete_database(run.target.instance, "fresh"))


@pytest.fixture
def victim() -> str:
    """A database with things in it, for imports that are refused."""
    return VICTIM


@pytest.fixture
def used(run: Invocation) -> Iterator[str]:
    """The same; things in it are as they were for the next test."""
    yield VICTIM
    gone = "shop, hidden, public"
    execute(
        run, VICTIM, f"DROP PUBLICATION IF EXISTS hidden; DROP SCHEMA IF EXISTS {gone} CASCADE;"
    )
    execute(run, VICTIM, f"CREATE SCHEMA public; {THERE}")


def _dump(run: Invocation, *options: str, major: int = 15, database: str = SOURCE) -> bytes:
    """Return a dump as Cloud SQL's documentation makes it: extensions are commented out."""
    text = dump_database(run, database, *options, major=major)
    text = text.replace(b"SET transaction_timeout = 0;\n", b"")  # PostgreSQL 15 has none
    return re.sub(rb"(?m)^(CREATE|COMMENT ON) EXTENSION", rb"-- \1 EXTENSION", text)


@pytest.fixture(scope="module")
def dump(run: Invocation) -> bytes:
    return _dump(run, "--no-owner", "--no-acl")


ALL_OK = dict.fromkeys(("completeness", "statements", "rows", "objects", "untouched"), State.OK)


PLAIN = ("--no-owner", "--no-acl")
OPTIONS = (
    PLAIN,
    ("--extension=plpgsql",),  # with owners and grants, of its own objects alone
    (*PLAIN, "--inserts"),
    (*PLAIN, "--column-inserts"),
    (*PLAIN, "--rows-per-insert=7"),
    (*PLAIN, "--encoding=LATIN1"),
)


@pytest.mark.parametrize(
    ("major", "options"), [*((15, options) for options in OPTIONS), (17, PLAIN), (17, OPTIONS[1])]
)
def test_a_plain_dump_comes_in(
    run: Invocation, fresh: str, major: int, options: tuple[str, ...]
) -> None:
    uri = put(run, "plain.sql.gz", gzip.compress(_dump(run, *options, major=major)))
    came = bring_in(run, uri, fresh)
    assert states(came) == ALL_OK, said(came)
    assert "44 rows of 3 tables" in said(came)


@pytest.mark.parametrize("major", [15, 17])
def test_a_plain_dump_of_the_application_comes_in(run: Invocation, fresh: str, major: int) -> None:
    text = _dump(run, *PLAIN, major=major, database=run.target.database)
    uri = put(run, "application.sql", text)
    came = bring_in(run, uri, fresh)
    assert came.state is State.OK, said(came)


def test_what_backup_export_wrote_is_proven_to_be_whole(run: Invocation, used: str) -> None:
    export = ExportOptions("gs://exports/own.sql.gz", SOURCE)
    exporting.export(run, export, Reading(), YES)
    path = run.target.server().data / "buckets" / "exports" / "own.sql.gz"
    written = path.read_bytes()
    text = gzip.decompress(written)
    path.write_bytes(gzip.compress(text.replace(b"\n1\ta", b"\n1\tforged", 1)))
    with pytest.raises(importerrors.ChangedFileError, match="Nothing was imported"):
        bring_in(run, export.to, used)
    path.write_bytes(written)
    came = bring_in(run, export.to, used)
    assert states(came) == ALL_OK, said(came)
    assert "byte for byte" in said(came)


SUPPRESS = "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
FOREIGN = (  # each changes what the expression names
    ("UPDATE public.account SET email = 'forged' WHERE id = 1;", "rows are as they were"),
    ("DELETE FROM public.account WHERE id > 90;", r"public\.account: \d+ of its 100 rows"),
    ("INSERT INTO public.note VALUES (now());", r"note"),
    ("SELECT pg_catalog.setval('public.number', 1);", r"sequence public\.number: was at 50"),
    ("ALTER TABLE public.account DROP COLUMN touched;", r"public\.account\.touched is gone"),
    ("GRANT DELETE ON public.account TO PUBLIC;", r"relation public\.account is new"),
    (
        f"CREATE TRIGGER t BEFORE UPDATE ON public.account FOR EACH ROW {SUPPRESS};",
        r"public\.account: t is new",
    ),
    ("CREATE RULE r AS ON INSERT TO public.account DO INSTEAD NOTHING;", "rule r is new"),
    ("CREATE INDEX sneaked ON public.account (email);", r"public\.sneaked is new"),
    ("ALTER TABLE public.account ADD COLUMN more int;", r"public\.account\.more is new"),
    ("DO $$BEGIN PERFORM 1; END$$;", ""),
    ("ALTER TABLE public.account ADD CONSTRAINT c CHECK (id > 0);", r"account: c is new"),
    ("CREATE TABLE public.other AS SELECT 1 AS n;", r"tables: public\.other is new"),
    ("ALTER TABLE public.csv_rows RENAME TO renamed;", r"public\.csv_rows is gone"),
    ("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;", "defaults of .* is new"),
    ("COMMENT ON TABLE public.account IS 'forged';", "comments: table public.account is new"),
    ("COMMENT ON COLUMN public.account.email IS 'x';", r"column public\.account\.email is new"),
    ("COMMENT ON INDEX public.account_pkey IS 'x';", r"index public\.account_pkey is new"),
    ("COMMENT ON CONSTRAINT account_pkey ON public.account IS 'x';", "account_pkey on .* new"),
    ("COMMENT ON FUNCTION public.there(integer) IS 'x';", r"function public\.there\(integer\) is"),
    ("COMMENT ON SCHEMA other IS 'x';", "comments: schema other is new"),
    (f"COMMENT ON DATABASE {VICTIM} IS 'x';", "comments: shared database .* is new"),
    (
        "CREATE FUNCTION public.there(text) RETURNS int SECURITY DEFINER RETURN 1;",
        r"functions: public\.there\(text\) is new",
    ),
    *(
        (f"DO $$BEGIN {does}; END$$;", expected)
        for does, expected in (
            ("CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", r"public\.f\(\)"),
            ("CREATE TYPE public.hidden AS ENUM ()", r"types: public\.hidden is new"),
            ("CREATE SCHEMA hidden", "grants: schema hidden is new"),
            (
                "CREATE STATISTICS public.x ON id, email FROM public.account",
                r"statistics public\.x is",
            ),
            (
                "CREATE COLLATION public.de (provider = icu, locale = 'de')",
                r"collation public\.de is",
            ),
            ("PERFORM lo_create(99)", "large object 99 is new"),
            ("CREATE PUBLICATION hidden FOR TABLE public.account", "publication hidden is new"),
        )
    ),
)


@pytest.mark.parametrize("text", [text for text, _ in FOREIGN])
def test_what_a_file_does_to_others_is_refused(
    run: Invocation, victim: str, dump: bytes, text: str
) -> None:
    line = dump[: dump.index(END)].count(b"\n") + 1
    with pytest.raises(importerrors.ForeignStatementsError, match=f"line {line}: "):
        bring_in(run, put(run, "foreign.sql", add_statements(dump, text)), victim)


def test_what_a_trusted_file_does_to_others_is_seen(
    run: Invocation, used: str, dump: bytes
) -> None:
    uri = put(run, "trusted.sql", add_statements(dump, *(text for text, _ in FOREIGN)))
    came = bring_in(run, uri, used, trust=True)
    found = states(came)
    assert (found["statements"], found["untouched"]) == (State.NOT_APPLICABLE, State.FINDING)
    (lines,) = (it.differences for it in came.checks if it.check == "untouched")
    for text, expected in FOREIGN:
        assert re.search(expected, "\n".join(lines)), (text, lines)


# The file's own functions, which are called as its rows come in.
BY_DEFAULT = """
CREATE FUNCTION shop.f() RETURNS int LANGUAGE plpgsql AS $${body}; RETURN 1; END$$;
CREATE TABLE shop.sleeper (id int PRIMARY KEY, n int DEFAULT shop.f());
INSERT INTO shop.sleeper (id) VALUES (1);
"""
BY_TRIGGER = """
CREATE FUNCTION shop.f() RETURNS trigger LANGUAGE plpgsql AS $${body}; RETURN NEW; END$$;
CREATE TABLE shop.sleeper (id int PRIMARY KEY);
CREATE TRIGGER t BEFORE INSERT ON shop.sleeper FOR EACH ROW EXECUTE FUNCTION shop.f();
INSERT INTO shop.sleeper (id) VALUES (1);
"""


@pytest.mark.parametrize(
    ("form", "does"),
    [
        (BY_DEFAULT, "DELETE FROM public.account WHERE id = 7"),
        (BY_TRIGGER, "UPDATE public.account SET email = 'x' WHERE id = 7"),
    ],
    ids=["default", "trigger"],
)
def test_what_a_files_own_functions_do_is_seen(
    run: Invocation, used: str, dump: bytes, form: str, does: str
) -> None:
    uri = put(run, "sleeper.sql", add_statements(dump, form.format(body=f"BEGIN {does}")))
    came = bring_in(run, uri, used)
    assert states(came)["untouched"] is State.FINDING, said(came)
    assert "public.account" in said(came)


def test_a_failed_import_says_what_stays(run: Invocation, fresh: str, dump: bytes) -> None:
    row = "INSERT INTO shop.item OVERRIDING SYSTEM VALUE VALUES (1, 'twice');"
    uri = put(run, "fails-late.sql", add_statements(dump, row))
    with pytest.raises(importerrors.ImportFailedError, match="stays in fresh, which was made"):
        bring_in(run, uri, fresh)


def test_an_empty_database_is_like_a_new_one(run: Invocation, fresh: str, dump: bytes) -> None:
    run.cloud.wait(run.cloud.insert_database(run.target.instance, fresh))
    texts = (
        f"GRANT USAGE ON SCHEMA public TO {run.target.settings.users.app};",
        "CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;",
    )
    came = bring_in(run, put(run, "empty.sql", add_statements(dump, *texts)), fresh)
    assert states(came)["statements"] is State.OK, said(came)


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


def test_a_trigger_that_drops_rows_is_seen(run: Invocation, fresh: str, dump: bytes) -> None:
    text = BY_TRIGGER.format(body="BEGIN RETURN NULL")
    uri = put(run, "dropped.sql", add_statements(dump, text))
    came = bring_in(run, uri, fresh)
    assert states(came)["rows"] is State.FINDING, said(came)


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
