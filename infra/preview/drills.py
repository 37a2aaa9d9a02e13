"""What the last restore drill covers, beside a change that a restore would have to undo."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from infra.preview.difference import ResourceChange
from ops.checks.result import CheckResult, State
from ops.errors import OpsError
from ops.evidence import archive, chain, history, identity
from ops.evidence.history import Entry
from ops.evidence.identity import Identity
from ops.measures import meaning
from ops.store import Store
from ops.target import Target

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
    """Return whether a change makes people ask for the last drill."""
    return any(
        change.loses_data or any(part.property.startswith(RISKS) for part in change.changes)
        for change in changes
    )


def last_drill(target: Target, now: datetime, name: str = "") -> str:
    """Return what the last restore drill of a stack's instance says; see ``covers``.

    Args:
        target: the stack.
        now: the time.
        name: of the instance that is there now; empty takes the stack's.
    """
    return covers(target.store, identity.of(target, name), target.stack, now)


def covers(store: Store, identity: Identity, stack: str, now: datetime) -> str:
    """Return what the last restore drill says, in sentences; nothing proven is said too.

    Args:
        store: where the records are.
        identity: the instance that the drill has to be of.
        stack: whose records they have to be.
        now: the time.
    """
    try:
        records = archive.read(store, DRILL)
        drills = history.read(records, DRILL, identity=identity)
        chained = chain.verify_archive(records, stack) if drills.total else ()
    except OpsError as error:
        return f"The last restore drill's evidence can't be read from here: {_first(str(error))}."
    except OSError as error:
        return f"The last restore drill's evidence can't be read: {type(error).__name__}."
    # a drill with an injected fault proves nothing of the backups, whatever came out
    real = [entry for entry in drills.entries if not entry.injected]
    drill = next((entry for entry in real if not entry.elsewhere), None)
    newest = max(drills.unreadable, default="")
    if newest and (drill is None or newest > drill.key):
        return f"The last restore drill's evidence can't be read: {drills.unreadable[newest]}."
    if drill is None and real:
        return (
            f"None of {len(real)} restore drills is of {identity.words()}: nothing proves that its"
            " backups can be restored."
        )
    if drill is None:
        return (
            "No evidence of a restore drill is kept where this runs: nobody knows here that a"
            " backup can be restored."
        )
    return " ".join((_words(drill, now), *_doubts(chained, identity)))


def _words(drill: Entry, now: datetime) -> str:
    if drill.ended is None:
        return "The last restore drill's evidence can't be read: it does not say when it ended."
    days = (now - drill.ended).days
    age = "today" if days < 1 else f"{days} day{'' if days == 1 else 's'} ago"
    words = f"The last restore drill ({age}) ended with {drill.verdict}"
    for name, measure in drill.measures.items():
        if measure.value is not None:
            words += f", {meaning(name).label} {measure.value:.1f} {measure.unit}".rstrip()
    return f"{words}."


def _doubts(chained: Sequence[CheckResult], identity: Identity) -> Iterator[str]:
    """Yield why a drill that was read may prove nothing."""
    faults = [check for check in chained if check.state is State.FINDING]
    unknown = [check for check in chained if check.state is State.UNKNOWN]
    for check in (faults or unknown)[:1]:
        lines = check.differences or (check.detail,)
        what = "are not whole" if faults else "can't be verified"
        yield (
            f"But the records of restore drills {what}, so this proves nothing:"
            f" {lines[0].rstrip('.')}. See `invoke restore.evidence --verify`."
        )
    if identity.trouble:
        yield (
            f"It may have been of an earlier instance called {identity.name}:"
            f" {_first(identity.trouble)}."
        )


def _first(text: str) -> str:
    """Return the first sentence of a message, without its full stop."""
    return text.split(". ", maxsplit=1)[0].rstrip(".")
