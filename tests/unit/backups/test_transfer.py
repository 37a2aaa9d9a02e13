"""Exports and imports: what the options mean, and what a file holds."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra import settings
from ops.backups.exporting import completeness, content
from ops.backups.reading import Contents, read
from ops.backups.transfer import (
    BadNameError,
    ConflictError,
    ExportOptions,
    ImportOptions,
    NoBucketDeclaredError,
    import_plan,
    plan,
)
from ops.checks.result import State
from ops.errors import OpsError
from ops.objects import BadUriError, FolderObjects, NoObjectError, ObjectFacts, Uri, parse

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
PROD, LOCAL = settings.load("prod"), settings.load("local")
DUMP = (
    b"-- PostgreSQL database dump\n\n"
    b"CREATE TABLE public.a (\n    n integer\n);\n"
    b"COPY public.a (n) FROM stdin;\n1\n2\n\\.\n"
    b"COPY public.b (n) FROM stdin;\n\\.\n\n"
    b"--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n"
)


def test_an_export_gets_a_name_in_the_stacks_bucket() -> None:
    found = plan(PROD, ExportOptions(), NOW)
    assert str(found.uri) == (
        "gs://ai-square-463013-db-prod-exports/ai-square-db-prod/ai_square-20260510T120000Z.sql.gz"
    )
    assert found.whole
    assert found.context["databases"] == ["ai_square"]
    with pytest.raises(NoBucketDeclaredError, match=r"local\.bucket"):
        plan(LOCAL, ExportOptions(), NOW)


def test_parts_are_no_whole_export() -> None:
    tables = plan(PROD, ExportOptions(tables=("users",)), NOW)
    assert not tables.whole
    assert tables.context["sqlExportOptions"] == {"schemaOnly": False, "tables": ["users"]}
    query = plan(PROD, ExportOptions(query="SELECT 1"), NOW)
    assert query.uri.name.endswith(".csv.gz")
    assert query.context["csvExportOptions"] == {"selectQuery": "SELECT 1"}


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (ExportOptions(to="gs://bucket/a.zip"), BadNameError),
        (ExportOptions(to="gs://bucket/a.sql", query="SELECT 1"), BadNameError),
        (ExportOptions(to="bucket/a.sql"), BadUriError),
        (ExportOptions(query="SELECT 1", tables=("users",)), ConflictError),
        (ExportOptions(query="SELECT 1", schema_only=True), ConflictError),
    ],
)
def test_what_can_not_be_meant_is_refused(options: ExportOptions, error: type[OpsError]) -> None:
    with pytest.raises(error):
        plan(PROD, options, NOW)


def test_an_import_is_done_as_the_owner_unless_said_otherwise() -> None:
    found = import_plan(PROD, ImportOptions("gs://bucket/a.sql"))
    assert found.context["importUser"] == PROD.users.owner
    csv = import_plan(PROD, ImportOptions("gs://bucket/a.csv", table="public.a", columns=("n",)))
    assert csv.context["csvImportOptions"] == {"table": "public.a", "columns": ["n"]}
    with pytest.raises(BadNameError, match="--table"):
        import_plan(PROD, ImportOptions("gs://bucket/a.csv"))


@pytest.mark.parametrize("given", ["gs://b/x", "gs://bucket/", "gs://bucket/../x", "s3://bucket/x"])
def test_an_address_is_one_of_an_object(given: str) -> None:
    with pytest.raises(BadUriError):
        parse(given)


def _read(folder: Path, name: str, kept: bytes) -> Contents:
    (folder / "bucket").mkdir(exist_ok=True)
    (folder / "bucket" / name).write_bytes(kept)
    return read(FolderObjects(folder), Uri("bucket", name))


@pytest.mark.parametrize("name", ["a.sql", "a.sql.gz"])
def test_a_dump_is_read_to_its_end(tmp_path: Path, name: str) -> None:
    kept = gzip.compress(DUMP) if name.endswith(".gz") else DUMP
    held = _read(tmp_path, name, kept)
    assert (held.whole, held.damage, held.size_bytes) == (True, "", len(kept))
    assert held.rows == {"public.a": 2, "public.b": 0}
    assert held.created == ("public.a",)
    assert content(held, ObjectFacts(len(kept), held.md5)).state is State.OK
    assert content(held, ObjectFacts(len(kept), "0" * 32)).state is State.FINDING
    assert content(held, ObjectFacts(len(kept) + 1)).state is State.FINDING


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a.sql", DUMP[:-60]),
        ("a.sql", DUMP[:100]),
        ("a.sql", b""),
        ("a.sql.gz", gzip.compress(DUMP)[:-9]),
        ("a.sql.gz", b"not compressed"),
        ("a.csv", b"\xff\xfe\x00"),
    ],
)
def test_a_file_that_is_cut_off_or_damaged_is_seen(tmp_path: Path, name: str, kept: bytes) -> None:
    held = _read(tmp_path, name, kept)
    assert content(held, ObjectFacts(len(kept))).state is State.FINDING


def test_the_rows_of_a_csv_file_are_counted(tmp_path: Path) -> None:
    held = _read(tmp_path, "a.csv", b'1,"a\nb"\n2,c\n')
    assert held.rows == {"": 2}
    assert content(held, ObjectFacts(held.size_bytes)).detail == "2 rows, whole"


def test_a_whole_export_has_every_table(tmp_path: Path) -> None:
    held = _read(tmp_path, "a.sql", DUMP)
    assert completeness(held, frozenset({"public.a", "public.b"})).state is State.OK
    assert completeness(held, frozenset({"public.c"})).differences == ("public.c: not in the file",)
    assert completeness(held, OpsError("nobody answers")).state is State.UNKNOWN


def test_an_object_that_is_not_there_is_told(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    assert objects.find(Uri("bucket", "a.sql")) is None
    with pytest.raises(NoObjectError, match="gcloud storage ls"):
        read(objects, Uri("bucket", "a.sql"))
