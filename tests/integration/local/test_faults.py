"""Faults on demand: each is seen by a real client, and gone when it is cleared."""

import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from google.api_core import exceptions

from ops.cloudsql import ApiError, CloudSql, OperationFailedError
from tests.integration.local.server import (
    PASSWORD,
    PROJECT,
    Json,
    LocalServer,
    clone_body,
    instance_body,
    running,
    small_disk,
)

FAULTS = "/local/v1/faults"


@pytest.fixture(scope="module")
def faulty() -> Iterator[LocalServer]:
    with running() as server:
        server.create("main")
        with server.connect("main") as connection:
            connection.execute("CREATE TABLE t (n integer)")
            connection.execute("INSERT INTO t SELECT generate_series(1, 1000)")
        yield server


@pytest.fixture(autouse=True)
def _healed(faulty: LocalServer) -> Iterator[None]:
    yield
    clear(faulty)


def add(server: LocalServer, kind: str, **more: Json) -> Json:
    answer = server.ask("POST", FAULTS, {"kind": kind, **more})
    assert answer.status == 200, answer.body
    return answer.body


def clear(server: LocalServer) -> None:
    answer = server.ask("DELETE", FAULTS)
    assert answer.body == {"faults": []}


def get(server: LocalServer) -> int:
    return server.ask("GET", "/instances/main").status


def why(operation: Json) -> tuple[str, str]:
    error = operation["error"]["errors"][0]
    return error["code"], error["message"]


@pytest.mark.parametrize(
    ("kind", "error", "reason"),
    [
        ("unavailable", exceptions.ServiceUnavailable, "backendError"),
        ("rate-limit", exceptions.TooManyRequests, "rateLimitExceeded"),
        ("busy", exceptions.Conflict, "operationInProgress"),
    ],
)
def test_requests_are_refused_until_it_is_cleared(
    faulty: LocalServer, kind: str, error: type[exceptions.GoogleAPICallError], reason: str
) -> None:
    client = faulty.instances()
    request = {"project": PROJECT, "instance": "main"}
    added = add(faulty, kind, match="instances.g*", seconds=7)

    with pytest.raises(error) as refused:
        client.get(request=request)
    assert refused.value.errors[0]["reason"] == reason
    wait = refused.value.response.headers.get("Retry-After")
    assert wait == ("7" if kind == "rate-limit" else None)
    # Other methods, and the server's own status, are left alone.
    client.list(request={"project": PROJECT})
    shown = faulty.get("/local/v1/status")["faults"]
    assert shown == [added | {"hits": 1}]

    clear(faulty)
    assert client.get(request=request).name == "main"


def test_answers_are_late_until_it_is_cleared(faulty: LocalServer) -> None:
    first = add(faulty, "slow", match="instances.get", instance="main", seconds=0.7)
    add(faulty, "unavailable", match="instances.get", instance="other")
    assert duration(faulty) >= 0.7
    assert faulty.ask("GET", "/instances/other").status == 503
    faulty.ask("DELETE", f"{FAULTS}?id={first['id']}")
    assert duration(faulty) < 0.7
    assert faulty.ask("GET", "/instances/other").status == 503


def duration(server: LocalServer) -> float:
    begun = time.monotonic()
    assert get(server) == 200
    return time.monotonic() - begun


def test_the_same_seed_and_requests_meet_the_same_faults(faulty: LocalServer) -> None:
    def course(seed: int) -> list[int]:
        clear(faulty)
        add(faulty, "unavailable", match="instances.get", share=0.5, seed=seed)
        return [get(faulty) for _ in range(40)]

    first = course(1)
    assert {200, 503} == set(first)
    assert course(1) == first
    assert course(2) != first


def test_a_count_ends_by_itself(faulty: LocalServer) -> None:
    add(faulty, "unavailable", match="instances.get", count=2)
    assert [get(faulty) for _ in range(4)] == [503, 503, 200, 200]


def test_our_own_client_outlasts_a_storm(faulty: LocalServer) -> None:
    cloud = CloudSql(PROJECT, faulty.url)
    # Each answer is refused three times, for another reason each time.
    for kind in ("unavailable", "rate-limit", "busy"):
        add(faulty, kind, match="instances.restart", count=1, seconds=0)
        add(faulty, kind, match="operations.get", count=1, seconds=0, share=float(kind != "busy"))
        add(faulty, kind, match="instances.get", count=1, seconds=0, share=float(kind != "busy"))
    assert cloud.instance("main").name == "main"
    done = cloud.wait(cloud.restart("main"))
    assert done.status == "DONE"
    hits = [one["hits"] for one in faulty.get(FAULTS)["faults"]]
    assert sum(hits) == 7

    # A refusal that asks to wait longer than its patience is told at once.
    add(faulty, "rate-limit", match="instances.get", seconds=3600)
    begun = time.monotonic()
    with pytest.raises(ApiError, match="ask again later"):
        cloud.instance("main")
    assert time.monotonic() - begun < 5


