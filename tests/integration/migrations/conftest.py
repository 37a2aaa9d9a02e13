"""One throw-away cluster a session, one database a test."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ops.db import CHANGE, Database
from ops.migrations.files import Migration, read
from ops.migrations.others import Connect
from ops.migrations.session import Limits
from tests.clusters import OWNER, Cluster, running

Write = Callable[..., tuple[Migration, ...]]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running() as cluster:
        yield cluster


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    database = cluster.create()
    yield database
    cluster.drop(database)


@pytest.fixture
def connect(database: Database) -> Connect:
    """Open sessions of the database's owner."""
    return partial(database.connect, OWNER, budget=CHANGE, name="test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Write:
    """Write files, ``write(_0001_one=(up, down))`` or with one text as they are, and read them."""

    def write(**texts: str | tuple[str, str]) -> tuple[Migration, ...]:
        for name, text in texts.items():
            whole = text if isinstance(text, str) else "-- migrate:up\n{}\n-- migrate:down\n{}"
            path = folder / f"{name.removeprefix('_')}.sql"
            path.write_text(whole if isinstance(text, str) else whole.format(*text))
        return read(folder)

    return write


@pytest.fixture
def hasty() -> Limits:
    """Give up soon: what is waited for in these tests does not come."""
    return Limits(
        wait_s=0.3,
        lock_ms=50,
        lock_most_ms=100,
        row_lock_ms=100,
        tries=3,
        pause_s=0.02,
        holder_wait_s=0.1,
    )
