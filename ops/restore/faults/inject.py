"""The catalogue of faults: what ``--inject`` takes, and what the self-test proves.

A drill that was never seen red proves nothing. Most faults are one statement of a copy's
owner and work on any stack; those that need files or the superuser work on the local Cloud SQL.
"""

import textwrap
from collections.abc import Iterable

from ops.errors import BadInputError
from ops.restore.faults import (
    access,
    base,
    files,
    moments,
    restored,
    rows,
    schema,
    sequences,
    wal,
)
from ops.restore.faults.cluster import SUPERUSER
from ops.restore.faults.fault import Fault
from ops.restore.source import Source

__all__ = ["FAULTS", "SUPERUSER", "Fault", "LocalFaultError", "UnknownFaultError", "named"]

_WIDTH = 96
FAULTS: dict[str, Fault] = {
    fault.name: fault
    for room in (rows, schema, sequences, access, files, moments, base, restored, wal)
    for fault in room.FAULTS
}


def _listed(faults: Iterable[Fault]) -> str:
    names = ", ".join(fault.name for fault in faults)
    return textwrap.fill(
        f"{names}.", _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )


class UnknownFaultError(BadInputError):
    """``--inject`` or ``--only`` names no fault."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no fault {name!r}. Use one of:\n{_listed(FAULTS.values())}")


class LocalFaultError(BadInputError):
    """A fault that needs a cluster's files was asked for on a cloud stack."""

    def __init__(self, name: str, stack: str) -> None:
        listed = _listed(fault for fault in FAULTS.values() if not fault.local)
        super().__init__(
            f"Fault {name} works on the local Cloud SQL only, and stack {stack} is not there. "
            f"Use `-s local`, or one of:\n{listed}"
        )


def named(name: str, source: Source) -> Fault | None:
    """Return the fault of a name, None for an empty one.

    Raises:
        UnknownFaultError: there is none; the message lists them.
        LocalFaultError: it does not work on this stack.
    """
    if not name:
        return None
    fault = FAULTS.get(name)
    if fault is None:
        raise UnknownFaultError(name)
    if fault.local and source.server is None:
        raise LocalFaultError(name, source.stack)
    return fault
