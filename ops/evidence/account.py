"""What tasks show of the evidence: the history as a table, one record in brief, its chain."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import wrap

from ops import arguments, measures
from ops.checks.report import shorten
from ops.checks.result import CheckResult, State, worst
from ops.console import WIDTH, Table
from ops.errors import BadInputError, OpsError
from ops.evidence import archive, chain, history, trend
from ops.evidence.head import keys
from ops.evidence.history import Entry, History
from ops.evidence.identity import Identity
from ops.evidence.record import key
from ops.evidence.uncompared import NOT_COMPARED, sentence
from ops.measures import Measure
from ops.store import Store

SHOWN_FAULTS = 12  # of a check, to people; JSON has all


class NoSuchRecordError(BadInputError):
    """A drill was named that left no record."""

    def __init__(self, kind: str, run: str) -> None:
        what = f"no record of the {kind} {run}" if run else f"no record of any {kind}"
        super().__init__(f"There is {what}. `invoke restore.history --kind {kind}` lists them.")


class DamagedRecordError(BadInputError):
    """A record was named that can't be read."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(
            f"Can't read {where}: {why}. `invoke restore.evidence --verify` tells what else is "
            "wrong; the bucket keeps older versions for a while."
        )


def number(option: str, value: str, default: int) -> int:
    """Return an option's number; raises ops.arguments.BadArgumentError."""
    return arguments.parse_whole(option, value, least=1) if value else default


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """The history of a kind, and what it shows."""

    history: History
    checks: tuple[CheckResult, ...]

    @property
    def state(self) -> State:
        """Return the worst state of all checks."""
        return worst(check.state for check in self.checks)

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read, the newest drill first."""
        drill_history = self.history
        names = tuple(dict.fromkeys(name for e in drill_history.entries for name in e.measures))
        rows = tuple(_row(entry, names) for entry in drill_history.entries)
        measured = (_column(name, drill_history.entries) for name in names)
        columns = ("run", "ended, UTC", "verdict", *measured, "by", "not ok or not counted")
        table = (
            [Table(f"{drill_history.kind}, the newest of {drill_history.total}", columns, rows)]
            if rows
            else []
        )
        return [*table, *told_of(self.checks)]

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "kind": self.history.kind,
            "total": self.history.total,
            "drills": [_brief(entry) for entry in self.history.entries],
            "unreadable": self.history.unreadable,
            "checks": self.checks,
            "state": self.state,
        }


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """One record in brief, and whether the chain that it is part of is whole.

    Attributes:
        entry: the record; None where only the chain was asked for and there is none.
        where: how a person finds it.
        checks: of the chain; empty where it was not asked for.
        page: where the HTML page was written, else empty.
    """

    entry: Entry | None
    where: str
    checks: tuple[CheckResult, ...] = ()
    page: str = ""

    @property
    def state(self) -> State:
        """Return what the chain's checks come to; a record's verdict is not ours to judge."""
        return worst(check.state for check in self.checks) if self.checks else State.OK

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        lines: list[Table | str] = list(_lines(self.entry)) if self.entry is not None else []
        lines += [f"Record: {self.where}"] if self.where else []
        lines += [f"Page: {self.page}"] if self.page else []
        return [*lines, *told_of(self.checks)]

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "record": None if self.entry is None else _brief(self.entry),
            "where": self.where,
            "page": self.page,
            "chain": self.checks,
            "state": self.state,
        }


def tell(
    store: Store,
    kind: str,
    *,
    last: int,
    days: int,
    now: datetime,
    identity: Identity | None = None,
    stack: str = "",
) -> HistoryReport:
    """Return the history of a kind, with what it shows; the chain is checked first.

    Args:
        store: where the records lie.
        kind: which drills.
        last: how many of the newest.
        days: after which the newest pass is too old; 0 for never.
        now: the time.
        identity: the stack's instance; None counts the drills of every instance.
        stack: whose records they have to be; empty where any stack's may be.
    """
    try:
        records = archive.read(store, kind)
        drill_history = history.read(records, kind, last, identity)
        chained = chain.verify_archive(records, stack) if drill_history.total else ()
    except (OpsError, OSError) as error:
        return HistoryReport(History(kind, (), {}, 0), (chain.unreadable(error),))
    checks = (
        trend.stale(drill_history, now, days=days),
        trend.growth(drill_history.passes),
        trend.readable(drill_history),
        trend.instance(drill_history),
        *chained,
    )
    return HistoryReport(drill_history, checks)


def read_entry(store: Store, kind: str, run: str) -> Entry:
    """Return the record of a drill, the newest where none is named.

    Raises:
        NoSuchRecordError: there is none.
        DamagedRecordError: it can't be read.
    """
    where = key(kind, run) if run else (keys(store, kind) or ("",))[-1]
    stored = store.get(where) if where else None
    if stored is None:
        raise NoSuchRecordError(kind, run)
    entry = history.parse(kind, where, stored.content)
    if isinstance(entry, str):
        raise DamagedRecordError(store.where(where), entry)
    return entry


def told_of(checks: Sequence[CheckResult]) -> Iterator[str]:
    """Yield a line a check, with its faults and what to do."""
    for check in checks:
        sentence = f"{check.check}: {check.state}. {check.detail[:1].upper()}{check.detail[1:]}."
        yield from wrap(sentence, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        yield from shorten(check.differences, SHOWN_FAULTS)
        if check.remedy:
            yield from wrap(check.remedy, WIDTH, initial_indent="  ", subsequent_indent="  ")


def _column(name: str, entries: Sequence[Entry]) -> str:
    """Return a measure's heading: its label and unit."""
    unit = next(entry.measures[name].unit for entry in entries if name in entry.measures)
    return f"{measures.meaning(name).label} {unit}".rstrip()


