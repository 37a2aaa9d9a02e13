"""Export: SQL and CSV to objects in buckets that are folders; what can be no object."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from google.cloud import sqladmin_v1beta4 as sqladmin

from tests.integration.local.moving import (
    BUCKET,
    bring_in,
    export,
    export_body,
    import_body,
    put,
    rows,
    stored,
    uri,
    wait_until,
    why,
)
from tests.integration.local.server import PROJECT, Json, LocalServer


@pytest.mark.usefixtures("empty_copy")
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


def test_what_is_there_is_not_written_over(moving: LocalServer) -> None:
    put(moving, "there.sql", b"mine")
    done = export(moving, "there.sql")
    assert "already exists" in why(done)
    assert stored(moving, "there.sql").read_bytes() == b"mine"


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
@pytest.mark.usefixtures("empty_copy")
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
