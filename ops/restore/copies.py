"""Makes the copies: a backup restored into a new instance, and a point-in-time clone.

Every call stands in the journal before it is made, and its operation after it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ops import guard, sql
from ops.checks.crew import Crew, Login
from ops.cloudsql import ApiError, BackupRun, Operation, OperationFailedError
from ops.db import (
    DIAGNOSTIC,
    VERIFY,
    CannotConnectError,
    Database,
    QueryFailedError,
    statement,
)
from ops.journal import Journal
from ops.restore.source import Source
from ops.shortlived import copy_body

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
        unsure: whether the failure says nothing of what was to be restored: we could not look.
        note: what had to be changed on the copy to get in; else empty.
    """

    plan: CopyPlan
    database: Database | None
    operations: tuple[Operation, ...]
    start_s: float = 0.0
    first_query_s: float = 0.0
    failure: str = ""
    unsure: bool = False
    note: str = ""


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
    operation = cloud.insert(body)
    journal.started(entry, operation.id)
    created = cloud.wait(operation)
    crew.check()
    entry = journal.intend("restore", plan.name, backup=plan.backup.id)
    operation = cloud.restore_backup(source.instance, plan.backup.id, plan.name)
    journal.started(entry, operation.id)
    return _answering(crew, source, plan, operation, created)


def clone(
    crew: Crew, source: Source, journal: Journal, plan: CopyPlan, point_in_time: datetime
) -> Made:
    """Clone the source as it was at a time, and wait until the clone answers."""
    guard.differ(source.instance, plan.name)
    crew.check()
    entry = journal.intend("clone", plan.name, point_in_time=point_in_time.isoformat())
    operation = source.cloud.clone(source.instance, plan.name, point_in_time)
    journal.started(entry, operation.id)
    return _answering(crew, source, plan, operation)


def _answering(
    crew: Crew, source: Source, plan: CopyPlan, operation: Operation, *before: Operation
) -> Made:
    try:
        restored = source.cloud.wait(operation)
    except OperationFailedError as error:
        return Made(
            plan,
            None,
            (*before, error.operation),
            failure=str(error),
            unsure=error.interrupted,
        )
    since = time.monotonic()
    database = source.copy_at(source.cloud.instance(plan.name).address)
    operations, note = (*before, restored), ""
    while True:
        try:
            with crew.connect(Login(database, source.owner, VERIFY)) as connection:
                connected = time.monotonic()
                connection.execute(statement(sql.load("restore/first_query")))
                answered = time.monotonic()
        except CannotConnectError as error:
            if _password_changed(error) and not note:
                note = _let_in(source, plan, database)
                if note:
                    continue
            if time.monotonic() - since > FIRST_ANSWER_LIMIT_S or not _may_pass(error):
                unsure = _says_nothing(crew, source, error)
                return Made(plan, database, operations, failure=str(error), unsure=unsure)
            time.sleep(_PAUSE_S)
        else:
            start_s, first_query_s = connected - since, answered - connected
            return Made(plan, database, operations, start_s, first_query_s, note=note)


def _password_changed(error: CannotConnectError) -> bool:
    """Tell whether we are refused for our password: a copy has that of the backup's time."""
    return "password authentication" in str(error)


def _let_in(source: Source, plan: CopyPlan, database: Database) -> str:
    """Give the owner on a copy the password that the source has now; empty where we can't."""
    password = database.passwords.password(source.owner)
    if password is None:
        return ""
    try:
        source.cloud.wait(source.cloud.update_user(plan.name, source.owner, password))
    except (ApiError, OperationFailedError):
        return ""
    return f"the password of {source.owner} is another one since: it was set anew on the copy"


def _may_pass(error: CannotConnectError) -> bool:
    """Tell whether waiting may help: not where the server answers and refuses us."""
    return not (_password_changed(error) or "does not exist" in str(error))


def _says_nothing(crew: Crew, source: Source, error: CannotConnectError) -> bool:
    """Tell whether not being let in says nothing of the copy.

    So it is with our password, with a copy whose connections are all taken, and where the
    source can't be reached either: that is the network's.
    """
    if _password_changed(error) or error.full:
        return True
    try:
        with crew.connect(source.login(DIAGNOSTIC)) as connection:
            connection.execute(statement(sql.load("restore/first_query")))
    except (CannotConnectError, QueryFailedError):
        return True
    return False
