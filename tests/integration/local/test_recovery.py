import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.local.server import PASSWORD, LocalServer, clone_body

SEGMENT_NAME_LENGTH = 24


def table(local: LocalServer, name: str) -> list[int]:
    with local.connect("main") as connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} (n integer)")
    return []


def content(local: LocalServer, instance: str, name: str) -> list[int]:
    with local.connect(instance) as connection:
        found = connection.execute(f"SELECT n FROM {name} ORDER BY n").fetchall()  # noqa: S608 - as above
    return [row[0] for row in found]


def add(local: LocalServer, name: str, number: int, instance: str = "main") -> str:
    """Insert a row, and return a time just after it."""
    with local.connect(instance) as connection:
        connection.execute(f"INSERT INTO {name} VALUES (%s)", (number,))  # noqa: S608 - as above
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return str(row[0].isoformat())


def test_an_idle_source_is_cloned_to_a_time_and_the_clone_again(local: LocalServer) -> None:
    table(local, "idle")
    moment = add(local, "idle", 1)

    local.clone("main", "idle-then", moment)
    assert content(local, "idle-then", "idle") == [1]

    # The clone's own point-in-time recovery works from its first moment.
    later = add(local, "idle", 2, "idle-then")
    add(local, "idle", 3, "idle-then")
    local.clone("idle-then", "idle-later", later)
    assert content(local, "idle-later", "idle") == [1, 2]
    facts = local.status("idle-later")
    assert facts["state"] == "RUNNABLE"
    assert facts["archive"] != local.status("main")["archive"]

    before_it_was = local.ask("POST", "/instances/idle-later/clone", clone_body("never", moment))
    assert before_it_was.status == 400
    assert "outside the recovery window" in before_it_was.body["error"]["message"]
    local.delete("idle-then", "idle-later")


def test_a_busy_source_is_cloned_to_a_time(local: LocalServer) -> None:
    table(local, "busy")
    enough = threading.Event()

    def write() -> None:
        with local.connect("main") as connection:
            number = 1000
            while not enough.is_set():
                connection.execute("INSERT INTO busy VALUES (%s)", (number,))
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        time.sleep(0.3)
        moment = add(local, "busy", 1)
        time.sleep(0.2)
        add(local, "busy", 2)
        local.clone("main", "busy-then", moment)
    finally:
        enough.set()
        writer.join()

    found = content(local, "busy-then", "busy")
    assert 1 in found
    assert 2 not in found
    assert found[-1] >= 1000
    local.delete("busy-then")


def test_a_clone_without_a_time_is_the_present(local: LocalServer) -> None:
    table(local, "present")
    add(local, "present", 1)

    local.clone("main", "present-now")

    add(local, "present", 2)
    assert content(local, "present-now", "present") == [1]
    with local.connect("present-now") as connection:
        ready = connection.execute("SELECT pg_is_in_recovery()").fetchone()
        assert ready == (False,)
        pending = connection.execute("SELECT name FROM pg_settings WHERE pending_restart")
        assert pending.fetchall() == []
    local.delete("present-now")


def test_the_latest_recovery_time_can_be_recovered_to(local: LocalServer) -> None:
    latest = local.get("/instances/main/getLatestRecoveryTime")["latestRecoveryTime"]

    local.clone("main", "latest", latest)

    assert local.names()["latest"] == "RUNNABLE"
    local.delete("latest")


@pytest.mark.parametrize("ahead", [timedelta(days=-400), timedelta(hours=1)])
def test_a_time_outside_the_window_is_refused(local: LocalServer, ahead: timedelta) -> None:
    moment = (datetime.now(UTC) + ahead).isoformat()

    refused = local.ask("POST", "/instances/main/clone", clone_body("never", moment))

    assert (refused.status, refused.reason) == (400, "invalid")
    assert "outside the recovery window" in refused.body["error"]["message"]
    assert "never" not in local.names()


@pytest.mark.parametrize(
    "when",
    [
        {"pointInTime": "0001-01-01T00:00:00+14:00"},
        {"pointInTime": "9999-12-31T23:59:59-14:00"},
        {"pitrTimestampMs": "253402300800000"},
        {"pitrTimestampMs": "-1000000000000000000"},
    ],
)
def test_a_time_in_no_year_is_refused(local: LocalServer, when: dict[str, str]) -> None:
    context = {"cloneContext": {"destinationInstanceName": "never", **when}}

    refused = local.ask("POST", "/instances/main/clone", context)

    assert (refused.status, refused.reason) == (400, "invalid")
    assert "never" not in local.names()


def test_a_backup_is_restored_in_place_and_into_another_instance(local: LocalServer) -> None:
    table(local, "restored")
    local.do("POST", "/instances/main/users", {"name": "keeper", "password": PASSWORD})
    add(local, "restored", 1)
    run = local.do("POST", "/instances/main/backupRuns", {})["backupContext"]["backupId"]
    add(local, "restored", 2)
    local.create("other", databaseFlags=[{"name": "max_connections", "value": "30"}])
    context = {"restoreBackupContext": {"backupRunId": run, "instanceId": "main"}}

    # The other one has fewer connections than the source: PostgreSQL recovers all the same.
    local.do("POST", "/instances/other/restoreBackup", context)
    assert content(local, "other", "restored") == [1]
    with local.connect("other", user="keeper") as connection:
        kept = connection.execute(
            "SELECT current_setting('max_connections'), current_setting('hot_standby')"
        ).fetchone()
        assert kept == ("30", "on")

    local.do("POST", "/instances/main/restoreBackup", context)
    assert content(local, "main", "restored") == [1]

    # Its point-in-time recovery goes on in the new era, and still reaches back behind it.
    moment = add(local, "restored", 3)
    add(local, "restored", 4)
    local.clone("main", "after-restore", moment)
    assert content(local, "after-restore", "restored") == [1, 3]
    local.delete("other", "after-restore")


def test_a_lost_segment_fails_the_clone_and_leaves_nothing(local: LocalServer) -> None:
    local.create("torn")
    archived = sorted(path for path in listed(local.status("torn")["archive"]))
    next(path for path in reversed(archived) if len(path.name) == SEGMENT_NAME_LENGTH).unlink()
    with local.connect("torn") as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None

    operation = local.done(
        local.begin("POST", "/instances/torn/clone", clone_body("torn-then", row[0].isoformat()))
    )

    assert "recovery target" in operation["error"]["errors"][0]["message"]
    assert "torn-then" not in local.names()
    local.delete("torn")


def listed(folder: str) -> list[Path]:
    return list(Path(folder).iterdir())
