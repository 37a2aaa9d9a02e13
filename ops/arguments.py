"""The values of options as people type them: numbers, lengths of time, one of several words."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from ops import durations
from ops.errors import BadInputError

_W = TypeVar("_W", bound=StrEnum)


class BadArgumentError(BadInputError):
    """An option got a value that it can't take.

    Attributes:
        option: its name, such as ``--last``.
        value: as typed.
    """

    def __init__(self, option: str, value: str, remedy: str) -> None:
        super().__init__(f"{option} is {value!r}. {remedy}")
        self.option, self.value = option, value


def parse_whole(
    option: str, value: str, *, least: int | None = 0, most: int | None = None, unit: str = ""
) -> int:
    """Return a whole number.

    Args:
        option: its name, such as ``--last``.
        value: as typed.
        least: the smallest that can be meant; None for any.
        most: the largest; None for any.
        unit: what is counted, for the sentence.

    Raises:
        BadArgumentError: it is none, or outside.
    """
    try:
        number = int(value) if value.isascii() else None
    except ValueError:
        number = None
    if (
        number is None
        or (least is not None and number < least)
        or (most is not None and number > most)
    ):
        raise BadArgumentError(
            option, value, f"Give a whole number{_of(unit)}{_range(least, most)}."
        )
    return number


def _of(unit: str) -> str:
    return f" of {unit}" if unit else ""


def _range(least: float | None, most: float | None) -> str:
    if least is None:
        return ", such as 7"
    return f" from {least:g} on" if most is None else f" from {least:g} to {most:.15g}"


def number(
    option: str, value: str, *, least: float = 0, most: float | None = None, unit: str = ""
) -> float:
    """Return a finite number; see ``amount``."""
    return float(amount(option, value, least=least, most=most, unit=unit))


def amount(
    option: str, value: str, *, least: float = 0, most: float | None = None, unit: str = ""
) -> Decimal:
    """Return a finite number as it is written, such as an amount of money.

    Args:
        option: its name.
        value: as typed.
        least: the smallest that can be meant.
        most: the largest; None for any.
        unit: what is counted, for the sentence.

    Raises:
        BadArgumentError: it is none, or outside.
    """
    try:
        number = Decimal(value) if value.isascii() else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < Decimal(least) or (most is not None and number > most):
        raise BadArgumentError(option, value, f"Give a number{_of(unit)}{_range(least, most)}.")
    return number


def duration(option: str, value: str, *, least_s: int = 0) -> int:
    """Return the seconds of a length of time such as ``1d12h``.

    Args:
        option: its name.
        value: as typed.
        least_s: the shortest that can be meant, in seconds.

    Raises:
        BadArgumentError: it is none, or shorter.
    """
    seconds = durations.parse(value)
    if seconds is None or seconds < least_s:
        remedy = "Give a length of time, as 90m, 26h, 3d or 1d12h."
        raise BadArgumentError(option, value, remedy)
    return seconds


def choice(option: str, value: str, choices: Iterable[str]) -> str:
    """Return one of several words; raises BadArgumentError, with the nearest one."""
    known = tuple(choices)
    if value in known:
        return value
    near = get_close_matches(value, known, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise BadArgumentError(option, value, f"{hint}Give one of: {', '.join(known)}.")


def member(option: str, value: str, kind: type[_W]) -> _W:
    """Return the member of an enumeration that a word names; see ``choice``."""
    return kind(choice(option, value, tuple(kind)))
