from datetime import timedelta

import pytest

from ops.arguments import BadArgumentError, duration
from ops.durations import words


@pytest.mark.parametrize(
    ("given", "seconds"), [("45m", 2700), ("1h30m", 5400), ("90s", 90), ("2d", 172800)]
)
def test_peoples_units_are_read(given: str, seconds: int) -> None:
    assert duration("--time-limit", given) == seconds


@pytest.mark.parametrize("given", ["", "45", "m", "-3m", "4 m", "1.5h", "soon"])
def test_what_is_no_length_of_time_is_refused(given: str) -> None:
    with pytest.raises(BadArgumentError, match="--time-limit is"):
        duration("--time-limit", given)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "0 s"), (0.2, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (720, "12 min"),
        (3660, "1 h 1 min"), (5400, "1 h 30 min"), (172799, "47 h 59 min"), (172800, "2 d"),
        (273600, "3 d 4 h"),
    ],
)  # fmt: skip
def test_a_length_is_told_in_its_two_largest_units(seconds: float, told: str) -> None:
    assert words(seconds) == words(timedelta(seconds=seconds)) == told
