"""A scratch PostgreSQL for the modules that prove flags on a real server."""

from collections.abc import Iterator

import pytest

from ops.programs import ProgramsMissingError, find
from ops.scratch import Scratch, scratch


@pytest.fixture(scope="module")
def cluster() -> Iterator[Scratch]:
    try:
        programs = find(15)
    except ProgramsMissingError as error:
        pytest.skip(str(error))
    with scratch(programs) as made:
        yield made
