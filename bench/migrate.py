"""`invoke migrate.up` over 1,000 small files, against psql over the same files.

The peer is one psql that runs every file in a transaction of its own and writes a row of a
ledger with it; both begin with an empty database of the same server, in turn.

Run with the project's Python: .venv/bin/python -m bench.migrate [FILES]
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path

from bench.timing import pair, report
from ops.console import Lines
from ops.db import MIGRATE, Database
from ops.migrations import files, runner
from tests.clusters import OWNER, Cluster, running

FILES = 1_000
GOAL = 2.0
_TEXT = """-- migrate:up
CREATE TABLE made_{number} (id bigint PRIMARY KEY, name text NOT NULL);

-- migrate:down
DROP TABLE made_{number};
"""
_LEDGER = "CREATE TABLE ledger (version text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());\n"
_NOTE = "INSERT INTO ledger VALUES ('{number:04}');\n"


def _write(folder: Path, count: int) -> Path:
    """Write the files, and psql's script that does the same; return the script."""
    script = [_LEDGER]
    for number in range(1, count + 1):
        text = _TEXT.format(number=number)
        (folder / f"{number:04}_made.sql").write_text(text)
        up = text.split("-- migrate:down", maxsplit=1)[0]
        script += ["BEGIN;\n", up, _NOTE.format(number=number), "COMMIT;\n"]
    path = folder / "psql.txt"
    path.write_text("".join(script))
    return path


def _up(database: Database, folder: Path) -> None:
    connect = partial(database.connect, OWNER, budget=MIGRATE, name="bench")
    runner.up(connect, files.read(folder), progress=Lines(StringIO()))


def _psql(database: Database, script: Path) -> None:
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", database.host, "-U", OWNER]
    subprocess.run([*command, "-d", database.name, "-f", script], check=True)


def _fresh(cluster: Cluster, action: Callable[[Database], None]) -> None:
    database = cluster.create()
    try:
        action(database)
    finally:
        cluster.drop(database)


def main() -> None:
    """Print both figures and their ratio."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    with running() as cluster, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = _write(folder, count)
        subject = partial(_up, folder=folder)
        floor = partial(_psql, script=script)
        timed = pair(
            lambda: _fresh(cluster, subject), lambda: _fresh(cluster, floor), runs=3, warm_up=1
        )
    report(f"migrate.up, {count} files", "psql, a transaction and a row each", timed, goal=GOAL)


if __name__ == "__main__":
    main()
