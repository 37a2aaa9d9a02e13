from collections.abc import Iterator

import pytest

from tests.integration.local.server import LocalServer, running


@pytest.fixture(scope="session")
def local() -> Iterator[LocalServer]:
    """One server for all tests that don't kill it, with the instance main on it."""
    with running() as server:
        server.create("main")
        yield server
