"""One copy of the rehearsal source at a time: made, spoiled, verified, removed."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from ops.checks.crew import Crew, StoppedError
from ops.checks.result import CheckResult
from ops.errors import OpsError
from ops.journal import Journal
from ops.restore import cleanup, copies
from ops.restore.copies import CopyPlan, Kind, Made
from ops.restore.faults.fault import Fault
from ops.restore.proof import baseline, verify
from ops.restore.proof.baseline import Baseline
from ops.restore.proof.marker import TRIES, Marker
from ops.restore.selftest.report import Control, Outcome
from ops.restore.source import Source


@dataclass(frozen=True, slots=True)
class Scene:
    """A marker, and what a clone to it must hold."""

    marker: Marker
    baseline: Baseline


@dataclass(slots=True)
class _Look:
    """What is known of a fault so far."""

    spoiled: str = ""
    failure: str = ""


class Bench:
    """Makes, spoils and verifies copies of one source; safe for several threads.

    Args:
        source: whose copies these are.
        journal: of the self-test.
        run: its name, in the heartbeats.
        labels: for the instances that take labels.
        crew: of the self-test; each copy has a part of it, which may fail by itself.
    """

    def __init__(
        self,
        source: Source,
        journal: Journal,
        run: str,
        labels: Mapping[str, str],
        crew: Crew,
    ) -> None:
        self.source, self.journal, self.run, self.labels = source, journal, run, labels
        self._crew = crew
        self._scenes = 0

    def scene(self, tries: int) -> Scene:
        """Set a marker on the source, and read what a clone to it must hold."""
        self._scenes += 1
        marked: Future[Marker] = Future()
        with self._part() as crew:
            name = f"{self.run}-{self._scenes}"
            read = baseline.take(crew, self.source, name, marked, tries)
            return Scene(marked.result(), read)

    def healthy(self, name: str, scene: Scene) -> Control:
        """Return what the checks say of a clone that nobody spoiled."""
        with self._part() as crew, self._removed_after(name):
            plan = CopyPlan(Kind.CLONE, name)
            copy = self._clone(crew, plan, scene, None)
            return Control(name, self._verified(crew, copy, scene))

    def healthy_backup(self, name: str) -> Control:
        """Return what the checks say of a restored backup that nobody spoiled."""
        with self._part() as crew, self._removed_after(name):
            results: list[CheckResult] = []
            verify.backup(crew, self.source, self._backup(crew, name), results, _nothing)
            return Control("backup", tuple(results))

    def spoiled_copy(self, fault: Fault, plan: CopyPlan, scene: Scene) -> Outcome:
        """Return what the checks say of a clone with a fault, or of a wrong moment."""

        def look(crew: Crew, looked: _Look, results: list[CheckResult]) -> None:
            copy = self._clone(crew, plan, scene, fault)
            if fault.moment is not None:
                looked.spoiled = "the time to clone to"
            if fault.copy is not None:
                looked.spoiled = fault.copy(crew, self.source, _complete(copy))
            self._verified(crew, copy, scene, results)

        with self._removed_after(plan.name):
            return self._outcome(fault, look)

    def spoiled_source(self, fault: Fault, plan: CopyPlan, backup: str, scene: Scene) -> Outcome:
        """Return what the checks say of copies from a spoiled archive or backup.

        A restored backup that is spoiled itself says all that there is to say.
        """

        def look(crew: Crew, looked: _Look, results: list[CheckResult]) -> None:
            if fault.restored is not None:
                copy = self._backup(crew, backup)
                looked.spoiled = fault.restored(crew, self.source, _complete(copy))
                verify.backup(crew, self.source, copy, results, _nothing)
                return
            if fault.base is not None:
                looked.spoiled = fault.base(self.source, self.journal)
                verify.backup(crew, self.source, self._backup(crew, backup), results, _nothing)
            scene_after = scene
            if fault.archive is not None:
                looked.spoiled = fault.archive(self.source, self.journal)
                scene_after = self.scene(TRIES)  # after the gap: a clone to it has to cross that
            self._verified(crew, self._clone(crew, plan, scene_after, None), scene_after, results)

        with self._removed_after(plan.name, backup):
            try:
                return self._outcome(fault, look)
            finally:
                for entry in self.journal.entries():
                    if entry.action == cleanup.HIDING:
                        cleanup.put_back(entry)

    def _outcome(
        self, fault: Fault, look: Callable[[Crew, _Look, list[CheckResult]], None]
    ) -> Outcome:
        looked, results, since = _Look(), list[CheckResult](), time.monotonic()
        with self._part() as crew:
            try:
                look(crew, looked, results)
            except (OpsError, psycopg.Error) as error:
                self._crew.check()  # given up: that says nothing about the fault
                looked.failure = _reason(error, crew)
        return Outcome(
            fault.name,
            fault.what,
            fault.seen_by,
            looked.spoiled,
            tuple(results),
            time.monotonic() - since,
            looked.failure,
        )

    def _clone(self, crew: Crew, plan: CopyPlan, scene: Scene, fault: Fault | None) -> Made:
        moment = scene.marker.point_in_time
        if fault is not None and fault.moment is not None:
            moment = fault.moment(scene.marker)
        return copies.clone(crew, self.source, self.journal, plan, moment)

    def _verified(
        self, crew: Crew, copy: Made, scene: Scene, collected: list[CheckResult] | None = None
    ) -> tuple[CheckResult, ...]:
        expected: Future[Baseline] = Future()
        expected.set_result(scene.baseline)
        results = [] if collected is None else collected
        verify.clone(crew, self.source, copy, expected, results, _nothing)
        return tuple(results)

    def _backup(self, crew: Crew, name: str) -> Made:
        run = self.source.cloud.backup_runs(self.source.instance)[0]
        plan = CopyPlan(Kind.BACKUP, name, run)
        return copies.restore(crew, self.source, self.journal, plan, self.labels)

    @contextmanager
    def _part(self) -> Iterator[Crew]:
        part = self._crew.part()
        try:
            yield part
        finally:
            part.stop()

    @contextmanager
    def _removed_after(self, *names: str) -> Iterator[None]:
        """Remove instances after the block, beside the next; what stays is told at the end."""
        yield
        cloud = self.source.cloud
        self._crew.start("remove", lambda: cleanup.remove(cloud, self.journal, names))


class CopyFailedError(OpsError):
    """There is no copy to put a fault into."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The copy to be spoiled could not be made: {reason}")


def _complete(copy: Made) -> Made:
    if copy.failure:
        raise CopyFailedError(copy.failure)
    return copy


def _reason(error: Exception, crew: Crew) -> str:
    """Return why a fault was not looked at to the end: the first error, not that we gave up."""
    first = crew.failure if isinstance(error, StoppedError) else None
    return " ".join(str(first or error).split())


def _nothing() -> None:
    """Show no progress for the steps of one copy."""
