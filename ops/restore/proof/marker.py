"""The marker: the moment that the clone is recovered to, and what the source held then.

A heartbeat is written before, at and after it. Where no other transaction finished
between a snapshot and the marker, what that snapshot sees is exactly what a clone to
the marker holds. Under load that seldom happens: then two snapshots stand around the
marker, and what is equal in both was so at the marker too.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from ops import sql
from ops.checks.crew import Crew
from ops.db import Budget, Connection, statement
from ops.errors import OpsError
from ops.restore.source import Source
from ops.schema import sequences
from ops.schema.sequences import Reach
from ops.schema.transactions import Snapshot, Window

# With 1, 4 and 16 busy clients 176, 45 and 8 of 300 tries were exact (measured): more tries
# than these would cost more than the sandwich does.
TRIES = 60
WRITE = Budget(statement_s=10.0, lock_s=2.0, read_only=False)
HOLD = Budget(statement_s=10.0, lock_s=1.0, read_only=True)


class NoHeartbeatTableError(OpsError):
    """The source lacks the drill's own table, or we may not write to it."""

    def __init__(self, instance: str, owner: str, *, exists: bool) -> None:
        if exists:
            text = f"{owner} may not write to ops.drill_heartbeat on {instance}. Grant it INSERT."
        else:
            text = f"There is no table ops.drill_heartbeat on {instance}. Run `invoke migrate.up`."
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Marker:
    """The moment that the clone is recovered to.

    Attributes:
        drill: whose heartbeats these are.
        before, at, after: the ids of the three heartbeats.
        written_at: when the marker was written.
        point_in_time: what the clone is recovered to: after the marker, before the next one.
        exact: whether one snapshot sees exactly what was committed at the marker.
        tries: how many markers it took.
        unseen: transactions that may have been committed at the marker although no snapshot
            shows them: their commit was under way.
        sequences: how far the sequences were before.
        snapshots: exported; one where exact, else the one before and the one after.
        between: what may have finished between the first and the marker; nothing where exact.
    """

    drill: str
    before: int
    at: int
    after: int
    written_at: datetime
    point_in_time: datetime
    exact: bool
    tries: int
    unseen: tuple[str, ...]
    sequences: Mapping[str, Reach]
    snapshots: tuple[str, ...]
    between: Window = field(default_factory=Window)


@contextmanager
def hold(crew: Crew, source: Source, drill: str, tries: int = TRIES) -> Iterator[Marker]:
    """Set the marker, and hold its snapshots for the block.

    Args:
        crew: to connect with.
        source: where the marker is set.
        drill: the drill's name, in its heartbeats.
        tries: how often to look for a moment in which nobody else's transaction finished;
            0 goes for the snapshots around the marker at once.
    """
    with ExitStack() as stack:
        writer = stack.enter_context(crew.connect(source.login(WRITE)))
        holder = stack.enter_context(crew.connect(source.login(HOLD)))
        before = _beat(writer, drill, "before")
        reach = sequences.read(writer)
        for number in range(1, max(1, tries) + 1):
            low, low_name = _export(holder)
            at = _beat(writer, drill, "marker")
            moment = _pass_moment(writer)
            # Its commit flushes every earlier one: whoever committed before the moment is
            # finished by now, or will be counted as unseen.
            after = _beat(writer, drill, "after")
            high = _snapshot(writer)
            alone = high.finished_since(low) == {at.transaction, after.transaction}
            exact = alone and tries > 0
            if exact or number >= tries:
                break
            holder.rollback()
        names: tuple[str, ...] = (low_name,)
        if not exact:
            second = stack.enter_context(crew.connect(source.login(HOLD)))
            high, high_name = _export(second)
            names = (low_name, high_name)
        yield Marker(
            drill=drill,
            before=before.id,
            at=at.id,
            after=after.id,
            written_at=at.written_at,
            point_in_time=moment,
            exact=exact,
            tries=number,
            unseen=tuple(
                str(transaction) for transaction in sorted(high.unseen_before(after.transaction))
            ),
            sequences=reach,
            snapshots=names,
            between=Window() if exact else Window(low.xmin, at.transaction),
        )


@dataclass(frozen=True, slots=True)
class _Beat:
    id: int
    written_at: datetime
    transaction: int


def _beat(connection: Connection, drill: str, label: str) -> _Beat:
    query = statement(sql.load("restore/heartbeat_write"))
    row = connection.execute(query, {"drill": drill, "label": label}).fetchone()
    assert row is not None  # noqa: S101 - RETURNING
    return _Beat(row[0], row[1], int(row[2]))


def require_table(source: Source) -> str:
    """See that the source has the heartbeat table, before anything is made.

    Returns the version of PostgreSQL that runs there.

    Raises:
        NoHeartbeatTableError: it has none, or we may not write to it.
    """
    with source.database.connect(source.owner, budget=HOLD, name="restore-drill") as connection:
        row = connection.execute(statement(sql.load("restore/heartbeat_table"))).fetchone()
        version = connection.info.parameter_status("server_version")
    exists, allowed = row or (False, False)
    if not allowed:
        raise NoHeartbeatTableError(source.instance, source.owner, exists=bool(exists))
    return version or "unknown"


def _export(connection: Connection) -> tuple[Snapshot, str]:
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    row = connection.execute(statement(sql.load("restore/snapshot_export"))).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM
    return Snapshot.parse(row[0]), row[1]


def _snapshot(connection: Connection) -> Snapshot:
    row = connection.execute(statement(sql.load("schema/snapshot"))).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM
    return Snapshot.parse(row[0])


def _pass_moment(connection: Connection) -> datetime:
    row = connection.execute(statement(sql.load("restore/moment"))).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM
    target: datetime = row[0]
    time.sleep(max(0.0, row[1]) + 0.0005)  # the next heartbeat must be later than the target
    return target
