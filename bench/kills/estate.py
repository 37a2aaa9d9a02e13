"""The server under trial and its instances, spoken to as a client does."""

import contextlib
import http.client
import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from ops import localcloud
from ops.localserver import Server

PROJECT = "bench"
PASSWORD = "bench"  # noqa: S105 - of instances that live as long as this run
PG_PORT = 5496
_POLL_S = 0.05
DONE_LIMIT_S = 180


class TroubleError(Exception):
    """Something is not as it has to be."""


@dataclass(slots=True)
class Estate:
    """A data folder and the server on it, which may be killed and started again.

    Attributes:
        data: The data folder.
        server: The server that answers now.
    """

    data: Path
    server: Server

    def kill(self) -> None:
        """Kill the server with -9."""
        os.kill(self.server.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.server.pid, 0)

    def start(self) -> None:
        """Start it again, and wait until it answers."""
        self.server = localcloud.ensure(self.data, port=0, pg_port=PG_PORT, stand_in=True)

    def ask(self, verb: str, path: str, body: object = None) -> tuple[int, Any]:
        """Call the Admin API below the project; return the status and the parsed answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(
                verb,
                f"/v1/projects/{PROJECT}/{path}",
                body=None if body is None else json.dumps(body),
                headers={"Authorization": "Bearer any"},
            )
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def begin(self, verb: str, path: str, body: object = None) -> str:
        """Begin an operation and return its id; one that is refused as busy is asked again."""
        deadline = time.monotonic() + DONE_LIMIT_S
        while True:
            status, answer = self.ask(verb, path, body)
            if status == http.client.OK:
                return str(answer["name"])
            if status != http.client.CONFLICT or time.monotonic() > deadline:
                raise TroubleError(f"{verb} {path} answered {status}: {answer}")
            time.sleep(_POLL_S)

    def ended(self, operation: str) -> str | None:
        """Wait for an operation; return its error, None for none."""
        deadline = time.monotonic() + DONE_LIMIT_S
        while True:
            _, answer = self.ask("GET", f"operations/{operation}")
            if answer.get("status") == "DONE":
                errors = answer.get("error", {}).get("errors", [])
                return str(errors[0]["message"]) if errors else None
            if time.monotonic() > deadline:
                raise TroubleError(f"the operation is unfinished: {answer}")
            time.sleep(_POLL_S)

    def do(self, verb: str, path: str, body: object = None) -> None:
        """Carry out an operation that has to succeed."""
        error = self.ended(self.begin(verb, path, body))
        if error is not None:
            raise TroubleError(f"{verb} {path} failed: {error}")

    def instances(self) -> dict[str, Any]:
        """Return the instances' resources by name."""
        _, answer = self.ask("GET", "instances")
        return {one["name"]: one for one in answer.get("items", [])}

    def address(self, name: str) -> str:
        """Return an instance's address."""
        return str(self.instances()[name]["ipAddresses"][0]["ipAddress"])

    def connect(self, name: str) -> psycopg.Connection:
        """Connect to an instance."""
        return psycopg.connect(
            host=self.address(name), port=PG_PORT, user="postgres", password=PASSWORD,
            dbname="postgres", autocommit=True, connect_timeout=10,
        )  # fmt: skip

    def homes(self) -> dict[str, Path]:
        """Return the instances' folders by name, read from the state: the server may be dead."""
        rows = self.state("SELECT name, uid FROM instances")
        return {name: self.data / "instances" / uid for name, uid in rows}

    def postmasters(self, names: Iterable[str]) -> list[int]:
        """Return the pids of the postmasters of some instances, standbys' too."""
        homes = self.homes()
        found = []
        for name in names:
            if name not in homes:
                continue
            for lock in homes[name].glob("data*/postmaster.pid"):
                with contextlib.suppress(OSError, ValueError):
                    found.append(int(lock.read_text().split("\n", 1)[0]))
        return found

    def state(self, query: str) -> list[tuple[Any, ...]]:
        """Read the server's own state, which outlives it."""
        with contextlib.closing(sqlite3.connect(self.data / "state.sqlite", timeout=30)) as state:
            return state.execute(query).fetchall()
