"""Export and import: SQL and CSV, to and from objects in buckets that are folders."""

import gzip
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.cloud import sqladmin_v1beta4 as sqladmin

from tests.integration.local.server import PASSWORD, PROJECT, Json, LocalServer, running, working_in

BUCKET = "moves"


@pytest.fixture(scope="module")
def moving() -> Iterator[LocalServer]:
    """A server with the instance src, full, and two databases."""
    with running() as server:
        server.create("src", backupConfiguration={"enabled": False})
        server.ask("POST", "/local/v1/buckets", {"name": BUCKET})
        for name in ("app", "copy"):
            server.do("POST", "/instances/src/databases", {"name": name})
        server.do("POST", "/instances/src/users", {"name": "Odd \\user", "password": PASSWORD})
        with server.connect("src", "app") as connection:
            connection.execute("CREATE SCHEMA s")
            connection.execute("CREATE TABLE s.item (id integer PRIMARY KEY, name text)")
            connection.execute("COMMENT ON TABLE s.item IS 'kept'")
            connection.execute("CREATE TABLE other (id integer)")
            connection.execute("INSERT INTO s.item VALUES (1, 'a,\"b'), (2, NULL), (3, 'c\\\nd')")
        yield server


def uri(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


def stored(server: LocalServer, name: str) -> Path:
    return server.data / "buckets" / BUCKET / name


def put(server: LocalServer, name: str, content: bytes) -> str:
    stored(server, name).write_bytes(content)
    return uri(name)


def export_body(name: str, database: str = "app", **more: Json) -> dict[str, Json]:
    context = {"uri": uri(name), "fileType": "SQL", "databases": [database]}
    return {"exportContext": context | more}


def import_body(address: str, **more: Json) -> dict[str, Json]:
    return {"importContext": {"uri": address, "fileType": "SQL", "database": "copy"} | more}


def export(server: LocalServer, name: str, database: str = "app", **more: Json) -> Json:
    body = export_body(name, database, **more)
    return server.done(server.begin("POST", "/instances/src/export", body))


def bring_in(server: LocalServer, address: str, **more: Json) -> Json:
    return server.done(server.begin("POST", "/instances/src/import", import_body(address, **more)))


def why(operation: Json) -> str:
    return str(operation["error"]["errors"][0]["message"])


def rows(
    server: LocalServer, query: str, database: str = "copy", user: str = "postgres"
) -> list[tuple[Json, ...]]:
    with server.connect("src", database, user=user) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def _empty_copy(moving: LocalServer) -> None:
    moving.do("DELETE", "/instances/src/databases/copy")
    moving.do("POST", "/instances/src/databases", {"name": "copy"})


@pytest.mark.usefixtures("_empty_copy")
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


@pytest.mark.usefixtures("_empty_copy")
def test_tables_and_the_schema_alone(moving: LocalServer) -> None:
    options = {"tables": ["s.item"], "schemaOnly": True}
    assert "error" not in export(moving, "part.sql", sqlExportOptions=options)
    text = stored(moving, "part.sql").read_text()
    assert "CREATE TABLE s.item" in text
    assert "other" not in text
    assert "COPY" not in text
    missing = export(moving, "none.sql", sqlExportOptions={"tables": ["s.item", "nope"]})
    assert "exit status 1" in why(missing)
    assert 'no matching tables were found for pattern "nope"' in why(missing)
    assert not stored(moving, "none.sql").exists()


@pytest.mark.usefixtures("_empty_copy")
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


def test_what_is_there_is_not_written_over(moving: LocalServer) -> None:
    put(moving, "there.sql", b"mine")
    done = export(moving, "there.sql")
    assert "already exists" in why(done)
    assert stored(moving, "there.sql").read_bytes() == b"mine"


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


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pg_read_file('/etc/hostname')",
        "SELECT set_config('role', 'cloudsqladmin', false)",
        "SELECT 1) TO PROGRAM 'id' --",
        "SELECT 1) TO STDOUT; CREATE TABLE leaked (n integer); COPY (SELECT 1",
    ],
)
def test_a_query_has_no_powers_but_reading(moving: LocalServer, query: str) -> None:
    failed = export(moving, "leak.csv", fileType="CSV", csvExportOptions={"selectQuery": query})
    assert "error" in failed
    assert not stored(moving, "leak.csv").exists()
    assert rows(moving, "SELECT to_regclass('leaked')", "app") == [(None,)]


@pytest.mark.parametrize(
    "name",
    [
        "../../state.sqlite",
        "a/../../../state.sqlite",
        "/etc/passwd",
        "a//b",
        "a/.",
        "nul\0byte",
        "line\nbreak",
        "x" * 300,
        "d/" * 600 + "x",
    ],
)
def test_an_object_lies_in_its_bucket(moving: LocalServer, name: str) -> None:
    for verb, body in (("export", export_body(name)), ("import", import_body(uri(name)))):
        refused = moving.ask("POST", f"/instances/src/{verb}", body)
        assert refused.status == 400, refused.body
        assert refused.reason in ("invalid", "badRequest")


def test_a_link_out_of_a_bucket_is_not_followed(moving: LocalServer) -> None:
    link = stored(moving, "out")
    link.symlink_to(moving.data)
    assert "leads out" in why(bring_in(moving, uri("out/state.sqlite")))
    assert "leads out" in why(export(moving, "out/mine.sql"))
    link.unlink()


