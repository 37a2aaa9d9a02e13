"""What tests of failover drills begin with: a stack to run tasks in, and a short drill."""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.db import CHANGE
from ops.failover.plan import Options
from ops.failover.source import Source
from ops.failover.standing import standing
from ops.localserver import Server

SETTLE_S = 60.0
SHORT = Options(before_s=0.3, after_s=0.2, limit_s=60.0)


@dataclass(frozen=True, slots=True)
class Site:
    """A local stack: its server, its variables, and a folder to run tasks in."""

    server: Server
    environment: Mapping[str, str]
    tasks: Path

    def fault(self, kind: str, **more: object) -> None:
        self.server.ask("POST", "faults", {"kind": kind, **more})

    def heal(self) -> None:
        self.server.ask("DELETE", "faults")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "invoke", *arguments],
            cwd=self.tasks,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def settled(source: Source) -> None:
    """Wait until the standby is counted on and nothing works on the instance."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        busy = [one for one in source.cloud.operations(source.instance) if one.status != "DONE"]
        if standing(source.cloud.instance(source.instance)).standby and not busy:
            return
        assert time.monotonic() < deadline
        time.sleep(0.1)


def rows(source: Source) -> int:
    with source.database.connect(source.owner, budget=CHANGE) as connection:
        row = connection.execute("SELECT count(*) FROM ops.failover_write").fetchone()
    assert row is not None
    return int(row[0])
