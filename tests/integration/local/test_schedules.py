"""Automated backups in their window, retention, and how far back the log reaches."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.local.server import Json, LocalServer, clone_body, running

LIMIT_S = 40
DAY_S = 86400
# Two automated backups are kept, and one day of log.
BACKUPS = {
    "enabled": True,
    "pointInTimeRecoveryEnabled": True,
    "startTime": "03:00",
    "transactionLogRetentionDays": 1,
    "backupRetentionSettings": {"retainedBackups": 2},
}


@pytest.fixture(scope="module")
def timed() -> Iterator[LocalServer]:
    with running() as server:
        server.create("timed", backupConfiguration=BACKUPS)
        yield server


def until(found: Callable[[], object], server: LocalServer) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not found():
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.05)


def insist(server: LocalServer, verb: str, path: str, body: Json = None) -> None:
    """Do what may meet an operation of the server's own, as clients do: ask again after a 409."""
    deadline = time.monotonic() + LIMIT_S
    while (answer := server.ask(verb, path, body)).status == 409:
        assert time.monotonic() < deadline, answer.body
        time.sleep(0.05)
    assert answer.status == 200, answer.body
    assert "error" not in server.done(answer.body)


def runs(server: LocalServer, kind: str = "AUTOMATED") -> list[Json]:
    listed = server.get("/instances/timed/backupRuns").get("items", [])
    return [one for one in listed if one["type"] == kind]


def idle(server: LocalServer) -> bool:
    return bool(server.get("/local/v1/status")["operations_running"] == 0)


def now(server: LocalServer) -> datetime:
    return datetime.fromisoformat(server.get("/local/v1/clock")["now"])


def window_after(moment: datetime, days: int = 1) -> datetime:
    """Return when the next window but some days begins, at 03:00."""
    today = moment.replace(hour=3, minute=0, second=0, microsecond=0)
    return today + timedelta(days=days if today <= moment else days - 1)


def set_to(server: LocalServer, moment: datetime) -> None:
    server.begin("POST", "/local/v1/clock", {"to": moment.isoformat()})


def home(server: LocalServer) -> Path:
    return Path(server.status("timed")["home"]).parent


def segments(server: LocalServer) -> list[str]:
    archive = Path(server.status("timed")["archive"])
    return sorted(path.name for path in archive.iterdir() if len(path.name) == 24)


def settle(server: LocalServer) -> None:
    """Set the clock on by an hour: a day before lies in a time that it was set past.

    The beginning of the recovery window then stands still, and can be recovered to.
    """
    set_to(server, now(server) + timedelta(hours=1))


def next_backup(server: LocalServer, days: int = 1) -> Json:
    """Set the clock into a window to come, and return the backup run it makes."""
    window = window_after(now(server), days)
    set_to(server, window + timedelta(minutes=5))
    expected = window.strftime("%Y-%m-%dT03:00:00.000Z")
    until(lambda: [one["windowStartTime"] for one in runs(server)][:1] == [expected], server)
    until(lambda: idle(server), server)
    return runs(server)[0]


def test_a_window_makes_one_backup_and_those_missed_make_none(timed: LocalServer) -> None:
    assert runs(timed) == []  # its first window is still to come

    run = next_backup(timed)

    assert (run["status"], run["type"]) == ("SUCCESSFUL", "AUTOMATED")
    assert run["windowStartTime"] <= run["enqueuedTime"] <= run["startTime"] <= run["endTime"]
    kinds = [one["operationType"] for one in timed.get("/operations?instance=timed")["items"]]
    assert kinds[0] == "BACKUP_VOLUME"
    # Within the same window nothing more is due; three windows later the last one is.
    set_to(timed, now(timed) + timedelta(hours=1))
    insist(timed, "POST", "/instances/timed/backupRuns", {"description": "by hand"})
    assert len(runs(timed)) == 1
    next_backup(timed, days=3)
    assert len(runs(timed)) == 2


def test_the_oldest_go_and_those_on_demand_are_not_counted(timed: LocalServer) -> None:
    before = [one["id"] for one in runs(timed)]

    newest = next_backup(timed)

    until(lambda: idle(timed) and len(runs(timed)) == 2, timed)
    assert [one["id"] for one in runs(timed)] == [newest["id"], before[0]]
    assert len(runs(timed, "ON_DEMAND")) == 1
    deleted = timed.get("/operations?instance=timed")["items"][0]
    assert (deleted["operationType"], deleted["backupContext"]["backupId"]) == (
        "DELETE_BACKUP",
        before[1],
    )


