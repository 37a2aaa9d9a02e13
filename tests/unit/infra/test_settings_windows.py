"""Windows for changes and maintenance."""

from datetime import UTC, datetime, time

import pytest

from infra.settings import ChangeWindow, DenyPeriod
from infra.settings.maintenance import DENY_LIMIT_DAYS, deny_days
from infra.settings.validation import validate
from tests.unit.infra.declared import GOOD


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        (datetime(2026, 11, 20, 22, 30, tzinfo=UTC), True),  # a Friday
        (datetime(2026, 11, 21, 1, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 21, 2, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 21, 22, 30, tzinfo=UTC), False),
        (datetime(2026, 11, 20, 1, 0, tzinfo=UTC), False),
    ],
)
def test_a_window_may_cross_midnight(moment: datetime, inside: bool) -> None:  # noqa: FBT001 - a parameter of the table above
    assert ChangeWindow(("fri",), time(22), time(2)).contains(moment) is inside


def test_a_window_of_days_alone_is_the_whole_day() -> None:
    settings = validate("test", GOOD | {"ai-square-db:changeDays": ["sun"]})
    assert settings.change_window is not None
    assert settings.change_window.contains(datetime(2026, 11, 22, 23, 59, tzinfo=UTC))
    assert not settings.change_window.contains(datetime(2026, 11, 23, 0, 0, tzinfo=UTC))
    assert str(settings.change_window) == "sun 00:00-00:00 UTC"


def test_a_yearly_period_without_maintenance_may_cross_the_new_year() -> None:
    period = {"denyMaintenanceStart": "12-20", "denyMaintenanceEnd": "01-10"}
    settings = validate("test", GOOD | {f"ai-square-db:{k}": v for k, v in period.items()})
    assert settings.instance.maintenance.deny == DenyPeriod("12-20", "01-10", "00:00:00")


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("01-01", "03-31", 90),  # 91 in a leap year
        ("12-02", "03-01", 90),
        ("12-01", "02-29", 90),  # its end is no day of the year in which it ends
        ("02-29", "03-05", 5),
        ("02-29", "02-29", 1),
        ("02-01", "02-29", 28),
        ("12-31", "01-01", 2),
        ("12-25", "12-25", 1),
        ("03-01", "02-28", 365),
        ("2028-01-01", "2028-03-31", 91),
        ("2027-01-01", "2026-01-01", None),
        ("02-30", "03-01", None),
        ("12-25", "2026-12-26", None),
    ],
)
def test_a_yearly_period_is_counted_in_an_ordinary_year(
    start: str, end: str, days: int | None
) -> None:
    assert deny_days(start, end) == days
    period = {"denyMaintenanceStart": start, "denyMaintenanceEnd": end}
    if days is not None and days <= DENY_LIMIT_DAYS:
        validate("test", GOOD | {f"ai-square-db:{k}": v for k, v in period.items()})
