"""Whether a kind's records are whole: nothing changed, missing, added or put elsewhere since.

Every record names the one before it with its SHA-256, and the head names the newest and how
many there are. What this can't prove: whoever may write to the store can write all of it anew,
head included. For that, the newest SHA-256 has to be known elsewhere too: it stands in what the
job printed (its log has a retention of its own), in the notification, and on printed pages; and
the store has to keep what is replaced or deleted (the evidence bucket keeps versions). Compare
it with ``Chain.head.sha256``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ops.checks.result import CheckResult, Level, State, finding
from ops.evidence import archive
from ops.evidence.archive import Archive
from ops.evidence.head import folder, head_key
from ops.evidence.links import Chain, Link, read
from ops.evidence.record import page_key
from ops.store import Store

REMEDY = (
    "Find out who wrote there. The bucket keeps what was replaced or deleted for a while "
    "(gcloud storage ls --all-versions); a record changed by hand proves nothing any more."
)


def verify(store: Store, kind: str, stack: str = "") -> tuple[CheckResult, ...]:
    """Return what is wrong with a kind's records; reads only.

    Five checks: every record can be read, says what its name says, and nothing else is there;
    the links hold; the head and the records agree; every page fits its record; every verdict is
    what the record's own checks come to.

    Args:
        store: where they are.
        kind: which drills.
        stack: whose records they have to be; empty where any stack's may be.

    Raises:
        ops.errors.OpsError: the store can't be read.
    """
    return verify_archive(archive.read(store, kind), stack)


def verify_archive(records: Archive, stack: str = "") -> tuple[CheckResult, ...]:
    """Return what is wrong with records that were read; see ``verify``."""
    return judge(read(records, stack))


def unreadable(error: Exception) -> CheckResult:
    """Return the check of a store that can't be read: nobody knows what is there."""
    words = f"the records can't be read: {error}"
    return CheckResult("records", State.UNKNOWN, 0, 0, words.rstrip("."))


def judge(chain: Chain) -> tuple[CheckResult, ...]:
    """Return what is wrong with a chain that was read."""
    if not chain.is_settled:
        words = f"others recorded a {chain.kind} each of {archive.TRIES} times that this was read"
        remedy = "Run this again when no drill is about to end."
        return (CheckResult("records", State.UNKNOWN, 0, chain.total, words, remedy=remedy),)
    if not chain.total and not chain.has_head and not chain.strays:
        words = f"no {chain.kind} was ever recorded here"
        return (CheckResult("records", State.UNKNOWN, 0, 0, words),)
    return (
        _records(chain),
        _result("links", chain, list(_links(chain)), "every record follows the one before it"),
        _head(chain),
        _pages(chain),
        _verdicts(chain),
    )


def _records(chain: Chain) -> CheckResult:
    links = chain.links.values()
    unread = [
        f"{key}: {record.reason}"
        for key, record in sorted(chain.unreadable.items())
        if not record.is_fault
    ]
    faults = [
        f"{key}: {record.reason}"
        for key, record in sorted(chain.unreadable.items())
        if record.is_fault
    ]
    faults += [
        f"{link.key}: it is the record of {link.run}, under another name"
        for link in links
        if link.key != f"{folder(chain.kind)}/{link.run}.json"
    ]
    faults += [
        f"{link.key}: it is a record of stack {link.stack}, not of {chain.stack}"
        for link in links
        if chain.stack and link.stack and link.stack != chain.stack
    ]
    faults += chain.strays
    fine = "every record can be read and bears its own name, and nothing else is there"
    if faults or not unread:
        return _result("records", chain, [*faults, *unread], fine)
    return _unknown("records", chain, unread, f"{len(unread)} of {chain.total} records can't be")


def _pages(chain: Chain) -> CheckResult:
    unread = chain.unread_pages
    if chain.pages or not unread:
        return _result("pages", chain, [*chain.pages, *unread], "every page fits its record")
    return _unknown("pages", chain, unread, f"{len(unread)} of {chain.total} pages can't be")


def _unknown(check: str, chain: Chain, lines: Sequence[str], words: str) -> CheckResult:
    total = chain.total
    findings = tuple(finding("record", line, level=Level.UNKNOWN) for line in lines)
    examined = max(total - len(lines), 0)
    return CheckResult(check, State.UNKNOWN, examined, total, f"{words} read", findings)


def _verdicts(chain: Chain) -> CheckResult:
    wrong = [
        f"{link.key}: {link.contradiction}" for link in chain.links.values() if link.contradiction
    ]
    result = _result("verdicts", chain, wrong, "every verdict is what the record's checks come to")
    remedy = "Such a record proves nothing, and counts for nothing. Drill again." if wrong else ""
    return replace(result, examined=len(chain.links), remedy=remedy)


