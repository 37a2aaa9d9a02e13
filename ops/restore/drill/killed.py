"""The record of a drill that did not live to write its own: its journal is all there is.

A drill that was killed would otherwise be missing from the chain, and an auditor could not tell
it from one that never began.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from ops.checks.result import Checked, CheckResult, Level, State, finding
from ops.evidence import key, write
from ops.evidence.identity import Identity
from ops.evidence.record import AlreadyRecordedError
from ops.journal import Entry, Journal
from ops.restore.cleanup import created_names
from ops.restore.drill import evidence
from ops.restore.drill.plan import began
from ops.restore.drill.report import DRILL, Report, Restored
from ops.restore.source import ROOM, Place

BEGUN = "drill"  # the journal's first entry: who drills, from where


def record(
    place: Place, journal: Journal, removed: Sequence[str], left: tuple[str, ...], by: str
) -> bool:
    """Write the record of a run whose process is gone, unless it has one; return whether we did.

    Args:
        place: where its traces are.
        journal: the run's.
        removed: the copies that the sweep found and removed.
        left: what of it could not be removed.
        by: who sweeps.
    """
    if began(journal.run) is None:  # a sweep's own journal
        return False
    if place.store.get(key(ROOM, journal.run)) is not None:
        return False
    with suppress(AlreadyRecordedError):
        evidence_record = evidence.of(place, report(place, journal, removed, left, by), {})
        # When its instance was made, nobody knows: the name may be that of a newer one.
        known = Identity(place.instance, place.cloud.project)
        write(place.store, replace(evidence_record, instance=known))
        return True
    return False


def report(
    place: Place, journal: Journal, removed: Sequence[str], left: tuple[str, ...], by: str
) -> Report:
    """Return what can be said of a run whose process is gone: that it proved nothing."""
    entries = journal.entries()
    who = next((_who(entry) for entry in entries if entry.action == BEGUN), "its process")
    fate = f"{who} was killed, or suspended past its lease; swept by {by}"
    words = f"the drill did not end by itself: {fate}"
    remedy = "What it found is not proven. Drill again."
    ended = CheckResult("completed", State.UNKNOWN, 0, 1, words, remedy=remedy)
    return Report(
        run=journal.run,
        stack=place.stack,
        source=place.instance,
        started=began(journal.run) or datetime.now(UTC),
        ended=datetime.now(UTC),
        backups=tuple(_restored(entries)),
        clone=None,
        checks=(Checked(DRILL, ended), Checked(DRILL, _cleaned(journal, removed, left))),
        phases={},
        rto=None,
        loss=None,
        leftovers=left,
        evidence=place.store.where(key(ROOM, journal.run)),
    )


def _who(entry: Entry) -> str:
    facts = entry.facts
    return f"process {facts.get('pid', '?')} on {facts.get('host', '?')}"


def _restored(entries: tuple[Entry, ...]) -> Iterator[Restored]:
    """Yield the backup runs that it had begun to restore."""
    for entry in entries:
        if entry.action == "restore":
            yield Restored(entry.facts.get("backup", ""), "", "", None, None, entry.object)


def _cleaned(journal: Journal, removed: Sequence[str], left: tuple[str, ...]) -> CheckResult:
    many = len(created_names(journal))
    if left:
        words = f"{len(left)} of {many} copies could not be removed when it was swept"
        remedy = "Run `invoke restore.sweep`; each of them costs money."
        standing = tuple(finding("instance", line) for line in left)
        return CheckResult("cleanup", State.FINDING, many, many, words, standing, remedy=remedy)
    if not many:
        return CheckResult("cleanup", State.OK, 0, 0, "it had begun no copy: there is nothing left")
    words = f"{len(removed)} of {many} copies were still there and are removed, nothing left"
    notes = tuple(finding("instance", name, "removed", Level.NOTE) for name in removed)
    return CheckResult("cleanup", State.OK, many, many, words, notes)
