"""What a drill starts from: the source instance, and the doors to it and to its copies.

A sweep needs less: it goes by names and journals, also where the source is gone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ops.checks.crew import Login
from ops.cloudsql import CloudSql
from ops.db import Budget, Database
from ops.evidence.identity import Identity, created_at
from ops.localserver import LocalInstance, Server
from ops.store import Store
from ops.target import Target

if TYPE_CHECKING:  # pydantic is loaded only when a task runs: `invoke --list` stays fast
    from infra.settings import Backup

ROOM = "restore-drill"  # the name of the lease, of the journals and of the evidence


@dataclass(frozen=True, slots=True)
class Place:
    """Where drills of an instance leave their traces; the instance itself may be gone.

    Attributes:
        stack: the stack that the instance belongs to.
        instance: its name.
        cloud: the Admin API of its project.
        store: where lease, journal and evidence live.
        lease: for how long a silent drill counts as alive.
        rto_target_s, rpo_target_s: what drills are held to, in seconds.
    """

    stack: str
    instance: str
    cloud: CloudSql
    store: Store
    lease: timedelta
    rto_target_s: float
    rpo_target_s: float

    @property
    def identity(self) -> Identity:
        """Return which instance it is; when it was made, nobody asked."""
        return Identity(self.instance, self.cloud.project)


@dataclass(frozen=True, slots=True)
class Source(Place):
    """The instance whose backups are drilled.

    Attributes:
        database: the application's database on it.
        owner: the role that owns the schema; asks every question.
        app: the application's role; proves that the application could go on.
        server: the local Cloud SQL, or None on cloud stacks.
        policy: which backups are declared; None where nobody knows.
        created: when the instance was made, by the Admin API.
    """

    database: Database
    owner: str
    app: str
    server: Server | None
    policy: "Backup | None" = None
    created: datetime | None = None

    @property
    def identity(self) -> Identity:
        """Return which instance it is, for its records."""
        return Identity(self.instance, self.cloud.project, self.created)

    def now(self) -> datetime:
        """Return the time by the clock that the instance lives by: a rehearsal's may be ahead."""
        return datetime.now(UTC) if self.server is None else self.server.now()

    def database_time(self, moment: datetime) -> datetime:
        """Return what the database's clock said at a time that the Admin API tells.

        They are one, but for a rehearsal's, whose API can be set forward and whose rows can't.
        """
        return moment if self.server is None else self.server.database_time(moment)

    def local(self, name: str) -> LocalInstance | None:
        """Return where an instance's cluster lies; None on cloud stacks, or where it is gone."""
        return None if self.server is None else self.server.instance(name)

    def login(self, budget: Budget) -> Login:
        """Return the owner's login on the source."""
        return Login(self.database, self.owner, budget)

    def copy_at(self, address: str) -> Database:
        """Return the application's database on a restored copy."""
        return self.database.at(address)


def place(target: Target) -> Place:
    """Return where drills of a stack's instance leave their traces; asks nobody."""
    return Place(
        stack=target.stack,
        instance=target.instance,
        cloud=target.cloud(),
        store=target.store,
        lease=timedelta(minutes=target.settings.drill.lease_minutes),
        rto_target_s=target.settings.drill.rto_target_s,
        rpo_target_s=target.settings.drill.rpo_target_s,
    )


def of(target: Target) -> Source:
    """Return the source that a stack names.

    Raises:
        ops.cloudsql.NoSuchInstanceError: it is not provisioned.
    """
    ground = place(target)
    instance = ground.cloud.instance(ground.instance)
    return Source(
        stack=ground.stack,
        instance=ground.instance,
        cloud=ground.cloud,
        store=ground.store,
        lease=ground.lease,
        rto_target_s=ground.rto_target_s,
        rpo_target_s=ground.rpo_target_s,
        database=target.database_at(instance.address),
        owner=target.owner,
        app=target.app,
        server=None if target.local is None else target.server(),
        policy=target.settings.instance.backup,
        created=created_at(instance.body),
    )
