"""Imports of dumps as they are, and of files that do something else: nothing passes unseen."""

import gzip
import os
import re
import subprocess
from collections.abc import Callable, Iterator

import pytest

from ops import programs
from ops.backups import exporting, importerrors, importing
from ops.backups.exporting import Reading
from ops.backups.importing import Import
from ops.backups.transfer import ExportOptions, ImportOptions
from ops.db import CHANGE
from ops.guard import Consent
from ops.invocation import Invocation
from ops.results import State

YES = Consent(yes=True)
SOURCE, VICTIM = "import_source", "import_victim"
END = b"--\n-- PostgreSQL database dump complete\n"
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
"""


def _execute(run: Invocation, database: str, text: str) -> None:
    with run.database().called(database).connect(run.target.owner, budget=CHANGE) as connection:
        connection.execute(text.encode())


def _put(run: Invocation, name: str, content: bytes) -> str:
    path = run.target.server().data / "buckets" / "exports" / name
    path.write_bytes(content)
    return f"gs://exports/{name}"


@pytest.fixture(scope="module", autouse=True)
def databases(run: Invocation) -> Iterator[None]:
    cloud, instance = run.cloud, run.target.instance
    for database in (SOURCE, VICTIM):
        cloud.wait(cloud.insert_database(instance, database))
    _execute(run, SOURCE, MADE.format(app=run.target.settings.users.app))
    _execute(run, VICTIM, THERE)
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
    _execute(run, VICTIM, "DROP SCHEMA IF EXISTS shop CASCADE; DROP SCHEMA public CASCADE;")
    _execute(run, VICTIM, f"CREATE SCHEMA public; {THERE}")


def _dump(run: Invocation, *options: str, major: int = 15, database: str = SOURCE) -> bytes:
    """Return a dump as Cloud SQL's documentation makes it: extensions are commented out."""
    found = [it for it in programs.available() if it.major == major]
    if not found:
        pytest.skip(f"PostgreSQL {major} is not installed here")
    target = run.database()
    address = ("-h", target.host, "-p", str(target.port), "-U", run.target.owner)
    text = subprocess.run(
        [found[0].path("pg_dump"), *address, *options, database],
        env={**os.environ, "PGPASSWORD": target.passwords.password(run.target.owner) or ""},
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    text = text.replace(b"SET transaction_timeout = 0;\n", b"")  # PostgreSQL 15 has none
    return re.sub(rb"(?m)^(CREATE|COMMENT ON) EXTENSION", rb"-- \1 EXTENSION", text)


@pytest.fixture(scope="module")
def dump(run: Invocation) -> bytes:
    return _dump(run, "--no-owner", "--no-acl")


def _bring_in(run: Invocation, uri: str, database: str, *, trust: bool = False) -> Import:
    return importing.bring_in(run, ImportOptions(uri, database), YES, trust_file=trust)


def _said(came: Import) -> str:
    return "\n".join(f"{it.check} {it.state}: {it.detail} {it.differences}" for it in came.checks)


def _states(came: Import) -> dict[str, State]:
    return {check.check: check.state for check in came.checks}


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
    uri = _put(run, "plain.sql.gz", gzip.compress(_dump(run, *options, major=major)))
    came = _bring_in(run, uri, fresh)
    assert _states(came) == ALL_OK, _said(came)
    assert "44 rows of 3 tables" in _said(came)


@pytest.mark.parametrize("major", [15, 17])
def test_a_plain_dump_of_the_application_comes_in(run: Invocation, fresh: str, major: int) -> None:
    text = _dump(run, *PLAIN, major=major, database=run.target.database)
    uri = _put(run, "application.sql", text)
    came = _bring_in(run, uri, fresh)
    assert came.state is State.OK, _said(came)


def test_what_backup_export_wrote_is_proven_to_be_whole(run: Invocation, used: str) -> None:
    export = ExportOptions("gs://exports/own.sql.gz", SOURCE)
    exporting.export(run, export, Reading(), YES)
    path = run.target.server().data / "buckets" / "exports" / "own.sql.gz"
    written = path.read_bytes()
    text = gzip.decompress(written)
    path.write_bytes(gzip.compress(text.replace(b"\n1\ta", b"\n1\tforged", 1)))
    with pytest.raises(importerrors.ChangedFileError, match="Nothing was imported"):
        _bring_in(run, export.to, used)
    path.write_bytes(written)
    came = _bring_in(run, export.to, used)
    assert _states(came) == ALL_OK, _said(came)
    assert "byte for byte" in _said(came)


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
    ("COMMENT ON TABLE public.account IS 'forged';", ""),
)


def _with(dump: bytes, *texts: str) -> bytes:
    return dump.replace(END, "\n".join(texts).encode() + b"\n\n" + END)


