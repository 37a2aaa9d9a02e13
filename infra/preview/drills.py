"""What the last restore drill covers, beside a change that a restore would have to undo."""

import json
from collections.abc import Iterable
from datetime import datetime

from infra.preview.difference import ResourceChange
from ops.errors import OpsError
from ops.evidence import latest
from ops.store import Store

DRILL = "restore-drill"
# A change of these is one that only a restore takes back, or that changes restores.
RISKS = (
    "settings.backupConfiguration.",
    "settings.tier",
    "settings.dataDisk",
    "settings.storageAutoResize",
    "databaseVersion",
    "region",
)


def asks(changes: Iterable[ResourceChange]) -> bool:
    """Tell whether a change makes people ask for the last drill."""
    return any(
        one.loses_data or any(change.property.startswith(RISKS) for change in one.changes)
        for one in changes
    )


def covers(store: Store, now: datetime) -> str:
    """Return what the last restore drill says, in a sentence; nothing proven is said too."""
    try:
        stored = latest(store, DRILL)
        if stored is None:
            return (
                "No evidence of a restore drill is kept where this runs: nobody knows here that a"
                " backup can be restored."
            )
        drill = json.loads(stored)["drill"]
        ended = datetime.fromisoformat(drill["ended"])
        state, rto, loss = drill["verdict"], drill["rto_s"], drill["rpo_s"]
    except OpsError as error:
        why = str(error).split(". ", maxsplit=1)[0].rstrip(".")
        return f"The last restore drill's evidence can't be read from here: {why}."
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"The last restore drill's evidence can't be read: {type(error).__name__}."
    days = (now - ended).days
    age = "today" if days < 1 else f"{days} day{'' if days == 1 else 's'} ago"
    said = f"The last restore drill ({age}) ended with {state}"
    if rto is not None:
        said += f", RTO {rto['total']:.1f} s"
    if loss is not None:
        said += f", RPO {loss:.1f} s"
    return f"{said}."
