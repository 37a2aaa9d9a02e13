"""What somebody answers about steps that a run began and did not finish."""

import re
from dataclasses import dataclass

from ops.errors import BadInputError

_STEP = re.compile(r"(?P<version>\d+)(?:_\w+)?:(?P<step>\d+)", re.ASCII)

StepKey = tuple[str, int]  # a migration's version, and the step's number from 1


class BadAnswerError(BadInputError):
    """An answer names no step."""

    def __init__(self, option: str, value: str) -> None:
        super().__init__(
            f"{option} needs a version and a step, such as 0009:1, not {value!r}. "
            "`invoke migrate.up --dry-run` names the step that waits for an answer."
        )


class TwoAnswersError(BadInputError):
    """A step has two answers."""

    def __init__(self, key: StepKey) -> None:
        super().__init__(
            f"--step-done and --rerun-step both name {shown(key)}. Give the one that is right: "
            "done if all of it is in the database, else again."
        )


class NotUnfinishedError(BadInputError):
    """An answer names a step that nobody asks about."""

    def __init__(self, key: StepKey, direction: str) -> None:
        super().__init__(
            f"{shown(key)} is not unfinished in the direction {direction}, so it needs no answer. "
            f"Run `invoke migrate.{direction}` without the option."
        )


@dataclass(frozen=True, slots=True)
class Answers:
    """Steps that were begun, as the operator decided about them after a look.

    Attributes:
        rerun: to be run again from their beginning.
        done: complete in the database; only their record is missing.
    """

    rerun: frozenset[StepKey] = frozenset()
    done: frozenset[StepKey] = frozenset()


def read_answers(rerun: str, done: str) -> Answers:
    """Return what ``--rerun-step`` and ``--step-done`` say; raises BadInputError."""
    again, complete = _keys("--rerun-step", rerun), _keys("--step-done", done)
    for key in again & complete:
        raise TwoAnswersError(key)
    return Answers(again, complete)


def shown(key: StepKey) -> str:
    """Return a step as people type it: ``0009:1``."""
    return f"{key[0]}:{key[1]}"


def how_to_answer(key: StepKey, direction: str) -> str:
    """Return how an unfinished step is answered, as a sentence."""
    command = f"invoke migrate.{direction}"
    return (
        f"Look at what it changed, then run `{command} --step-done {shown(key)}` if all of it is "
        f"in the database, or `{command} --rerun-step {shown(key)}` to run it again from its "
        "beginning."
    )


def _keys(option: str, value: str) -> frozenset[StepKey]:
    if not value:
        return frozenset()
    named = _STEP.fullmatch(value.strip())
    if named is None:
        raise BadAnswerError(option, value)
    return frozenset({(named["version"], int(named["step"]))})
