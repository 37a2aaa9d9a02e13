"""Exports and imports over the API: the file is there, whole, and holds what it should."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.backups import exporting
from ops.backups.exporting import Export, NoSuchDatabaseError, Reading, export
from ops.backups.importerrors import DamagedFileError, NoSuchTableError, TablesThereError
from ops.backups.importing import bring_in
from ops.backups.reading import Contents, read
from ops.backups.transfer import ExportOptions, ImportOptions, plan
from ops.backups.trial import ROOM, clear, trial
from ops.checks.result import State
from ops.cloudsql import OperationFailedError
from ops.db import CHANGE
from ops.guard import NO_CONSENT
from ops.invocation import Invocation
from ops.journal import Journal, unfinished
from ops.localserver import Server
from ops.objects import NoObjectError, ObjectFacts, Objects, Uri, parse
from ops.shortlived import copy_body, name_stem

USERS = (
    "INSERT INTO users (email, display_name)"
    " SELECT n || '@example.org', 'U' FROM generate_series(%s::int, %s::int) n"
)


def _bucket(run: Invocation) -> Path:
    return run.target.server().data / "buckets" / "exports"


def _fill(run: Invocation, first: int, last: int) -> None:
    with run.database().connect(run.target.owner, budget=CHANGE) as connection:
        connection.execute(USERS, (first, last))


def _export(run: Invocation, name: str, *, on_trial: bool = False, query: str = "") -> Export:
    options = ExportOptions(f"gs://exports/{name}", query=query)
    return export(run, options, Reading(trial=on_trial), NO_CONSENT)


def _states(made: Export) -> dict[str, State]:
    return {one.check: one.state for one in made.checks}


def test_an_export_is_read_and_imported_on_trial(run: Invocation) -> None:
    _fill(run, 1, 40)
    made = _export(run, "whole.sql.gz", on_trial=True)
    assert _states(made) == dict.fromkeys(("object", "content", "tables", "trial_import"), State.OK)
    rows = made.checks[1].evidence["rows"]
    assert isinstance(rows, dict)
    assert rows["public.users"] == 40
    assert [one.name for one in run.cloud.instances()] == [run.target.instance]
    assert unfinished(run.target.store, ROOM) == ()
    assert run.target.store.get(f"exports/{made.operation}.json") is not None


def test_what_is_in_a_file_comes_into_a_new_database(run: Invocation) -> None:
    _export(run, "again.sql.gz")
    options = ImportOptions("gs://exports/again.sql.gz", database="again")
    done = bring_in(run, options, NO_CONSENT)
    assert done.made_database
    assert done.state is State.OK
    with pytest.raises(TablesThereError, match="stop half way"):
        bring_in(run, options, NO_CONSENT)


def test_a_csv_file_goes_into_its_table(run: Invocation) -> None:
    _fill(run, 50, 59)
    query = "SELECT 'new-' || email, display_name FROM users WHERE email ~ '^5[0-9]@'"
    made = _export(run, "users.csv", query=query)
    assert made.checks[-1].detail == "10 rows, whole"
    options = ImportOptions(
        "gs://exports/users.csv", table="public.users", columns=("email", "display_name")
    )
    done = bring_in(run, options, NO_CONSENT)
    assert done.checks[1].detail == "10 rows of 1 tables came in"
    with pytest.raises(NoSuchTableError):
        bring_in(run, ImportOptions("gs://exports/users.csv", table="users"), NO_CONSENT)


def test_a_table_that_the_file_lacks_is_told(
    run: Invocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = exporting._tables(run.database(), run.target.owner)
    assert isinstance(there, frozenset)
    monkeypatch.setattr(exporting, "_tables", lambda *_: there | {"public.gone"})
    made = _export(run, "lacks.sql")
    assert made.state is State.FINDING
    assert made.checks[-1].differences == ("public.gone: not in the file",)


@pytest.mark.parametrize("how", ["cut", "flipped"])
def test_a_damaged_file_is_told_and_is_not_imported(run: Invocation, how: str) -> None:
    name = f"{how}.sql.gz"
    _export(run, name)
    path = _bucket(run) / name
    content = bytearray(path.read_bytes())
    if how == "cut":
        content = content[:-700]
    else:
        content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    uri = parse(f"gs://exports/{name}")
    held = read(run.target.objects(), uri)
    assert exporting.content(held, ObjectFacts(len(content))).state is State.FINDING
    with pytest.raises(DamagedFileError, match="Nothing was imported"):
        bring_in(run, ImportOptions(str(uri), database="damaged"), NO_CONSENT)
    assert "damaged" not in run.cloud.databases(run.target.instance)


def test_a_trial_sees_rows_that_do_not_come_in(run: Invocation) -> None:
    _export(run, "rows.sql.gz")
    path = _bucket(run) / "rows.sql.gz"
    text = gzip.decompress(path.read_bytes())
    options = ExportOptions("gs://exports/rows.sql.gz")
    chosen = plan(run.target.settings, options, datetime.now(UTC))
    held = read(run.target.objects(), chosen.uri)
    lost = text.replace(b"1@example.org", b"2@example.org", 1)  # a unique key objects
    path.write_bytes(gzip.compress(lost))
    assert trial(run, chosen, held).state is State.FINDING
    assert [one.name for one in run.cloud.instances()] == [run.target.instance]


def test_what_a_killed_trial_left_is_removed(run: Invocation) -> None:
    cloud, target = run.cloud, run.target
    name = f"{name_stem(target.instance, cloud.project)}260102030405-ab12-i"
    journal = Journal(target.store, ROOM, name)
    journal.intend("create", name)
    cloud.wait(cloud.insert(copy_body(cloud.instance(target.instance), name, {})))
    clear(run)
    assert cloud.find(name) is None
    assert unfinished(target.store, ROOM) == ()


def test_an_export_that_fails_ends_with_the_apis_reason(run: Invocation, server: Server) -> None:
    fault = {"kind": "operation-fails", "match": "EXPORT", "code": "INTERNAL_ERROR", "count": 1}
    server.ask("POST", "faults", fault)
    with pytest.raises(OperationFailedError, match="INTERNAL_ERROR"):
        _export(run, "fails.sql")
    assert unfinished(run.target.store, "export") == ()
    options = ExportOptions("gs://exports/fails.sql", database="nothing")
    with pytest.raises(NoSuchDatabaseError, match=r"It has .*ai_square"):
        export(run, options, Reading(), NO_CONSENT)
    with pytest.raises(NoObjectError):
        bring_in(run, ImportOptions("gs://exports/never-written.sql"), NO_CONSENT)


def test_an_export_whose_caller_went_away_is_told_of(run: Invocation) -> None:
    target = run.target
    asked = run.cloud.export(
        target.instance,
        {"uri": "gs://exports/left.sql", "fileType": "SQL", "databases": [target.database]},
    )
    journal = Journal(target.store, "export", "1")
    journal.started(
        journal.intend("export", target.instance, uri="gs://exports/left.sql"), asked.id
    )
    run.cloud.wait(asked)
    _export(run, "next.sql")
    assert unfinished(target.store, "export") == ()


@pytest.mark.parametrize("name", ["none.csv", "none.csv.gz"])
def test_a_query_without_rows_is_exported_rightly(run: Invocation, name: str) -> None:
    made = _export(run, name, query="SELECT email FROM users WHERE email = 'nobody';")
    assert _states(made) == dict.fromkeys(("object", "content", "rows"), State.OK), made.checks


def test_a_file_without_rows_of_a_query_that_finds_some_is_unknown(
    run: Invocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(run, 900, 901)

    def emptied(objects: Objects, uri: Uri) -> Contents:
        return replace(read(objects, uri), rows={"": 0})

    monkeypatch.setattr(exporting, "read", emptied)
    made = _export(run, "lost.csv", query="SELECT email FROM users")
    assert _states(made)["rows"] is State.UNKNOWN
    slow = _export(run, "slow.csv", query="SELECT pg_sleep(6)")
    assert "statement timeout" in slow.checks[-1].detail
    assert slow.state is State.UNKNOWN
