"""The product's schema with sample data in it, made once a session."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from ops.db import CHANGE, Connection, Database
from ops.migrations import files, runner
from ops.sample import data
from ops.sample.data import Filled
from tests.clusters import OWNER, Cluster, running

ROWS = 20_000  # enough for every table; the statements are those of the full size


@dataclass(frozen=True, slots=True)
class Product:
    """A database with the product's schema and sample data."""

    cluster: Cluster
    database: Database
    filled: Filled


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    with running() as cluster:
        database = cluster.create()
        runner.up(partial(database.connect, OWNER, budget=CHANGE), files.read())
        with database.connect(OWNER, budget=CHANGE) as connection:
            filled = data.fill(connection, rows=ROWS)
        yield Product(cluster, database, filled)


@pytest.fixture
def connection(product: Product) -> Iterator[Connection]:
    """Open a session of the owner; what a test writes is rolled back."""
    with product.database.connect(OWNER, budget=CHANGE) as connection:
        connection.execute("begin")
        yield connection
        connection.execute("rollback")
