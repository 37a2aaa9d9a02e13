"""Imports of dumps as they are, and of files that do something else: nothing passes unseen."""

import gzip
import re

import pytest

from ops.backups import exporting, importerrors, importing, importtarget
from ops.backups.exporting import Reading
from ops.backups.transfer import ExportOptions
from ops.checks.result import State
from ops.invocation import Invocation
from ops.journal import unfinished
from tests.integration.backups.dumps import (
    ALL_OK,
    END,
    PLAIN,
    SOURCE,
    VICTIM,
    YES,
    add_statements,
    bring_in,
    dump_plainly,
    put,
    said,
    states,
)

pytestmark = pytest.mark.usefixtures("databases")
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
    uri = put(run, "plain.sql.gz", gzip.compress(dump_plainly(run, *options, major=major)))
    came = bring_in(run, uri, fresh)
    assert states(came) == ALL_OK, said(came)
    assert "44 rows of 3 tables" in said(came)


@pytest.mark.parametrize("major", [15, 17])
def test_a_plain_dump_of_the_application_comes_in(run: Invocation, fresh: str, major: int) -> None:
    text = dump_plainly(run, *PLAIN, major=major, database=run.target.database)
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
    if form is BY_TRIGGER:  # no dump makes triggers before the rows: refused, unless trusted
        with pytest.raises(importerrors.ForeignStatementsError, match="its rows run what"):
            bring_in(run, uri, used)
    came = bring_in(run, uri, used, trust=form is BY_TRIGGER)
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


def test_a_trigger_that_drops_rows_is_seen(run: Invocation, fresh: str, dump: bytes) -> None:
    text = BY_TRIGGER.format(body="BEGIN RETURN NULL")
    uri = put(run, "dropped.sql", add_statements(dump, text))
    came = bring_in(run, uri, fresh, trust=True)
    assert states(came)["rows"] is State.FINDING, said(came)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_import_that_nobody_compared_is_told_of(
    run: Invocation, fresh: str, dump: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = put(run, "interrupted.sql", dump)
    with monkeypatch.context() as patch:
        patch.setattr(importtarget, "count_rows", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            bring_in(run, uri, fresh)
    with pytest.raises(importerrors.ImportedAlreadyError, match="not compared with the file"):
        bring_in(run, uri, fresh)
    with pytest.raises(importerrors.TablesThereError, match="shop"):
        bring_in(run, uri, fresh)
    assert unfinished(run.target.store, importing.ROOM) == ()


def test_an_import_that_was_not_begun_is_begun_anew(
    run: Invocation, fresh: str, dump: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = put(run, "not-begun.sql", dump)
    with monkeypatch.context() as patch:
        patch.setattr(run.cloud, "import_", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            bring_in(run, uri, fresh)
    came = bring_in(run, uri, fresh)
    assert states(came) == ALL_OK, said(came)
