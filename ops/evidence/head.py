"""The head of a kind's chain: which record is the newest, and how many there are.

A record is added by one conditional write of the head, which also holds what is to be written:
two writers can't both follow the same record, and whoever comes after a crash finishes what
was begun.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from ops.store import Store, Stored

ROOT = "evidence"  # what every kind's records are below


class Listing(Protocol):
    """What can be asked for the names of what it holds."""

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the keys below a prefix, sorted."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends.

    Attributes:
        key, sha256: of the newest record; empty where there is none yet.
        count: how many records the chain has.
        pending: what is still to be written for the newest record: text by key.
        page: SHA-256 of the page beside the records, which is that of the newest drill once
            that has left it; empty where there is none yet.
    """

    key: str = ""
    sha256: str = ""
    count: int = 0
    pending: Mapping[str, str] = field(default_factory=dict)
    page: str = ""

    @property
    def link(self) -> dict[str, str] | None:
        """Return what the next record names as the one before it; None for the first."""
        return {"key": self.key, "sha256": self.sha256} if self.key else None

    def encoded(self) -> bytes:
        """Return the head as it is stored."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False).encode()

    def settled(self) -> "Head":
        """Return the head of a chain whose newest record lies in its place."""
        return replace(self, pending={})


def folder(kind: str) -> str:
    """Return below which key a kind's records lie in the store."""
    return f"{ROOT}/{kind}"


def head_key(kind: str) -> str:
    """Return where the head of a kind's chain lies."""
    return f"{folder(kind)}/head"


def latest_page(kind: str) -> str:
    """Return where the page of a kind's newest drill lies."""
    return f"{folder(kind)}/latest.html"


def put_page(store: Store, kind: str, content: bytes) -> None:
    """Leave the page of the newest drill, and its hash in the head."""
    store.put(latest_page(kind), content)
    for _ in range(_TRIES):
        stored = store.get(head_key(kind))
        head = decode(stored)
        if stored is None or head is None:
            return
        updated = replace(head, page=sha256(content))
        if store.replace(head_key(kind), updated.encoded(), stored.version):
            return


_TRIES = 10  # another drill may write its record meanwhile


def keys(store: "Listing", kind: str) -> tuple[str, ...]:
    """Return the keys of a kind's records, sorted by the drills' names: by time."""
    return tuple(sorted(key for key in store.keys(folder(kind)) if key.endswith(".json")))


def sha256(content: bytes) -> str:
    """Return the SHA-256 of an object as records name it."""
    return hashlib.sha256(content).hexdigest()


def decode(stored: Stored | None) -> Head | None:
    """Return a stored head; None where there is none, or where it is damaged."""
    if stored is None:
        return None
    try:
        document: dict[str, Any] = json.loads(stored.content)
        pending = {str(name): str(text) for name, text in document["pending"].items()}
        page = str(document.get("page", ""))
        head = Head(
            str(document["key"]), str(document["sha256"]), int(document["count"]), pending, page
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return head if head.key else None


def rebuilt(store: Store, kind: str) -> tuple[Head, bool]:
    """Return the head that the records themselves show, and whether there should have been one.

    Records of the old format followed each other by name, and had no head. The newest of the
    others is the one with the highest number.
    """
    last, number, missed, count = "", 0, False, 0
    digest = ""
    for key in keys(store, kind):
        stored = store.get(key)
        content = b"" if stored is None else stored.content
        count += 1
        number_found = _number(content)
        missed = missed or number_found is not None
        if not last or (number_found or 0) >= number:
            last, number, digest = key, number_found or 0, sha256(content)
    return Head(last, digest, max(number, count)), missed


def _number(content: bytes) -> int | None:
    try:
        document = json.loads(content)
        number = document.get("number")
    except (ValueError, AttributeError):
        return None
    return number if isinstance(number, int) else None
