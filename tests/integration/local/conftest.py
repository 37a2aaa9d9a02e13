from collections.abc import Iterator

import pytest

from tests.integration.local.moving import moving_server
from tests.integration.local.server import LocalServer, running


@pytest.fixture(scope="session")
def local() -> Iterator[LocalServer]:
    """One server for all tests that don't kill it, with the instance main on it."""
    with running() as server:
        server.create("main")
        yield server


@pytest.fixture(scope="module")
def moving() -> Iterator[LocalServer]:
    """A server with the instance src, full, and two databases."""
    with moving_server() as server:
        yield server


@pytest.fixture
def empty_copy(moving: LocalServer) -> None:
    """The database copy, without anything in it."""
    moving.do("DELETE", "/instances/src/databases/copy")
    moving.do("POST", "/instances/src/databases", {"name": "copy"})