def _row(entry: Entry, names: Sequence[str]) -> tuple[object, ...]:
    ended = "" if entry.ended is None else f"{entry.ended.astimezone(UTC):%Y-%m-%d %H:%M}"
    times = (_cell(name, entry.measures.get(name)) for name in names)
    more = f" and {len(entry.faults) - 1} more" if len(entry.faults) > 1 else ""
    faults = f"put in {entry.injected}" if entry.injected else f"{''.join(entry.faults[:1])}{more}"
    faults = f"of another instance: {entry.instance.words()}" if entry.elsewhere else faults
    return (entry.run, ended, entry.verdict, *times, entry.who, faults)


def _cell(name: str, measure: Measure | None) -> str:
    if measure is None or measure.value is None:
        return "-"
    return f"{measure.value:.{measures.meaning(name).digits}f}"


def _lines(entry: Entry) -> Iterator[str]:
    yield f"{entry.kind} {entry.run} of {entry.source or 'unknown'}: {entry.verdict}"
    if entry.started is not None and entry.ended is not None:
        yield f"From {entry.started:%Y-%m-%d %H:%M:%S} to {entry.ended:%H:%M:%S} UTC"
    if entry.who:
        yield f"By {entry.who} on {entry.where}"
    if entry.injected:
        yield f"Put in on purpose: {entry.injected}"
    for name, measure in entry.measures.items():
        if measure.value is not None:
            target = measure.target
            aim = "" if target is None else f" (target {target:g} {measure.unit})"
            label = measures.meaning(name).label
            yield f"{label}: {measure.value:g} {measure.unit}{aim}".rstrip()
    yield f"Checks: {entry.counts.words()}"
    if entry.not_compared:
        yield sentence(entry.not_compared)
    yield from (f"  - {name}" for name in entry.faults[:SHOWN_FAULTS])
    yield f"SHA-256: {entry.sha256}"


def _brief(entry: Entry) -> dict[str, object]:
    """Return a record for machines, without what only its page needs."""
    return {
        "run": entry.run,
        "stack": entry.stack,
        "source": entry.source,
        "instance": entry.instance.document(),
        "elsewhere": entry.elsewhere,
        "contradiction": entry.contradiction,
        "started": entry.started,
        "ended": entry.ended,
        "verdict": entry.verdict,
        "injected": entry.injected,
        "measures": entry.measures,
        **measures.fields(entry.measures),
        "phases_s": entry.phases_s,
        "backups": entry.backups,
        "who": entry.who,
        "not_ok": entry.faults,
        "counts": entry.counts,
        NOT_COMPARED: entry.not_compared,
        "key": entry.key,
        "sha256": entry.sha256,
    }
