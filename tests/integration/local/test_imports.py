"""Import: what comes in, as whom, and what a file can't do."""

import gzip
from pathlib import Path

import pytest

from tests.integration.local.moving import (
    bring_in,
    export,
    import_body,
    put,
    rows,
    stored,
    uri,
    wait_until,
    why,
)
from tests.integration.local.server import LocalServer, working_in


@pytest.mark.usefixtures("empty_copy")
@pytest.mark.parametrize("name", ["whole.sql", "deep/er/whole.sql.gz"])
def test_a_database_goes_out_and_comes_in_as_a_user(moving: LocalServer, name: str) -> None:
    done = export(moving, name)
    assert "error" not in done
    assert done["operationType"] == "EXPORT"
    assert done["exportContext"]["uri"] == uri(name)
    content = stored(moving, name).read_bytes()
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
    assert "COPY s.item" in text
    assert "PASSWORD" not in text
    assert "COMMENT ON EXTENSION" not in text
    assert "COMMENT ON TABLE" in text

    imported = bring_in(moving, uri(name), importUser="Odd \\user")
    assert "error" not in imported, why(imported)

    found = rows(moving, "SELECT * FROM s.item ORDER BY id", user="Odd \\user")
    assert found == rows(moving, "SELECT * FROM s.item ORDER BY id", "app")
    owner = rows(moving, "SELECT tableowner FROM pg_tables WHERE tablename = 'item'")
    assert owner == [("Odd \\user",)]


@pytest.mark.usefixtures("empty_copy")
def test_rows_go_out_and_come_in_as_csv(moving: LocalServer) -> None:
    options = {"selectQuery": "SELECT id, name FROM s.item ORDER BY id -- all"}
    assert "error" not in export(moving, "a.csv", fileType="CSV", csvExportOptions=options)
    assert stored(moving, "a.csv").read_text() == '1,"a,""b"\n2,\n3,"c\\\nd"\n'
    with moving.connect("src", "copy") as connection:
        connection.execute('CREATE TABLE "Item" (name text, id integer, extra integer)')
    table = {"table": 'public."Item"', "columns": ["ID", "name"]}

    done = bring_in(moving, uri("a.csv"), fileType="CSV", csvImportOptions=table)
    assert "error" not in done, why(done)
    found = rows(moving, 'SELECT id, name FROM "Item" ORDER BY id')
    assert found == rows(moving, "SELECT id, name FROM s.item ORDER BY id", "app")

    codes = {"fieldsTerminatedBy": "3B", "quoteCharacter": "27", "escapeCharacter": "5C"}
    odd = export(moving, "b.csv.gz", fileType="CSV", csvExportOptions=options | codes)
    assert "error" not in odd
    text = gzip.decompress(stored(moving, "b.csv.gz").read_bytes()).decode()
    assert text == "1;a,\"b\n2;\n3;'c\\\\\nd'\n"
    again = bring_in(moving, uri("b.csv.gz"), fileType="CSV", csvImportOptions=table | codes)
    assert "error" not in again, why(again)
    assert rows(moving, 'SELECT count(*) FROM "Item"') == [(6,)]

    # One bad row: none of the file's is in.
    bad = put(moving, "bad.csv", b"7,x\neight,y\n")
    failed = bring_in(moving, bad, fileType="CSV", csvImportOptions=table)
    assert 'invalid input syntax for type integer: "eight"' in why(failed)
    assert rows(moving, 'SELECT count(*) FROM "Item"') == [(6,)]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"CREATE TABLE broken (;\n", "broken.sql", "exit status 3"),
        (b"not gzip at all", "fake.sql.gz", "no gzip file"),
        (gzip.compress(b"SELECT 1;\n" * 999)[:-20], "cut.sql.gz", "no gzip file"),
        (gzip.compress(b"SELECT 1;\n"), "named.sql", "exit status 3"),
        (b"PGDMP\x01\x0e", "custom.sql", "exit status"),
        (b"\\connect app\n", "connect.sql", "restricted"),
    ],
    ids=["broken", "no-gzip", "cut-gzip", "gzip-named-sql", "custom-format", "meta-command"],
)
def test_a_file_that_is_no_good_fails(
    moving: LocalServer, content: bytes, name: str, said: str
) -> None:
    failed = bring_in(moving, put(moving, name, content))
    assert said in why(failed)
    assert failed["error"]["errors"][0]["code"] == "ERROR_RDBMS"


