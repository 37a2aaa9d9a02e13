"""Creating an instance through the Admin API against initdb, start and a base backup.

Run with the project's Python: .venv/bin/python -m bench.create
"""

import itertools
from pathlib import Path

from bench.floor import Bare, bare
from bench.stand import stand
from bench.timing import pair, report
from ops.cloudsql import CloudSql

PROJECT = "bench"
# a line of the API's body, as small as a client would send it
SETTINGS = {
    "tier": "db-custom-1-3840",
    "edition": "ENTERPRISE",
    "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True},
}


def _create(api: CloudSql, name: str) -> None:
    body = {
        "name": name,
        "region": "asia-east1",
        "databaseVersion": "POSTGRES_15",
        "settings": SETTINGS,
    }
    api.wait(api.insert(body))


def _floor(programs: Bare, number: int) -> Path:
    data = programs.folder / f"c{number}"
    port = 6000 + number  # names the socket; nothing listens on an address
    programs.run("initdb", f"--pgdata={data}", "--data-checksums", "--auth=trust")
    programs.start(data, f"port={port}")
    host, at = f"--host={programs.folder}", f"--port={port}"
    programs.run("pg_basebackup", f"--pgdata={data}.base", host, at, "--checkpoint=fast")
    return data


def main() -> None:
    """Print both figures and their ratio."""
    numbers = itertools.count()
    with stand(5499) as stood:
        server = stood.server
        api = CloudSql(PROJECT, server.url)
        with bare() as programs:
            running: list[Path] = []
            timed = pair(
                lambda: _create(api, f"bench-{next(numbers)}"),
                lambda: running.append(_floor(programs, next(numbers))),
                runs=7,
            )
            for data in running:
                programs.stop(data)
        report("instances.insert until DONE", "initdb + start + pg_basebackup", timed, goal=1.3)


if __name__ == "__main__":
    main()
