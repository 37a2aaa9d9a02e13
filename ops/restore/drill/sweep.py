"""Removes and records what killed drills left: by their journals, and by a drill's name.

A drill that was killed would otherwise be missing from the chain of evidence, and an auditor
could not tell it from one that never began. Its journal is all there is to make a record of.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ops import lease
from ops.checks.result import Checked, CheckResult, Level, State, finding
from ops.console import Table
from ops.evidence import key, write
from ops.evidence.afterwards import afterwards
from ops.evidence.identity import Identity
from ops.evidence.record import AlreadyRecordedError
from ops.invocation import Invocation
from ops.journal import Entry, Journal, unfinished
from ops.restore import cleanup
from ops.restore.drill import evidence
from ops.restore.drill.outcome import targets
from ops.restore.drill.plan import TIME_TO_LIVE, began, expires, is_drill_copy
from ops.restore.drill.report import DRILL, Report, Restored
from ops.restore.source import ROOM, Place, place

BEGUN = "drill"  # the journal's first entry: who drills, from where


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep did.

    Attributes:
        source: the instance whose drills were swept.
        removed: instances that are gone now.
        kept: instances of drills that may still run, on another machine.
        leftovers: what could not be removed, and why.
        runs: the drills that did not end, whose journals tell what they made.
        recorded: those of them whose evidence was missing, and is there now.
    """

    source: str
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    leftovers: tuple[str, ...]
    runs: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """Return a line for each thing that was cleaned up."""
        runs = [f"drill {run} did not end: its journal is worked off" for run in self.runs]
        return (*runs, *(f"removed {name}" for name in self.removed))

    @property
    def state(self) -> State:
        """Return a finding where something is left."""
        return State.FINDING if self.leftovers else State.OK

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        lines = [f"{line[0].upper()}{line[1:]}" for line in self.lines()]
        lines += [f"Kept {name}: younger than {TIME_TO_LIVE}" for name in self.kept]
        lines += [f"Left behind: {line}" for line in self.leftovers]
        return lines or [f"No drill of {self.source} left anything behind."]

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "source": self.source,
            "removed": self.removed,
            "kept": self.kept,
            "leftovers": self.leftovers,
            "runs": self.runs,
            "recorded": self.recorded,
        }


def sweep(run: Invocation) -> SweepReport:
    """Remove what earlier drills of a stack's instance left, unless one is under way.

    The instance itself may be gone: journals and names tell what to remove. Of drills that
    were killed, and are recorded now, the webhook is told.

    Raises:
        ops.lease.LeaseHeldError: a drill is under way.
    """
    source = place(run.target)
    with (
        afterwards(run, ROOM),
        lease.hold(source.store, ROOM, source.lease) as holding,
        run.progress.phase("Sweep leftovers"),
    ):
        report = sweep_held(source, datetime.now(UTC), by="restore.sweep")
        holding.confirm()  # else what is reported as removed or left is what another process did
        return report


def sweep_held(source: Place, now: datetime, *, by: str, but: str = "") -> SweepReport:
    """Remove what earlier drills left, and record those that were killed; we hold the lease.

    Instances that no journal here tells of belong to a drill with its records elsewhere:
    they are removed once they have outlived their time. A drill that was killed is never
    resumed: what it had read of the source is gone with it, and a new drill costs no more.

    Args:
        source: whose drills.
        now: the time.
        by: who sweeps, for the records.
        but: the run that sweeps, whose own journal is open.
    """
    removed: list[str] = []
    leftovers: list[str] = []
    recorded: list[str] = []
    source.store.tidy()
    journals = [journal for journal in unfinished(source.store, ROOM) if journal.run != but]
    for journal in journals:
        present = [
            name for name in cleanup.created_names(journal) if source.cloud.find(name) is not None
        ]
        left = cleanup.undo(source, journal)
        leftovers += left
        removed_names = [
            name for name in present if not any(x.startswith(f"{name}:") for x in left)
        ]
        removed += removed_names
        if record_killed(source, journal, removed_names, left, by):
            recorded.append(journal.run)
        if not left:
            journal.close()
    young: list[str] = []
    strangers: list[str] = []
    for instance in source.cloud.instances():
        if not is_drill_copy(instance.name, source.instance, source.cloud.project):
            continue
        if any(line.startswith(f"{instance.name}:") for line in leftovers):
            continue
        labels = instance.body.get("settings", {}).get("userLabels", {})
        old = now > expires(instance.name, labels)
        (strangers if old else young).append(instance.name)
    if strangers:
        journal = Journal(source.store, ROOM, f"sweep-{now:%y%m%d%H%M%S}")
        left = cleanup.remove(source.cloud, journal, strangers)
        leftovers += left
        removed += [name for name in strangers if not any(x.startswith(f"{name}:") for x in left)]
        journal.close()
    return SweepReport(
        source.instance,
        tuple(removed),
        tuple(young),
        tuple(leftovers),
        tuple(journal.run for journal in journals),
        tuple(recorded),
    )


def record_killed(
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
        evidence_record = evidence.of(place, _report(place, journal, removed, left, by), {})
        # When its instance was made, nobody knows: the name may be that of a newer one.
        known = Identity(place.instance, place.cloud.project)
        write(place.store, replace(evidence_record, instance=known))
        return True
    return False


def _report(
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
        checks=(Checked(DRILL, ended), Checked(DRILL, _clean_up(journal, removed, left))),
        phases={},
        rto=None,
        loss=None,
        leftovers=left,
        evidence=place.store.where(key(ROOM, journal.run)),
        targets=targets(place),
    )


def _who(entry: Entry) -> str:
    facts = entry.facts
    return f"process {facts.get('pid', '?')} on {facts.get('host', '?')}"


def _restored(entries: tuple[Entry, ...]) -> Iterator[Restored]:
    """Yield the backup runs that it had begun to restore."""
    for entry in entries:
        if entry.action == "restore":
            yield Restored(entry.facts.get("backup", ""), "", "", None, None, entry.object)


def _clean_up(journal: Journal, removed: Sequence[str], left: tuple[str, ...]) -> CheckResult:
    many = len(cleanup.created_names(journal))
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
