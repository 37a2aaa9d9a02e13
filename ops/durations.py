"""Lengths of time as people write them: 45m, 1h30m, 2d."""

import re

from ops.errors import BadInputError

_UNITS_S = {"d": 86400, "h": 3600, "m": 60, "s": 1}


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


def words(seconds: float) -> str:
    """Return a length of time for people: ``1 h 30 m``; whole seconds."""
    rest, parts = round(seconds), []
    for unit, size in _UNITS_S.items():
        if rest >= size:
            parts.append(f"{rest // size} {unit}")
        rest %= size
    return " ".join(parts) or "0 s"