@pytest.mark.parametrize("text", [text for text, _ in FOREIGN])
def test_what_a_file_does_to_others_is_refused(
    run: Invocation, victim: str, dump: bytes, text: str
) -> None:
    line = dump[: dump.index(END)].count(b"\n") + 1
    with pytest.raises(importerrors.ForeignStatementsError, match=f"line {line}: "):
        _bring_in(run, _put(run, "foreign.sql", _with(dump, text)), victim)


def test_what_a_trusted_file_does_to_others_is_seen(
    run: Invocation, used: str, dump: bytes
) -> None:
    uri = _put(run, "trusted.sql", _with(dump, *(text for text, _ in FOREIGN)))
    came = _bring_in(run, uri, used, trust=True)
    states = _states(came)
    assert (states["statements"], states["untouched"]) == (State.NOT_APPLICABLE, State.FINDING)
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
    uri = _put(run, "sleeper.sql", _with(dump, form.format(body=f"BEGIN {does}")))
    came = _bring_in(run, uri, used)
    assert _states(came)["untouched"] is State.FINDING, _said(came)
    assert "public.account" in _said(came)


def test_a_trigger_that_drops_rows_is_seen(run: Invocation, fresh: str, dump: bytes) -> None:
    text = BY_TRIGGER.format(body="BEGIN RETURN NULL")
    uri = _put(run, "dropped.sql", _with(dump, text))
    came = _bring_in(run, uri, fresh)
    assert _states(came)["rows"] is State.FINDING, _said(came)


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
    uri = _put(run, "cut-middle.sql", CUTS[cut](dump))
    with pytest.raises((importerrors.DamagedFileError, importerrors.ForeignStatementsError)):
        _bring_in(run, uri, fresh)
    assert fresh not in run.cloud.databases(run.target.instance)


def test_a_file_without_keys_is_not_called_whole(run: Invocation, fresh: str, dump: bytes) -> None:
    at = dump.index(b"-- Name: empty empty_pkey; Type: CONSTRAINT")
    uri = _put(run, "keyless.sql", dump[:at] + END)
    came = _bring_in(run, uri, fresh)
    assert came.state is State.UNKNOWN, _said(came)
    assert "shop.item: no key in the file" in _said(came)


@pytest.mark.parametrize("content", [b"SET client_encoding = 'UTF8';\n", b"BEGIN;\nCOMMIT;\n"])
def test_nothing_examined_is_unknown(run: Invocation, fresh: str, content: bytes) -> None:
    came = _bring_in(run, _put(run, "nothing.sql", content + END), fresh)
    assert came.state is State.UNKNOWN


def test_text_in_another_encoding_than_it_says_is_refused(
    run: Invocation, fresh: str, dump: bytes
) -> None:
    wrong = dump.replace(b"client_encoding = 'UTF8'", b"client_encoding = 'LATIN1'")
    with pytest.raises(importerrors.ForeignStatementsError, match="UTF-8"):
        _bring_in(run, _put(run, "encoding.sql", wrong), fresh)


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
    uri = _put(run, "counted.csv", content)
    options = ImportOptions(uri, victim, table="public.csv_rows")
    came = importing.bring_in(run, options, YES)
    assert came.state is State.OK, _said(came)
    assert f"{rows} rows of 1 tables came in" in _said(came)


def test_what_a_csv_import_sets_off_is_seen(run: Invocation, used: str) -> None:
    does = (
        "DELETE FROM account WHERE id = 7; UPDATE csv_rows SET words = 'x' WHERE n = 0; "
        "PERFORM setval('number', 1)"
    )
    function = f"AS $$BEGIN {does}; RETURN NEW; END$$ LANGUAGE plpgsql"
    trigger = "BEFORE INSERT ON csv_rows FOR EACH ROW EXECUTE FUNCTION f()"
    _execute(run, used, f"CREATE FUNCTION f() RETURNS trigger {function}")
    _execute(run, used, f"CREATE TRIGGER t {trigger}")
    uri = _put(run, "sets-off.csv", b"1,a\n2,b\n")
    came = importing.bring_in(run, ImportOptions(uri, used, table="public.csv_rows"), YES)
    assert _states(came)["untouched"] is State.FINDING, _said(came)
    for words in ("public.account: 99 of", "public.csv_rows: ", "sequence public.number"):
        assert words in _said(came)


def test_rows_after_the_end_mark_of_a_csv_file_are_missed(run: Invocation, used: str) -> None:
    uri = _put(run, "ends-early.csv", b"1,a\n\\.\n2,b\n")
    came = importing.bring_in(run, ImportOptions(uri, used, table="public.csv_rows"), YES)
    assert _states(came)["rows"] is State.FINDING, _said(came)
