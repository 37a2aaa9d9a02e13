"""The clock's two times, told in each other."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.clock import FURTHEST, Clock


class Notebook:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def note(self, name: str) -> str | None:
        return self.kept.get(name)

    def set_note(self, name: str, text: str) -> None:
        self.kept[name] = text


def test_what_was_before_a_setting_keeps_its_time() -> None:
    notes = Notebook()
    clock = Clock(notes)
    before = datetime.now(UTC)
    clock.forward(timedelta(hours=26))
    between = datetime.now(UTC)
    clock.forward(timedelta(days=8))

    again = Clock(notes)
    assert again.ahead == timedelta(days=8, hours=26)
    assert again.now() - datetime.now(UTC) > timedelta(days=9)
    assert again.cloud_time(before) == before
    assert again.cloud_time(between) == between + timedelta(hours=26)
    for moment in (before, between, datetime.now(UTC)):
        assert again.machine(again.cloud_time(moment)) == moment
    # A time that the clock never showed is the one when it was set past it.
    assert between <= again.machine(again.now() - timedelta(days=1)) <= datetime.now(UTC)
    assert before <= again.machine(before + timedelta(hours=1)) <= between


@pytest.mark.parametrize("by", [timedelta(seconds=-1), FURTHEST + timedelta(seconds=1)])
def test_it_never_goes_back_nor_out_of_sight(by: timedelta) -> None:
    clock = Clock(Notebook())
    with pytest.raises(ValueError, match="the clock"):
        clock.forward(by)
    assert clock.ahead == timedelta()
