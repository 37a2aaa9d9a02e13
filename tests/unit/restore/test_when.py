"""What people call a moment."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.restore.recovery.when import BadMomentError, NoZoneError, When, parse

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "when"),
    [
        ("latest", When()),
        (" Latest ", When()),
        ("5 minutes ago", When(at=NOW - timedelta(minutes=5))),
        ("1 Hour  ago", When(at=NOW - timedelta(hours=1))),
        ("2 days ago", When(at=NOW - timedelta(days=2))),
        ("before migration 0042", When(migration="0042")),
        ("marker 260504120000-0a1b", When(marker="260504120000-0a1b")),
        ("2026-05-04T11:00:00Z", When(at=NOW - timedelta(hours=1))),
        ("2026-05-04t19:00:00.000+08:00", When(at=NOW - timedelta(hours=1))),
        ("2026-05-04 11:00Z", When(at=NOW - timedelta(hours=1))),
    ],
)
def test_a_moment_is_read(given: str, when: When) -> None:
    assert parse(given, NOW) == when


@pytest.mark.parametrize("given", ["2026-05-04T11:00:00", "2026-05-04 11:00"])
def test_a_time_without_a_zone_is_refused(given: str) -> None:
    with pytest.raises(NoZoneError, match="offset such as"):
        parse(given, NOW)


@pytest.mark.parametrize(
    "given",
    [
        "", "now", "ago", "-5 minutes ago", "5 fortnights ago", "before migration", "marker",
        "2026-05-04", "2026-13-04T11:00:00Z", "2026-05-04T24:61:00Z", "0001-01-01T00:00:00+08:00",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(given: str) -> None:
    with pytest.raises(BadMomentError, match="5 minutes ago"):
        parse(given, NOW)


def test_ago_stays_within_the_calendar() -> None:
    with pytest.raises(BadMomentError):
        parse("999999 days ago", NOW)
