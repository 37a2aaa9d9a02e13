"""What the last restore drill covers, beside a change that a restore would have to undo."""

from collections.abc import Iterable
from datetime import datetime

from infra.preview.difference import ResourceChange
from ops.errors import OpsError
from ops.evidence import history
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
        told = history.read(store, DRILL)
    except OpsError as error:
        why = str(error).split(". ", maxsplit=1)[0].rstrip(".")
        return f"The last restore drill's evidence can't be read from here: {why}."
    except OSError as error:
        return f"The last restore drill's evidence can't be read: {type(error).__name__}."
    # a drill with an injected fault proves nothing of the backups, whatever came out
    drill = next((entry for entry in told.entries if not entry.injected), None)
    newest = max(told.unreadable, default="")
    if newest and (drill is None or newest > drill.key):
        return f"The last restore drill's evidence can't be read: {told.unreadable[newest]}."
    if drill is None:
        return (
            "No evidence of a restore drill is kept where this runs: nobody knows here that a"
            " backup can be restored."
        )
    if drill.ended is None:
        return "The last restore drill's evidence can't be read: it does not say when it ended."
    days = (now - drill.ended).days
    age = "today" if days < 1 else f"{days} day{'' if days == 1 else 's'} ago"
    said = f"The last restore drill ({age}) ended with {drill.verdict}"
    if drill.rto_s is not None:
        said += f", RTO {drill.rto_s:.1f} s"
    if drill.rpo_s is not None:
        said += f", RPO {drill.rpo_s:.1f} s"
    return f"{said}."
