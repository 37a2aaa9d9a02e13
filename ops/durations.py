"""Lengths of time as people write them: 45m, 1h30m, 2d."""

import re
from datetime import timedelta
from itertools import pairwise

from ops.errors import BadInputError

_UNITS_S = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_TOLD = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


class BadDurationError(BadInputError):
    """What should be a length of time is none."""

    def __init__(self, option: str, given: str) -> None:
        super().__init__(f"{option} is {given!r}. Give a length of time, as 90m, 26h, 3d or 1d12h.")


def parse(option: str, given: str) -> int:
    """Return the seconds of a length of time.

    Args:
        option: what it was given to, such as ``--time-limit``.
        given: as typed.

    Raises:
        BadDurationError: it is no length of time.
    """
    if not re.fullmatch(r"(\d{1,9}[dhms])+", given):
        raise BadDurationError(option, given)
    return sum(int(number) * _UNITS_S[unit] for number, unit in re.findall(r"(\d+)(.)", given))


def words(length: timedelta | float) -> str:
    """Return a length of time, or its seconds, for people: the two largest units that matter.

    Days are told from two on, and nothing is told of what is negative: ``47 h 59 min``,
    ``3 d 4 h``, ``12 min``, ``0 s``.
    """
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    rest = max(0, round(seconds))
    for (unit, size), (smaller, part) in pairwise(_TOLD):
        if rest >= (2 * size if unit == "d" else size):
            below = rest % size // part
            return f"{rest // size} {unit}" + (f" {below} {smaller}" if below else "")
    return f"{rest} s"
