"""Looks at an instance before it is failed over; changes nothing."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ops import sql
from ops.cloudsql import BackupRun, Instance
from ops.db import DIAGNOSTIC, Connection, Database, statement
from ops.errors import OpsError
from ops.failover import application
from ops.failover.application import Application
from ops.failover.source import Source
from ops.failover.standing import Replica, Standing, replicas, standing

FRESH_S = 5.0  # how long a replica that was just made may take to replay anything
LONG_S = 10.0  # an open transaction that is older did not come and go by itself


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction that a failover ends: who has it, and for how many seconds."""

    pid: int
    user: str
    application: str
    state: str
    age_s: float


@dataclass(frozen=True, slots=True)
class Inside:
    """What PostgreSQL tells.

    Attributes:
        table: whether the drill's table is there.
        writable: whether the owner may read, write and empty it.
        connections, most, reserved: clients that are connected, that may be, and how many of
            these only superusers get.
        transactions: those that have been open for long.
        hidden: sessions of which it can't be told.
    """

    table: bool
    writable: bool
    connections: int
    most: int
    reserved: int
    transactions: tuple[Transaction, ...]
    hidden: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a replica is behind, in seconds; None where it does not tell, and why."""

    replica: str
    seconds: float | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen of an instance.

    Attributes:
        standing: what the API tells.
        busy: its operations that have not ended, a line each.
        backups: its backup runs, the newest first.
        inside: what PostgreSQL tells; None where nobody is let in.
        trouble: why nobody is, else empty.
        replicas: its read replicas that are there.
        lags: theirs.
        application: what is known of the application's sessions; None where nobody is let in.
    """

    standing: Standing
    busy: tuple[str, ...]
    backups: tuple[BackupRun, ...]
    inside: Inside | None
    trouble: str
    replicas: tuple[Replica, ...]
    lags: tuple[Lag, ...]
    application: Application | None = None


def look(source: Source, instance: Instance) -> Survey:
    """Return what is to be seen of an instance."""
    cloud, stands = source.cloud, standing(instance)
    inside, app, trouble = None, None, ""
    try:
        inside, app = _inside(source, source.database, stands.synchronous_commit)
    except OpsError as error:
        trouble = str(error)
    followers = replicas(cloud, stands.replicas, source.database)
    return Survey(
        standing=stands,
        busy=tuple(
            f"{operation.type} {operation.id} is {operation.status}"
            for operation in cloud.operations(instance.name)
            if operation.status != "DONE"
        ),
        backups=cloud.backup_runs(instance.name),
        inside=inside,
        trouble=trouble,
        replicas=followers,
        lags=tuple(_lag(source, replica) for replica in followers),
        application=app,
    )


def _inside(
    source: Source, database: Database, synchronous_commit: str
) -> tuple[Inside, Application]:
    with database.connect(source.owner, budget=DIAGNOSTIC, name="failover-drill") as connection:
        table = connection.execute(statement(sql.load("failover/table"))).fetchone()
        clients = connection.execute(statement(sql.load("failover/connections"))).fetchone()
        long = connection.execute(
            statement(sql.load("failover/transactions")), {"age_s": LONG_S}
        ).fetchall()
        app = application.look(source, connection, synchronous_commit)
    assert table is not None  # noqa: S101 - queries without FROM have a row
    assert clients is not None  # noqa: S101 - as above
    (exists, writable), (connected, most, reserved) = table, clients
    visible = [row for row in long if not row[5]]
    inside = Inside(
        table=exists,
        writable=writable,
        connections=connected,
        most=most,
        reserved=reserved,
        transactions=_transactions(visible),
        hidden=len(long) - len(visible),
    )
    return inside, app


def _transactions(rows: Sequence[tuple[object, ...]]) -> tuple[Transaction, ...]:
    return tuple(Transaction(*row[:5]) for row in rows)  # type: ignore[arg-type]  # the statement's own types


def _lag(source: Source, replica: Replica) -> Lag:
    deadline = time.monotonic() + FRESH_S
    try:
        with replica.database.connect(
            source.owner, budget=DIAGNOSTIC, name="failover-drill"
        ) as connection:
            while (seconds := _behind_s(connection)) is None and time.monotonic() < deadline:
                time.sleep(0.1)
    except OpsError as error:
        return Lag(replica.name, None, str(error))
    why = "it has replayed no transaction yet" if seconds is None else ""
    return Lag(replica.name, seconds, why)


def _behind_s(connection: Connection) -> float | None:
    """Return the age of what was replayed last; 0 where nothing that was received is missing."""
    row = connection.execute(statement(sql.load("failover/replayed"))).fetchone()
    age_s, has_all = (None, False) if row is None else row
    if has_all:
        return 0.0  # the age is only that of an idle primary's last commit
    return None if age_s is None else float(age_s)
