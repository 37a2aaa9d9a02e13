"""Waivers: which rule a stack may violate, why, who answers for it, and until when.

One file, ``infra/policies/waivers.yaml``. A file that can't be read is refused whole, with
every problem in one message; a waiver that can be read and is not in force (expired, of
no rule, never needed) is a finding.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import yaml

from infra.policies.rules import BY_ID
from infra.stackfile import stacks
from ops.errors import BadInputError
from ops.yamlkeys import load_unique

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FILE = Path(__file__).with_name("waivers.yaml")
TERM = timedelta(days=366)  # a waiver that outlives a year is nobody's decision any more
REASON_LEAST = 20  # characters: a word is no reason
REASON_WORDS_LEAST = 4  # different ones: subject, verb, and what about it
SHOWN = 40  # characters of a reason that is refused


@dataclass(frozen=True, slots=True)
class Waiver:
    """A violation that is meant.

    Attributes:
        rule: The rule's id.
        stacks: Whose instances may violate it.
        reason: Why a reviewer accepts it.
        owner: Who answers for it.
        expires: The last day on which it counts.
    """

    rule: str
    stacks: tuple[str, ...]
    reason: str
    owner: str
    expires: date


@dataclass(frozen=True, slots=True)
class WaiverProblem:
    """A waiver that is not in force, or not needed.

    Attributes:
        rule: That it names.
        stack: That it is for; empty where that does not matter.
        problem: A sentence, with the remedy.
    """

    rule: str
    stack: str
    problem: str


class WaiverFileError(BadInputError):
    """The waivers can't be read; every problem is told.

    Attributes:
        problems: One sentence each.
    """

    def __init__(self, path: Path, problems: tuple[str, ...]) -> None:
        self.problems = problems
        listed = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{path.name} can't be used. Correct it:\n{listed}")


def load(path: Path = FILE) -> tuple[Waiver, ...]:
    """Return the waivers of a file, in its order.

    Raises:
        WaiverFileError: It is no list of waivers; every problem is told.
    """
    from pydantic import (
        AfterValidator,
        BaseModel,
        ConfigDict,
        Field,
        StringConstraints,
        TypeAdapter,
        ValidationError,
    )

    words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

    class Entry(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)

        rule: words
        stacks: Annotated[tuple[words, ...], Field(min_length=1)]
        reason: Annotated[str, AfterValidator(_reason)]
        owner: words
        expires: date

    try:
        entries = TypeAdapter(list[Entry]).validate_python(
            load_unique(path.read_text(encoding="utf-8")) or []
        )
    except ValidationError as error:  # a ValueError, as the others are
        raise WaiverFileError(path, tuple(map(_sentence, error.errors()))) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise WaiverFileError(path, (str(error),)) from error
    return tuple(
        Waiver(entry.rule, entry.stacks, entry.reason, entry.owner, entry.expires)
        for entry in entries
    )


def _reason(text: str) -> str:
    """Return a reason in one line; raises ValueError where it is no sentence."""
    reason = " ".join(text.split())
    words = {word.lower() for word in re.findall(r"[^\W\d_]{2,}", reason)}
    if len(reason) < REASON_LEAST or len(words) < REASON_WORDS_LEAST:
        excerpt = reason if len(reason) <= SHOWN else f"{reason[:SHOWN]}..."
        raise ValueError(
            f"{excerpt!r} is no sentence; say in {REASON_WORDS_LEAST} words or more why the"
            " violation is accepted"
        )
    return reason


def _sentence(detail: "ErrorDetails") -> str:
    first, *inner = detail["loc"] or ("",)
    if not isinstance(first, int):
        return "it is no list of waivers."
    where = f"waiver {first + 1}" + "".join(f", {part}" for part in inner)
    message = detail["msg"].removeprefix("Value error, ")
    return f"{where}: {message[0].lower()}{message[1:]}."


def in_force(waivers: Iterable[Waiver], rule: str, stack: str, today: date) -> Waiver | None:
    """Return the waiver that lets a stack violate a rule today; None without one."""
    for waiver in waivers:
        if waiver.rule == rule and stack in waiver.stacks and waiver.expires >= today:
            return waiver
    return None


def problems(
    waivers: Iterable[Waiver], stack: str, today: date, known: tuple[str, ...] | None = None
) -> Iterator[WaiverProblem]:
    """Yield what is wrong with the waivers of a stack, whatever its instances are.

    What belongs to no stack at all (an unknown rule, an unknown stack) is told with each.

    Args:
        waivers: All of the file's.
        stack: Whose waivers are judged.
        today: The day on which they count.
        known: Names of the stacks that there are; read from the stack files if None.
    """
    stacks_known = stacks() if known is None else known
    known_waivers = tuple(waivers)
    for waiver in known_waivers:
        yield from _meaningless(waiver, stacks_known)
        if stack in waiver.stacks:
            yield from _out_of_term(waiver, stack, today)
    times = Counter(waiver.rule for waiver in known_waivers if stack in waiver.stacks)
    for rule, count in times.items():
        if count > 1:
            yield WaiverProblem(
                rule, stack, f"{rule} is waived {count} times for {stack}. Leave one of them."
            )


def _meaningless(waiver: Waiver, known: tuple[str, ...]) -> Iterator[WaiverProblem]:
    rule = waiver.rule
    if rule not in BY_ID:
        say = f"There is no rule {rule}; `invoke policy.list` shows those there are."
        yield WaiverProblem(rule, "", say)
    for stack in waiver.stacks:
        if stack not in known:
            say = f"{rule} is waived for {stack}, and there is no such stack: {', '.join(known)}."
            yield WaiverProblem(rule, stack, say)


def _out_of_term(waiver: Waiver, stack: str, today: date) -> Iterator[WaiverProblem]:
    rule, expires = waiver.rule, waiver.expires
    if expires < today:
        say = (
            f"The waiver of {rule} expired on {expires}. Fix what it waived, or let"
            f" {waiver.owner} renew it."
        )
        yield WaiverProblem(rule, stack, say)
    elif expires - today > TERM:
        say = (
            f"The waiver of {rule} runs until {expires}. Let it expire within a year, so that"
            " somebody decides again."
        )
        yield WaiverProblem(rule, stack, say)
