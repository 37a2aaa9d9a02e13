"""Settings and flags, users and databases, and their refusals."""

import os
from pathlib import Path

import psycopg
import pytest

from tests.integration.local.server import (
    PASSWORD,
    Json,
    LocalServer,
    clone_body,
    instance_body,
    small_disk,
)


def flags(**values: str) -> Json:
    given = [{"name": name, "value": value} for name, value in values.items()]
    return {"settings": {"databaseFlags": given}}


def shown(local: LocalServer, name: str) -> str:
    with local.connect("main") as connection:
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return str(row[0])


def test_flags_are_applied_in_base_units_and_replaced_whole(local: LocalServer) -> None:
    local.do("PATCH", "/instances/main", flags(work_mem="8192", max_connections="50"))
    assert (shown(local, "work_mem"), shown(local, "max_connections")) == ("8MB", "50")

    with local.connect("main") as connection:
        local.do("PATCH", "/instances/main", flags(work_mem="16384", max_connections="50"))
        # No restart for a flag that needs none.
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert shown(local, "work_mem") == "16MB"

    local.do("PATCH", "/instances/main", {"settings": {"databaseFlags": []}})
    assert (shown(local, "work_mem"), shown(local, "max_connections")) == ("4MB", "100")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("work_mem", "8MB"),
        ("work_mem", "1"),
        ("work_mem", "lots"),
        ("shared_buffers", "99999999"),
        ("autovacuum", "perhaps"),
        ("statement_timeout", "5"),
        ("listen_addresses", "*"),
    ],
)
def test_a_flag_out_of_range_is_refused(local: LocalServer, name: str, value: str) -> None:
    refused = local.ask("PATCH", "/instances/main", flags(**{name: value}))

    assert (refused.status, refused.reason) == (400, "invalidFlagValue")
    assert name in refused.body["error"]["message"]


def test_flags_that_postgresql_refuses_leave_the_old_set(local: LocalServer) -> None:
    before = local.get("/instances/main")["settings"]
    # PostgreSQL wants room for two segments of 16 MB, and says so only at a start.
    change = flags(max_wal_size="2", max_connections="50")

    operation = local.done(local.begin("PATCH", "/instances/main", change))

    assert "max_wal_size" in operation["error"]["errors"][0]["message"]
    assert local.get("/instances/main")["settings"] == before
    assert shown(local, "max_connections") == "100"


@pytest.mark.skipif(
    Path("/usr/lib/postgresql/15/lib/pg_cron.so").exists(), reason="pg_cron can be loaded here"
)
def test_a_flag_that_postgresql_does_not_start_with_is_named(local: LocalServer) -> None:
    change = flags(**{"cloudsql.enable_pg_cron": "on"})

    operation = local.done(local.begin("PATCH", "/instances/main", change))

    said = operation["error"]["errors"][0]["message"]
    assert "another value of cloudsql.enable_pg_cron: could not access file" in said
    assert shown(local, "shared_preload_libraries") == "pg_stat_statements"


def test_a_stale_settings_version_is_refused(local: LocalServer) -> None:
    version = local.get("/instances/main")["settings"]["settingsVersion"]
    settings = {"userLabels": {"team": "data"}, "settingsVersion": version}
    local.do("PATCH", "/instances/main", {"settings": settings})

    refused = local.ask("PATCH", "/instances/main", {"settings": settings})

    assert (refused.status, refused.reason) == (412, "staleData")
    found = local.get("/instances/main")["settings"]
    assert found["userLabels"]["team"] == "data"
    assert found["settingsVersion"] == str(int(version) + 1)


def test_a_second_operation_and_a_second_instance_of_a_name_are_refused(
    local: LocalServer,
) -> None:
    running = local.begin("POST", "/instances/main/backupRuns", {})
    busy = local.ask("POST", "/instances/main/restart")
    taken = local.ask("POST", "/instances", instance_body("main"))
    local.done(running)

    assert (busy.status, busy.reason) == (409, "operationInProgress")
    assert (taken.status, taken.reason) == (409, "instanceAlreadyExists")


def test_recovery_off_and_on_and_an_instance_stopped_and_started(local: LocalServer) -> None:
    local.create("switched", backupConfiguration={"enabled": True})
    assert local.ask("GET", "/instances/switched/getLatestRecoveryTime").status == 400
    local.clone("switched", "switched-now")  # by a base backup of its own, without an archive
    on = {"settings": {"backupConfiguration": {"pointInTimeRecoveryEnabled": True}}}
    local.do("PATCH", "/instances/switched", on)
    assert local.get("/instances/switched/getLatestRecoveryTime")["latestRecoveryTime"]

    local.do("PATCH", "/instances/switched", {"settings": {"activationPolicy": "NEVER"}})
    stopped = local.ask("POST", "/instances/switched/clone", clone_body("never"))
    assert (stopped.status, stopped.reason) == (400, "invalid")
    local.do("PATCH", "/instances/switched", {"settings": {"activationPolicy": "ALWAYS"}})
    with local.connect("switched") as connection:
        assert connection.execute("SHOW archive_mode").fetchone() == ("on",)
    local.delete("switched", "switched-now")


