"""The records of a kind as they are stored, and what each says of itself."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from ops.errors import OpsError
from ops.evidence import formats
from ops.evidence.archive import Archive
from ops.evidence.head import Head, decode, folder, head_key, latest_page, sha256
from ops.evidence.record import foot, page_key
from ops.evidence.verdicts import contradiction
from ops.store import Stored

_DEPTH = 2  # slashes in evidence/KIND/NAME
_HEAD_FIELDS = tuple(field.name for field in fields(Head))


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


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that says nothing that we could read.

    Attributes:
        reason: why, after the record's name.
        sha256: of its content; empty where that could not be read.
        is_fault: whether the record is to blame; else the store, or this version is too old.
    """

    reason: str
    sha256: str = ""
    is_fault: bool = True


@dataclass(frozen=True)
class Chain:
    """All records of a kind, as they were read.

    Attributes:
        kind: which drill.
        links: the readable records by key.
        unreadable: the others by key.
        pages: what is wrong with pages.
        head: None where there is none.
        has_head: whether an object is in the head's place.
        unread_pages: pages that the store does not let us read, and why.
        strays: what else is there, and is no part of the records.
        lacking: fields that the head lacks, or that are empty and must not be.
        stack: whose records these are; empty where that is not compared.
        is_settled: whether nobody recorded while this was read.
    """

    kind: str
    links: Mapping[str, Link]
    unreadable: Mapping[str, Unread]
    pages: tuple[str, ...]
    head: Head | None
    has_head: bool
    unread_pages: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    stack: str = ""
    is_settled: bool = True

    @property
    def total(self) -> int:
        """Return how many records there are."""
        return len(self.links) + len(self.unreadable)

    def digest(self, key: str) -> str:
        """Return a record's SHA-256; empty where it is missing or could not be read."""
        if key in self.links:
            return self.links[key].sha256
        return self.unreadable[key].sha256 if key in self.unreadable else ""

    @cached_property
    def end(self) -> str:
        """Return the key of the newest record: as the head says, else as the records do."""
        if self.head is not None:
            return self.head.key
        newest = max(self.links.values(), key=lambda link: (link.number, link.key), default=None)
        return "" if newest is None else newest.key

    @cached_property
    def walked(self) -> tuple[str, ...]:
        """Return the keys from the newest record back to the first.

        Where a record is gone or can't be read, on with the newest one before it.
        """
        seen: dict[str, None] = {}
        key, number = self.end, self.head.count if self.head else 0
        while key and key not in seen:
            seen[key] = None
            link = self.links.get(key)
            if link is None:
                key = self._before(number, key, seen)
                number = self.links[key].number if key else 0
            else:
                key = "" if link.previous is None else link.previous[0]
                number = max(link.number - 1, 0)
        return tuple(seen)

    def _before(self, number: int, key: str, seen: Mapping[str, None]) -> str:
        older = (
            (link.number, link.key)
            for link in self.links.values()
            if (link.number, link.key) < (number, key) and link.key not in seen
        )
        return max(older, default=(0, ""))[1]


def read(archive: Archive, stack: str = "") -> Chain:
    """Return all records of a kind with what they say of themselves.

    Args:
        archive: what the store holds of the kind.
        stack: whose records they have to be; empty where any stack's may be.
    """
    kind = archive.kind
    stored_head = archive.get(head_key(kind))
    head = decode(stored_head)
    links: dict[str, Link] = {}
    unreadable: dict[str, Unread] = {}
    names = archive.keys(folder(kind))
    for key in (name for name in names if name.endswith(".json")):
        link = _read_link(archive, key)
        if isinstance(link, Link):
            links[key] = link
        else:
            unreadable[key] = link
    own_pages = {page_key(key) for key in (*links, *unreadable)}
    pages = [
        f"{name}: a page without its record"
        for name in names
        if name.endswith(".md") and name not in own_pages
    ]
    unread_pages: list[str] = []
    for link in links.values():
        _look_at_page(archive, page_key(link.key), pages, unread_pages, link)
    latest = latest_page(kind)
    _look_at_page(archive, latest, pages, unread_pages, head)
    has_page = archive.answers.get(latest) is not None
    return Chain(
        kind=kind,
        links=links,
        unreadable=unreadable,
        pages=tuple(pages),
        head=head,
        has_head=stored_head is not None,
        unread_pages=tuple(unread_pages),
        strays=tuple(_strays(kind, {*archive.names})),
        lacking=tuple(_lacking(stored_head, has_page=has_page)),
        stack=stack,
        is_settled=archive.is_settled,
    )


