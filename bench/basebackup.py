"""A backup run through the Admin API against pg_basebackup of the same cluster (1.5 GB).

The backup run is checked against its manifest before it counts, and synced; the bare
pg_basebackup is synced too (its default), and is not checked.

Run with the project's Python: .venv/bin/python -m bench.basebackup [SCALE]
"""

import os
import shutil
import sys
from pathlib import Path

from bench.floor import Bare, bare
from bench.stand import stand
from bench.timing import Pair, report, seconds
from ops.cloudsql import CloudSql
from ops.localserver import Server

PROJECT = "bench"
NAME = "backed-up"
ADMIN = "cloudsqladmin"
PASSWORD = "bench"  # noqa: S105 - of a cluster that lives for minutes on loopback
RUNS = 5
SCALE = 100  # of pgbench: 1.5 GB


def _filled(api: CloudSql, server: Server, programs: Bare, scale: int) -> Path:
    """Make an instance with pgbench's tables; return the folder of its socket."""
    body = {
        "name": NAME,
        "region": "asia-east1",
        "databaseVersion": "POSTGRES_15",
        "rootPassword": PASSWORD,
        "settings": {
            "tier": "db-custom-1-3840",
            "edition": "ENTERPRISE",
            "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True},
        },
    }
    api.wait(api.insert(body))
    facts = next(one for one in server.ask("GET", "status")["instances"] if one["name"] == NAME)
    os.environ["PGPASSWORD"] = PASSWORD
    where = [f"--host={facts['address']}", f"--port={facts['port']}", "--username=postgres"]
    programs.run("pgbench", "--initialize", "--quiet", f"--scale={scale}", *where, "postgres")
    del os.environ["PGPASSWORD"]
    return Path(facts["socket"])


def _timed(api: CloudSql, server: Server, programs: Bare, socket: Path) -> Pair:
    copy = programs.folder / "copy"

    def ours() -> None:
        api.wait(api.create_backup(NAME, "benchmark"))

    def floor() -> None:
        where = [f"--host={socket}", f"--port={server.pg_port}", f"--username={ADMIN}"]
        programs.run("pg_basebackup", f"--pgdata={copy}", "--checkpoint=fast", *where)

    pairs = []
    for _ in range(RUNS + 1):
        pairs.append((seconds(ours), seconds(floor)))
        # Removing is no part of it, and the disk is not endless.
        shutil.rmtree(copy)
        api.wait(api.delete_backup(NAME, api.backup_runs(NAME)[0].id))
    counted = pairs[1:]  # the first one is a warm-up
    return Pair(tuple(one for one, _ in counted), tuple(bare for _, bare in counted))


def main() -> None:
    """Print both figures and their ratio."""
    scale = int(sys.argv[1]) if len(sys.argv) > 1 else SCALE
    with stand(5498) as stood:
        server = stood.server
        api = CloudSql(PROJECT, server.url)
        with bare() as programs:
            socket = _filled(api, server, programs, scale)
            timed = _timed(api, server, programs, socket)
        report(f"backupRuns.insert at scale {scale}", "pg_basebackup", timed, goal=1.3)


if __name__ == "__main__":
    main()
