"""How far sequences are, and how far a recovered one may be."""

from collections.abc import Mapping
from dataclasses import dataclass

from ops.checks.sequencebatches import ask_in_batches
from ops.db import Connection

CHECK = "sequences"


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one sequence is.

    Attributes:
        readable: whether we may read it.
        last: the last value handed out; None where none ever was.
        increment: its step; negative for a falling one.
        ahead: by how much recovery may put it ahead: WAL holds values in advance.
        cycles: whether it begins anew at its end; then nothing can be said of order.
        file: the number of its file; RESTART gives it another.
    """

    readable: bool
    last: int | None
    increment: int
    ahead: int
    cycles: bool
    file: int | None = None


def read(connection: Connection) -> Mapping[str, Reach]:
    """Return how far every sequence is, by name; the connection is in no transaction."""
    rows = ask_in_batches(connection, "schema/sequences")
    return {str(row[0]): Reach(*row[1:]) for row in rows}


def set_anew(earlier: Reach, later: Reach) -> bool:
    """Tell whether a sequence was restarted or set back between two looks at it."""
    if earlier.file != later.file:
        return True
    if earlier.last is None or earlier.cycles:
        return False
    return later.last is None or (later.last - earlier.last) * earlier.increment < 0


def fault(before: Reach, after: Reach, copy: Reach) -> str:
    """Return what is wrong with a recovered sequence, or nothing.

    Args:
        before: on the source before the marker: the copy can't be behind this.
        after: on the source after the marker.
        copy: on the copy.
    """
    if before.cycles or before.last is None:
        return ""
    if copy.last is None:
        return f"was at {before.last}, is unused"
    direction = 1 if before.increment > 0 else -1
    if (copy.last - before.last) * direction < 0:
        return f"lags: was at {before.last}, is at {copy.last}"
    newest = before.last if after.last is None else after.last
    if (copy.last - newest) * direction > before.ahead:
        return f"is ahead: was at {newest}, is at {copy.last}"
    return ""
