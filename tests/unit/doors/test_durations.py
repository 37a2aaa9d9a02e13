import pytest

from ops.durations import BadDurationError, parse, words


@pytest.mark.parametrize(
    ("given", "seconds"), [("45m", 2700), ("1h30m", 5400), ("90s", 90), ("2d", 172800)]
)
def test_peoples_units_are_read(given: str, seconds: int) -> None:
    assert parse("--time-limit", given) == seconds


@pytest.mark.parametrize("given", ["", "45", "m", "-3m", "4 m", "1.5h", "soon"])
def test_what_is_no_length_of_time_is_refused(given: str) -> None:
    with pytest.raises(BadDurationError, match="--time-limit is"):
        parse("--time-limit", given)


def test_a_length_is_told_in_the_same_units() -> None:
    assert words(5400) == "1 h 30 m"
    assert words(0.2) == "0 s"
