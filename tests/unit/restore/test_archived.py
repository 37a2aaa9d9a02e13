"""On Cloud SQL the archive lags behind the log: a clone waits until it reaches the moment."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.cloudsql import CloudSql, RecoveryWindow
from ops.console import Silent
from ops.journal import Journal
from ops.restore.recovery import carry
from ops.restore.recovery.calls import Calls, Patience
from ops.restore.recovery.order import Order, Request, Task
from tests.unit.restore.sources import drilled

MOMENT = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Cloud(CloudSql):
    """Tells a later latest recovery time each time it is asked, five minutes after five."""

    def __init__(self, latest: datetime | None) -> None:
        super().__init__("project", "http://127.0.0.1:1")
        self.latest, self.asked = latest, 0

    def recovery_window(self, name: str) -> RecoveryWindow:
        del name
        self.asked += 1
        latest = self.latest and self.latest + self.asked * timedelta(minutes=5)
        return RecoveryWindow(None, latest)


@pytest.mark.parametrize(
    ("latest", "limit_s", "asked"),
    [(MOMENT - timedelta(minutes=15), 60.0, 3), (None, 0.0, 0)],
)
def test_a_clone_waits_for_the_archive_within_a_limit(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    latest: datetime | None,
    limit_s: float,
    asked: int,
) -> None:
    monkeypatch.setattr(carry, "_ARCHIVED_PAUSE_S", 0.0)
    monkeypatch.setattr(carry, "ARCHIVED_LIMIT_S", limit_s)
    cloud = Cloud(latest)
    source = drilled(tmp_path, cloud)
    order = Order(Request(Task.PITR), "prod", "db", "new", "", MOMENT, pass_by=True)
    calls = Calls(cloud, Journal(source.store, "restore", "run"), Patience())
    carry._Carrier(source, order, calls, Silent())._archived(order)
    assert cloud.asked == asked
