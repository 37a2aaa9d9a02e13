import pytest

from ops.arguments import BadArgumentError
from ops.errors import BadInputError
from ops.restore.drill.options import ContradictionError, Options, options


def test_what_was_not_given_is_left_to_the_stack() -> None:
    assert options() == Options()
    assert options(seed="7", time_limit="45m", verify_limit="90s", cost_cap="2.50").seed == 7
    assert options(time_limit="1h30m").time_limit_s == 5400
    assert str(options(cost_cap="2.50").cost_cap) == "2.50"
    assert options(side_by_side="1").side_by_side == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"seed": "x"}, "--seed is 'x'. Give a whole number"),
        ({"side_by_side": "0"}, "from 1 on"),
        ({"cost_cap": "much"}, "--cost-cap is 'much'. Give a number of USD"),
        ({"cost_cap": "-1"}, "number of USD"),
        ({"cost_cap": "NaN"}, "number of USD"),
        ({"time_limit": "45"}, "--time-limit is '45'"),
        ({"time_limit": "0s"}, "--time-limit is '0s'"),
        ({"verify_limit": "soon"}, "--verify-limit is 'soon'"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(given: dict[str, str], told: str) -> None:
    with pytest.raises(BadInputError) as caught:
        options(**given)  # type: ignore[arg-type]  # all of these are texts
    assert told in str(caught.value)
    assert isinstance(caught.value, BadArgumentError)


def test_two_ways_to_choose_are_refused() -> None:
    with pytest.raises(ContradictionError, match="--backup and --latest"):
        options(backup="1", latest=True)
    with pytest.raises(ContradictionError, match="--latest and --seed"):
        options(latest=True, seed="3")
