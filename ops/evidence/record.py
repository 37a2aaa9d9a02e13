"""Evidence: one JSON file a drill, chained to the one before by its hash, and the same to read.

Whoever changes or removes an old file breaks the chain at the next one.
"""

import getpass
import hashlib
import json
import platform
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import psycopg

from ops.console import Table, document
from ops.evidence.markdown import page
from ops.store import Store

FORMAT = 1
GIT_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one drill has to say.

    Attributes:
        kind: which drill, such as ``restore-drill``; its records are one chain.
        run: the drill's name; names of a kind sort by time.
        title: what a page about it is called.
        drill: all that machines read: the record's ``drill``.
        account: what people read, in order.
        targets: what the drill is held to, in seconds, by name.
        versions: of what took part besides this product.
    """

    kind: str
    run: str
    title: str
    drill: Mapping[str, object]
    account: Sequence[Table | str]
    targets: Mapping[str, float]
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """What stands around a drill's own words.

    Attributes:
        previous: the key and the SHA-256 of the record before; None for the first.
        who, where: the user and the machine that drilled.
        versions: of what took part, by name.
        commit: the Git commit of the checkout, empty where there is none.
        targets: what the drill is held to, in seconds.
    """

    previous: Mapping[str, str] | None
    who: str
    where: str
    versions: Mapping[str, str]
    commit: str
    targets: Mapping[str, float]


def folder(kind: str) -> str:
    """Return below which key a kind's records lie in the store."""
    return f"evidence/{kind}"


def key(kind: str, run: str) -> str:
    """Return where the record of a drill lies in the store."""
    return f"{folder(kind)}/{run}.json"


def keys(store: Store, kind: str) -> tuple[str, ...]:
    """Return the keys of a kind's records, the oldest first."""
    return tuple(sorted(one for one in store.keys(folder(kind)) if one.endswith(".json")))


def latest(store: Store, kind: str) -> bytes | None:
    """Return the newest record of a kind; None where there is none."""
    every = keys(store, kind)
    stored = store.get(every[-1]) if every else None
    return None if stored is None else stored.content


def write(store: Store, evidence: Evidence) -> None:
    """Write a drill's record, chained to the one before, and the page beside it.

    Raises:
        ops.store.StoreFullError: it can't be kept.
    """
    record = Record(
        previous=previous(store, evidence.kind, evidence.run),
        who=_who(),
        where=socket.gethostname(),
        versions={**_versions(), **evidence.versions},
        commit=_commit(),
        targets=evidence.targets,
    )
    facts = {"format": FORMAT, **asdict(record), "drill": document(evidence.drill)}
    content = json.dumps(facts, indent=2, ensure_ascii=False).encode()
    store.put(key(evidence.kind, evidence.run), content)
    digest = hashlib.sha256(content).hexdigest()
    text = page(
        evidence.title, (*_about(record), *evidence.account), _chained(record, evidence, digest)
    )
    store.put(f"{folder(evidence.kind)}/{evidence.run}.md", text.encode())


def previous(store: Store, kind: str, run: str) -> dict[str, str] | None:
    """Return the key and the SHA-256 of the newest record before this run's, if there is any."""
    older = [one for one in keys(store, kind) if one < key(kind, run)]
    if not older:
        return None
    stored = store.get(older[-1])
    content = b"" if stored is None else stored.content
    return {"key": older[-1], "sha256": hashlib.sha256(content).hexdigest()}


def _about(record: Record) -> tuple[str, ...]:
    return (
        f"Drilled by {record.who} on {record.where}.",
        f"Versions: {', '.join(f'{name} {one}' for name, one in record.versions.items())}.",
        *((f"Git commit: {record.commit}.",) if record.commit else ()),
    )


def _chained(record: Record, evidence: Evidence, digest: str) -> tuple[str, ...]:
    before = record.previous
    chained = "none" if before is None else f"{before['key']}, SHA-256 {before['sha256']}"
    return f"Record before: {chained}", f"SHA-256 of {evidence.run}.json: {digest}"


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"


def _versions() -> dict[str, str]:
    number = psycopg.pq.version()
    return {
        "ai-square-db": version("ai-square-db"),
        "python": platform.python_version(),
        "psycopg": psycopg.__version__,
        "libpq": f"{number // 10000}.{number % 10000}",
    }


def _commit() -> str:
    """Return the Git commit of the checkout that this runs from; empty where there is none."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return ""
    try:
        asked = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
            timeout=GIT_LIMIT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
