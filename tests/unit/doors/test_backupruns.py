from datetime import UTC, datetime, timedelta

import pytest

from ops.backupruns import BACKUP_AGE_LIMIT, freshness
from ops.checks.result import State
from ops.cloudsql import BackupRun

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def _run(number: int, status: str = "SUCCESSFUL", age: timedelta = timedelta(hours=1)) -> BackupRun:
    return BackupRun(
        id=str(number),
        instance="db",
        status=status,
        type="AUTOMATED",
        description="",
        started=NOW - age,
        ended=NOW - age,
        error="disk full" if status == "FAILED" else "",
    )


@pytest.mark.parametrize(
    ("runs", "state", "told"),
    [
        ([_run(1)], State.OK, "is 1 h old"),
        ([], State.FINDING, "no successful backup"),
        ([_run(1, age=BACKUP_AGE_LIMIT + timedelta(minutes=1))], State.FINDING, "30 h 1 min"),
        ([_run(2, "FAILED"), _run(1)], State.FINDING, "failed after the newest"),
    ],
)
def test_backups_are_young_and_none_failed_since(
    runs: list[BackupRun], state: State, told: str
) -> None:
    found = freshness(runs, NOW)
    assert found.state is state
    assert told in found.detail


def test_a_failed_run_is_told_with_its_reason() -> None:
    assert freshness([_run(2, "FAILED"), _run(1)], NOW).differences == (
        "run 2 is FAILED: disk full",
    )
