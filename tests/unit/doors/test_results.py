import pytest

from ops.checks.result import State, exit_code, worst
from ops.errors import ExitCode


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([State.OK, State.OK], State.OK),
        ([State.OK, State.UNKNOWN], State.UNKNOWN),
        ([State.UNKNOWN, State.FINDING, State.OK], State.FINDING),
        ([State.NOT_APPLICABLE, State.OK], State.OK),
        ([State.NOT_APPLICABLE], State.UNKNOWN),
        ([], State.UNKNOWN),
    ],
)
def test_a_finding_beats_an_unknown_and_nothing_looked_at_is_unknown(
    states: list[State], expected: State
) -> None:
    assert worst(states) is expected


@pytest.mark.parametrize(
    ("state", "code"),
    [(State.OK, 0), (State.NOT_APPLICABLE, 0), (State.FINDING, 3), (State.UNKNOWN, 4)],
)
def test_every_state_has_its_documented_exit_code(state: State, code: int) -> None:
    assert exit_code(state) == ExitCode(code)
