"""Whether a kind's records are whole: nothing changed, missing, added or put elsewhere since.

Every record names the one before it with its SHA-256, and the head names the newest and how
many there are. What this can't prove: whoever may write to the store can write all of it anew,
head included. For that, the newest SHA-256 has to be known elsewhere too: it stands in what the
job printed (its log has a retention of its own), in the notification, and on printed pages; and
the store has to keep what is replaced or deleted (the evidence bucket keeps versions). Compare
it with ``Chain.head.sha256``.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ops.evidence import head as heads
from ops.evidence.head import Head, decode, folder, head_key, keys, latest_page, sha256
from ops.evidence.record import foot, page_key
from ops.results import CheckResult, State
from ops.store import Store

REMEDY = (
    "Find out who wrote there. The bucket keeps what was replaced or deleted for a while "
    "(gcloud storage ls --all-versions); a record changed by hand proves nothing any more."
)


@dataclass(frozen=True, slots=True)
class Link:
    """A record as the chain sees it.

    Attributes:
        key, sha256: what it is and what it holds now.
        run, number, previous, remark, page_sha256: as it says itself; the old format has
            neither number nor page, and ``number`` is then 0.
    """

    key: str
    sha256: str
    run: str
    number: int
    previous: tuple[str, str] | None
    remark: str
    page_sha256: str


@dataclass(frozen=True)
class Chain:
    """All records of a kind, as they were read.

    Attributes:
        kind: which drill.
        links: the readable records by key.
        unreadable: why a record can't be read, by key.
        pages: what is wrong with pages.
        head: None where there is none.
        head_there: whether something lies in the head's place.
    """

    kind: str
    links: Mapping[str, Link]
    unreadable: Mapping[str, str]
    pages: tuple[str, ...]
    head: Head | None
    head_there: bool

    @property
    def total(self) -> int:
        """Return how many records lie there."""
        return len(self.links) + len(self.unreadable)

    @cached_property
    def end(self) -> str:
        """Return the key of the newest record: as the head says, else as the records do."""
        if self.head is not None:
            return self.head.key
        newest = max(self.links.values(), key=lambda one: (one.number, one.key), default=None)
        return "" if newest is None else newest.key

    @cached_property
    def walked(self) -> tuple[str, ...]:
        """Return the keys from the newest record back to the first.

        Where a record is gone or can't be read, on with the newest one before it.
        """
        seen: dict[str, None] = {}
        at, number = self.end, self.head.count if self.head else 0
        while at and at not in seen:
            seen[at] = None
            link = self.links.get(at)
            if link is None:
                at = self._before(number, at, seen)
                number = self.links[at].number if at else 0
            else:
                at = "" if link.previous is None else link.previous[0]
                number = max(link.number - 1, 0)
        return tuple(seen)

    def _before(self, number: int, key: str, seen: Mapping[str, None]) -> str:
        older = (
            (one.number, one.key)
            for one in self.links.values()
            if (one.number, one.key) < (number, key) and one.key not in seen
        )
        return max(older, default=(0, ""))[1]


def verify(store: Store, kind: str) -> tuple[CheckResult, ...]:
    """Return what is wrong with a kind's records; reads only.

    Four checks: every record can be read and says what its name says; the links hold; the head
    and the records agree; every page fits its record.
    """
    return judge(read(store, kind))


def read(store: Store, kind: str) -> Chain:
    """Return all records of a kind with what they say of themselves; reads only."""
    stored = store.get(head_key(kind))
    head = decode(stored)
    links: dict[str, Link] = {}
    unreadable: dict[str, str] = {}
    pages: list[str] = []
    pending = {} if head is None else head.pending
    there = {*store.keys(folder(kind))}
    for key in sorted({*keys(store, kind), *(one for one in pending if one.endswith(".json"))}):
        content = _content(store, key, pending)
        link = _link(kind, key, content)
        if isinstance(link, str):
            unreadable[key] = link
            continue
        links[key] = link
        pages += _page(link, _content(store, page_key(key), pending))
    records = {page_key(key) for key in (*links, *unreadable)}
    pages += [
        f"{one}: a page without its record"
        for one in sorted(there)
        if one.endswith(".md") and one not in records
    ]
    pages += _latest(head, _content(store, latest_page(kind), {}), latest_page(kind))
    return Chain(kind, links, unreadable, tuple(pages), head, stored is not None)


def judge(chain: Chain) -> tuple[CheckResult, ...]:
    """Return what is wrong with a chain that was read."""
    names = [f"{key}: {why}" for key, why in sorted(chain.unreadable.items())]
    names += [
        f"{one.key}: it is the record of {one.run}, under another name"
        for one in chain.links.values()
        if not one.key.endswith(f"/{one.run}.json")
    ]
    if not chain.total and not chain.head_there:
        words = f"no {chain.kind} was ever recorded here"
        return (CheckResult("records", State.UNKNOWN, 0, 0, words),)
    return (
        _result("records", chain, names, "every record can be read and bears its own name"),
        _result("links", chain, list(_links(chain)), "every record follows the one before it"),
        _head(chain),
        _result("pages", chain, list(chain.pages), "every page fits its record"),
    )


def _result(check: str, chain: Chain, faults: list[str], fine: str) -> CheckResult:
    total = chain.total
    if not faults:
        return CheckResult(check, State.OK, total, total, fine)
    words = f"{len(faults)} faults in {total} records" if len(faults) > 1 else faults[0]
    return CheckResult(check, State.FINDING, total, total, words, tuple(faults), remedy=REMEDY)


def _links(chain: Chain) -> Iterator[str]:
    """Yield what is wrong with the order and the hashes of the records."""
    followers: dict[str, list[str]] = {}
    for link in sorted(chain.links.values(), key=lambda one: (one.number, one.key)):
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
    before = chain.links.get(key)
    if before is None and key not in chain.unreadable:
        yield f"missing: {key}, which {link.key} follows"
    elif before is not None and before.sha256 != digest:
        yield f"changed: {key} has SHA-256 {before.sha256}; {link.key}, written after it, {digest}"
    if before is not None and link.number and before.number and link.number != before.number + 1:
        yield f"reordered: {link.key} is number {link.number} and follows number {before.number}"
    if before is not None and not link.number and before.key >= link.key:
        yield f"reordered: {link.key} follows {before.key}, which is later"


def _head(chain: Chain) -> CheckResult:
    head, total = chain.head, chain.total
    numbered = any(one.number for one in chain.links.values())
    if head is None and not numbered and not chain.head_there:
        words = (
            "these records are older than heads: a deleted newest one would not be seen. "
            "The next drill begins a head"
        )
        return CheckResult("head", State.NOT_APPLICABLE, 0, 1, words)
    faults = list(_of_head(chain)) if head is not None else []
    if head is None:
        what = "can't be read" if chain.head_there else "is missing"
        faults = [f"missing: the head {head_key(chain.kind)} {what}; newer records may be, too"]
    if faults:
        words = faults[0] if len(faults) == 1 else f"{len(faults)} faults of the head"
        return CheckResult("head", State.FINDING, 1, 1, words, tuple(faults), remedy=REMEDY)
    remarks = tuple(f"{one.key}: {one.remark}" for one in chain.links.values() if one.remark)
    if remarks:
        words = "the head was lost once: nobody can tell whether records were lost with it"
        remedy = "Look for it in the bucket's older versions; or move all records away, and begin."
        return CheckResult("head", State.UNKNOWN, 1, 1, words, remarks, remedy=remedy)
    assert head is not None  # noqa: S101 - said above
    words = f"the newest of {total} is {head.key}, SHA-256 {head.sha256}"
    return CheckResult("head", State.OK, 1, 1, words)


def _of_head(chain: Chain) -> Iterator[str]:
    head = chain.head
    assert head is not None  # noqa: S101 - asked before
    newest = chain.links.get(head.key)
    if newest is None and head.key not in chain.unreadable:
        yield f"missing: {head.key}, the newest record as the head says"
    elif newest is not None and newest.sha256 != head.sha256:
        yield f"changed: {head.key} has SHA-256 {newest.sha256}; the head says {head.sha256}"
    if head.count != chain.total:
        yield f"the head counts {head.count} records, and {chain.total} lie there"


def _content(store: Store, key: str, pending: Mapping[str, str]) -> bytes | None:
    """Return an object, or what a writer that was cut short left to be written there."""
    stored = store.get(key)
    if stored is not None:
        return stored.content
    return pending[key].encode() if key in pending else None


def _link(kind: str, key: str, content: bytes | None) -> Link | str:
    """Return what a record says of itself, or why it can't be read."""
    if content is None:
        return "it went away while it was read"
    try:
        told: dict[str, Any] = json.loads(content)
        before = told["previous"]
        old = told["format"] == heads.OLD_FORMAT
        link = Link(
            key=key,
            sha256=sha256(content),
            run=str(told["drill"]["run"] if old else told["run"]),
            number=0 if old else int(told["number"]),
            previous=None if before is None else (str(before["key"]), str(before["sha256"])),
            remark="" if old else str(told["remark"]),
            page_sha256="" if old else str(told["page_sha256"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return f"it can't be read: {type(error).__name__}"
    if not old and told.get("kind") != kind:
        return f"it is the record of a {told.get('kind')}"
    return link


def _latest(head: Head | None, content: bytes | None, where: str) -> Iterator[str]:
    """Yield what is wrong with the page of the newest drill, where the head tells of one."""
    if head is None or not head.page:
        return
    if content is None:
        yield f"{where}: the page is missing"
    elif sha256(content) != head.page:
        yield f"{where}: changed after it was written"


def _page(link: Link, content: bytes | None) -> Iterator[str]:
    """Yield what is wrong with the Markdown page beside a record."""
    where = page_key(link.key)
    if content is None:
        yield f"{where}: the page is missing"
        return
    name = link.key.rsplit("/", maxsplit=1)[-1].removesuffix(".json")
    before = None
    if link.previous is not None:
        before = {"key": link.previous[0], "sha256": link.previous[1]}
    last = foot(before, name, link.sha256).encode()
    if not content.endswith(last):
        yield f"{where}: its last lines are not those of its record"
    elif link.page_sha256 and sha256(content.removesuffix(last)) != link.page_sha256:
        yield f"{where}: changed after it was written"
