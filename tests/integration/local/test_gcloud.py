"""gcloud as shipped: instances, backups, databases, users, operations, flags, tiers."""

import shutil
from pathlib import Path

import pytest

from tests.integration.local.gcloud import Gcloud, together
from tests.integration.local.server import PASSWORD, Json, LocalServer

pytestmark = pytest.mark.skipif(
    shutil.which("gcloud") is None, reason="gcloud is not on this machine"
)
CREATE = (
    "--database-version=POSTGRES_15",
    "--edition=enterprise",
    "--tier=db-custom-1-3840",
    "--region=asia-east1",
    f"--root-password={PASSWORD}",
    "--backup",
    "--backup-start-time=02:30",
    "--enable-point-in-time-recovery",
    "--retained-backups-count=9",
    "--database-flags=work_mem=8192,log_lock_waits=on",
    "--maintenance-window-day=SUN",
    "--maintenance-window-hour=4",
    "--insights-config-query-insights-enabled",
)


@pytest.fixture
def gcloud(local: LocalServer, tmp_path: Path) -> Gcloud:
    return Gcloud(tmp_path, local.url)


def test_the_life_of_an_instance(local: LocalServer, gcloud: Gcloud) -> None:
    """Create, patch, back up, clone, restart, restore, delete; --async where a wait is no point."""
    created = gcloud("instances", "create", "g-life", *CREATE)
    created = created[0] if isinstance(created, list) else created
    settings = created["settings"]
    assert created["state"] == "RUNNABLE"
    assert settings["backupConfiguration"]["startTime"] == "02:30"
    assert settings["backupConfiguration"]["backupRetentionSettings"]["retainedBackups"] == 9
    assert settings["backupConfiguration"]["pointInTimeRecoveryEnabled"] is True
    assert settings["maintenanceWindow"] == {
        "kind": "sql#maintenanceWindow", "day": 7, "hour": 4,
    }  # fmt: skip
    assert settings["insightsConfig"]["queryInsightsEnabled"] is True
    with local.connect("g-life") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")

    patched = gcloud("instances", "patch", "g-life", "--database-flags=work_mem=4096")
    assert patched["new"]["settings"]["databaseFlags"] == [{"name": "work_mem", "value": "4096"}]
    assert patched["old"]["settings"]["settingsVersion"] == "1"

    begun = gcloud("backups", "create", "--instance=g-life", "--description=g", "--async")
    run = begun["backupContext"]["backupId"]
    waited = gcloud("operations", "wait", begun["name"])
    assert (waited[0]["status"], waited[0]["operationType"]) == ("DONE", "BACKUP_VOLUME")
    with local.connect("g-life") as connection:
        connection.execute("INSERT INTO kept VALUES (2)")

    gcloud("instances", "restart", "g-life", "--async")
    local.done(local.get("/operations?instance=g-life")["items"][0])
    assert rows(local, "g-life") == [1, 2]
    gcloud("instances", "clone", "g-life", "g-clone")
    assert rows(local, "g-clone") == [1, 2]
    restore = gcloud("backups", "restore", run, "--restore-instance=g-life", "--async")
    local.done(local.get(f"/operations/{restore['name']}"))
    assert rows(local, "g-life") == [1]
    restore = gcloud(
        "instances", "restore-backup", "g-clone", f"--backup-id={run}",
        "--backup-instance=g-life", "--async",
    )  # fmt: skip
    local.done(local.get(f"/operations/{restore['name']}"))
    assert rows(local, "g-clone") == [1]

    gcloud("backups", "delete", run, "--instance=g-life")
    assert local.ask("GET", f"/instances/g-life/backupRuns/{run}").status == 404
    together(
        lambda: gcloud("instances", "delete", "g-life"),
        lambda: gcloud("instances", "delete", "g-clone", "--async"),
    )
    local.done(local.get("/operations?instance=g-clone")["items"][0])
    assert not {"g-life", "g-clone"} & set(local.names())


def rows(local: LocalServer, name: str) -> list[int]:
    with local.connect(name) as connection:
        return [row[0] for row in connection.execute("SELECT n FROM kept ORDER BY n")]


def test_the_other_commands(local: LocalServer, gcloud: Gcloud) -> None:
    operation = local.do("POST", "/instances/main/backupRuns", {"description": "listed"})
    run = operation["backupContext"]["backupId"]

    def instances() -> None:
        described = gcloud("instances", "describe", "main")
        assert described == local.get("/v1beta4/projects/demo/instances/main") | {
            "selfLink": described["selfLink"]
        }
        listed = gcloud("instances", "list", "--filter=name=main AND settings.tier:db-custom*")
        assert [one["name"] for one in listed] == ["main"]
        missing = gcloud.run("instances", "describe", "nowhere")
        assert missing.returncode == 1
        assert "The Cloud SQL instance does not exist." in missing.stderr

    def backups() -> None:
        runs = gcloud("backups", "list", "--instance=main")
        found = next(one for one in runs if one["id"] == run)
        assert (found["status"], found["description"]) == ("SUCCESSFUL", "listed")
        described = gcloud("backups", "describe", run, "--instance=main")
        assert without_links(described) == without_links(found)

    def operations() -> None:
        listed = gcloud("operations", "list", "--instance=main", "--limit=5")
        assert operation["name"] in {one["name"] for one in listed}
        described = gcloud("operations", "describe", operation["name"])
        assert without_links(described) == without_links(operation)

    def catalogues() -> None:
        flags = gcloud("flags", "list", "--database-version=POSTGRES_15")
        assert {"work_mem", "max_connections"} <= {one["name"] for one in flags}
        tiers = {one["tier"]: one for one in gcloud("tiers", "list")}
        assert tiers["db-custom-2-7680"]["RAM"] == str(7680 * 1024**2)

    together(instances, backups, operations, catalogues, lambda: changes(local, gcloud))


def without_links(resource: Json) -> Json:
    """Return a resource without its links: they have the version that was asked."""
    return {name: one for name, one in resource.items() if not name.endswith("Link")}


def changes(local: LocalServer, gcloud: Gcloud) -> None:
    """Databases and users of main, one after the other: it does one operation at a time."""
    on = "--instance=main"
    made = gcloud("databases", "create", "g-shop", on)
    assert (made["name"], made["instance"]) == ("g-shop", "main")
    described = gcloud("databases", "describe", "g-shop", on)
    assert (described["charset"], described["kind"]) == ("UTF8", "sql#database")
    patched = gcloud("databases", "patch", "g-shop", on, "--charset=UTF8", "--diff")
    assert patched["new"] == patched["old"]
    assert {"postgres", "g-shop"} <= {one["name"] for one in gcloud("databases", "list", on)}
    gcloud("databases", "delete", "g-shop", on)
    assert local.ask("GET", "/instances/main/databases/g-shop").status == 404

    gcloud("users", "create", "g-bob", on, "--password=one")
    assert gcloud("users", "describe", "g-bob", on)["type"] == "BUILT_IN"
    gcloud("users", "set-password", "g-bob", on, f"--password={PASSWORD}")
    with local.connect("main", user="g-bob") as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("g-bob",)
    assert {"postgres", "g-bob"} <= {one["name"] for one in gcloud("users", "list", on)}
    gcloud("users", "delete", "g-bob", on)
    assert local.ask("GET", "/instances/main/users/g-bob").status == 404
