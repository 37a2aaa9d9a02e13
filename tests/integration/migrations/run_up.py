"""Run ``up`` in a process of its own, to be killed: host, database and folder as arguments."""

import signal
import sys
from functools import partial
from pathlib import Path
from types import FrameType

from ops.console import Lines
from ops.db import CHANGE, Database, LibpqPasswords
from ops.errors import Terminated
from ops.migrations import files, runner
from tests.clusters import OWNER, PORT


def _terminate(_signum: int, _frame: FrameType | None) -> None:
    raise Terminated  # as ops.executor does


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminate)
    host, name, folder = sys.argv[1:]
    database = Database(host, PORT, name, LibpqPasswords())
    connect = partial(database.connect, OWNER, budget=CHANGE, name="to be killed")
    migrations = files.read(Path(folder))
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    runner.up(connect, migrations, progress=Lines(sys.stdout))