def test_operations_fail_with_the_given_error(faulty: LocalServer) -> None:
    add(faulty, "operation-fails", match="BACKUP_*", code="BROKEN", message="as asked", count=1)
    cloud = CloudSql(PROJECT, faulty.url)
    with pytest.raises(OperationFailedError, match="BROKEN: as asked"):
        cloud.wait(cloud.create_backup("main", "fails"))
    assert cloud.backup_runs("main")[0].status == "FAILED"
    assert cloud.wait(cloud.create_backup("main", "works")).status == "DONE"

    add(faulty, "operation-fails", match="CREATE", instance="never")
    failed = faulty.done(faulty.begin("POST", "/instances", instance_body("never")))
    assert why(failed) == ("INTERNAL_ERROR", "An unknown error occurred.")
    assert "never" not in faulty.names()

    add(faulty, "operation-fails", match="CREATE_USER", code="BROKEN")
    user = {"name": "someone", "password": PASSWORD}
    failed = faulty.done(faulty.begin("POST", "/instances/main/users", user))
    assert why(failed)[0] == "BROKEN"
    clear(faulty)
    faulty.do("POST", "/instances/main/users", user)
    faulty.do("DELETE", "/instances/main/users?name=someone")


def test_an_operation_hangs_until_it_is_cleared_or_the_server_starts_again(
    faulty: LocalServer,
) -> None:
    add(faulty, "operation-hangs", match="RESTART")
    begun = faulty.begin("POST", "/instances/main/restart", {})
    refused = faulty.ask("POST", "/instances/main/restart", {})
    assert (refused.status, refused.reason) == (409, "operationInProgress")
    time.sleep(0.3)  # nothing tells that a thing goes on not to happen
    assert faulty.get(f"/operations/{begun['name']}")["status"] in ("PENDING", "RUNNING")
    clear(faulty)
    assert "error" not in faulty.done(begun)

    add(faulty, "operation-hangs", match="RESTART")
    begun = faulty.begin("POST", "/instances/main/restart", {})
    faulty.kill_and_start()
    assert faulty.get(FAULTS) == {"faults": []}
    assert "error" not in faulty.done(begun)


def test_an_operation_is_slow(faulty: LocalServer) -> None:
    add(faulty, "operation-slow", match="RESTART", seconds=1)
    begun = time.monotonic()
    faulty.do("POST", "/instances/main/restart", {})
    assert time.monotonic() - begun >= 1


def switch_wal(server: LocalServer, name: str = "main") -> Path:
    """Switch the WAL segment, and return the archived file."""
    facts = server.status(name)
    with psycopg.connect(
        host=facts["socket"], port=facts["port"], user="cloudsqladmin", dbname="postgres"
    ) as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    assert row is not None
    archived = Path(facts["archive"]) / str(row[0])
    deadline = time.monotonic() + 30
    while not archived.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return archived


def insert(server: LocalServer, number: int) -> datetime:
    """Insert a row, and return a time just before it."""
    with server.connect("main") as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        connection.execute("INSERT INTO t VALUES (%s)", (number,))
    assert row is not None
    found: datetime = row[0]
    return found


def test_a_spoiled_segment_stops_recovery_until_it_is_healed(faulty: LocalServer) -> None:
    moment = insert(faulty, 5000)
    archived = switch_wal(faulty)
    before = archived.read_bytes()
    wanted = insert(faulty, 5001).isoformat()
    body = clone_body("then", wanted)

    for kind in ("lost-wal", "corrupt-wal"):
        fault = add(faulty, kind, instance="main", which=moment.isoformat())
        assert fault["path"] == str(archived)
        assert archived.exists() == (kind == "corrupt-wal")
        failed = faulty.done(faulty.begin("POST", "/instances/main/clone", body))
        assert "recovery target" in why(failed)[1]
        assert "then" not in faulty.names()
        clear(faulty)
        assert archived.read_bytes() == before

    faulty.clone("main", "then", wanted)
    with faulty.connect("then") as connection:
        assert connection.execute("SELECT max(n) FROM t").fetchone() == (5000,)
    faulty.delete("then")


def test_the_segment_can_be_counted(faulty: LocalServer) -> None:
    newest = switch_wal(faulty)
    archive = newest.parent
    names = sorted(path.name for path in archive.iterdir() if len(path.name) == len(newest.name))
    for which, expected in (("oldest", names[0]), ("2", names[1]), ("newest", newest.name)):
        fault = add(faulty, "lost-wal", instance="main", which=which)
        assert Path(fault["path"]).name == expected
        clear(faulty)
        assert sorted(path.name for path in archive.iterdir() if path.name in names) == names


def restore(server: LocalServer, run: str) -> Json:
    context = {"restoreBackupContext": {"backupRunId": run, "instanceId": "main"}}
    return server.done(server.begin("POST", "/instances/main/restoreBackup", context))


