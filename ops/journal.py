"""Intent before action: what we are about to ask of the cloud, written down first.

The Admin API has no request ids, so what was asked before a crash is found again by
the names written here, or by the operation's id once there is one. Every entry is
one object of the store, on the disk before the call is made.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from ops.errors import OpsError
from ops.store import Store, Stored


class BadEntryError(OpsError):
    """An entry is not what was written."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"The journal's entry {where} can't be read. Look whether what its run made is still "
            "there (`gcloud sql instances list`), then remove the file."
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One intended action.

    Attributes:
        number: its place in the run, from 1.
        action: create, clone, restore, delete ...
        object: what it makes or removes: an instance's name.
        facts: what else a resuming process needs.
        at: when it was written, ISO 8601, UTC.
        operation: the cloud's operation, once it answered.
        done: whether it is over and nothing is left to do for it.
    """

    number: int
    action: str
    object: str
    facts: Mapping[str, str] = field(default_factory=dict)
    at: str = ""
    operation: str = ""
    done: bool = False


class Journal:
    """The actions of one run, in a store.

    Args:
        store: where it lives.
        room: whose runs these are, such as ``restore-drill``.
        run: the run's name.
    """

    def __init__(self, store: Store, room: str, run: str) -> None:
        self._store, self._prefix, self.run = store, f"journal/{room}/{run}", run
        self._numbering = threading.Lock()  # two restores side by side write one journal

    def intend(self, action: str, about: str, **facts: str) -> Entry:
        """Write down what comes next, before it is asked for."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._numbering:
            last = max(self._store.keys(self._prefix), default="0")
            number = int(last.rpartition("/")[2].removesuffix(".json")) + 1
            return self._write(Entry(number, action, about, facts, now))

    def started(self, entry: Entry, operation: str) -> Entry:
        """Add the operation that the cloud answered with."""
        return self._write(replace(entry, operation=operation))

    def done(self, entry: Entry) -> Entry:
        """Say that nothing is left to do for an entry."""
        return self._write(replace(entry, done=True))

    def entries(self) -> tuple[Entry, ...]:
        """Return every entry in order.

        Raises:
            BadEntryError: one is damaged.
        """
        stored_entries = ((key, self._store.get(key)) for key in self._store.keys(self._prefix))
        return tuple(self._read(key, stored) for key, stored in stored_entries if stored)

    def _read(self, key: str, stored: Stored) -> Entry:
        try:
            return Entry(**json.loads(stored.content))
        except (ValueError, TypeError):
            raise BadEntryError(self._store.where(key)) from None

    def close(self) -> None:
        """Forget the run: everything it made is gone or handed over."""
        for key in self._store.keys(self._prefix):
            self._store.delete(key)

    def _write(self, entry: Entry) -> Entry:
        content = json.dumps(asdict(entry), indent=2).encode()
        self._store.put(f"{self._prefix}/{entry.number:04d}.json", content)
        return entry


def unfinished(store: Store, room: str) -> tuple[Journal, ...]:
    """Return the journals of a room's runs that were never closed."""
    prefix = f"journal/{room}"
    runs = {key.removeprefix(f"{prefix}/").split("/")[0] for key in store.keys(prefix)}
    return tuple(Journal(store, room, run) for run in sorted(runs))
