"""Exports and imports of whatever PostgreSQL lets people make: odd names, objects of all kinds."""

from collections.abc import Iterator

import pytest

from ops import dumptext
from ops.backups import exporting, importerrors, importing
from ops.backups.exporting import Export, Reading
from ops.backups.reading import read
from ops.backups.transfer import ExportOptions, ImportOptions
from ops.checks.result import State
from ops.db import CHANGE
from ops.guard import NO_CONSENT, Consent
from ops.invocation import Invocation
from ops.objects import parse

NAMES = (
    *("with space", " edges ", "tab\tin", "line\nbreak", "line\n-- comment", "Mixed", "order"),
    *("per%cent", "%I", 'quo"te', "apostrophe's", "dot.ted", "comma, too", "semi;colon", "(a) b"),
    *("ünïcode", "表", "back\\slash", "$dollar$", "x FROM stdin;", "COPY", "é" * 20),
)
SCHEMA = "Odd schema; \n x"
# Each is there in its own database, and its import is to succeed as the owner.
OBJECTS = (
    "CREATE COLLATION german (provider = icu, locale = 'de'); COMMENT ON COLLATION german IS 'x'",
    "CREATE EXTENSION pgcrypto; COMMENT ON EXTENSION pgcrypto IS 'two\nlines;'",
    'CREATE SCHEMA ext; CREATE EXTENSION "uuid-ossp" SCHEMA ext',
    'CREATE PUBLICATION "pub lication" FOR TABLE only_here',
    "CREATE DOMAIN short AS text COLLATE german CHECK (VALUE <> ';')",
    "CREATE FUNCTION copies() RETURNS text LANGUAGE sql AS $$ SELECT '\nCOPY t FROM stdin;\n' $$",
    "CREATE FUNCTION atomic() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END",
    "CREATE TYPE pair AS (a int, b int); CREATE TABLE typed OF pair; CREATE TABLE empty_columns ()",
    "CREATE TABLE parent (id int) PARTITION BY LIST (id)",
    'CREATE TABLE "child 1" PARTITION OF parent FOR VALUES IN (1); INSERT INTO parent VALUES (1)',
    "CREATE VIEW seen AS SELECT '-- PostgreSQL database dump complete'::text AS words",
    "CREATE RULE double AS ON DELETE TO only_here DO ALSO (SELECT 1; SELECT 2)",
)


def _sql(run: Invocation, database: str, *texts: str) -> None:
    owner = run.target.owner
    with run.database().named(database).connect(owner, budget=CHANGE) as connection:
        for text in texts:
            connection.execute(text.encode())


def _count(run: Invocation, database: str, name: str) -> object:
    with run.database().named(database).connect(run.target.owner, budget=CHANGE) as connection:
        row = connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()  # noqa: S608 - ours
    return None if row is None else row[0]


pytestmark = pytest.mark.usefixtures("odd")


@pytest.fixture(scope="module")
def odd(run: Invocation) -> Iterator[None]:
    """A database full of odd things, which is the owner's."""
    cloud, instance = run.cloud, run.target.instance
    for database in ("odd", "odd_copy"):
        cloud.wait(cloud.insert_database(instance, database))
    tables = [("public", name) for name in NAMES] + [(SCHEMA, name) for name in NAMES[:4]]
    _sql(run, "odd", f'CREATE SCHEMA "{SCHEMA}"', "CREATE TABLE only_here (id int)")
    for table in tables:
        label = ".".join('"' + part.replace('"', '""') + '"' for part in table)
        _sql(
            run,
            "odd",
            f'CREATE TABLE {label} ("a b" int, "x) FROM stdin;" text, "Ü" text)',
            f"INSERT INTO {label} VALUES (1, E'\\\\.', 'COPY t (a) FROM stdin;'), (2, '', NULL)",  # noqa: S608 - ours
        )
    _sql(run, "odd", *OBJECTS)
    yield
    for database in ("odd", "odd_copy"):
        cloud.wait(cloud.delete_database(instance, database))


def _export(run: Invocation, name: str, *tables: str, trial: bool = False) -> Export:
    options = ExportOptions(f"gs://exports/{name}", database="odd", tables=tables)
    return exporting.export(run, options, Reading(trial=trial), NO_CONSENT)


def test_what_people_make_goes_out_and_comes_in(run: Invocation) -> None:
    made = _export(run, "odd.sql.gz", trial=True)
    states = {one.check: one.state for one in made.checks}
    assert states == dict.fromkeys(("object", "content", "tables", "trial_import"), State.OK), [
        (one.detail, one.differences) for one in made.checks
    ]
    rows = made.checks[1].evidence["rows"]
    assert isinstance(rows, dict)
    assert sum(rows.values()) == 2 * (len(NAMES) + 4) + 1
    came = importing.bring_in(
        run, ImportOptions("gs://exports/odd.sql.gz", database="odd_copy"), Consent(yes=True)
    )
    assert came.state is State.OK, [(it.detail, it.differences) for it in came.checks]
    assert _count(run, "odd_copy", '"line\n-- comment"') == 2
    with pytest.raises(importerrors.TablesThereError):
        importing.bring_in(
            run, ImportOptions("gs://exports/odd.sql.gz", database="odd_copy"), Consent(yes=True)
        )


@pytest.mark.parametrize("name", ["with space", "Mixed", "public.order", '"comma, too"', "表"])
def test_a_table_is_named_as_people_write_it(run: Invocation, name: str) -> None:
    made = _export(run, f"one-{name.encode().hex()}.sql", *dumptext.split(name))
    assert made.state is State.OK, made.checks
    (tables,) = (one for one in made.checks if one.check == "tables")
    assert tables.total == 1


def test_tables_of_a_pattern_are_not_called_complete(run: Invocation) -> None:
    made = _export(run, "pattern.sql", "public.only_*")
    assert [one.check for one in made.checks] == ["object", "content"]
    assert made.checks[1].evidence["rows"] == {"public.only_here": 0}


def test_a_lost_export_of_a_table_is_gone_on_with(run: Invocation) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.cloud, "wait", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            _export(run, "cut.sql", "with space")
    assert _export(run, "cut.sql", "with space").state is State.OK


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["public.with space", "public.Mixed", 'public."(a) b"'])
def test_rows_go_into_a_table_with_an_odd_name(run: Invocation, name: str) -> None:
    uri = f"gs://exports/{name.encode().hex()}.csv"
    query = ExportOptions(uri, "odd", query="SELECT 7")
    exporting.export(run, query, Reading(), NO_CONSENT)
    options = ImportOptions(uri, "odd", table=name, columns=dumptext.split('"a b"'))
    came = importing.bring_in(run, options, NO_CONSENT)
    assert came.state is State.OK, came.checks


def test_a_table_that_is_lost_on_the_way_is_still_told(run: Invocation) -> None:
    made = _export(run, "less.sql")
    path = run.target.server().data / "buckets" / "exports" / "less.sql"
    text = path.read_bytes()
    assert b'COPY public."with space"' in text
    begin = text.index(b'COPY public."with space"')
    path.write_bytes(text[:begin] + text[text.index(b"\\.\n", begin) + 3 :])
    held = read(run.target.objects(), parse("gs://exports/less.sql"))
    tables = frozenset(dumptext.label(("public", name)) for name in NAMES)
    result = exporting.completeness(held, tables)
    assert made.state is State.OK
    assert result.differences == ('public."with space": not in the file',)