def _read_link(archive: Archive, key: str) -> Link | Unread:
    try:
        stored = archive.get(key)
    except (OpsError, OSError) as error:
        return Unread(str(error), is_fault=False)
    if stored is None:
        return Unread("it went away while it was read")
    return _link(archive.kind, key, stored.content)


def _look_at_page(
    archive: Archive, key: str, faults: list[str], unread: list[str], about: Link | Head | None
) -> None:
    """Add what is wrong with a page, or why it can't be read."""
    try:
        stored = archive.get(key)
    except (OpsError, OSError) as error:
        unread.append(f"{key}: {error}")
        return
    content = None if stored is None else stored.content
    faults += _page(about, content) if isinstance(about, Link) else _latest(about, content, key)


def _strays(kind: str, names: set[str]) -> Iterator[str]:
    """Yield what is neither a record nor a page nor a head; below other kinds nobody looks."""
    known = {head_key(kind), latest_page(kind)}
    for key in sorted(names - known):
        inside = key.startswith(f"{folder(kind)}/")
        part = inside and key.count("/") == _DEPTH and key.endswith((".json", ".md"))
        if (inside and not part) or key.count("/") < _DEPTH:
            yield f"{key}: no drill wrote this there"


def _lacking(stored: Stored | None, *, has_page: bool) -> Iterator[str]:
    """Yield what a head that can be read lacks: what is not there proves nothing."""
    if decode(stored) is None or stored is None:
        return
    document = json.loads(stored.content)
    yield from (f"{name} is missing" for name in _HEAD_FIELDS if name not in document)
    yield from (f"{name} is no field of a head" for name in document if name not in _HEAD_FIELDS)
    if has_page and "page" in document and not document["page"]:
        yield "page is empty, though a page of a drill is there"


def _link(kind: str, key: str, content: bytes) -> Link | Unread:
    """Return what a record says of itself, or why it can't be read."""
    digest = sha256(content)
    try:
        document: dict[str, Any] = json.loads(content)
        if reason := formats.refuse(document):
            return Unread(reason, digest, is_fault=not formats.is_newer(document))
        link = _parse(kind, key, digest, document)
        inner = document["drill"].get("run")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return Unread(f"it can't be read: {type(error).__name__}", digest)
    if inner is not None and str(inner) != link.run:
        return Unread(f"it is the record of {link.run}, and its drill is {inner}", digest)
    if document["format"] != formats.FIRST and document.get("kind") != kind:
        return Unread(f"it is the record of a {document.get('kind')}", digest)
    return link


def _parse(kind: str, key: str, digest: str, document: Mapping[str, Any]) -> Link:
    before, drill = document["previous"], document["drill"]
    is_old = document["format"] == formats.FIRST
    return Link(
        key=key,
        sha256=digest,
        run=str(drill["run"] if is_old else document["run"]),
        number=0 if is_old else int(document["number"]),
        previous=None if before is None else (str(before["key"]), str(before["sha256"])),
        remark="" if is_old else str(document["remark"]),
        page_sha256="" if is_old else str(document["page_sha256"]),
        stack=str(drill.get("stack") or ""),
        contradiction=contradiction(kind, drill),
    )


def _latest(head: Head | None, content: bytes | None, key: str) -> Iterator[str]:
    """Yield what is wrong with the page of the newest drill, where the head names one."""
    if head is None or not head.page:
        return
    if content is None:
        yield f"{key}: the page is missing"
    elif sha256(content) != head.page:
        yield f"{key}: changed after it was written"


def _page(link: Link, content: bytes | None) -> Iterator[str]:
    """Yield what is wrong with the Markdown page beside a record."""
    key = page_key(link.key)
    if content is None:
        yield f"{key}: the page is missing"
        return
    name = link.key.rsplit("/", maxsplit=1)[-1].removesuffix(".json")
    before = None
    if link.previous is not None:
        before = {"key": link.previous[0], "sha256": link.previous[1]}
    last = foot(before, name, link.sha256).encode()
    if not content.endswith(last):
        yield f"{key}: its last lines are not those of its record"
    elif link.page_sha256 and sha256(content.removesuffix(last)) != link.page_sha256:
        yield f"{key}: changed after it was written"
