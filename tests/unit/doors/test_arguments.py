from decimal import Decimal
from enum import StrEnum

import pytest

from ops import arguments
from ops.arguments import BadArgumentError


class _Colour(StrEnum):
    RED = "red"
    GREEN = "green"


def test_values_are_read() -> None:
    assert arguments.parse_whole("--last", "20", least=1) == 20
    assert arguments.parse_whole("--seed", "-3", least=None) == -3
    assert arguments.number("--wait", "0.5", unit="seconds") == 0.5
    assert arguments.amount("--cost-cap", "2.50") == Decimal("2.50")
    assert arguments.duration("--time-limit", "1h30m") == 5400
    assert arguments.member("--colour", "red", _Colour) is _Colour.RED


@pytest.mark.parametrize("value", ["", "x", "1.5", "0", "21", "\u0663", "1e1", "nan"])
def test_what_is_no_whole_number_of_the_range_is_refused(value: str) -> None:
    with pytest.raises(BadArgumentError, match="from 1 to 20") as refused:
        arguments.parse_whole("--last", value, least=1, most=20)
    assert (refused.value.option, refused.value.value) == ("--last", value)


@pytest.mark.parametrize("value", ["", "x", "nan", "inf", "-1", "\u0663", "11"])
def test_what_is_no_number_of_the_range_is_refused(value: str) -> None:
    with pytest.raises(BadArgumentError, match="a number of seconds from 0 to 10"):
        arguments.number("--wait", value, most=10, unit="seconds")


def test_a_word_that_is_almost_right_gets_a_hint() -> None:
    with pytest.raises(BadArgumentError, match=r"Did you mean green\? Give one of: red, green"):
        arguments.member("--colour", "gren", _Colour)
    with pytest.raises(BadArgumentError, match=r"'x'. Give one of"):
        arguments.choice("--colour", "x", ("red", "green"))
