"""Evidence: one JSON file a drill, chained to the one before by its hash, and the same to read.

Whoever changes or removes an old file breaks the chain at the next one.
"""

import getpass
import hashlib
import json
import platform
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import psycopg

from ops.console import Table, document
from ops.restore.report import Report
from ops.restore.source import ROOM, Source
from ops.store import Store

FOLDER = f"evidence/{ROOM}"
FORMAT = 1
GIT_LIMIT_S = 2.0


def key(run: str) -> str:
    """Return where the evidence of a drill lies in the store."""
    return f"{FOLDER}/{run}.json"


@dataclass(frozen=True, slots=True)
class Record:
    """What stands around a drill's report.

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


def write(source: Source, report: Report, versions: Mapping[str, str]) -> None:
    """Write the evidence of a drill: JSON and Markdown.

    Args:
        source: whose store takes it.
        report: what came out.
        versions: of what took part besides this product.
    """
    record = Record(
        previous=previous(source.store, report.run),
        who=_who(),
        where=socket.gethostname(),
        versions={**_versions(), **versions},
        commit=_commit(),
        targets={"rto_s": source.rto_target_s, "rpo_s": source.rpo_target_s},
    )
    facts = {"format": FORMAT, **asdict(record), "drill": document(report)}
    content = json.dumps(facts, indent=2, ensure_ascii=False).encode()
    source.store.put(key(report.run), content)
    digest = hashlib.sha256(content).hexdigest()
    source.store.put(f"{FOLDER}/{report.run}.md", markdown(report, record, digest).encode())


def previous(store: Store, run: str) -> dict[str, str] | None:
    """Return the key and the SHA-256 of the newest evidence before this run's, if there is any."""
    older = [one for one in store.keys(FOLDER) if one.endswith(".json") and one < key(run)]
    if not older:
        return None
    stored = store.get(older[-1])
    content = b"" if stored is None else stored.content
    return {"key": older[-1], "sha256": hashlib.sha256(content).hexdigest()}


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


def _target(report: Report, check: str, met_s: float | None, target_s: float) -> str:
    """Return a line about a target: how long, how much, and whether it was met."""
    name = check.upper()
    if not any(one.result.check == check for one in report.checks) or met_s is None:
        return f"{name}: not measured; the target is {target_s:g} s."
    met = "met" if met_s <= target_s else "not met"
    return f"{name}: {met_s:.3f} s; the target of {target_s:g} s is {met}."


def _every_check(report: Report) -> Table:
    """Return all checks one by one: of the copies and of the drill itself."""
    rows = tuple(
        (
            one.copy,
            one.result.check.replace("_", " "),
            one.result.state.value,
            f"{one.result.examined} of {one.result.total}",
            one.result.detail,
        )
        for one in report.checks
    )
    return Table("All checks", ("of", "check", "state", "examined", "what came out"), rows)


def markdown(report: Report, record: Record, digest: str) -> str:
    """Return the report for people who review it later.

    Args:
        report: what came out.
        record: who, where, with what, and the record before.
        digest: SHA-256 of the JSON evidence beside it.
    """
    lines = [
        f"# Restore drill {report.run}: {report.verdict}",
        "",
        f"Source: {report.source} (stack {report.stack}).",
        f"From {report.started:%Y-%m-%d %H:%M:%S} to {report.ended:%H:%M:%S} UTC.",
    ]
    rto = None if report.rto is None else report.rto.total
    rpo = None if report.loss is None else report.loss.seconds
    lines += [
        f"Drilled by {record.who} on {record.where}.",
        f"Versions: {', '.join(f'{name} {one}' for name, one in record.versions.items())}.",
        *([f"Git commit: {record.commit}."] if record.commit else []),
        _target(report, "rto", rto, record.targets["rto_s"]),
        _target(report, "rpo", rpo, record.targets["rpo_s"]),
    ]
    lines += [
        f"Backup run {one.id} ({one.type}, {one.description or 'no description'}), "
        f"into {one.instance}."
        for one in report.backups
    ]
    if report.clone is not None:
        lines.append(
            f"Point-in-time clone {report.clone.instance} to {report.clone.point_in_time} "
            f"({report.clone.method} comparison)."
        )
    for block in report.blocks():
        lines += ["", *_table(block)] if isinstance(block, Table) else ["", block]
    lines += ["", *_table(_every_check(report))]
    before = record.previous
    chained = "none" if before is None else f"{before['key']}, SHA-256 {before['sha256']}"
    lines += ["", f"Record before: {chained}", "", f"SHA-256 of {report.run}.json: {digest}", ""]
    return "\n".join(lines)


def _table(table: Table) -> list[str]:
    rows = [table.columns, ("---",) * len(table.columns), *table.rows]
    body = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return [f"## {table.title}", "", *body]


def _cell(cell: object) -> str:
    return str(cell).replace("|", "\\|").replace("\n", " ")
