"""What follows a drill, however it ended: its page beside the records, and the notification.

Nothing here changes how the drill ended: what goes wrong is told in a line.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ops import measures, notify
from ops.errors import BadInputError, OpsError, Terminated, reason
from ops.evidence import identity
from ops.evidence.head import Head, decode, head_key, put_page
from ops.evidence.history import Entry, parse
from ops.evidence.uncompared import sentence
from ops.invocation import Invocation
from ops.lease import LeaseHeldError, LeaseLostError
from ops.notify import Hook, Notice

# After SIGTERM or Ctrl-C nobody waits for long.
HASTY_S = 5.0
MOST = 5  # records of one drill: its own, and those of killed ones before it


@contextmanager
def afterwards(run: Invocation, kind: str) -> Iterator[None]:
    """Notify of the drill that the block makes, and leave its page; errors go on as they are.

    A drill that was refused before it began is told of only where something is wrong: not
    where the command was, or where another drill is under way.
    """
    hook = _hook(run)
    before = _head(run, kind)
    try:
        yield
    except (BadInputError, LeaseHeldError):
        raise
    except BaseException as error:
        _follow(run, kind, hook, before, error)
        raise
    _follow(run, kind, hook, before, None)


def notice(entry: Entry, where: str, error: str = "") -> Notice:
    """Return what there is to tell of a record."""
    return Notice(
        kind=entry.kind,
        run=entry.run,
        stack=entry.stack,
        instance=entry.source,
        verdict=entry.verdict,
        summary=_summary(entry),
        started="" if entry.started is None else entry.started.isoformat(),
        ended="" if entry.ended is None else entry.ended.isoformat(),
        measures=entry.measures,
        faults=entry.faults,
        injected=entry.injected,
        not_compared=entry.not_compared,
        leftovers=entry.leftovers,
        evidence=where,
        sha256=entry.sha256,
        error=error,
    )


def _summary(entry: Entry) -> str:
    words = [f"{entry.verdict}."]
    words += [
        measures.sentence(name, measure)
        for name, measure in entry.measures.items()
        if measure.value is not None
    ]
    if entry.checks:
        words.append(f"Checks: {entry.counts.words()}.")
    if entry.not_compared:
        words.append(sentence(entry.not_compared))
    return " ".join(words)


def _hook(run: Invocation) -> Hook | None:
    settings = run.target.settings.notify
    try:
        return notify.hook(settings.when, settings.template)
    except OpsError as error:
        run.progress.line(str(error))
        return None


def _head(run: Invocation, kind: str) -> Head | None:
    try:
        return decode(run.target.store.get(head_key(kind)))
    except (OpsError, OSError):
        return None  # the drill itself says what is wrong with the store


def _follow(
    run: Invocation, kind: str, hook: Hook | None, before: Head | None, error: BaseException | None
) -> None:
    try:
        # Records that came to be while we were suspended are those of whoever went on: they told.
        new = [] if isinstance(error, LeaseLostError) else _new(run, kind, before)
        if new:
            _page(run, new[-1])
        if hook is not None:
            store = run.target.store
            notices = [
                notice(entry, store.where(entry.key)) for entry in new[:-1]
            ]  # of killed ones
            notices += _own(run, kind, new[-1] if new else None, error)
            hasty = isinstance(error, KeyboardInterrupt | Terminated)
            _tell(run, hook, notices, HASTY_S if hasty else notify.PATIENCE_S)
    except Exception as second:  # noqa: BLE001 - it must not hide how the drill ended
        reason = str(second) if isinstance(second, OpsError) else type(second).__name__
        run.progress.line(f"After the drill: {reason}")


def _new(run: Invocation, kind: str, before: Head | None) -> list[Entry]:
    """Return the records that came to be meanwhile, in order."""
    store, until = run.target.store, "" if before is None else before.key
    head = _head(run, kind)
    at = "" if head is None else head.key
    new: list[Entry] = []
    while at and at != until and len(new) < MOST:
        stored = store.get(at)
        earlier = None if stored is None else parse(kind, at, stored.content)
        if not isinstance(earlier, Entry):
            break
        new.insert(0, earlier)
        at = earlier.previous
    return new


def _page(run: Invocation, entry: Entry) -> None:
    """Leave the page of the newest drill beside the records: without plots, so in no time."""
    from ops.evidence import page

    days = run.target.settings.drill.stale_days
    own_identity = identity.of(run.target)
    text = page.render_quickly(
        run.target.store, entry, datetime.now(UTC), days=days, identity=own_identity
    )
    put_page(run.target.store, entry.kind, text.encode(errors="replace"))


def _own(
    run: Invocation, kind: str, entry: Entry | None, error: BaseException | None
) -> list[Notice]:
    """Return what there is to tell of the drill itself; nothing of a dry run."""
    why = "" if error is None else reason(error)
    if entry is not None:
        return [notice(entry, run.target.store.where(entry.key), why)]
    if error is None:
        return []
    target, summary = run.target, "it left no record."
    if isinstance(error, LeaseLostError):
        summary = "unknown. It was suspended past its lease, and proved nothing."
    return [Notice(kind, "", target.stack, target.instance, "unknown", summary, error=why)]


def _tell(run: Invocation, hook: Hook, notices: list[Notice], patience_s: float) -> None:
    """Send each notice; those that nobody took are counted in a line, and named."""
    wanted_notices = [notice for notice in notices if hook.wants(notice)]
    undelivered = []
    for notice in wanted_notices:
        try:
            run.progress.line(notify.deliver(hook, notice, patience_s))
        except Exception as error:  # noqa: BLE001 - one that fails must not stop the next
            why = str(error) if isinstance(error, OpsError) else type(error).__name__
            run.progress.line(f"After the drill: {why}")
            undelivered.append(notice.run or "one without a record")
    if undelivered:
        drills = ", ".join(undelivered)
        run.progress.line(
            f"Undelivered: {len(undelivered)} of {len(wanted_notices)} notifications"
            f" (drill {drills})."
        )
