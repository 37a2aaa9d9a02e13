"""Killing a primary until the first acknowledged write on its address, and what is lost.

Clients go on inserting all the time, each commit counted when it was acknowledged. The floor
is PostgreSQL's alone: a standby in recovery, promoted with pg_ctl, until it takes a write.

Beside it, in the same rounds, the failover drill: its write gap against the same floor. A drill's
failover is asked for, so that the old primary is stopped and fenced before the other is promoted.

Run with the project's Python: .venv/bin/python -m bench.failover [ROUNDS]
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from datetime import timedelta

import psycopg

from bench.floor import Bare, bare
from bench.stand import stand
from bench.timing import Pair, report, seconds
from infra.settings import Pool
from ops.cloudsql import CloudSql
from ops.console import Silent
from ops.db import CHANGE, Database, PasswordFolder
from ops.failover.perform import perform
from ops.failover.plan import Options
from ops.failover.source import Source
from ops.localserver import LocalInstance, Server
from ops.migrations import files
from ops.store import FolderStore

PROJECT, NAME = "bench", "ha"
CLIENTS = 4
WRITING_S = 1.0  # before each kill
LIMIT_S = 60
SETTINGS = {
    "tier": "db-custom-1-3840",
    "edition": "ENTERPRISE",
    "availabilityType": "REGIONAL",
    "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True},
}
PASSWORD = "bench"  # noqa: S105 - of an instance that lives as long as this run


class _Clients:
    """Connections that insert, and connect again when they are thrown out."""

    def __init__(self, address: str, port: int) -> None:
        self.acknowledged: list[int] = []
        self.first: list[tuple[float, float]] = []
        self._where = f"host={address} port={port} user=postgres dbname=postgres"
        self._enough = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(client,)) for client in range(CLIENTS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def first_after(self, moment: float) -> float:
        """Wait for the first commit on a connection made after a moment; return its time."""
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            times = [at for connected, at in self.first if connected > moment]
            if times:
                return min(times)
            time.sleep(0.002)
        sys.exit("no write was acknowledged after the kill")

    def _write(self, client: int) -> None:
        number = client
        while not self._enough.is_set():
            with (
                suppress(psycopg.OperationalError),
                psycopg.connect(self._where, password=PASSWORD, autocommit=True) as connection,
            ):
                connected = time.monotonic()
                while not self._enough.is_set():
                    number += CLIENTS
                    connection.execute("INSERT INTO t VALUES (%s)", (number,))
                    self.acknowledged.append(number)
                    if connected:
                        self.first.append((connected, time.monotonic()))
                        connected = 0.0
            time.sleep(0.002)


def _provision(api: CloudSql) -> None:
    body = {
        "name": NAME,
        "region": "asia-east1",
        "databaseVersion": "POSTGRES_15",
        "rootPassword": PASSWORD,
        "settings": SETTINGS,
    }
    api.wait(api.insert(body))


def _is_available(server: Server) -> bool:
    request = urllib.request.Request(  # noqa: S310 - the server's own http address
        f"{server.url}/v1/projects/{PROJECT}/instances/{NAME}",
        headers={"Authorization": "Bearer any"},
    )
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:  # noqa: S310 - as above
        return bool(json.load(answer)["failoverReplica"]["available"])


def _settled(server: Server) -> LocalInstance:
    """Wait until nothing works on the instance and its standby is counted on."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if _is_available(server) and not server.ask("GET", "status")["operations_running"]:
            found = server.instance(NAME)
            if found is not None:
                return found
        time.sleep(0.05)
    sys.exit("the standby did not come back")