def test_users_and_databases(local: LocalServer) -> None:
    local.do("POST", "/instances/main/databases", {"name": "Shop 1"})
    local.do("POST", "/instances/main/users", {"name": "buyer", "password": PASSWORD})
    assert "Shop 1" in names(local, "databases")
    assert names(local, "users") == {"postgres", "buyer"}

    with local.connect("main", "Shop 1", user="buyer") as connection:
        connection.execute("CREATE TABLE mine (n integer)")
        connection.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
        connection.execute("SELECT bt_index_check('pg_class_oid_index')")
        powers = connection.execute(
            "SELECT rolcreatedb, rolcreaterole, rolsuper,"
            " pg_has_role('cloudsqlsuperuser', 'member') FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert powers == (True, True, False, True)

    twice = local.ask("POST", "/instances/main/users", {"name": "buyer", "password": "x"})
    assert (twice.status, twice.reason) == (400, "invalid")
    again = local.ask("POST", "/instances/main/databases", {"name": "Shop 1"})
    assert "already exists" in again.body["error"]["message"]
    owner = local.ask("DELETE", "/instances/main/users?host=&name=buyer")
    assert "depend on it" in owner.body["error"]["message"]

    local.do("PUT", "/instances/main/users?name=buyer", {"name": "buyer", "password": "other"})
    with pytest.raises(psycopg.OperationalError, match="password"):
        connect_as(local, "buyer")
    local.do("DELETE", "/instances/main/databases/Shop%201")
    local.do("DELETE", "/instances/main/users?host=&name=buyer")
    assert local.ask("DELETE", "/instances/main/users?name=buyer").reason == "notFound"
    with pytest.raises(psycopg.OperationalError, match="pg_hba"):
        connect_as(local, "cloudsqladmin")
    assert PASSWORD not in local.log() + Path(local.data / "state.sqlite").read_text(
        errors="replace"
    )


def names(local: LocalServer, kind: str) -> set[str]:
    return {one["name"] for one in local.get(f"/instances/main/{kind}")["items"]}


def connect_as(local: LocalServer, user: str) -> None:
    with local.connect("main", user=user):
        pass


def test_flags_and_tiers_are_listed(local: LocalServer) -> None:
    listed = local.get("/v1/flags?databaseVersion=POSTGRES_15")["items"]
    flag = next(one for one in listed if one["name"] == "max_connections")
    assert (flag["type"], flag["requiresRestart"]) == ("INTEGER", True)
    assert flag["minValue"] == "14"
    assert "db-custom-2-7680" in {one["tier"] for one in local.get("/tiers")["items"]}


def test_a_backup_is_listed_and_deleted(local: LocalServer) -> None:
    operation = local.do("POST", "/instances/main/backupRuns", {"description": "by hand"})
    run = operation["backupContext"]["backupId"]
    listed = local.get("/instances/main/backupRuns")["items"]
    assert listed[0]["id"] == run
    assert listed[0]["description"] == "by hand"

    local.do("DELETE", f"/instances/main/backupRuns/{run}")

    assert local.ask("GET", f"/instances/main/backupRuns/{run}").status == 404
    assert not (Path(local.status("main")["home"]).parent / "bases" / run).exists()


def test_a_full_disk_fails_the_backup_and_leaves_nothing() -> None:
    with small_disk(150) as data:
        local = LocalServer(data).start()
        local.create("cramped", backupConfiguration={"enabled": True})
        room = os.statvfs(data).f_bavail * os.statvfs(data).f_frsize
        ballast = data / "ballast"
        ballast.write_bytes(bytes(room - 30_000_000))

        operation = local.done(local.begin("POST", "/instances/cramped/backupRuns", {}))

        assert "No space left" in operation["error"]["errors"][0]["message"]
        run = local.get("/instances/cramped/backupRuns")["items"][0]
        assert run["status"] == "FAILED"
        assert "No space left" in run["error"]["message"]
        bases = Path(local.status("cramped")["home"]).parent / "bases"
        assert list(bases.iterdir()) == []
        ballast.unlink()
        local.do("POST", "/instances/cramped/backupRuns", {})
        assert local.stop() == 0
