"""Read replicas: made, read from, promoted, switched to; what their primary may not do."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.integration.local.gcloud import Gcloud
from tests.integration.local.server import DONE_LIMIT_S, Json, LocalServer, running


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with running() as found:
        flags = [{"name": "max_connections", "value": "60"}]
        found.create("source", databaseFlags=flags)
        with found.connect("source") as connection:
            connection.execute("CREATE TABLE t (n bigint)")
        operation = found.do("POST", "/instances", replica_body("reader"))
        assert operation["operationType"] == "CREATE_REPLICA"
        yield found


def replica_body(name: str, primary: str = "source", **settings: Json) -> Json:
    return {
        "name": name,
        "masterInstanceName": primary,
        "settings": {"tier": "db-custom-2-7680", **settings},
    }


def add(server: LocalServer, number: int, name: str = "source") -> None:
    with server.connect(name) as connection:
        connection.execute("INSERT INTO t VALUES (%s)", (number,))


def numbers(server: LocalServer, name: str) -> list[int]:
    with server.connect(name) as connection:
        return [row[0] for row in connection.execute("SELECT n FROM t ORDER BY n").fetchall()]


def caught_up(server: LocalServer, name: str, number: int) -> None:
    """Wait until a replica shows a row."""
    deadline = time.monotonic() + DONE_LIMIT_S
    while True:
        with suppress(psycopg.OperationalError):  # it may be starting
            if number in numbers(server, name):
                return
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.02)


def test_a_replica_follows_its_primary_on_its_own_address(server: LocalServer) -> None:
    source, reader = server.get("/instances/source"), server.get("/instances/reader")
    assert source["replicaNames"] == ["reader"]
    assert source["instanceType"] == "CLOUD_SQL_INSTANCE"
    assert reader["instanceType"] == "READ_REPLICA_INSTANCE"
    assert reader["masterInstanceName"] == "demo:source"
    assert reader["databaseVersion"] == source["databaseVersion"]
    assert reader["ipAddresses"] != source["ipAddresses"]

    add(server, 1)
    caught_up(server, "reader", 1)
    with server.connect("reader") as connection:
        lag = connection.execute(
            "SELECT now() - pg_last_xact_replay_timestamp() < '1 min'"
        ).fetchone()
        assert lag == (True,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("INSERT INTO t VALUES (0)")

    server.do("POST", "/instances/source/restart")
    add(server, 2)
    caught_up(server, "reader", 2)
    server.do("POST", "/instances/reader/restart")
    add(server, 3)
    caught_up(server, "reader", 3)


def test_rows_are_exported_from_a_replica(server: LocalServer) -> None:
    server.ask("POST", "/local/v1/buckets", {"name": "copies"})
    add(server, 5)
    caught_up(server, "reader", 5)
    context = {
        "uri": "gs://copies/t.csv",
        "fileType": "CSV",
        "csvExportOptions": {"selectQuery": "SELECT n, pg_is_in_recovery() FROM t WHERE n = 5"},
    }

    server.do("POST", "/instances/reader/export", {"exportContext": context})

    assert (server.data / "buckets/copies/t.csv").read_text() == "5,t\n"
    context = {"uri": "gs://copies/t.csv", "fileType": "SQL", "database": "postgres"}
    refused = server.ask("POST", "/instances/reader/import", {"importContext": context})
    assert (refused.status, refused.reason) == (400, "errorReadReplicaInvalidOperation")


def test_a_stopped_replica_stays_as_it_is(server: LocalServer) -> None:
    add(server, 10)
    caught_up(server, "reader", 10)
    assert server.do("POST", "/instances/reader/stopReplica")["operationType"] == "STOP_REPLICA"
    add(server, 11)
    with server.connect("reader") as connection:
        assert connection.execute("SELECT * FROM pg_stat_wal_receiver").fetchall() == []
    assert 11 not in numbers(server, "reader")

    started = server.do("POST", "/instances/reader/startReplica")

    assert started["operationType"] == "START_REPLICA"
    caught_up(server, "reader", 11)


def test_a_replica_stopped_for_longer_than_the_log_is_kept_is_made_anew(
    server: LocalServer,
) -> None:
    server.do("POST", "/instances/reader/stopReplica")
    source = server.status("source")
    archive, socket = Path(source["archive"]), source["socket"]
    with psycopg.connect(f"host={socket} user=cloudsqladmin dbname=postgres", autocommit=True) as c:
        for number in range(13, 19):  # more than the 64 MB that a primary keeps back
            c.execute("INSERT INTO t VALUES (%s)", (number,))
            c.execute("SELECT pg_switch_wal()")
        c.execute("CHECKPOINT")
    until_archived(archive, 5)
    for segment in sorted(archive.iterdir()):  # as the window's end does
        segment.unlink()
    before = server.status("reader")["home"]

    server.do("POST", "/instances/reader/startReplica")

    caught_up(server, "reader", 18)
    assert server.status("reader")["home"] != before
    assert not Path(before).exists()


def until_archived(archive: Path, count: int) -> None:
    deadline = time.monotonic() + DONE_LIMIT_S
    while len(list(archive.iterdir())) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("verb", "path", "body", "reason"),
    [
        ("DELETE", "/instances/source", None, "errorReplicationMasterInvalidOperation"),
        ("POST", "/instances/source/promoteReplica", None, "invalid"),
        ("POST", "/instances/source/switchover", None, "invalid"),
        ("POST", "/instances/source/stopReplica", None, "invalid"),
        ("POST", "/instances/reader/backupRuns", {}, "errorReadReplicaInvalidOperation"),
        (
            "POST",
            "/instances/reader/clone",
            {"cloneContext": {"destinationInstanceName": "x"}},
            "errorReadReplicaInvalidOperation",
        ),
        (
            "PATCH",
            "/instances/source",
            {"settings": {"databaseFlags": [{"name": "max_connections", "value": "80"}]}},
            "invalidFlagValue",
        ),
        (
            "PATCH",
            "/instances/reader",
            {"settings": {"databaseFlags": [{"name": "max_connections", "value": "50"}]}},
            "invalidFlagValue",
        ),
        (
            "PATCH",
            "/instances/source",
            {"settings": {"backupConfiguration": {"pointInTimeRecoveryEnabled": False}}},
            "invalid",
        ),
        (
            "PATCH",
            "/instances/source",
            {"settings": {"activationPolicy": "NEVER"}},
            "errorReplicationMasterInvalidOperation",
        ),
        (
            "PATCH",
            "/instances/reader",
            {"settings": {"backupConfiguration": {"enabled": True}}},
            "errorReadReplicaInvalidOperation",
        ),
        ("POST", "/instances", replica_body("x", "reader"), "errorReadReplicaInvalidOperation"),
        ("POST", "/instances", replica_body("x", "none"), "instanceDoesNotExist"),
        (
            "POST",
            "/instances",
            {**replica_body("x"), "instanceType": "READ_POOL_INSTANCE", "nodeCount": 2},
            "invalid",
        ),
        (
            "POST",
            "/instances",
            replica_body("x", databaseFlags=[{"name": "max_connections", "value": "20"}]),
            "invalidFlagValue",
        ),
    ],
)
def test_what_replication_does_not_allow_is_refused(
    server: LocalServer, verb: str, path: str, body: Json, reason: str
) -> None:
    refused = server.ask(verb, path, body)

    assert (refused.status, refused.reason) == (
        404 if reason == "instanceDoesNotExist" else 400,
        reason,
    )
    assert set(server.names()) == {"source", "reader"}


def test_a_primary_with_replicas_is_not_restored_in_place(server: LocalServer) -> None:
    run = server.do("POST", "/instances/source/backupRuns", {})["backupContext"]["backupId"]

    context = {"restoreBackupContext": {"backupRunId": run}}
    refused = server.ask("POST", "/instances/source/restoreBackup", context)

    assert (refused.status, refused.reason) == (400, "errorReplicationMasterInvalidOperation")


def test_a_primary_without_point_in_time_recovery_has_no_replicas(server: LocalServer) -> None:
    server.create("plain", backupConfiguration={"enabled": True})

    refused = server.ask("POST", "/instances", replica_body("x", "plain"))

    assert refused.status == 400
    assert "point-in-time recovery" in refused.body["error"]["message"]
    server.delete("plain")


def test_replicas_follow_a_failover_and_come_back_after_a_kill(server: LocalServer) -> None:
    server.done(
        server.begin("PATCH", "/instances/source", {"settings": {"availabilityType": "REGIONAL"}})
    )
    home = Path(server.status("source")["home"])
    os.kill(int((home / "postmaster.pid").read_text().split("\n", 1)[0]), signal.SIGKILL)
    deadline = time.monotonic() + DONE_LIMIT_S
    while "FAILOVER" not in [
        one["operationType"]
        for one in server.get("/operations?instance=source")["items"]
        if one["status"] == "DONE"
    ]:
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.05)
    add(server, 20)
    caught_up(server, "reader", 20)

    reader = Path(server.status("reader")["home"])
    os.kill(int((reader / "postmaster.pid").read_text().split("\n", 1)[0]), signal.SIGKILL)
    server.kill_and_start()
    add(server, 21)
    caught_up(server, "reader", 21)
    server.done(
        server.begin("PATCH", "/instances/source", {"settings": {"availabilityType": "ZONAL"}})
    )


def test_a_replica_killed_as_it_became_a_primary_is_made_anew(server: LocalServer) -> None:
    reader = Path(server.status("reader")["home"])
    (reader / "standby.signal").unlink()  # as PostgreSQL does when it is promoted
    os.kill(int((reader / "postmaster.pid").read_text().split("\n", 1)[0]), signal.SIGKILL)

    add(server, 25)

    caught_up(server, "reader", 25)
    with server.connect("reader") as connection:
        assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
    deadline = time.monotonic() + DONE_LIMIT_S
    while reader.exists():
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.02)


def test_a_switchover_exchanges_the_roles_and_loses_nothing(server: LocalServer) -> None:
    server.do("POST", "/instances", replica_body("other"))
    add(server, 30)
    addresses = {one: server.status(one)["address"] for one in ("source", "reader", "other")}

    operation = server.do("POST", "/instances/reader/switchover")

    assert operation["operationType"] == "SWITCHOVER"
    reader, source = server.get("/instances/reader"), server.get("/instances/source")
    assert reader["instanceType"] == "CLOUD_SQL_INSTANCE"
    assert sorted(reader["replicaNames"]) == ["other", "source"]
    assert source["masterInstanceName"] == "demo:reader"
    assert "replicaNames" not in source
    assert {one: server.status(one)["address"] for one in addresses} == addresses
    assert 30 in numbers(server, "reader")
    add(server, 31, "reader")
    caught_up(server, "source", 31)
    caught_up(server, "other", 31)
    # It can be recovered to a point in time, as its predecessor could.
    with server.connect("reader") as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    add(server, 32, "reader")
    server.clone("reader", "then", row[0].isoformat())
    assert 31 in numbers(server, "then")
    assert 32 not in numbers(server, "then")
    server.delete("then")

    # And back, killed in the midst: it is carried on, while what it does not touch starts.
    begun = server.begin("POST", "/instances/source/switchover")
    time.sleep(0.3)
    server.kill_and_start()
    ended = server.done(server.get(f"/operations/{begun['name']}"))
    assert "error" not in ended, ended["error"]
    roles = {one: server.get(f"/instances/{one}").get("masterInstanceName") for one in addresses}
    assert roles == {"source": None, "reader": "demo:source", "other": "demo:source"}
    assert numbers(server, "source")[-2:] == [31, 32]
    add(server, 33)
    caught_up(server, "reader", 33)
    caught_up(server, "other", 33)


def test_a_promoted_replica_goes_its_own_way(server: LocalServer) -> None:
    operation = server.do("POST", "/instances/reader/promoteReplica")

    assert operation["operationType"] == "PROMOTE_REPLICA"
    reader = server.get("/instances/reader")
    assert reader["instanceType"] == "CLOUD_SQL_INSTANCE"
    assert "masterInstanceName" not in reader
    add(server, 40, "reader")
    add(server, 41)
    assert 40 in numbers(server, "reader")
    assert 40 not in numbers(server, "source")
    # Backups are its own affair now.
    backups = {"backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True}}
    server.done(server.begin("PATCH", "/instances/reader", {"settings": backups}))
    server.clone("reader", "heir")
    assert 40 in numbers(server, "heir")
    server.kill_and_start()
    assert numbers(server, "reader")[-1] == 40
    server.delete("other", "heir", "reader")
    assert server.names() == {"source": "RUNNABLE"}


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not on this machine")
def test_gcloud_makes_switches_to_and_promotes_a_replica(
    server: LocalServer, tmp_path: Path
) -> None:
    gcloud = Gcloud(tmp_path, server.url)

    gcloud("instances", "create", "twin", "--master-instance-name=source")
    assert server.get("/instances/source")["replicaNames"] == ["twin"]
    gcloud("instances", "switchover", "twin")
    assert server.get("/instances/twin")["replicaNames"] == ["source"]
    refused = gcloud.run("instances", "delete", "twin")
    assert "replication master" in refused.stderr
    gcloud("instances", "promote-replica", "source")
    assert server.get("/instances/source")["instanceType"] == "CLOUD_SQL_INSTANCE"

    server.delete("source", "twin")
    assert server.names() == {}