def test_the_log_goes_with_its_window_and_a_time_before_it_is_refused(timed: LocalServer) -> None:
    with timed.connect("timed") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS n")
    early = timed.get("/instances/timed/getLatestRecoveryTime")
    first = segments(timed)[0]

    next_backup(timed)
    next_backup(timed)
    settle(timed)

    until(lambda: segments(timed)[0] > first, timed)
    recovery = timed.get("/instances/timed/getLatestRecoveryTime")
    assert recovery["earliestRecoveryTime"] > early["latestRecoveryTime"]
    assert datetime.fromisoformat(recovery["latestRecoveryTime"]) <= datetime.now(UTC)
    never = clone_body("never", early["latestRecoveryTime"])
    refused = timed.ask("POST", "/instances/timed/clone", never)
    assert (refused.status, refused.reason) == (400, "invalid")
    assert "outside the recovery window" in refused.body["error"]["message"]
    # What is left leads from the beginning of the window to its end.
    for moment in (recovery["earliestRecoveryTime"], recovery["latestRecoveryTime"]):
        insist(timed, "POST", "/instances/timed/clone", clone_body("then", moment))
        with timed.connect("then") as connection:
            assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
        timed.delete("then")
    # Base backups that nothing leads on from are no burden on the disk for ever.
    listed = {one["id"] for kind in ("AUTOMATED", "ON_DEMAND") for one in runs(timed, kind)}
    own = {path.name for path in (home(timed) / "bases").iterdir()} - listed
    assert len(own) <= 1


def test_killed_in_a_scheduled_backup_it_fails_and_is_made_up_for(timed: LocalServer) -> None:
    window = window_after(now(timed))
    set_to(timed, window + timedelta(minutes=5))
    expected = window.strftime("%Y-%m-%dT03:00:00.000Z")
    until(lambda: runs(timed)[0]["windowStartTime"] == expected, timed)
    half = runs(timed)[0]["id"]

    timed.kill_and_start()

    if runs(timed)[0]["status"] == "FAILED":  # it may have been quicker than the kill
        assert not (home(timed) / "bases" / half).exists()
        set_to(timed, now(timed) + timedelta(minutes=16))
        until(lambda: runs(timed)[0]["status"] == "SUCCESSFUL", timed)
    assert runs(timed)[0]["windowStartTime"] == expected
    until(lambda: idle(timed), timed)


def test_killed_in_a_clean_up_it_goes_on(timed: LocalServer) -> None:
    change = {"backupRetentionSettings": {"retainedBackups": 1}}
    insist(timed, "PATCH", "/instances/timed", {"settings": {"backupConfiguration": change}})
    for _ in range(2):  # at the beginning of the watcher's work, wherever that is
        until(lambda: not idle(timed) or len(good(timed)) == 1, timed)
        timed.kill_and_start()

    until(lambda: idle(timed) and len(good(timed)) == 1, timed)
    settle(timed)
    with timed.connect("timed") as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
    recovery = timed.get("/instances/timed/getLatestRecoveryTime")
    then = clone_body("then", recovery["earliestRecoveryTime"])
    insist(timed, "POST", "/instances/timed/clone", then)
    timed.delete("then")
    known = {path.name for path in (home(timed) / "bases").iterdir()}
    assert {good(timed)[0]["id"]} <= known


def good(server: LocalServer) -> list[Json]:
    return [one for one in runs(server) if one["status"] == "SUCCESSFUL"]


def test_a_stopped_instance_and_one_without_backups_have_none(timed: LocalServer) -> None:
    before = [one["id"] for one in runs(timed)]
    off = {"backupConfiguration": {"enabled": False, "pointInTimeRecoveryEnabled": False}}
    insist(timed, "PATCH", "/instances/timed", {"settings": off})
    set_to(timed, window_after(now(timed)) + timedelta(minutes=5))
    # Enabled within a window, it waits for the next one.
    on = {"backupConfiguration": {"enabled": True}}
    insist(timed, "PATCH", "/instances/timed", {"settings": {**on, "activationPolicy": "NEVER"}})
    set_to(timed, window_after(now(timed)) + timedelta(minutes=5))
    insist(timed, "PATCH", "/instances/timed", {"settings": {"activationPolicy": "ALWAYS"}})

    # What was due while it was stopped is made up for when it runs.
    until(lambda: idle(timed) and runs(timed)[0]["id"] not in before, timed)
    assert runs(timed)[0]["enqueuedTime"] > now(timed).strftime("%Y-%m-%dT03:05")
