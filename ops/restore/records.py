"""What drills have left: their history, and one record with its chain and its page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ops import guard, notify
from ops.checks.result import CheckResult
from ops.console import Table
from ops.errors import BadInputError, OpsError
from ops.evidence import account, afterwards, chain, identity, trend
from ops.evidence.account import EvidenceReport, HistoryReport, number
from ops.evidence.history import LAST, Entry
from ops.invocation import Invocation

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class NoHookError(OpsError):
    """There is nobody to tell."""

    def __init__(self) -> None:
        super().__init__(
            f"No webhook is named. Set {notify.URL}, or {notify.URL_FILE} to a file that holds "
            "its address."
        )


class BadNameError(BadInputError):
    """Something was named that can be neither a kind nor a drill."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} names no drill. Give a name as `invoke restore.history` lists it."
        )


def history(run: Invocation, *, kind: str, last: str, days: str) -> HistoryReport:
    """Return the newest drills of a kind, whether they grow, and whether they are too old.

    Args:
        run: the invocation.
        kind: which drills, such as ``restore-drill`` or ``failover-drill``.
        last: how many, as given; empty for the usual number.
        days: after which the newest pass is too old, as given; empty for the stack's
            alertDrillDays, which holds for what a schedule runs.

    Raises:
        BadNameError: ``kind`` can be no kind.
        ops.arguments.BadArgumentError: ``last`` or ``days`` is no number.
    """
    return account.tell(
        run.target.store,
        _named(kind),
        last=number("--last", last, LAST),
        days=number("--days", days, _days(run, kind)),
        now=datetime.now(UTC),
        identity=identity.of(run.target),
        stack=run.target.stack,
    )


def evidence(
    run: Invocation, *, drill: str, kind: str, verify: bool, html: str, yes: bool = False
) -> EvidenceReport:
    """Return a record in brief; check its chain and write its page where that is asked for.

    Args:
        run: the invocation.
        drill: the drill's name; empty takes the newest.
        kind: which drills.
        verify: check every record of the kind.
        html: the file to write the page to; empty for none.
        yes: whether to overwrite a file that is no such page without asking.

    Raises:
        ops.guard.DeclinedError, ops.guard.UnansweredError: it would be overwritten.
        BadNameError: ``drill`` or ``kind`` can be no name.
        ops.evidence.account.NoSuchRecordError: there is no such record.
        ops.evidence.account.DamagedRecordError: it can't be read.
    """
    _approve_overwriting(html, yes=yes)
    store = run.target.store
    checks = _verified(run, _named(kind)) if verify else ()
    try:
        entry = account.read_entry(store, kind, _named(drill) if drill else "")
    except OpsError:
        if not verify or drill or html:
            raise
        return EvidenceReport(None, "", checks)  # what is wrong with it stands in the checks
    return EvidenceReport(entry, store.where(entry.key), checks, _page(run, entry, checks, html))


@dataclass(frozen=True, slots=True)
class NotifyReport:
    """A notification that was sent, or is only shown.

    Attributes:
        sent: a line about its delivery; empty where it was not to be sent.
        body: what is sent.
    """

    sent: str
    body: str

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return (self.body, *((self.sent,) if self.sent else ()))


def notification(
    run: Invocation, *, drill: str, kind: str, template: str, dry_run: bool
) -> NotifyReport:
    """Tell the webhook of a drill that has a record: tries the webhook and the template.

    Args:
        run: the invocation.
        drill: the drill's name; empty takes the newest.
        kind: which drills.
        template: the file of another template; empty takes the stack's.
        dry_run: show the body alone.

    Raises:
        NoHookError: no webhook is named.
        ops.notify.BadHookError: the address or the template can't be used.
        ops.notify.NotDeliveredError: the webhook did not take it.
    """
    store, settings = run.target.store, run.target.settings.notify
    entry = account.read_entry(store, _named(kind), _named(drill) if drill else "")
    notice = afterwards.notice(entry, store.where(entry.key))
    if dry_run:
        text = notify.template_of(settings.template, template)
        return NotifyReport("", notify.body(text, notice).decode())
    hook = notify.hook(settings.when, settings.template)
    if hook is None:
        raise NoHookError
    if template:
        hook = replace(hook, template=notify.template_of("", template))
    body = notify.body(hook.template, notice).decode()
    return NotifyReport(notify.deliver(hook, notice), body)


def _page(run: Invocation, entry: Entry, checks: tuple[CheckResult, ...], html: str) -> str:
    if not html:
        return ""
    from ops.evidence import page

    with run.progress.phase("Make the page"):
        text = page.render(
            run.target.store,
            entry,
            datetime.now(UTC),
            checks,
            days=_days(run, entry.kind),
            identity=identity.of(run.target),
        )
    return page.save(text, Path(html))


def _approve_overwriting(html: str, *, yes: bool) -> None:
    if not html or yes:
        return
    from ops.evidence import page

    path = Path(html)
    if path.is_file() and not page.is_page(path):
        guard.ask(f"overwrite {path}, which is no page of a drill", yes=yes)


def _verified(run: Invocation, kind: str) -> tuple[CheckResult, ...]:
    try:
        return chain.verify(run.target.store, kind, run.target.stack)
    except (OpsError, OSError) as error:
        return (chain.unreadable(error),)


def _days(run: Invocation, kind: str) -> int:
    return run.target.settings.drill.stale_days if kind in trend.SCHEDULED else 0


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadNameError(name)
    return name
