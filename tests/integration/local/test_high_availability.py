"""REGIONAL instances: the standby, failover asked for and unasked, and what goes on over it."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from tests.integration.local.gcloud import Gcloud
from tests.integration.local.server import (
    DONE_LIMIT_S,
    PASSWORD,
    Json,
    LocalServer,
    running,
)
from tests.integration.local.writers import Writers

BACK_LIMIT_S = 20


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with running() as found:
        found.create("ha", availabilityType="REGIONAL")
        with found.connect("ha") as connection:
            connection.execute("CREATE TABLE t (n bigint PRIMARY KEY)")
        yield found


def postmaster(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split("\n", 1)[0])


def standby_data(server: LocalServer, name: str) -> Path:
    data = Path(server.status(name)["home"])
    return next(one for one in data.parent.glob("data*") if one != data)


def kill_primary(server: LocalServer, name: str) -> None:
    os.kill(postmaster(Path(server.status(name)["home"])), signal.SIGKILL)


def operations(server: LocalServer, name: str, kind: str) -> list[Json]:
    found = server.get(f"/operations?instance={name}")["items"]
    return [one for one in found if one["operationType"] == kind]


def settled(server: LocalServer, name: str) -> Json:
    """Wait until the standby is counted on and nothing works on the instance."""
    deadline = time.monotonic() + DONE_LIMIT_S
    while True:
        found = server.get(f"/instances/{name}")
        busy = [one for one in server.get("/operations")["items"] if one["status"] != "DONE"]
        if found["failoverReplica"]["available"] and not busy:
            return found
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.05)


def numbers(server: LocalServer, name: str = "ha") -> set[int]:
    with server.connect(name) as connection:
        return {row[0] for row in connection.execute("SELECT n FROM t").fetchall()}


def add(server: LocalServer, number: int, name: str = "ha") -> str:
    with server.connect(name) as connection:
        connection.execute("INSERT INTO t VALUES (%s)", (number,))
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment.isoformat()


def fail_over(server: LocalServer, name: str) -> Json:
    version = server.get(f"/instances/{name}")["settings"]["settingsVersion"]
    context = {"failoverContext": {"kind": "sql#failoverContext", "settingsVersion": version}}
    return server.do("POST", f"/instances/{name}/failover", context)


def test_commits_wait_for_a_standby_that_no_address_shows(server: LocalServer) -> None:
    found = settled(server, "ha")
    assert (found["gceZone"], found["secondaryGceZone"]) == ("asia-east1-b", "asia-east1-c")
    assert len(found["ipAddresses"]) == 1
    with server.connect("ha") as connection:
        connection.execute("SET synchronous_commit = on")
        states = connection.execute("SELECT count(*) FROM pg_stat_replication").fetchone()
    assert states == (1,)
    listening = (standby_data(server, "ha") / "postmaster.pid").read_text().splitlines()[5]
    assert listening.strip() == ""


def test_a_failover_keeps_the_address_and_every_commit(server: LocalServer) -> None:
    before = settled(server, "ha")
    moment = add(server, 1)
    add(server, 2)
    old_home = server.status("ha")["home"]

    operation = fail_over(server, "ha")

    assert operation["operationType"] == "FAILOVER"
    after = settled(server, "ha")
    assert after["ipAddresses"] == before["ipAddresses"]
    assert after["gceZone"] == before["secondaryGceZone"]
    assert after["secondaryGceZone"] == before["gceZone"]
    assert server.status("ha")["home"] != old_home
    assert numbers(server) >= {1, 2}

    # Point-in-time recovery goes on over it: to a time before and one after.
    later = add(server, 3)
    add(server, 4)
    server.clone("ha", "ha-before", moment)
    server.clone("ha", "ha-after", later)
    assert numbers(server, "ha-before") & {1, 2, 3, 4} == {1}
    assert numbers(server, "ha-after") & {1, 2, 3, 4} == {1, 2, 3}
    assert settled(server, "ha-after")["settings"]["availabilityType"] == "REGIONAL"
    latest = server.get("/instances/ha/getLatestRecoveryTime")["latestRecoveryTime"]
    assert latest >= moment[:19]
    server.delete("ha-before", "ha-after")


def test_a_killed_primary_fails_over_by_itself_and_loses_nothing(server: LocalServer) -> None:
    settled(server, "ha")
    address = server.status("ha")["address"]
    known = len(operations(server, "ha", "FAILOVER"))

    with Writers(address, PASSWORD, "t", first=1000) as writers:
        writers.wait_for(50)
        kill_primary(server, "ha")
        writers.wait_for(50)

    settled(server, "ha")
    assert len(operations(server, "ha", "FAILOVER")) == known + 1
    assert writers.acknowledged <= numbers(server)


def test_a_killed_standby_is_replaced_and_holds_no_commit_up(server: LocalServer) -> None:
    settled(server, "ha")
    os.kill(postmaster(standby_data(server, "ha")), signal.SIGKILL)

    begun = time.monotonic()
    add(server, 5)
    assert time.monotonic() - begun < 5

    settled(server, "ha")
    assert 5 in numbers(server)
    fail_over(server, "ha")
    assert 5 in numbers(server)


def test_a_restart_a_flag_a_restore_and_a_stop_keep_the_standby(server: LocalServer) -> None:
    settled(server, "ha")
    flags = [{"name": "max_connections", "value": "40"}]
    server.do("PATCH", "/instances/ha", {"settings": {"databaseFlags": flags}})
    settled(server, "ha")
    server.do("POST", "/instances/ha/restart")
    add(server, 6)
    settled(server, "ha")
    run = server.do("POST", "/instances/ha/backupRuns", {})["backupContext"]["backupId"]
    add(server, 7)

    context = {"restoreBackupContext": {"backupRunId": run, "instanceId": "ha"}}
    server.do("POST", "/instances/ha/restoreBackup", context)
    assert numbers(server) & {6, 7} == {6}
    settled(server, "ha")

    server.do("PATCH", "/instances/ha", {"settings": {"activationPolicy": "NEVER"}})
    assert not (standby_data(server, "ha") / "postmaster.pid").exists()
    server.do("PATCH", "/instances/ha", {"settings": {"activationPolicy": "ALWAYS"}})
    settled(server, "ha")
    kill_primary(server, "ha")
    with eventually(server, "ha") as connection:
        assert connection.execute("SHOW max_connections").fetchone() == ("40",)
    settled(server, "ha")
    assert numbers(server) & {6, 7} == {6}


@contextmanager
def eventually(server: LocalServer, name: str) -> Iterator[psycopg.Connection]:
    deadline = time.monotonic() + BACK_LIMIT_S
    while True:
        with suppress(psycopg.OperationalError), server.connect(name) as connection:
            yield connection
            return
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.05)


def test_high_availability_comes_and_goes_with_its_setting(server: LocalServer) -> None:
    server.create("zonal")
    home = Path(server.status("zonal")["home"]).parent
    assert "secondaryGceZone" not in server.get("/instances/zonal")

    regional = {"settings": {"availabilityType": "REGIONAL"}}
    server.done(server.begin("PATCH", "/instances/zonal", regional))
    settled(server, "zonal")
    with server.connect("zonal") as connection:
        connection.execute("CREATE TABLE t (n bigint)")
    fail_over(server, "zonal")
    assert numbers(server, "zonal") == set()

    zonal = {"settings": {"availabilityType": "ZONAL"}}
    server.done(server.begin("PATCH", "/instances/zonal", zonal))
    assert "failoverReplica" not in server.get("/instances/zonal")
    assert len(list(home.glob("data*"))) == 1

    # A zonal one whose PostgreSQL dies is started again where it was.
    kill_primary(server, "zonal")
    with eventually(server, "zonal") as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    (restart,) = operations(server, "zonal", "AUTO_RESTART")
    assert "error" not in server.done(restart)
    server.delete("zonal")


def test_what_can_not_fail_over_is_refused(server: LocalServer) -> None:
    server.create("plain", backupConfiguration={"enabled": False})
    context = {"failoverContext": {"settingsVersion": "1"}}

    refused = server.ask("POST", "/instances/plain/failover", context)
    assert refused.status == 400
    assert "high availability" in refused.body["error"]["message"]

    stale = {"failoverContext": {"settingsVersion": "99"}}
    refused = server.ask("POST", "/instances/ha/failover", stale)
    assert (refused.status, refused.reason) == (412, "staleData")
    assert server.ask("POST", "/instances/no/failover", stale).reason == "instanceDoesNotExist"
    server.delete("plain")


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not on this machine")
def test_gcloud_fails_over(server: LocalServer, tmp_path: Path) -> None:
    gcloud = Gcloud(tmp_path, server.url)
    before = settled(server, "ha")

    gcloud("instances", "failover", "ha")

    after = gcloud("instances", "describe", "ha")
    assert after["gceZone"] == before["secondaryGceZone"]
    assert after["ipAddresses"] == before["ipAddresses"]


@pytest.mark.parametrize("delay_s", [0.02, 0.2, 0.5, 1.0])
def test_a_server_killed_in_a_failover_goes_on_with_it(server: LocalServer, delay_s: float) -> None:
    before = settled(server, "ha")
    number = 10_000 + int(delay_s * 100)
    add(server, number)
    version = before["settings"]["settingsVersion"]
    context = {"failoverContext": {"settingsVersion": version}}
    operation = server.begin("POST", "/instances/ha/failover", context)
    time.sleep(delay_s)

    server.kill_and_start()

    assert "error" not in server.done(server.get(f"/operations/{operation['name']}"))
    after = settled(server, "ha")
    assert after["ipAddresses"] == before["ipAddresses"]
    assert after["gceZone"] == before["secondaryGceZone"]
    assert number in numbers(server)
    home = Path(server.status("ha")["home"]).parent
    assert sorted(one.name for one in home.glob("data*")) == ["data", "data.2"]