def _result(check: str, chain: Chain, faults: list[str], fine: str) -> CheckResult:
    total, read_count = chain.total, len(chain.links)
    if faults:
        words = f"{len(faults)} faults in {total} records" if len(faults) > 1 else faults[0]
        findings = tuple(finding("record", fault) for fault in faults)
        return CheckResult(check, State.FINDING, total, total, words, findings, remedy=REMEDY)
    if read_count < total:  # what is not looked at is not called good
        words = f"{total - read_count} of {total} records can't be read"
        return CheckResult(check, State.UNKNOWN, read_count, total, words)
    return CheckResult(check, State.OK, total, total, fine)


def _links(chain: Chain) -> Iterator[str]:
    """Yield what is wrong with the order and the hashes of the records."""
    followers: dict[str, list[str]] = {}
    for link in sorted(chain.links.values(), key=lambda link: (link.number, link.key)):
        before = "" if link.previous is None else link.previous[0]
        followers.setdefault(before, []).append(link.key)
        yield from _before(chain, link)
    for before, several in followers.items():
        if len(several) > 1:
            what = f"follow {before}" if before else "are the first of all"
            yield f"forked: {', '.join(several)} all {what}"
    yield from (
        f"added: {key} is no part of the chain that ends in {chain.end}"
        for key in sorted({*chain.links, *chain.unreadable} - {*chain.walked})
    )


def _before(chain: Chain, link: Link) -> Iterator[str]:
    if link.previous is None:
        if link.number > 1:
            yield f"reordered: {link.key} is number {link.number} and names none before it"
        return
    key, digest = link.previous
    before, actual = chain.links.get(key), chain.digest(key)
    if before is None and key not in chain.unreadable:
        yield f"missing: {key}, which {link.key} follows"
    elif actual and actual != digest:
        yield f"changed: {key} has SHA-256 {actual}; {link.key}, written after it, {digest}"
    if before is not None and link.number and before.number and link.number != before.number + 1:
        yield f"reordered: {link.key} is number {link.number} and follows number {before.number}"
    if before is not None and not link.number and before.key >= link.key:
        yield f"reordered: {link.key} follows {before.key}, which is later"


def _head(chain: Chain) -> CheckResult:
    head, total = chain.head, chain.total
    is_numbered = any(link.number for link in chain.links.values())
    is_newer = any(not record.is_fault for record in chain.unreadable.values())
    if head is None and not is_numbered and not is_newer and not chain.has_head:
        words = (
            "these records are older than heads: a deleted newest one would not be seen. "
            "The next drill begins a head"
        )
        return CheckResult("head", State.NOT_APPLICABLE, 0, 1, words)
    faults = list(_of_head(chain)) if head is not None else []
    if head is None:
        what = "can't be read" if chain.has_head else "is missing"
        faults = [f"missing: the head {head_key(chain.kind)} {what}; newer records may be, too"]
    if faults:
        words = faults[0] if len(faults) == 1 else f"{len(faults)} faults of the head"
        findings = tuple(finding("head", fault) for fault in faults)
        return CheckResult("head", State.FINDING, 1, 1, words, findings, remedy=REMEDY)
    remarks = tuple(
        finding("record", link.key, link.remark, Level.UNKNOWN)
        for link in chain.links.values()
        if link.remark
    )
    if remarks:
        words = "the head was lost once: nobody can tell whether records were lost with it"
        remedy = "Look for it in the bucket's older versions; or move all records away, and begin."
        return CheckResult("head", State.UNKNOWN, 1, 1, words, remarks, remedy=remedy)
    assert head is not None  # noqa: S101 - said above
    if not chain.digest(head.key):
        words = f"{head.key}, the newest record, can't be read: its SHA-256 is not compared"
        return CheckResult("head", State.UNKNOWN, 0, 1, words)
    words = f"the newest of {total} is {head.key}, SHA-256 {head.sha256}"
    return CheckResult("head", State.OK, 1, 1, words)


def _of_head(chain: Chain) -> Iterator[str]:
    head = chain.head
    assert head is not None  # noqa: S101 - asked before
    digest = chain.digest(head.key)
    if head.key not in chain.links and head.key not in chain.unreadable:
        yield f"missing: {head.key}, the newest record as the head says"
    elif digest and digest != head.sha256:
        yield f"changed: {head.key} has SHA-256 {digest}; the head says {head.sha256}"
    yield from (f"the head is not whole: {line}" for line in chain.lacking)
    own = {head.key, page_key(head.key)}
    yield from (
        f"the head is to write {key}, which is not of its newest record"
        for key in head.pending
        if key not in own
    )
    if head.count != chain.total:
        yield f"the head counts {head.count} records, and there are {chain.total}"
