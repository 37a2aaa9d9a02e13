"""Backups that outlive their instance: retained, final, restored elsewhere, expired."""

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.local.gcloud import Gcloud
from tests.integration.local.server import PROJECT, Json, LocalServer, running

LIMIT_S = 30
# No automated backups: the clock is set forward.
SMALL = {"backupConfiguration": {"enabled": False}}


@pytest.fixture(scope="module")
def keeping() -> Iterator[LocalServer]:
    with running() as server:
        make(server, "narrow", 4)
        yield server


def until(found: Callable[[], object], server: LocalServer) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not found():
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.05)


def make(server: LocalServer, name: str, number: int, **settings: object) -> None:
    server.create(name, **{**SMALL, **settings})
    with server.connect(name) as connection:
        connection.execute("CREATE TABLE kept AS SELECT %s AS n", (number,))


def number(server: LocalServer, name: str) -> int:
    with server.connect(name) as connection:
        row = connection.execute("SELECT n FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def backups(server: LocalServer, query: str = "") -> list[Json]:
    return list(server.get(f"/backups{query}").get("backups", []))


def folders(server: LocalServer) -> set[str]:
    return {path.name for path in (server.data / "backups").glob("*")}


def restore(server: LocalServer, name: str, backup: Json, **more: object) -> Json:
    body = {"backup": backup["name"], **more}
    return server.do("POST", f"/instances/{name}/restoreBackup", body)


def test_a_final_and_the_retained_backups_outlive_a_killed_deletion(  # noqa: PLR0915 - one life, told from its end on
    keeping: LocalServer,
) -> None:
    flag = [{"name": "work_mem", "value": "8192"}]
    make(keeping, "gone", 1, retainBackupsOnDelete=True, databaseFlags=flag, dataDiskSizeGb="20")
    created = keeping.do("POST", "/backups", {"instance": "gone", "description": "by hand"})
    name = created["backupContext"]["name"]
    live = keeping.get(f"/backups/{name.rpartition('/')[2]}")
    assert (live["name"], live["state"], live["type"]) == (name, "SUCCESSFUL", "ON_DEMAND")
    assert live["instanceSettings"]["settings"]["dataDiskSizeGb"] == "20"
    assert "instanceDeletionTime" not in live
    with keeping.connect("gone") as connection:
        connection.execute("UPDATE kept SET n = 2")

    query = "?enableFinalBackup=true&finalBackupTtlDays=3&finalBackupDescription=the%20last"
    operation = keeping.begin("DELETE", f"/instances/gone{query}")
    time.sleep(0.2)  # PostgreSQL's programs are at work by then
    keeping.kill_and_start()
    assert "error" not in keeping.done(keeping.get(f"/operations/{operation['name']}"))

    assert keeping.names() == {"narrow": "RUNNABLE"}
    assert len(list((keeping.data / "instances").iterdir())) == 1
    final, by_hand = backups(keeping)
    assert folders(keeping) == {one["name"].rpartition("/")[2] for one in (final, by_hand)}
    assert (final["type"], final["description"]) == ("FINAL", "the last")
    lasts = datetime.fromisoformat(final["expiryTime"]) - datetime.fromisoformat(
        final["instanceDeletionTime"]
    )
    assert timedelta(days=2, hours=23) < lasts <= timedelta(days=3)
    assert by_hand["name"] == name
    assert "expiryTime" not in by_hand
    assert backups(keeping, "?filter=type:FINAL%20instance:gone") == [final]
    assert backups(keeping, "?filter=instance:other") == []

    # To a new instance, with the settings that were, or some others.
    path = "/instances/again/restoreBackup"
    operation = keeping.begin("POST", path, {"backup": final["name"]})
    time.sleep(0.3)
    keeping.kill_and_start()
    restored = keeping.done(keeping.get(f"/operations/{operation['name']}"))
    assert (restored["operationType"], "error" in restored) == ("RESTORE_VOLUME", False)
    assert number(keeping, "again") == 2
    settings = keeping.get("/instances/again")["settings"]
    assert (settings["databaseFlags"], settings["dataDiskSizeGb"]) == (flag, "20")
    overrides = {"settings": {"dataDiskSizeGb": "30", "databaseFlags": []}}
    restore(keeping, "wider", by_hand, restoreInstanceSettings=overrides)
    assert number(keeping, "wider") == 1
    assert keeping.get("/instances/wider")["settings"]["dataDiskSizeGb"] == "30"

    # To one that is there: its content goes, its settings stay; a smaller disk is refused.
    restore(keeping, "wider", final)
    assert number(keeping, "wider") == 2
    refused = keeping.ask("POST", "/instances/narrow/restoreBackup", {"backup": final["name"]})
    assert refused.status == 400
    assert "This operation isn't valid for this instance" in refused.body["error"]["message"]
    small = {"settings": {"dataDiskSizeGb": "10"}}
    body = {"backup": final["name"], "restoreInstanceSettings": small}
    refused = keeping.ask("POST", "/instances/narrower/restoreBackup", body)
    assert "20 GB" in refused.body["error"]["message"]
    keeping.delete("again", "wider")

    # The clock ends the final one with its files; the other lasts.
    keeping.begin("POST", "/local/v1/clock", {"forward_s": 3 * 86400})
    until(lambda: [one["name"] for one in backups(keeping)] == [name], keeping)
    until(lambda: folders(keeping) == {name.rpartition("/")[2]}, keeping)


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not on this machine")
def test_gcloud_works_with_backups_by_name(keeping: LocalServer, tmp_path: Path) -> None:
    gcloud = Gcloud(tmp_path, keeping.url)
    make(keeping, "named", 3, finalBackupConfig={"enabled": True, "retentionDays": 9})
    gcloud("backups", "create", "--instance=named", "--project-level", "--description=mine")
    gcloud("instances", "delete", "named")

    listed = gcloud("backups", "list", "--filter=instance:named")
    assert [one["type"] for one in listed] == ["FINAL"]
    name = listed[0]["name"]
    gcloud("backups", "patch", name, "--ttl-days=20", "--backup-description=longer")
    described = gcloud("backups", "describe", name)
    assert described["description"] == "longer"
    assert described["expiryTime"] > listed[0]["expiryTime"]
    options = ("--restore-instance=named", "--tier=db-custom-1-3840", "--async")
    begun = gcloud("backups", "restore", name, *options)
    assert "error" not in keeping.done(begun)
    assert number(keeping, "named") == 3
    gcloud("backups", "delete", name)
    assert name not in [one["name"] for one in backups(keeping)]
    keeping.delete("named")


def test_a_final_backup_that_fails_leaves_the_instance(keeping: LocalServer) -> None:
    bases = Path(keeping.status("narrow")["home"]).parent / "bases"
    aside = bases.rename(bases.with_name("aside"))
    bases.write_text("in the way")

    operation = keeping.done(keeping.begin("DELETE", "/instances/narrow?enableFinalBackup=true"))

    assert operation["error"]["errors"][0]["message"]
    assert keeping.names() == {"narrow": "RUNNABLE"}
    assert number(keeping, "narrow") == 4
    bases.unlink()
    aside.rename(bases)


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "words"),
    [
        ("GET", "/backups/1", None, 404, "does not exist"),
        ("GET", "/backups/x", None, 400, "projects/PROJECT/backups/BACKUP"),
        ("DELETE", "/backups/1", None, 404, "does not exist"),
        ("PATCH", "/backups/1", {"description": "x"}, 404, "does not exist"),
        ("POST", "/backups", {}, 400, "instance"),
        ("POST", "/backups", {"instance": "none"}, 404, "does not exist"),
        ("POST", "/instances/new/restoreBackup", {"backup": "x"}, 400, "backup name"),
        (
            "POST",
            "/instances/new/restoreBackup",
            {"backup": f"projects/{PROJECT}/backups/1"},
            404,
            "does not exist",
        ),
        (
            "POST",
            "/instances/new/restoreBackup",
            {"backupdrBackup": "x"},
            501,
            "Backup and DR",
        ),
        ("GET", "/backups?filter=((", None, 400, "filter"),
        ("GET", "/backups?pageToken=!", None, 400, "page token"),
    ],
)
def test_what_can_not_be_meant_is_refused(
    keeping: LocalServer, verb: str, path: str, body: Json, status: int, words: str
) -> None:
    refused = keeping.ask(verb, path, body)

    assert refused.status == status, refused.body
    assert words in refused.body["error"]["message"]