@pytest.mark.parametrize(
    ("verb", "change", "status", "said"),
    [
        ("export", {"uri": "gs://nope/x.sql"}, 403, "required permissions for the bucket"),
        ("import", {"uri": "gs://nope/x.sql"}, 403, "required permissions for the bucket"),
        ("export", {"uri": "file:///x.sql"}, 400, "gs://BUCKET/OBJECT"),
        ("export", {"fileType": "BAK"}, 400, "SQL, CSV"),
        ("import", {"fileType": None}, 400, "SQL, CSV"),
        ("export", {"databases": []}, 400, "one database"),
        ("export", {"databases": ["a", "b"]}, 400, "one database"),
        ("export", {"fileType": "CSV"}, 400, "selectQuery"),
        ("import", {"fileType": "CSV"}, 400, "table"),
        ("import", {"database": None}, 400, "database"),
        ("export", {"sqlExportOptions": {"parallel": True}}, 501, "parallel"),
        ("import", {"sqlImportOptions": {"parallel": True}}, 501, "parallel"),
        (
            "import",
            {"fileType": "CSV", "csvImportOptions": {"table": "t", "quoteCharacter": "zz"}},
            400,
            "hexadecimal",
        ),
        (
            "import",
            {"fileType": "CSV", "csvImportOptions": {"table": "t", "quoteCharacter": "2222"}},
            400,
            "single",
        ),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    moving: LocalServer, verb: str, change: dict[str, Json], status: int, said: str
) -> None:
    body = export_body("x.sql") if verb == "export" else import_body(uri("x.sql"))
    (context,) = body.values()
    refused = moving.ask("POST", f"/instances/src/{verb}", {next(iter(body)): context | change})
    assert refused.status == status, refused.body
    assert said in refused.body["error"]["message"]


@pytest.mark.parametrize("name", ["..", "a/b", "UPPER", "", None, 7])
def test_a_bucket_that_can_be_none_is_refused(moving: LocalServer, name: object) -> None:
    refused = moving.ask("POST", "/local/v1/buckets", {"name": name})
    assert (refused.status, refused.reason) == (400, "invalid")
    assert moving.get("/local/v1/status")["buckets"] == [BUCKET]


def test_one_at_a_time_and_a_killed_server_leaves_no_half_object(moving: LocalServer) -> None:
    slow = {"selectQuery": "SELECT n, pg_sleep(0.01) FROM generate_series(1, 10000) n"}
    body = export_body("slow.csv", fileType="CSV", csvExportOptions=slow)
    begun = moving.begin("POST", "/instances/src/export", body)
    second = moving.ask("POST", "/instances/src/import", import_body(uri("x.sql")))
    assert (second.status, second.reason) == (409, "operationInProgress")
    unfinished = moving.data / "buckets" / ".unfinished"
    wait_until(lambda: any(unfinished.iterdir()))

    moving.kill_and_start()

    assert "stopped while this ran" in why(moving.get(f"/operations/{begun['name']}"))
    assert not stored(moving, "slow.csv").exists()
    assert list(unfinished.iterdir()) == []


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


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_sdk_exports_and_imports(moving: LocalServer) -> None:
    client = moving.instances()
    context = sqladmin.ExportContext(
        uri=uri("sdk.sql"),
        databases=["app"],
        file_type=sqladmin.SqlFileType.SQL,
        offload=True,
        sql_export_options=sqladmin.ExportContext.SqlExportOptions(tables=["other"]),
    )
    body = sqladmin.InstancesExportRequest(export_context=context)
    done = moving.wait(client.export(request={"project": PROJECT, "instance": "src", "body": body}))
    assert done.export_context.uri == uri("sdk.sql")

    back = sqladmin.ImportContext(
        uri=uri("sdk.sql"), database="copy", file_type=sqladmin.SqlFileType.SQL
    )
    request = sqladmin.InstancesImportRequest(import_context=back)
    moving.wait(client.import_(request={"project": PROJECT, "instance": "src", "body": request}))
    assert rows(moving, "SELECT to_regclass('other')") == [("other",)]


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not on this machine")
@pytest.mark.usefixtures("_empty_copy")
def test_gcloud_exports_and_imports(moving: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("any")
    environment = {
        **os.environ,
        "CLOUDSDK_CONFIG": str(tmp_path),
        "CLOUDSDK_CORE_PROJECT": PROJECT,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(tmp_path / "token"),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_SQL": f"{moving.url}/",
    }

    def gcloud(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["gcloud", "sql", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    table, query = "--table=s.item", "--query=SELECT 4, 'd;d'"
    exports: tuple[tuple[str, ...], ...] = (
        ("export", "sql", "src", uri("g.sql.gz"), "--database=app", table, "--offload"),
        ("export", "csv", "src", uri("g.csv"), "--database=app", query, "--quote=27"),
    )
    for command in exports:
        done = gcloud(*command)
        assert done.returncode == 0, done.stderr
        assert "Exported" in done.stderr
    with moving.connect("src", "copy") as connection:
        connection.execute("CREATE SCHEMA s")
    csv_options = ("--table=s.item", "--columns=id,name", "--quote=27")
    imports: tuple[tuple[str, ...], ...] = (
        ("import", "sql", "src", uri("g.sql.gz"), "--database=copy", "--user=postgres"),
        ("import", "csv", "src", uri("g.csv"), "--database=copy", *csv_options),
    )
    for command in imports:
        done = gcloud(*command)
        assert done.returncode == 0, done.stderr
        assert "Imported" in done.stderr
    assert rows(moving, "SELECT name FROM s.item WHERE id = 4") == [("d;d",)]
