"""The records of a kind as they are stored, and what each says of itself."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from ops.errors import OpsError
from ops.evidence import head as heads
from ops.evidence.head import Head, decode, folder, head_key, latest_page, sha256
from ops.evidence.record import foot, page_key
from ops.evidence.verdicts import contradiction
from ops.store import Store, Stored

ROOT = "evidence"  # what every kind's records are below
_DEPTH = 2  # slashes in evidence/KIND/NAME
_HEAD_FIELDS = tuple(one.name for one in fields(Head))


@dataclass(frozen=True, slots=True)
class Link:
    """A record as the chain sees it.

    Attributes:
        key, sha256: what it is and what it holds now.
        run, number, previous, remark, page_sha256: as it says itself; the old format has
            neither number nor page, and ``number`` is then 0.
        stack: whose record it is, as it says itself; empty where it does not.
        contradiction: how its verdict contradicts its checks; empty where they agree.
    """

    key: str
    sha256: str
    run: str
    number: int
    previous: tuple[str, str] | None
    remark: str
    page_sha256: str
    stack: str = ""
    contradiction: str = ""


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
        denied: those of ``unreadable`` that the store does not let us read.
        strays: what else is there, and is no part of the records.
        lacking: fields that the head lacks, or that are empty and must not be.
        stack: whose records these are; empty where that is not compared.
    """

    kind: str
    links: Mapping[str, Link]
    unreadable: Mapping[str, str]
    pages: tuple[str, ...]
    head: Head | None
    head_there: bool
    denied: frozenset[str] = frozenset()
    strays: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    stack: str = ""

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


def read(store: Store, kind: str, stack: str = "") -> Chain:
    """Return all records of a kind with what they say of themselves; reads only."""
    stored = store.get(head_key(kind))
    head = decode(stored)
    links: dict[str, Link] = {}
    unreadable: dict[str, str] = {}
    denied: set[str] = set()
    pages: list[str] = []
    pending = {} if head is None else head.pending
    everything = {*store.keys(ROOT)}
    there = {key for key in everything if key.startswith(f"{folder(kind)}/")}
    records = {key for key in (*there, *pending) if key.endswith(".json")}
    for key in sorted(records):
        try:
            content = _content(store, key, pending)
        except OpsError as error:
            unreadable[key] = str(error)
            denied.add(key)
            continue
        link = _link(kind, key, content)
        if isinstance(link, str):
            unreadable[key] = link
            continue
        links[key] = link
        pages += _page(link, _content(store, page_key(key), pending))
    own = {page_key(key) for key in (*links, *unreadable)}
    pages += [
        f"{one}: a page without its record"
        for one in sorted(there)
        if one.endswith(".md") and one not in own
    ]
    latest = _content(store, latest_page(kind), {})
    pages += _latest(head, latest, latest_page(kind))
    return Chain(
        kind,
        links,
        unreadable,
        tuple(pages),
        head,
        stored is not None,
        frozenset(denied),
        tuple(_strays(kind, everything)),
        tuple(_lacking(stored, has_page=latest is not None)),
        stack,
    )


def _strays(kind: str, everything: set[str]) -> Iterator[str]:
    """Yield what is neither a record nor a page nor a head; below other kinds nobody looks."""
    known = {head_key(kind), latest_page(kind)}
    for key in sorted(everything - known):
        inside = key.startswith(f"{folder(kind)}/")
        part = inside and key.count("/") == _DEPTH and key.endswith((".json", ".md"))
        if (inside and not part) or key.count("/") < _DEPTH:
            yield f"{key}: no drill wrote this there"


def _lacking(stored: Stored | None, *, has_page: bool) -> Iterator[str]:
    """Yield what a head that can be read lacks: what is not there proves nothing."""
    if decode(stored) is None or stored is None:
        return
    told = json.loads(stored.content)
    yield from (f"{name} is missing" for name in _HEAD_FIELDS if name not in told)
    yield from (f"{name} is no field of a head" for name in told if name not in _HEAD_FIELDS)
    if has_page and "page" in told and not told["page"]:
        yield "page is empty, though a page of a drill is there"


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
            stack=str(told["drill"].get("stack") or ""),
            contradiction=contradiction(kind, told["drill"]),
        )
        inner = told["drill"].get("run")
        if inner is not None and str(inner) != link.run:
            return f"it is the record of {link.run}, and its drill is {inner}"
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
