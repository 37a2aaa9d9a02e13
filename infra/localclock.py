"""The local Cloud SQL's clock as people set it and read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops import arguments, durations
from ops.console import Table
from ops.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Clock:
    """What time the local Cloud SQL says it is; recovery times stay in the machine's."""

    now: str
    ahead_s: float

    def blocks(self) -> Sequence[Table | str]:
        """Return one line."""
        return (
            f"Its clock says {self.now}, {durations.words(self.ahead_s)} ahead of the machine's.",
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
        ops.arguments.BadArgumentError: ``forward`` is no length of time.
        TwoTimesError: both were given.
    """
    if forward and to:
        raise TwoTimesError
    if forward:
        return {"forward_s": arguments.duration("--forward", forward)}
    return {"to": to} if to else {}


def read(facts: Mapping[str, Any]) -> Clock:
    """Return the clock that the server told."""
    return Clock(facts["now"], facts["ahead_s"])