def read_all(server: LocalServer) -> int:
    with server.connect("main") as connection:
        row = connection.execute("SELECT count(n) FROM t").fetchone()
    assert row is not None
    return int(row[0])


def test_a_spoiled_backup_shows_at_its_restore_until_it_is_healed(faulty: LocalServer) -> None:
    rows = read_all(faulty)
    run = faulty.do("POST", "/instances/main/backupRuns", {})["backupContext"]["backupId"]

    add(faulty, "lost-backup", instance="main", backup=run)
    assert "pg_control" in why(restore(faulty, run))[1]
    assert read_all(faulty) == rows
    clear(faulty)

    add(faulty, "corrupt-backup", instance="main")
    assert "error" not in restore(faulty, run)
    with pytest.raises(psycopg.errors.DataCorrupted, match="invalid page"):
        read_all(faulty)
    clear(faulty)

    assert "error" not in restore(faulty, run)
    assert read_all(faulty) == rows


def test_a_killed_primary_loses_its_connections_and_no_row(faulty: LocalServer) -> None:
    rows = read_all(faulty)
    with faulty.connect("main") as connection:
        add(faulty, "killed-primary", instance="main")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT pg_sleep(30)")
    # The server notices, and starts it again.
    deadline = time.monotonic() + 60
    while True:
        newest = faulty.get("/operations?instance=main")["items"][0]
        if newest["operationType"] == "AUTO_RESTART":
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "error" not in faulty.done(newest)
    assert read_all(faulty) == rows


def test_a_full_disk_fails_a_backup_until_it_is_cleared() -> None:
    with small_disk(150) as data:
        server = LocalServer(data).start()
        try:
            server.create("cramped", backupConfiguration={"enabled": True})
            fault = add(server, "full-disk", free_mb=30)
            assert os.statvfs(data).f_bavail * os.statvfs(data).f_frsize < 31 << 20
            failed = server.done(server.begin("POST", "/instances/cramped/backupRuns", {}))
            assert "No space left" in why(failed)[1]
            clear(server)
            assert not Path(fault["path"]).exists()
            server.do("POST", "/instances/cramped/backupRuns", {})
        finally:
            assert server.stop() == 0


def test_a_big_disk_is_not_filled(faulty: LocalServer) -> None:
    disk = os.statvfs(faulty.data)
    if disk.f_blocks * disk.f_frsize < 8 << 30:
        pytest.skip("the disk here is a small one")
    refused = faulty.ask("POST", FAULTS, {"kind": "full-disk"})
    assert (refused.status, refused.reason) == (400, "invalid")
    assert "--disk-mb" in refused.body["error"]["message"]


def test_what_was_destroyed_stays_so_and_rules_are_gone_after_a_start(
    faulty: LocalServer,
) -> None:
    run = faulty.do("POST", "/instances/main/backupRuns", {})["backupContext"]["backupId"]
    lost = Path(add(faulty, "lost-backup", instance="main", backup=run)["path"])
    add(faulty, "unavailable", match="instances.get")
    faulty.kill_and_start()
    assert faulty.get(FAULTS) == {"faults": []}
    assert get(faulty) == 200
    assert not lost.exists()
    assert not (faulty.data / "faults").exists()
    faulty.do("DELETE", f"/instances/main/backupRuns/{run}")


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ({"kind": "nope"}, 400, "Use one of: unavailable"),
        ([], 400, "JSON object"),
        ({"kind": "busy", "pattern": "x"}, 400, "'pattern'"),
        ({"kind": "busy", "share": 2}, 400, "share"),
        ({"kind": "busy", "share": "half"}, 400, "share"),
        ({"kind": "busy", "count": -1}, 400, "count"),
        ({"kind": "busy", "match": 7}, 400, "match"),
        ({"kind": "slow", "seconds": 1e9}, 400, "seconds"),
        ({"kind": "lost-wal"}, 404, "does not exist"),
        ({"kind": "lost-wal", "instance": "nope"}, 404, "does not exist"),
        ({"kind": "lost-wal", "instance": "main", "which": "middle"}, 400, "newest, oldest"),
        ({"kind": "lost-wal", "instance": "main", "which": "0"}, 400, "segments"),
        ({"kind": "lost-wal", "instance": "main", "which": "2999-01-01T00:00Z"}, 400, "2999"),
        ({"kind": "lost-wal", "instance": "main", "which": "2026-01-01T00:00"}, 400, "zone"),
        ({"kind": "lost-backup", "instance": "main", "backup": "1"}, 404, "Backup run 1"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    faulty: LocalServer, fault: Json, status: int, said: str
) -> None:
    refused = faulty.ask("POST", FAULTS, fault)
    assert refused.status == status, refused.body
    assert said in refused.body["error"]["message"]
    assert faulty.get(FAULTS) == {"faults": []}


def test_a_fault_that_is_not_there_is_not_cleared(faulty: LocalServer) -> None:
    assert faulty.ask("DELETE", f"{FAULTS}?id=7").status == 404
