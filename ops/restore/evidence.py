"""Evidence: one JSON file a drill, chained to the one before by its hash, and the same to read.

Whoever changes or removes an old file breaks the chain at the next one.
"""

import getpass
import hashlib
import json
import platform
import socket
from collections.abc import Mapping
from importlib.metadata import version

from ops.console import Table, document
from ops.restore.report import Report
from ops.restore.source import ROOM, Source
from ops.store import Store

FOLDER = f"evidence/{ROOM}"
FORMAT = 1


def key(run: str) -> str:
    """Return where the evidence of a drill lies in the store."""
    return f"{FOLDER}/{run}.json"


def write(source: Source, report: Report, versions: Mapping[str, str]) -> None:
    """Write the evidence of a drill: JSON and Markdown.

    Args:
        source: whose store takes it.
        report: what came out.
        versions: of what took part besides this product.
    """
    facts = {
        "format": FORMAT,
        "previous": previous(source.store, report.run),
        "who": _who(),
        "where": socket.gethostname(),
        "versions": {
            "ai-square-db": version("ai-square-db"),
            "python": platform.python_version(),
            **versions,
        },
        "drill": document(report),
    }
    content = json.dumps(facts, indent=2, ensure_ascii=False).encode()
    source.store.put(key(report.run), content)
    digest = hashlib.sha256(content).hexdigest()
    source.store.put(f"{FOLDER}/{report.run}.md", markdown(report, digest).encode())


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


def markdown(report: Report, digest: str) -> str:
    """Return the report for people who review it later.

    Args:
        report: what came out.
        digest: SHA-256 of the JSON evidence beside it.
    """
    lines = [
        f"# Restore drill {report.run}: {report.verdict}",
        "",
        f"Source: {report.source} (stack {report.stack}).",
        f"From {report.started:%Y-%m-%d %H:%M:%S} to {report.ended:%H:%M:%S} UTC.",
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
    if report.injected:
        lines.append(f"Fault put in on purpose: {report.injected}.")
    for block in report.blocks():
        lines += ["", *_table(block)] if isinstance(block, Table) else ["", block]
    return "\n".join([*lines, "", f"SHA-256 of {report.run}.json: {digest}", ""])


def _table(table: Table) -> list[str]:
    rows = [table.columns, ("---",) * len(table.columns), *table.rows]
    body = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return [f"## {table.title}", "", *body]


def _cell(cell: object) -> str:
    return str(cell).replace("|", "\\|").replace("\n", " ")
