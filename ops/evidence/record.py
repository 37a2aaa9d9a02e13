"""Evidence: one JSON file a drill, chained to the one before by its hash, and the same to read.

Whoever changes or removes a record breaks the chain: ops.evidence.chain tells where. Records
are written one after the other, also by two drills at once: see ops.evidence.head.
"""

import getpass
import json
import platform
import random
import secrets
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psycopg

from ops.console import Table, document
from ops.errors import OpsError
from ops.evidence import formats
from ops.evidence.head import Head, decode, folder, head_key, rebuilt, sha256
from ops.evidence.identity import Identity
from ops.pages.markdown import page
from ops.store import Store

GIT_LIMIT_S = 2.0
_TIME = "%y%m%d%H%M%S"
TRIES, PAUSE_S = 100, 0.05  # two writers are rare; a bucket takes one write a second of one object
HEAD_LOST = (
    "The head of the chain was gone or damaged when this was written: it was made anew from the "
    "records, and newer ones may have gone with it."
)


class AlreadyRecordedError(OpsError):
    """A drill's record is there already; records are never written over."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"There is a record already in {where}, and records are never written over. Drill "
            "again: each drill has a name of its own."
        )


class ChainBusyError(OpsError):
    """Others write to the same chain all the time."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"The head of the chain, {where}, was changed by others {TRIES} times in a row. See "
            "who else writes evidence of this kind."
        )


def run_name(now: datetime) -> str:
    """Return a new drill's name: its time in UTC and four random digits."""
    return f"{now.astimezone(UTC):{_TIME}}-{secrets.token_hex(2)}"


def born(run: str) -> datetime:
    """Return when a drill began, from its name."""
    return datetime.strptime(run.partition("-")[0], _TIME).replace(tzinfo=UTC)


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
        instance: which instance it is about; None where nobody knows.
    """

    kind: str
    run: str
    title: str
    drill: Mapping[str, object]
    account: Sequence[Table | str]
    targets: Mapping[str, float]
    versions: Mapping[str, str]
    instance: Identity | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What stands around a drill's own words.

    Attributes:
        kind, run: which drill.
        number: its place in the chain, from 1.
        previous: the key and the SHA-256 of the record before; None for the first.
        remark: what was wrong with the chain as it was written; else empty.
        who, where: the user and the machine that drilled.
        versions: of what took part, by name.
        commit: the Git commit of the checkout, empty where there is none.
        targets: what the drill is held to, in seconds.
        title: what a page about it is called.
        page_sha256: of the Markdown page, without the lines that name the chain's hashes.
        instance: which instance it is about, as ops.evidence.identity has it.
    """

    kind: str
    run: str
    number: int
    previous: Mapping[str, str] | None
    remark: str
    who: str
    where: str
    versions: Mapping[str, str]
    commit: str
    targets: Mapping[str, float]
    title: str
    page_sha256: str
    instance: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Written:
    """A record as it lies in the store.

    Attributes:
        key: where.
        sha256: of its content; kept elsewhere too, it proves more than the chain can.
        number: its place in the chain.
    """

    key: str
    sha256: str
    number: int


def key(kind: str, run: str) -> str:
    """Return where the record of a drill lies in the store."""
    return f"{folder(kind)}/{run}.json"


def page_key(record: str) -> str:
    """Return where the Markdown page beside a record lies."""
    return f"{record.removesuffix('.json')}.md"


def write(store: Store, evidence: Evidence) -> Written:
    """Write a drill's record, chained to the one before, and the page beside it.

    Once the head is written, the record can't be lost: a process that ends before the record
    lies in its place leaves that to whoever writes next.

    Raises:
        AlreadyRecordedError: the drill has a record.
        ChainBusyError: others write without a pause.
        ops.store.StoreFullError: it can't be kept.
    """
    where, own_key = head_key(evidence.kind), key(evidence.kind, evidence.run)
    about = (_who(), socket.gethostname(), {**_versions(), **evidence.versions}, _commit())
    for attempt in range(TRIES):
        stored = store.get(where)
        head, remark = decode(stored), ""
        if head is None:
            head, missed = rebuilt(store, evidence.kind)
            remark = HEAD_LOST if missed or stored is not None else ""
        settle(store, head)
        if store.get(own_key) is not None:
            raise AlreadyRecordedError(store.where(own_key))
        after = _next(evidence, head, remark, about)
        if (
            store.create(where, after.encoded())
            if stored is None
            else store.replace(where, after.encoded(), stored.version)
        ):
            settle(store, after)
            now = store.get(where)
            if now is not None and decode(now) == after:
                store.replace(where, after.settled().encoded(), now.version)
            return Written(after.key, after.sha256, after.count)
        time.sleep(random.uniform(0, PAUSE_S * (attempt + 1)))  # noqa: S311 - no secret
    raise ChainBusyError(store.where(where))


def settle(store: Store, head: Head) -> None:
    """Put what a head says is still to be written in its place."""
    own = {head.key, page_key(head.key)}
    for name, text in head.pending.items():
        if name in own:  # a head that was changed must not write anything else
            store.create(name, text.encode())


def _next(
    evidence: Evidence,
    head: Head,
    remark: str,
    about: tuple[str, str, Mapping[str, str], str],
) -> Head:
    """Return the head of the chain with this drill's record at its end."""
    who, where, versions, commit = about
    record = Record(
        kind=evidence.kind,
        run=evidence.run,
        number=head.count + 1,
        previous=head.link,
        remark=remark,
        who=who,
        where=where,
        versions=versions,
        commit=commit,
        targets=evidence.targets,
        title=evidence.title,
        page_sha256="",
        instance=evidence.instance.document() if evidence.instance is not None else {},
    )
    body = page(evidence.title, (*_about(record), *evidence.account))
    record = replace(record, page_sha256=sha256(body.encode()))
    facts = {"format": formats.CURRENT, **asdict(record), "drill": document(evidence.drill)}
    content = json.dumps(facts, indent=2, ensure_ascii=False)
    digest, own_key = sha256(content.encode()), key(evidence.kind, evidence.run)
    text = body + foot(record.previous, evidence.run, digest)
    written = {own_key: content, page_key(own_key): text}
    # The page there is still that of an earlier drill: whoever changes it is seen all the same.
    return Head(own_key, digest, record.number, written, head.page)


def foot(previous: Mapping[str, str] | None, run: str, digest: str) -> str:
    """Return the last lines of a record's page: its place in the chain."""
    before = "none" if previous is None else f"{previous['key']}, SHA-256 {previous['sha256']}"
    return f"\nRecord before: {before}\n\nSHA-256 of {run}.json: {digest}\n"


def _about(record: Record) -> tuple[str, ...]:
    return (
        f"Drilled by {record.who} on {record.where}.",
        f"Versions: {', '.join(f'{name} {version}' for name, version in record.versions.items())}.",
        *((f"Git commit: {record.commit}.",) if record.commit else ()),
        *((record.remark,) if record.remark else ()),
    )


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
        result = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
            timeout=GIT_LIMIT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""
