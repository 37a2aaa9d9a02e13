"""A kind's records as they are at one moment: each object is read once, several at a time.

A bucket takes some 50 ms for an object, so that hundreds of them one by one take minutes. What
is read here is checked and shown alike: nothing changes between the two.
"""

import random
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from ops.errors import OpsError
from ops.evidence.head import ROOT, Head, decode, folder, head_key, latest_page, sha256
from ops.store import Store, Stored

READERS = 8  # objects at a time; the HTTP client keeps up to 10 connections
# A drill records in about a second, and what was read already is not read again. Pauses of one
# length could meet another writer's again and again.
TRIES, PAUSE_S = 8, 1.0
PAGE_TRIES = 3  # a page and its hash in the head are two writes right after each other

Answer = Stored | OpsError | OSError | None


class Reader(Protocol):
    """What is asked of a store by whoever only reads."""

    def get(self, key: str) -> Stored | None:
        """Return an object, or None."""

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the keys below a prefix, sorted."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What a store held of a kind, with the names of everything else below the records' root.

    Attributes:
        kind: which drills.
        names: of every object, also of those that a writer left to be written.
        answers: what the store answered, by key.
        is_settled: whether the head was the same before and after; else others recorded
            whenever this was read, and what was read does not fit together.
    """

    kind: str
    names: tuple[str, ...]
    answers: Mapping[str, Answer]
    is_settled: bool = True

    def get(self, key: str) -> Stored | None:
        """Return an object, or None.

        Raises:
            OpsError, OSError: the store could not read it.
        """
        answer = self.answers.get(key)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the keys below a prefix, sorted."""
        return tuple(name for name in self.names if name.startswith(f"{prefix}/"))


def read(store: Store, kind: str) -> Archive:
    """Return what a store holds of a kind; reads again where a drill records meanwhile.

    Raises:
        ops.errors.OpsError: the store can't be listed, or its head can't be read.
    """
    archive, answers = None, dict[str, Answer]()
    for attempt in range(TRIES):
        if attempt:
            time.sleep(random.uniform(0, PAUSE_S))  # noqa: S311 - no secret
        before = store.get(head_key(kind))
        archive = _read(store, kind, before, answers)
        after = store.get(head_key(kind))
        is_settled = _position(before) == _position(after)
        archive = replace(archive, is_settled=is_settled)
        if is_settled and (attempt + 1 >= PAGE_TRIES or _page_fits(archive)):
            break
        # Records and their pages are never written over, unlike the head and the newest page.
        answers = {
            key: answer
            for key, answer in archive.answers.items()
            if isinstance(answer, Stored) and key.endswith((".json", ".md"))
        }
    assert archive is not None  # noqa: S101 - it is tried at least once
    return archive


def _read(store: Store, kind: str, head: Stored | None, earlier: Mapping[str, Answer]) -> Archive:
    """Return what lies in a store now.

    Args:
        store: to read.
        kind: which drills.
        head: of the kind, as it was just read.
        earlier: answers that still hold.
    """
    decoded = decode(head)
    pending = {} if decoded is None else decoded.pending
    names = {*store.keys(ROOT), *pending}
    own = {name for name in names if name.startswith(f"{folder(kind)}/")} | {latest_page(kind)}
    answers: dict[str, Answer] = {
        **earlier,
        **fetch(store, own - earlier.keys() - {head_key(kind)}),
        head_key(kind): head,
    }
    for key, text in pending.items():  # a writer that was cut short left them to the next one
        if answers.get(key) is None:
            answers[key] = Stored(text.encode(), "")
    return Archive(kind, tuple(sorted(names)), answers)


def fetch(reader: Reader, keys: Iterable[str]) -> dict[str, Answer]:
    """Return objects by key, read side by side; an error stands in the place of its object."""
    wanted_keys = tuple(keys)

    def ask(key: str) -> Answer:
        try:
            return reader.get(key)
        except (OpsError, OSError) as error:
            return error

    if isinstance(reader, Archive) or len(wanted_keys) <= 1:
        return {key: ask(key) for key in wanted_keys}
    executor = ThreadPoolExecutor(min(READERS, len(wanted_keys)), "evidence")
    try:
        return dict(zip(wanted_keys, executor.map(ask, wanted_keys), strict=True))
    finally:
        executor.shutdown(cancel_futures=True)


def _position(head: Stored | None) -> Head | bytes | None:
    """Return what of a head changes when a drill records; what is still to be written does not."""
    decoded = decode(head)
    if decoded is not None:
        return decoded.settled()
    return None if head is None else head.content


def _page_fits(archive: Archive) -> bool:
    """Return whether the newest page is the head's: the page is written just before the head."""
    head = decode(archive.get(head_key(archive.kind)))
    page = archive.answers.get(latest_page(archive.kind))
    return head is None or not isinstance(page, Stored) or sha256(page.content) == head.page
