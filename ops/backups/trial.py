"""Imports an export into an instance of its own and counts its rows there, then removes it.

The instance is called as a drill's copies are: what a killed run leaves is swept by
`restore.sweep`, and the access rules let no other instance be deleted.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from ops import dumptext, guard, sql
from ops.backups.reading import Contents
from ops.backups.transfer import ExportPlan
from ops.checks.result import CheckResult, Finding, State, finding
from ops.cloudsql import CloudSql, OperationFailedError
from ops.db import VERIFY, Connection, Database, statement
from ops.errors import OpsError
from ops.evidence import run_name
from ops.invocation import Invocation
from ops.journal import Journal, unfinished
from ops.shortlived import copy_body, name_stem

ROOM = "trial-import"
SUPERUSER = "postgres"
_AGAIN = "Export again, and don't rely on this file."


@dataclass(frozen=True, slots=True)
class KnownPassword:
    """The password of an instance that lives for minutes; it is written down nowhere."""

    secret: str

    def password(self, user: str) -> str:  # noqa: ARG002 - there is one user
        """Return it."""
        return self.secret

    def __repr__(self) -> str:
        return "KnownPassword()"


def trial(run: Invocation, chosen: ExportPlan, contents: Contents) -> CheckResult:
    """Import a SQL export into a new instance, and compare how many rows came in.

    Args:
        run: of the task.
        chosen: the export.
        contents: what its file holds.

    Raises:
        OpsError: the new instance could not be made, or not be removed.
    """
    if "" in (contents.rows or {}):
        words = "a CSV file has no table of its own to be imported into"
        return CheckResult("trial_import", State.NOT_APPLICABLE, 0, 0, words)
    clear(run)
    with run.progress.phase("Import it into a new instance"), _instance(run) as database:
        cloud = run.cloud
        name = database.host
        try:
            _bring_in(cloud, name, chosen)
        except OperationFailedError as error:
            return CheckResult("trial_import", State.FINDING, 1, 1, str(error), remedy=_AGAIN)
        address = cloud.instance(name).address
        trial_database = database.at(address).named(chosen.database)
        with trial_database.connect(SUPERUSER, budget=VERIFY, name="backup.export") as connection:
            return _counted(connection, contents)


def _bring_in(cloud: CloudSql, name: str, chosen: ExportPlan) -> None:
    if chosen.database not in cloud.databases(name):
        cloud.wait(cloud.insert_database(name, chosen.database))
    context = {"uri": str(chosen.uri), "fileType": "SQL", "database": chosen.database}
    cloud.wait(cloud.import_(name, context))


@contextmanager
def _instance(run: Invocation) -> Iterator[Database]:
    """Make an instance for the block; yield where it is, by its name in the place of a host."""
    target, cloud = run.target, run.cloud
    name = f"{name_stem(target.instance, cloud.project)}{run_name(datetime.now(UTC))}-i"
    guard.differ(target.instance, name)
    password = secrets.token_urlsafe(24) + "aA1!"
    labels = {"made-by": "backup-export"}
    body = copy_body(cloud.instance(target.instance), name, labels)
    journal = Journal(target.store, ROOM, name)
    try:
        entry = journal.intend("create", name)
        operation = cloud.insert({**body, "rootPassword": password})
        journal.started(entry, operation.id)
        cloud.wait(operation)
        port = target.database_at("").port
        yield Database(name, port, target.database, KnownPassword(password))
    finally:
        _remove(cloud, journal, name)


def _remove(cloud: CloudSql, journal: Journal, name: str) -> None:
    if cloud.find(name) is not None:
        cloud.wait(cloud.delete(name))
    journal.close()


def clear(run: Invocation) -> None:
    """Remove what trials left that were killed."""
    for journal in unfinished(run.target.store, ROOM):
        for entry in journal.entries():
            if entry.operation:
                with suppress(OpsError):  # it may have failed: what it made is removed all the same
                    run.cloud.wait(run.cloud.operation(entry.operation))
            _remove(run.cloud, journal, entry.object)
            run.progress.line(f"Removed {entry.object}, which a killed trial left")


def _counted(connection: Connection, contents: Contents) -> CheckResult:
    names = {
        dumptext.label(parts): tuple(parts)
        for (parts,) in connection.execute(statement(sql.load("backup/names")))
    }
    wrong: list[Finding] = []
    rows = 0
    expected = contents.rows or {}
    for table, count in sorted(expected.items()):
        if table not in names:
            wrong.append(finding("table", table, "not there after the import"))
            continue
        query = statement(sql.render("backup/row_count", {"table": names[table]}))
        row = connection.execute(query).fetchone()
        counted = int(row[0]) if row else 0
        rows += counted
        if counted != count:
            wrong.append(finding("table", table, f"{counted} rows; the file has {count}"))
    total = len(expected)
    if wrong:
        words = f"{len(wrong)} of {total} tables did not come in whole"
        return CheckResult(
            "trial_import", State.FINDING, total, total, words, tuple(wrong), remedy=_AGAIN
        )
    words = f"{rows} rows of {total} tables came in"
    return CheckResult("trial_import", State.OK, total, total, words)
