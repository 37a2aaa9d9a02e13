import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ops.console import Silent
from ops.db import CHANGE, Database
from ops.migrations import runner, session
from ops.migrations.failures import LockNotGotError
from ops.migrations.others import Connect
from ops.migrations.session import Limits
from tests.clusters import OWNER, PORT
from tests.integration.migrations.conftest import Write

TABLE = ("create table a (id int);", "drop table a;")
COLUMN = ("alter table a add b int;", "alter table a drop b;")
INDEX = ("create index concurrently a_id on a (id);", "drop index concurrently a_id;")


def test_two_runners_at_once_apply_everything_once(connect: Connect, write: Write) -> None:
    migrations = write(_0001_a=TABLE, _0002_b=INDEX, _0003_c=COLUMN)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(runner.up, connect, migrations) for _ in range(2)]
        done = [len(one.result().migrations) for one in both]
    assert sorted(done) == [0, 3]


def test_a_second_runner_gives_up_and_names_the_first(
    connect: Connect, write: Write, hasty: Limits
) -> None:
    migrations = write(_0001_a=TABLE)
    with session.exclusive(connect, hasty, Silent()) as other:
        with pytest.raises(session.BusyError) as caught:
            runner.up(connect, migrations, limits=hasty)
        assert f"pid {other.connection.info.backend_pid} ({OWNER}, test), idle" in str(caught.value)
    assert len(runner.up(connect, migrations, limits=hasty).migrations) == 1


def test_who_is_in_the_way_of_a_lock_is_named_and_nobody_queues_for_long(
    connect: Connect, write: Write, hasty: Limits
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    with connect() as other, other.transaction():
        other.execute("select from a")
        with pytest.raises(LockNotGotError, match=r"0002_b\.sql:2.*in 3 tries") as caught:
            runner.up(connect, write(_0002_b=COLUMN), limits=hasty)
        assert f"pid {other.info.backend_pid} ({OWNER}, test), idle in transaction" in str(
            caught.value
        )
        assert [b.query for b in caught.value.blockers] == ["select from a"]


def test_a_lock_that_comes_free_is_got_by_trying_again(
    connect: Connect, write: Write, hasty: Limits
) -> None:
    runner.up(connect, write(_0001_a=TABLE))
    patient = replace(hasty, tries=100)
    with ThreadPoolExecutor(1) as pool, connect() as other:
        with other.transaction():
            other.execute("select from a")
            running = pool.submit(runner.up, connect, write(_0002_b=COLUMN), limits=patient)
            threading.Event().wait(0.3)
        assert running.result().migrations[0].tries > 1


def test_a_pooler_is_refused(pooled: Connect, write: Write) -> None:
    with pytest.raises(session.PoolerError, match="goes through a pooler"):
        runner.up(pooled, write(_0001_a=TABLE))


@pytest.fixture
def pooled(database: Database) -> Iterator[Connect]:
    """Open sessions through something that greets as a pooler does: with a number of its own."""
    with TemporaryDirectory(prefix="pool-", dir="/tmp") as folder:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{folder}/.s.PGSQL.{PORT}")
        listener.listen()
        server = Path(database.host) / f".s.PGSQL.{PORT}"
        thread = threading.Thread(target=_pool, args=(listener, server), daemon=True)
        thread.start()
        yield partial(database.at(folder).connect, OWNER, budget=CHANGE)
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _pool(listener: socket.socket, server: Path) -> None:
    """Pass one session through, its greeting with another process number."""
    try:
        client, _ = listener.accept()
    except OSError:  # the test ended
        return
    with client, socket.socket(socket.AF_UNIX) as upstream:
        upstream.connect(str(server))
        back = threading.Thread(target=_greet, args=(upstream, client), daemon=True)
        back.start()
        while data := client.recv(65_536):
            upstream.sendall(data)
        upstream.shutdown(socket.SHUT_WR)
        back.join()


def _greet(upstream: socket.socket, client: socket.socket) -> None:
    messages = upstream.makefile("rb")
    while head := messages.read(5):
        kind, length = struct.unpack("!ci", head)
        body = messages.read(length - 4)
        if kind == b"K":  # BackendKeyData: process number, secret
            body = struct.pack("!i", 1) + body[4:]
        client.sendall(head + body)