def test_what_is_not_there_fails(moving: LocalServer) -> None:
    assert "does not exist" in why(bring_in(moving, uri("never.sql")))
    good = put(moving, "good.sql", b"SELECT 1;\n")
    assert 'database "never" does not exist' in why(bring_in(moving, good, database="never"))
    assert 'database "never" does not exist' in why(export(moving, "never.sql", "never"))
    assert not stored(moving, "never.sql").exists()
    for user in ("never", "cloudsqladmin", "pg_execute_server_program", "cloudsqlimportexport"):
        assert "does not exist" in why(bring_in(moving, good, importUser=user))


ATTACKS = (
    "\\! touch {mark}",
    "SELECT 1 \\g |touch {mark}",
    "\\o |touch {mark}",
    "\\copy (SELECT 1) TO PROGRAM 'touch {mark}'",
    "\\unrestrict 0\n\\! touch {mark}",
    "\\restrict abc\n\\unrestrict abc\n\\! touch {mark}",
    "-- a comment\n\\restrict abc\nSELECT 1;\n\\unrestrict abc\n\\! touch {mark}",
    "\\set x `touch {mark}`",
    "COPY (SELECT 1) TO PROGRAM 'touch {mark}';",
    "GRANT pg_execute_server_program TO postgres;\nCOPY (SELECT 1) TO PROGRAM 'touch {mark}';",
    "RESET ROLE; RESET SESSION AUTHORIZATION; COPY (SELECT 1) TO '{mark}';",
    "SET ROLE cloudsqladmin; COPY (SELECT 1) TO '{mark}';",
    "GRANT pg_write_server_files TO postgres; COPY (SELECT 1) TO '{mark}';",
    "SET ROLE NONE; COPY (SELECT 1) TO '{mark}';",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_foreign_file_runs_no_program_and_writes_no_file(
    moving: LocalServer, attack: str
) -> None:
    folder = moving.data.parent / "marks"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    mark = folder / "mark"
    content = attack.format(mark=mark).encode() + b"\n"

    failed = bring_in(moving, put(moving, "attack.sql", content))

    assert "exit status 3" in why(failed)
    assert not mark.exists()


def test_a_killed_server_leaves_no_program_of_an_import(moving: LocalServer) -> None:
    slow = put(moving, "slow.sql", b"CREATE TABLE begun ();\nSELECT pg_sleep(600);\n")
    begun = moving.begin("POST", "/instances/src/import", import_body(slow))
    home = Path(moving.status("src")["home"])
    wait_until(lambda: rows(moving, "SELECT to_regclass('begun')") != [(None,)])

    moving.kill_and_start()

    assert "stopped while this ran" in why(moving.get(f"/operations/{begun['name']}"))
    assert not (home.parent / "moving").exists()
    assert {Path(f"/proc/{pid}/cwd").readlink() for pid in working_in(moving.data)} == {home}
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%'"
    assert rows(moving, f"{sleeping} AND pid <> pg_backend_pid()") == [(0,)]
    assert {one["name"] for one in moving.get("/instances/src/users")["items"]} == {
        "postgres",
        "Odd \\user",
    }


def test_a_stop_ends_an_import_at_once(moving: LocalServer) -> None:
    slow = put(moving, "stopped.sql", b"CREATE TABLE stopping ();\nSELECT pg_sleep(600);\n")
    begun = moving.begin("POST", "/instances/src/import", import_body(slow))
    wait_until(lambda: rows(moving, "SELECT to_regclass('stopping')") != [(None,)])

    assert moving.stop() == 0

    moving.start()
    assert "stopped" in why(moving.get(f"/operations/{begun['name']}"))