def _round(server: Server) -> tuple[float, int, int]:
    """Kill the primary under load; return seconds, acknowledged commits and lost ones."""
    instance = _settled(server)
    where = f"host={instance.address} port={instance.port} user=postgres dbname=postgres"
    with psycopg.connect(where, password=PASSWORD, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS t")
        connection.execute("CREATE TABLE t (n bigint PRIMARY KEY)")
    clients = _Clients(instance.address, instance.port)
    clients.start()
    time.sleep(WRITING_S)
    pid = int((instance.home / "postmaster.pid").read_text().split("\n", 1)[0])
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    taken = clients.first_after(killed) - killed
    clients.stop()
    with psycopg.connect(where, password=PASSWORD) as connection:
        kept = {row[0] for row in connection.execute("SELECT n FROM t").fetchall()}
    promised = set(clients.acknowledged)
    return taken, len(promised), len(promised - kept)


def _drilled(server: Server, api: CloudSql) -> Source:
    """Return the instance as a drill sees it, with the drill's table and a backup."""
    instance = _settled(server)
    passwords = server.data / "passwords"
    passwords.mkdir()
    (passwords / "postgres").write_text(PASSWORD)
    database = Database(instance.address, instance.port, "postgres", PasswordFolder(passwords))
    with database.connect("postgres", budget=CHANGE) as connection:
        connection.execute("CREATE SCHEMA ops")
        (made,) = (one for one in files.read() if one.name == "failover_write")
        for one in made.up.statements:
            connection.execute(one.text.encode())
    api.wait(api.create_backup(NAME, "for the drill"))
    return Source(
        stack="bench",
        instance=NAME,
        cloud=api,
        store=FolderStore(server.data / "ops"),
        lease=timedelta(minutes=5),
        database=database,
        owner="postgres",
        app="postgres",
        replicas=(),
        pool=Pool(max_connections=100, size=20, idle_timeout_s=600, lifetime_s=3600),
        gap_target_s=60,
        reconnect_target_s=120,
    )


def _drill(server: Server, source: Source) -> tuple[float, float, int, int]:
    """Drill a failover; return its write gap, the pool's, acknowledged commits and lost ones."""
    _settled(server)
    report = perform(source, Options(clients=CLIENTS, before_s=WRITING_S), Silent())
    (leg,) = report.legs
    if report.verdict != "pass" or leg.outage is None or leg.lost is None or leg.rows is None:
        sys.exit(f"the drill did not pass: {report.summary()}")
    return leg.outage.gap.seconds, leg.outage.pool.seconds, leg.rows, leg.lost


def _floor(programs: Bare, number: int) -> float:
    """Kill a bare primary, promote its standby; return the seconds until it takes a write."""
    first, second = (programs.folder / f"{number}{side}" for side in "ab")
    ports = (6000 + 2 * number, 6001 + 2 * number)
    programs.run("initdb", f"--pgdata={first}", "--data-checksums", "--auth=trust")
    programs.start(first, f"port={ports[0]}")
    host = f"--host={programs.folder}"
    programs.run(
        "pg_basebackup", f"--pgdata={second}", host, f"--port={ports[0]}",
        "--checkpoint=fast", "--write-recovery-conf",
    )  # fmt: skip
    programs.start(second, f"port={ports[1]}")
    pid = int((first / "postmaster.pid").read_text().split("\n", 1)[0])

    def promote() -> None:
        programs.run("pg_ctl", "promote", f"--pgdata={second}")
        user = programs.user or os.environ.get("USER", "root")
        where = f"host={programs.folder} port={ports[1]} user={user} dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute("CREATE TABLE t (n bigint)")

    os.kill(pid, signal.SIGKILL)
    taken = seconds(promote)
    programs.stop(second)
    with suppress(subprocess.CalledProcessError):
        programs.stop(first)
    return taken


def main() -> None:
    """Print both figures, their ratio, and the lost commits."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with stand(5497) as stood:
        server = stood.server
        api = CloudSql(PROJECT, server.url)
        _provision(api)
        source = _drilled(server, api)
        timed: list[tuple[float, float]] = []
        drilled: list[tuple[float, float]] = []
        promised = lost = 0
        with bare() as programs:
            for number in range(rounds):
                taken, acknowledged, gone = _round(server)
                gap, pool, written, missing = _drill(server, source)
                floor = _floor(programs, number)
                timed.append((taken, floor))
                drilled.append((gap, floor))
                promised, lost = promised + acknowledged + written, lost + gone + missing
                print(
                    f"  round {number + 1}: killed {taken:.2f} s, drilled {gap:.2f} s "
                    f"(the pool's clients {pool:.2f} s), floor {floor:.2f} s, "
                    f"{acknowledged + written} commits, {gone + missing} lost"
                )
        pair = Pair(tuple(one for one, _ in timed), tuple(floor for _, floor in timed))
        report("kill of the primary to the first write", "pg_ctl promote, and a write", pair, 5)
        gaps = Pair(tuple(one for one, _ in drilled), tuple(floor for _, floor in drilled))
        report("failover-drill's write gap", "pg_ctl promote, and a write", gaps, 5)
        print(
            f"acknowledged commits lost: {lost} of {promised}; longest {max(pair.subject_s):.2f} s"
        )


if __name__ == "__main__":
    main()