def test_an_expiry_out_of_range_and_of_a_living_instance_is_refused(
    keeping: LocalServer,
) -> None:
    created = keeping.do("POST", "/backups", {"instance": "narrow", "ttlDays": "2"})
    path = f"/backups/{created['backupContext']['backupId']}"
    assert "expiryTime" in keeping.get(path)

    for change, words in (
        ({"ttlDays": "3"}, "when its instance is gone"),
        ({"ttlDays": "400"}, "not between 1 and 365"),
        ({"ttlDays": "3", "expiryTime": "2099-01-01T00:00:00Z"}, "either"),
        ({"expiryTime": "2001-01-01T00:00:00Z"}, "in the future"),
    ):
        refused = keeping.ask("PATCH", path, change)
        assert refused.status == 400
        assert words in refused.body["error"]["message"]
    refused = keeping.ask("PATCH", f"{path}?updateMask=type", {"description": "x"})
    assert "can't be changed" in refused.body["error"]["message"]
    for query in ("finalBackupTtlDays=400", "finalBackupExpiryTime=2001-01-01T00:00:00Z"):
        refused = keeping.ask("DELETE", f"/instances/narrow?enableFinalBackup=true&{query}")
        assert refused.status == 400
    keeping.do("PATCH", f"{path}?updateMask=description", {"description": "new words"})
    assert keeping.get(path)["description"] == "new words"

    # A backup of its own expiry goes with it, while the instance lives.
    keeping.begin("POST", "/local/v1/clock", {"forward_s": 2 * 86400 + 60})
    until(lambda: keeping.ask("GET", path).status == 404, keeping)
