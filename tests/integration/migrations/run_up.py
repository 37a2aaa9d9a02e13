"""Run ``up`` in a process of its own, to be killed: host, database and folder as arguments."""

import sys
from functools import partial
from pathlib import Path

from ops.db import CHANGE, Database, LibpqPasswords
from ops.migrations import files, runner
from tests.clusters import OWNER, PORT

if __name__ == "__main__":
    host, name, folder = sys.argv[1:]
    database = Database(host, PORT, name, LibpqPasswords())
    connect = partial(database.connect, OWNER, budget=CHANGE, name="to be killed")
    runner.up(connect, files.read(Path(folder)))
