"""Dumps with objects of every kind that an owner can make: they come in, or it is said why not."""

from collections.abc import Iterator

import pytest

from ops.backups import importerrors
from ops.invocation import Invocation
from ops.results import State
from tests.integration.backups.dumps import bring_in, dump_database, execute, put, said, states

SOURCE, COPY = "kinds_source", "kinds_copy"
PLAIN = ("--no-owner", "--no-acl", "--no-comments")
MADE = """
@@
"""


@pytest.fixture(scope="module", autouse=True)
def source(run: Invocation) -> Iterator[None]:
    cloud, instance = run.cloud, run.target.instance
    cloud.wait(cloud.insert_database(instance, SOURCE))
    execute(run, SOURCE, MADE.format(app=run.target.settings.users.app))
    yield
    cloud.wait(cloud.delete_database(instance, SOURCE))


@pytest.fixture
def copy(run: Invocation) -> Iterator[str]:
    """The name of a database that the import makes."""
    yield COPY
    if COPY in run.cloud.databases(run.target.instance):
        run.cloud.wait(run.cloud.delete_database(run.target.instance, COPY))
