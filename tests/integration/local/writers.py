"""Clients that go on writing while their server dies under them, and know what was promised."""

import itertools
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

import psycopg

_LIMIT_S = 30


class Writers:
    """Insert numbers into a table from several connections, connecting again and again."""

    def __init__(
        self, address: str, password: str, table: str, *, first: int = 0, clients: int = 4
    ) -> None:
        self.acknowledged: set[int] = set()
        self.moments: list[float] = []
        self._numbers = itertools.count(first)
        self._enough = threading.Event()
        self._statement = f"INSERT INTO {table} VALUES (%s)"  # noqa: S608 - the test's own table
        self._where = f"host={address} user=postgres dbname=postgres connect_timeout=5"
        self._password = password
        self._threads = [threading.Thread(target=self._write) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int) -> None:
        """Wait until this many more commits were acknowledged."""
        wanted = len(self.moments) + more
        deadline = time.monotonic() + _LIMIT_S
        while len(self.moments) < wanted:
            assert time.monotonic() < deadline, "no commit was acknowledged"
            time.sleep(0.01)

    def _write(self) -> None:
        while not self._enough.is_set():
            with (
                suppress(psycopg.OperationalError),
                psycopg.connect(self._where, password=self._password, autocommit=True) as client,
            ):
                while not self._enough.is_set():
                    number = next(self._numbers)
                    client.execute(self._statement, (number,))
                    self.acknowledged.add(number)
                    self.moments.append(time.monotonic())
            time.sleep(0.005)
