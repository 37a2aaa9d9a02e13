"""A check that fails at the source says nothing of the copy."""

from pathlib import Path

import psycopg
import pytest

from ops.db import CannotConnectError, Database, QueryFailedError
from ops.restore.crew import Crew
from ops.restore.proof.bench import Bench
from ops.restore.proof.limit import Limit
from ops.results import CheckResult, State
from tests.unit.restore.sources import drilled

GONE = psycopg.OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize(
    ("of_source", "state"), [(True, State.UNKNOWN), (False, State.FINDING)], ids=["source", "copy"]
)
@pytest.mark.parametrize("refused", [True, False])
def test_who_went_away_decides(
    tmp_path: Path, *, of_source: bool, refused: bool, state: State
) -> None:
    source = drilled(tmp_path)
    copy = source.copy_at("127.0.0.9")
    where: Database = source.database if of_source else copy
    bench = Bench(Crew(), source, copy, lambda: None, [], Limit.after(None))

    def ask() -> CheckResult:
        if refused:
            raise CannotConnectError(where, "o", "Connection refused")
        raise QueryFailedError(where, "o", GONE)

    found = bench.try_("heartbeat", ask)
    assert found.state is state
    assert found.detail.startswith("on the source: ") is of_source
