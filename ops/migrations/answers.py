"""What somebody answers about steps that a run began and did not finish."""

import re
from dataclasses import dataclass

from ops.errors import BadInputError

_STEP = re.compile(r"(?P<version>\d+)(?:_\w+)?:(?P<step>\d+)", re.ASCII)

StepKey = tuple[int, int]  # a migration's number, and the step's from 1


class NotPlannedError(BadInputError):
    """An answer names a step of a migration that this run leaves alone."""

    def __init__(self, key: StepKey, direction: str) -> None:
        super().__init__(
            f"{label(key)} has an answer, but this run leaves that migration alone. Give --to a "
            f"version that includes it, or run `invoke migrate.{direction}` without --to."
        )


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
            f"--step-done and --rerun-step both name {label(key)}. Give the one that is right: "
            "done if all of it is in the database, else again."
        )


class NotUnfinishedError(BadInputError):
    """An answer names a step that nobody asks about."""

    def __init__(self, key: StepKey, direction: str) -> None:
        super().__init__(
            f"{label(key)} is not unfinished in the direction {direction}, so it needs no answer. "
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


def label(key: StepKey) -> str:
    """Return a step as people may type it: ``9:1``."""
    return f"{key[0]}:{key[1]}"


def how_to_answer(version: str, step: int, direction: str) -> str:
    """Return how an unfinished step is answered, as a sentence."""
    command, name = f"invoke migrate.{direction}", f"{version}:{step}"
    return (
        f"Look at what it changed, then run `{command} --step-done {name}` if all of it is in the "
        f"database, or `{command} --rerun-step {name}` to run it again from its beginning."
    )


def _keys(option: str, value: str) -> frozenset[StepKey]:
    if not value:
        return frozenset()
    named = _STEP.fullmatch(value.strip())
    if named is None:
        raise BadAnswerError(option, value)
    return frozenset({(int(named["version"]), int(named["step"]))})
