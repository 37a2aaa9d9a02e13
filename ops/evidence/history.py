"""What earlier drills said: each record as a frozen value, older and damaged ones told as such.

A record is what another version wrote, or what somebody spoiled. What it lacks is None; what
can't be read at all is counted and named, never skipped.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ops import measures
from ops.checks import stored
from ops.checks.report import label
from ops.checks.result import Checked, Counts, State, count
from ops.evidence import formats, uncompared, verdicts
from ops.evidence.archive import READERS, Answer, Reader, fetch
from ops.evidence.head import keys, sha256
from ops.evidence.identity import Identity
from ops.evidence.uncompared import NOT_COMPARED
from ops.measures import Measure

PASS = "pass"  # noqa: S105 - a verdict
LAST = 20  # drills that a table shows
# Passes that a time is compared with, and records that they are looked for in: the same ones
# however many drills are shown.
PASSES, LOOKED_AT = 6, 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One drill as its record tells it; None and empty are what the record lacks.

    Attributes:
        kind, key, run, sha256: which record.
        previous: the key of the record before it in the chain.
        stack, source: what was drilled.
        started, ended: of the drill.
        verdict: ``pass``, ``fail``, ``unknown``, or what the record says.
        measures: what was measured, by name; see ops.measures.
        phases_s: the seconds of the slowest copy by phase.
        copies_s: seconds by copy and phase.
        backups: the ids of the backup runs that were restored.
        who, where, commit, versions, targets: as the record has them.
        checks: all of them.
        injected: the fault that was put in on purpose.
        leftovers: what could not be removed.
        facts: the drill's own words, for what only one kind has.
        not_compared: what of the copies was compared with nothing.
        instance: which instance it is about, as the record says.
        elsewhere: whether that is another one than the stack's.
    """

    kind: str
    key: str
    run: str
    sha256: str
    previous: str = ""
    stack: str = ""
    source: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    verdict: str = ""
    measures: Mapping[str, Measure] = field(default_factory=dict)
    phases_s: Mapping[str, float] = field(default_factory=dict)
    copies_s: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    backups: tuple[str, ...] = ()
    who: str = ""
    where: str = ""
    commit: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, float] = field(default_factory=dict)
    checks: tuple[Checked, ...] = ()
    injected: str = ""
    leftovers: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    not_compared: tuple[str, ...] = ()
    instance: Identity = field(default_factory=lambda: Identity(""))
    elsewhere: bool = False

    @property
    def counts(self) -> Counts:
        """Return how many checks came out how."""
        return count(check.result.state for check in self.checks)

    @property
    def passed(self) -> bool:
        """Return whether it proved what it was to prove, of the stack's instance."""
        proved = self.verdict == PASS and not self.injected and not self.elsewhere
        return proved and not self.contradiction

    @property
    def contradiction(self) -> str:
        """Return how its verdict contradicts its checks; empty where they agree."""
        return verdicts.contradiction(self.kind, self.facts)

    @property
    def faults(self) -> tuple[str, ...]:
        """Return the names of the checks that found something or could not tell."""
        bad = (each for each in self.checks if each.result.state in {State.FINDING, State.UNKNOWN})
        return tuple(f"{each.copy} {label(each.result.check)}".strip() for each in bad)


@dataclass(frozen=True, slots=True)
class History:
    """The newest drills of a kind.

    Attributes:
        kind: which drills.
        entries: the newest first; also an older one that passed, where none of these did.
        passes: the newest that passed, enough to compare the times of.
        unreadable: why a record can't be read, by key.
        total: how many records there are.
        whose: the stack's instance; None where records of any instance count.
    """

    kind: str
    entries: tuple[Entry, ...]
    unreadable: Mapping[str, str]
    total: int
    passes: tuple[Entry, ...] = ()
    whose: Identity | None = None


