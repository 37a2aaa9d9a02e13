"""The local Cloud SQL's clock as people set it and read it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.console import Table
from ops.errors import BadInputError

_UNITS_S = {"d": 86400, "h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class Clock:
    """What time the local Cloud SQL says it is; recovery times stay in the machine's."""

    now: str
    ahead_s: float

    def blocks(self) -> Sequence[Table | str]:
        """Return one line."""
        return (f"Its clock says {self.now}, {_duration(self.ahead_s)} ahead of the machine's.",)


class BadDurationError(BadInputError):
    """What should be a length of time is none."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"--forward is {given!r}. Give a length of time, as 90m, 26h, 3d or 1d12h."
        )


class TwoTimesError(BadInputError):
    """The clock was to be set both by a length and to a time."""

    def __init__(self) -> None:
        super().__init__("Give --forward or --to, not both.")


def request(forward: str, to: str) -> Mapping[str, object]:
    """Return what the server is asked for; nothing where the clock is only to be read.

    Args:
        forward: by how much to set it forward, as ``26h``; empty for not at all.
        to: the time to set it to, in RFC 3339; empty for none.

    Raises:
        BadDurationError: ``forward`` is no length of time.
        TwoTimesError: both were given.
    """
    if forward and to:
        raise TwoTimesError
    if forward:
        return {"forward_s": _seconds(forward)}
    return {"to": to} if to else {}


def read(facts: Mapping[str, Any]) -> Clock:
    """Return the clock that the server told."""
    return Clock(facts["now"], facts["ahead_s"])


def _seconds(text: str) -> int:
    if not re.fullmatch(r"(\d{1,9}[dhms])+", text):
        raise BadDurationError(text)
    return sum(int(number) * _UNITS_S[unit] for number, unit in re.findall(r"(\d+)(.)", text))


def _duration(seconds: float) -> str:
    rest, parts = round(seconds), []
    for unit, size in _UNITS_S.items():
        if rest >= size:
            parts.append(f"{rest // size} {unit}")
        rest %= size
    return " ".join(parts) or "0 s"
