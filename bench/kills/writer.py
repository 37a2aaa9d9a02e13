"""A client that goes on committing while everything dies under it, and knows what was promised."""

import bisect
import itertools
import threading
import time
from contextlib import suppress

import psycopg

_PAUSE_S = 0.004  # between commits: the disk is for the operations


class Writer:
    """Inserts numbers into one instance, or into whichever of several takes writes."""

    def __init__(self, addresses: tuple[str, ...], port: int, password: str) -> None:
        self._where = (
            f"host={','.join(addresses)} port={port} user=postgres dbname=postgres "
            "connect_timeout=2 target_session_attrs=read-write application_name=writer"
        )
        self._password = password
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._promised: list[int] = []
        self._moments: list[float] = []

    def start(self) -> None:
        """Make the table and begin."""
        with self.connect() as connection:
            connection.execute("CREATE TABLE promises (n bigint PRIMARY KEY)")
        self._thread.start()

    def stop(self) -> None:
        """End after the commit that is under way."""
        self._enough.set()
        self._thread.join(30)

    def connect(self) -> psycopg.Connection:
        """Connect to where the writes go."""
        return psycopg.connect(self._where, password=self._password, autocommit=True)

    def promised(self) -> set[int]:
        """Return the numbers whose commits were acknowledged until now."""
        return set(self._promised)

    def is_back(self, since: float) -> bool:
        """Return whether a commit was acknowledged after a moment (``time.monotonic()``)."""
        return bool(self._moments) and self._moments[-1] > since

    def longest_pause_s(self, since: float) -> float:
        """Return the longest time without an acknowledged commit from a moment until now."""
        first = max(0, bisect.bisect(self._moments, since) - 1)
        moments = [*self._moments[first:], time.monotonic()]
        return max((b - a for a, b in itertools.pairwise(moments)), default=0.0)

    def _write(self) -> None:
        number = 0
        while not self._enough.is_set():
            with suppress(psycopg.Error), self.connect() as connection:
                while not self._enough.is_set():
                    number += 1  # one whose commit is in doubt is not tried again
                    connection.execute("INSERT INTO promises VALUES (%s)", (number,))
                    self._promised.append(number)
                    self._moments.append(time.monotonic())
                    self._enough.wait(_PAUSE_S)
            self._enough.wait(_PAUSE_S)


def numbers(connection: psycopg.Connection) -> set[int]:
    """Return what a writer's table holds."""
    return {row[0] for row in connection.execute("SELECT n FROM promises").fetchall()}
