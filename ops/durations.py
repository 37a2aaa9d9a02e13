"""Lengths of time as people write them: 45m, 1h30m, 2d."""

import re
from datetime import timedelta
from itertools import pairwise

_UNITS_S = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_TOLD = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def parse(text: str) -> int | None:
    """Return the seconds of a length of time; None where it is none."""
    if not re.fullmatch(r"(\d{1,9}[dhms])+", text, re.ASCII):
        return None
    return sum(int(number) * _UNITS_S[unit] for number, unit in re.findall(r"(\d+)(.)", text))


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
