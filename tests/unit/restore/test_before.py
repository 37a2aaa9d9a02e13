"""Whether the time of a migration in the ledger is its own."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.checks.result import State
from ops.restore.recovery.before import Row, prove

AT = datetime(2026, 2, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("late_s", "made", "others", "state"),
    [
        (None, 3, 0, State.OK),
        (None, 0, 0, State.UNKNOWN),  # only data, or a row that was edited
        (None, 3, 2, State.UNKNOWN),  # a baseline, or a ledger that was loaded from a file
        (0.01, 0, 0, State.OK),
        (0.01, 0, 2, State.OK),
        (3600.0, 3, 0, State.UNKNOWN),  # moved to an earlier time
        (-3600.0, 3, 0, State.UNKNOWN),  # and to a later one
    ],
)
def test_a_time_is_proved_by_a_commit_or_by_objects(
    late_s: float | None, made: int, others: int, state: State
) -> None:
    committed = None if late_s is None else AT + timedelta(seconds=late_s)
    row = Row("0042", 3, AT, "751", 9, committed)
    told = prove(row, made, alone=not others)
    assert told.state is state
    assert bool(told.remedy) == (state is not State.OK)