def read(records: Reader, kind: str, last: int = LAST, identity: Identity | None = None) -> History:
    """Return the newest records of a kind, and the newest that passed where they are older.

    Args:
        records: where they are: a store, or what was read of it.
        kind: which drills.
        last: how many of the newest.
        identity: the stack's instance: passes of another one don't count; None counts them all.

    Raises:
        ops.errors.OpsError: the store can't be listed.
    """
    every_key = keys(records, kind)
    entries: list[Entry] = []
    passes: list[Entry] = []
    unreadable: dict[str, str] = {}
    for number, (key, answer) in enumerate(_newest_first(records, every_key, last)):
        entry = _entry(kind, key, answer)
        if isinstance(entry, str):
            if number < last or not passes:
                unreadable[key] = entry
        else:
            if identity is not None and not identity.is_same(entry.instance, entry.started):
                entry = replace(entry, elsewhere=True)
            if number < last or (entry.passed and not passes):
                entries.append(entry)
            if entry.passed and len(passes) < PASSES:
                passes.append(entry)
        enough = len(passes) >= PASSES or (passes and number + 1 >= LOOKED_AT)
        if number + 1 >= last and enough:  # before the next batch is read
            break
    return History(kind, tuple(entries), unreadable, len(every_key), tuple(passes), identity)


def _newest_first(
    records: Reader, every_key: Sequence[str], last: int
) -> Iterator[tuple[str, Answer]]:
    """Yield records from the newest on, read side by side, a batch at a time."""
    newest_first = every_key[::-1]
    at, size = 0, max(last, READERS)
    while at < len(newest_first):
        yield from fetch(records, newest_first[at : at + size]).items()
        at += size


def _entry(kind: str, key: str, answer: Answer) -> "Entry | str":
    if isinstance(answer, Exception):
        return str(answer).rstrip(".")
    return "it went away" if answer is None else parse(kind, key, answer.content)


def parse(kind: str, key: str, content: bytes) -> Entry | str:
    """Return what a record tells, or why it tells nothing."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        return f"it is no JSON: {type(error).__name__}"
    if reason := formats.refuse(_object(document)):
        return reason
    drill = _object(document).get("drill")
    if not isinstance(drill, Mapping) or not drill.get("verdict"):
        return "it holds no drill with a verdict"
    rto, targets = _numbers(drill.get("rto_s")), _numbers(document.get("targets"))
    name = key.rsplit("/", maxsplit=1)[-1].removesuffix(".json")
    return Entry(
        kind=kind,
        key=key,
        run=_text(drill.get("run")) or name,
        sha256=sha256(content),
        previous=_text(_object(document.get("previous")).get("key")),
        stack=_text(drill.get("stack")),
        source=_text(drill.get("source")),
        started=_moment(drill.get("started") or drill.get("began")),
        ended=_moment(drill.get("ended")),
        verdict=_text(drill.get("verdict")),
        measures=measures.read(drill, targets),
        phases_s={phase: value for phase, value in rto.items() if phase != "total"},
        copies_s={
            copy: _numbers(phases) for copy, phases in _object(drill.get("phases_s")).items()
        },
        backups=tuple(_text(_object(backup).get("id")) for backup in _list(drill.get("backups"))),
        who=_text(document.get("who")),
        where=_text(document.get("where")),
        commit=_text(document.get("commit")),
        versions={
            name: _text(version) for name, version in _object(document.get("versions")).items()
        },
        targets=targets,
        checks=tuple(stored.read(_object(check)) for check in _list(drill.get("checks"))),
        injected=_text(drill.get("injected")),
        leftovers=tuple(map(_text, _list(drill.get("leftovers")))),
        facts=dict(drill),
        not_compared=_not_compared(drill),
        instance=_instance(document, drill),
    )


def _instance(document: object, drill: Mapping[str, object]) -> Identity:
    """Return which instance a record is about; older ones know its name alone."""
    known = _object(_object(document).get("instance"))
    name = _text(known.get("name")) or _text(drill.get("source"))
    return Identity(name, _text(known.get("project")), _moment(known.get("created")))


def _not_compared(drill: Mapping[str, object]) -> tuple[str, ...]:
    """Return what was compared with nothing; older records do not say it of their backups."""
    if NOT_COMPARED in drill:
        return tuple(map(_text, _list(drill.get(NOT_COMPARED))))
    backups = map(_object, _list(drill.get("backups")))
    return uncompared.of_backups([_text(backup.get("id")) for backup in backups])


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _numbers(value: object) -> dict[str, float]:
    numbers = ((name, measures.number(item)) for name, item in _object(value).items())
    return {name: number for name, number in numbers if number is not None}


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
