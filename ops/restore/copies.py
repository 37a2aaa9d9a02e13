"""Makes the copies: a backup restored into a new instance, and a point-in-time clone.

Every call stands in the journal before it is made, and its operation after it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ops import guard, sql
from ops.cloudsql import BackupRun, Operation, OperationFailedError
from ops.copybody import copy_body
from ops.db import VERIFY, CannotConnectError, Database, statement
from ops.journal import Journal
from ops.restore.crew import Crew, Login
from ops.restore.source import Source

# PostgreSQL answers within a second of the operation's end here; a network's routes take longer.
FIRST_ANSWER_LIMIT_S = 120.0
_PAUSE_S = 0.1


class Kind(StrEnum):
    """How a copy comes to be."""

    BACKUP = "backup"
    CLONE = "clone"


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """One instance that a drill makes: from a backup run, or as a point-in-time clone."""

    kind: Kind
    name: str
    backup: BackupRun | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A copy as the cloud made it, or why it could not.

    Attributes:
        plan: what it was to be.
        database: the application's database on it; None where it could not be made.
        operations: what the cloud did for it, in order.
        start_s: from the last operation's end to the first connection, in seconds.
        first_query_s: from there to the first answer, in seconds.
        failure: why there is no copy, or why it does not answer; else empty.
    """

    plan: CopyPlan
    database: Database | None
    operations: tuple[Operation, ...]
    start_s: float = 0.0
    first_query_s: float = 0.0
    failure: str = ""


def restore(
    crew: Crew, source: Source, journal: Journal, plan: CopyPlan, labels: Mapping[str, str]
) -> Made:
    """Restore a backup run into a new instance, and wait until it answers.

    Raises:
        OpsError: the instance to restore into could not be made.
    """
    assert plan.backup is not None  # noqa: S101 - a plan of a restore names its backup
    guard.differ(source.instance, plan.name)
    cloud = source.cloud
    body = copy_body(cloud.instance(source.instance), plan.name, labels)
    crew.check()
    entry = journal.intend("create", plan.name)
    asked = cloud.insert(body)
    journal.started(entry, asked.id)
    created = cloud.wait(asked)
    crew.check()
    entry = journal.intend("restore", plan.name, backup=plan.backup.id)
    asked = cloud.restore_backup(source.instance, plan.backup.id, plan.name)
    journal.started(entry, asked.id)
    return _answering(crew, source, plan, asked, created)


def clone(
    crew: Crew, source: Source, journal: Journal, plan: CopyPlan, point_in_time: datetime
) -> Made:
    """Clone the source as it was at a time, and wait until the clone answers."""
    guard.differ(source.instance, plan.name)
    crew.check()
    entry = journal.intend("clone", plan.name, point_in_time=point_in_time.isoformat())
    asked = source.cloud.clone(source.instance, plan.name, point_in_time)
    journal.started(entry, asked.id)
    return _answering(crew, source, plan, asked)


def _answering(
    crew: Crew, source: Source, plan: CopyPlan, asked: Operation, *before: Operation
) -> Made:
    try:
        restored = source.cloud.wait(asked)
    except OperationFailedError as error:
        return Made(plan, None, (*before, error.operation), failure=str(error))
    since = time.monotonic()
    database = source.copy_at(source.cloud.instance(plan.name).address)
    operations = (*before, restored)
    while True:
        try:
            with crew.connect(Login(database, source.owner, VERIFY)) as connection:
                connected = time.monotonic()
                connection.execute(statement(sql.load("restore/first_query")))
                answered = time.monotonic()
        except CannotConnectError as error:
            if time.monotonic() - since > FIRST_ANSWER_LIMIT_S or not _may_pass(error):
                return Made(plan, database, operations, failure=str(error))
            time.sleep(_PAUSE_S)
        else:
            return Made(plan, database, operations, connected - since, answered - connected)


def _may_pass(error: CannotConnectError) -> bool:
    """Tell whether waiting may help: not where the server answers and refuses us."""
    text = str(error)
    return not any(word in text for word in ("password authentication", "does not exist"))
