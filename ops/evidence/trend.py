"""What a history shows that one drill can't: growing times, and drills that nobody runs."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median

from ops.checks.result import CheckResult, Finding, Level, State, finding
from ops.evidence.history import Entry, History
from ops.measures import RTO, WRITE_GAP

SCHEDULED = frozenset({"restore-drill"})  # kinds that a stack's schedule runs
# Chosen, not measured. The median of five is moved by neither one slow drill nor two; half as
# much again is told before the doubling that makes an emergency plan wrong. The floor keeps
# short restores quiet, where the cloud's queue and start-up are most of the time.
PREVIOUS, ENOUGH, RATIO, FLOOR_S = 5, 3, 1.5, 30.0
AHEAD = timedelta(hours=1)  # that clocks of two machines may differ


def growth(
    entries: Sequence[Entry],
    *,
    previous: int = PREVIOUS,
    enough: int = ENOUGH,
    ratio: float = RATIO,
    floor_s: float = FLOOR_S,
) -> CheckResult:
    """Hold the newest passed drill's time against the median of those that passed before it.

    Args:
        entries: the newest first.
        previous: how many earlier drills make the median.
        enough: how many it takes to tell.
        ratio: how many times the median is too much.
        floor_s: by how many seconds it must be more, too.
    """
    named = [(entry, time_s(entry)) for entry in entries if entry.passed]
    timed = [(entry, seconds) for entry, seconds in named if seconds is not None]
    newest, older = timed[:1], [seconds for _, seconds in timed[1 : previous + 1]]
    if not newest or len(older) < enough:
        words = f"too few to tell: {len(timed)} drills passed with a time; it takes {enough + 1}"
        return CheckResult("growth", State.NOT_APPLICABLE, len(timed), enough + 1, words)
    (entry, now_s), usual_s = newest[0], median(older)
    facts = {"newest_s": now_s, "median_s": usual_s, "ratio": ratio, "floor_s": floor_s}
    words = f"{entry.run} took {now_s:.1f} s; the median of {len(older)} before is {usual_s:.1f} s"
    examined = len(older) + 1
    if now_s > usual_s * ratio and now_s - usual_s > floor_s:
        limit = f"more than {ratio:g} times and {floor_s:g} s over the median"
        remedy = "See which phase grew, and whether the data did; then look at the target."
        grown = tuple(_grown(entry, [earlier for earlier, _ in timed[1 : previous + 1]]))
        return CheckResult(
            "growth", State.FINDING, examined, examined, f"{words}: {limit}", grown, facts, remedy
        )
    return CheckResult("growth", State.OK, examined, examined, words, evidence=facts)


def time_s(entry: Entry) -> float | None:
    """Return how long a drill's service was away: a restore's RTO, a failover's write gap."""
    times = (entry.measures[name].seconds for name in (RTO, WRITE_GAP) if name in entry.measures)
    return next((seconds for seconds in times if seconds is not None), None)


def _grown(entry: Entry, older: Sequence[Entry]) -> Iterator[Finding]:
    """Yield each phase that takes longer than it did."""
    for phase, now_s in entry.phases_s.items():
        before = [entry.phases_s[phase] for entry in older if phase in entry.phases_s]
        if before and now_s - median(before) > 1:
            message = f"{now_s:.1f} s, was {median(before):.1f} s"
            yield finding("phase", phase.replace("_", " "), message)


def stale(history: History, now: datetime, *, days: int) -> CheckResult:
    """Hold the age of the newest drill that passed against a limit in days; 0 for no limit."""
    passed = [entry for entry in (*history.entries, *history.passes) if entry.passed]
    dated = [entry.ended for entry in passed if entry.ended is not None]
    newest = max(dated, default=None)
    total = history.total
    if not days:
        words = f"nothing schedules a {history.kind}: no age is too old"
        return CheckResult("age", State.NOT_APPLICABLE, total, total, words)
    remedy = f"Run `invoke {history.kind}`, and see why the schedule did not."
    if newest is None:
        of = "" if history.whose is None else f" of {history.whose.name}"
        words = f"no {history.kind}{of} ever passed; records: {total}"
        words = words if total else "none was ever recorded"
        return CheckResult("age", State.FINDING, total, total, words, remedy=remedy)
    if newest - now > AHEAD:
        words = f"the newest pass is from {newest:%Y-%m-%d %H:%M} UTC, which is yet to come"
        remedy = "Set the clocks right, of this machine and of the one that drilled."
        return CheckResult("age", State.UNKNOWN, total, total, words, remedy=remedy)
    age = (now - newest) / timedelta(days=1)
    words = f"the newest pass is {max(age, 0):.1f} days old; the limit is {days} days"
    if age > days:
        return CheckResult("age", State.FINDING, total, total, words, remedy=remedy)
    return CheckResult("age", State.OK, total, total, words)


def readable(history: History) -> CheckResult:
    """Tell which records could not be read."""
    if not history.total:
        return CheckResult(
            "history", State.UNKNOWN, 0, 0, f"there is no record of a {history.kind}"
        )
    unread = tuple(
        finding("record", key, why, Level.UNKNOWN) for key, why in history.unreadable.items()
    )
    read = len(history.entries) + len(unread)
    if unread:
        words = f"{len(unread)} of {read} records can't be read"
        remedy = "Run `invoke restore.evidence --verify`."
        return CheckResult(
            "history", State.UNKNOWN, read - len(unread), read, words, unread, remedy=remedy
        )
    return CheckResult("history", State.OK, read, read, f"{read} of {history.total} were read")


def instance(history: History) -> CheckResult:
    """Tell which records are about the stack's instance: others prove nothing of it."""
    identity, entries = history.whose, history.entries
    others = [entry for entry in entries if entry.elsewhere]
    lines = tuple(
        finding("record", entry.run, entry.instance.words() or "of no instance", Level.NOTE)
        for entry in others
    )
    count = len(entries)
    if identity is None or not count:
        words = "there is no record that could be of another instance"
        return CheckResult("instance", State.NOT_APPLICABLE, 0, 0, words)
    if len(others) == count:
        words = f"none of {count} records is of {identity.words()}: nothing is proven of it"
        remedy = f"Run `invoke {history.kind}`." if history.kind in SCHEDULED else ""
        return CheckResult("instance", State.UNKNOWN, 0, count, words, lines, remedy=remedy)
    if identity.trouble:
        words = (
            f"nobody can tell whether the records are of {identity.name} as it is now, or of an "
            f"earlier instance of that name: {identity.trouble}"
        )
        remedy = "Run this where the Admin API answers."
        return CheckResult("instance", State.UNKNOWN, 0, count, words, lines, remedy=remedy)
    old = sum(not entry.elsewhere and entry.instance.created is None for entry in entries)
    words = f"{count - len(others)} of {count} records are of {identity.words()}"
    words += f"; {len(others)} of other instances count for nothing" if others else ""
    words += (
        f"; {old} older ones know its name alone, and began after it was created" if old else ""
    )
    return CheckResult("instance", State.OK, count, count, words, lines)
