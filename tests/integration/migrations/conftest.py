"""One throw-away cluster a session, one database a test."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ops.db import CHANGE, Database
from ops.migrations.files import Migration, read
from ops.migrations.others import Connect
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
    return partial(database.connect, OWNER, budget=CHANGE)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files of migrations, ``write(_0001_one="-- migrate:up ...")``, and read the folder."""

    def write(**files: str) -> tuple[Migration, ...]:
        for name, text in files.items():
            (tmp_path / f"{name.removeprefix('_')}.sql").write_text(text)
        return read(tmp_path)

    return write
