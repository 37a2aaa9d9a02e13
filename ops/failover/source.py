"""What a failover drill works on: the instance, the doors to it, and what it is held to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ops.cloudsql import CloudSql
from ops.db import Database
from ops.evidence.identity import Identity, created_at
from ops.failover.application import Writer
from ops.store import Store
from ops.target import Target

if TYPE_CHECKING:
    from infra.settings import Pool

ROOM = "failover-drill"  # the name of the lease, of the journals and of the evidence
# The lease of restore drills: a failover would cut theirs short, and spoil both their times.
RESTORE_DRILL = "restore-drill"


def utc_now() -> datetime:
    """Return this machine's time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Source:
    """The instance that is failed over.

    Attributes:
        stack: the stack that it belongs to.
        instance: its name.
        cloud: the Admin API of its project.
        store: where leases, journal and evidence live.
        lease: for how long a silent drill counts as alive.
        database: the application's database on it.
        owner: the role that owns the schema; reads, and writes where the application may not.
        app: the application's role.
        replicas: names of the read replicas that the stack declares.
        pool: the application's connection pool.
        gap_target_s: longest pause of writes that is accepted, in seconds.
        reconnect_target_s: longest that the pool may take to connect again, in seconds.
        writer: as whom the drill writes, once that was looked at; else None.
        created: when the instance was made, by the Admin API.
        clock: returns the time that the instance lives by; a rehearsal's may be ahead.
    """

    stack: str
    instance: str
    cloud: CloudSql
    store: Store
    lease: timedelta
    database: Database
    owner: str
    app: str
    replicas: tuple[str, ...]
    pool: "Pool"
    gap_target_s: float
    reconnect_target_s: float
    writer: Writer | None = None
    created: datetime | None = None
    clock: Callable[[], datetime] = field(default=utc_now, compare=False)

    @property
    def identity(self) -> Identity:
        """Return which instance it is, for its records."""
        return Identity(self.instance, self.cloud.project, self.created)


def of(target: Target) -> Source:
    """Return the source that a stack names.

    Raises:
        ops.cloudsql.NoSuchInstanceError: it is not provisioned.
    """
    cloud, settings = target.cloud(), target.settings
    instance = cloud.instance(target.instance)
    return Source(
        stack=target.stack,
        instance=target.instance,
        cloud=cloud,
        store=target.store,
        lease=timedelta(minutes=settings.drill.lease_minutes),
        database=target.database_at(instance.address),
        owner=target.owner,
        app=target.app,
        replicas=tuple(replica.name for replica in settings.replicas),
        pool=settings.pool,
        gap_target_s=settings.failover.gap_target_s,
        reconnect_target_s=settings.failover.reconnect_target_s,
        created=created_at(instance.body),
        clock=target.now,
    )
