"""Major versions: 17 beside 15; one without programs is refused by name."""

import pytest

from ops import programs
from tests.integration.local.server import LocalServer, instance_body

HERE = {server.major for server in programs.available()}
CLOUD_SQL = range(12, 19)


@pytest.mark.parametrize("major", [17])
def test_another_major_is_made_backed_up_cloned_and_restored(
    local: LocalServer, major: int
) -> None:
    if major not in HERE:
        pytest.skip(f"PostgreSQL {major} is not on this machine")
    name = f"of-{major}"
    body = instance_body(name, edition="ENTERPRISE") | {"databaseVersion": f"POSTGRES_{major}"}
    local.do("POST", "/instances", body)
    assert version(local, name) == major
    found = local.get(f"/instances/{name}")
    assert found["databaseInstalledVersion"].startswith(f"POSTGRES_{major}_")
    upgrades = [one["name"] for one in found.get("upgradableDatabaseVersions", [])]
    assert upgrades == [f"POSTGRES_{later}" for later in range(major + 1, 19)]

    with local.connect(name) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    run = local.do("POST", f"/instances/{name}/backupRuns", {})["backupContext"]["backupId"]
    with local.connect(name) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        moment = row[0].isoformat()
        connection.execute("INSERT INTO kept VALUES (2)")

    local.clone(name, f"{name}-then", moment)
    assert version(local, f"{name}-then") == major
    assert rows(local, f"{name}-then") == [1]
    restore = {"restoreBackupContext": {"backupRunId": run, "instanceId": name}}
    refused = local.ask("POST", "/instances/main/restoreBackup", restore)
    assert refused.status == 400
    assert f"POSTGRES_{major}" in refused.body["error"]["message"]
    local.do("POST", f"/instances/{name}/restoreBackup", restore)
    assert rows(local, name) == [1]
    local.delete(name, f"{name}-then")


def test_a_major_without_programs_is_refused_by_name(local: LocalServer) -> None:
    missing = next(major for major in CLOUD_SQL if major not in HERE)
    body = instance_body("missing", edition="ENTERPRISE")

    refused = local.ask("POST", "/instances", body | {"databaseVersion": f"POSTGRES_{missing}"})

    assert (refused.status, refused.reason) == (400, "invalid")
    told = refused.body["error"]["message"]
    assert f"POSTGRES_{missing}" in told
    assert f"postgresql-{missing}" in told
    assert "missing" not in local.names()


def version(local: LocalServer, name: str) -> int:
    with local.connect(name) as connection:
        return connection.info.server_version // 10_000


def rows(local: LocalServer, name: str) -> list[int]:
    with local.connect(name) as connection:
        return [row[0] for row in connection.execute("SELECT n FROM kept ORDER BY n")]
