"""What there is now, as the Admin API tells it."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.desired import DATABASE, INSTANCE, USER
from ops.cloudsql import Account, CloudSql, Database, OperationFailedError
from ops.console import Progress

FAILED = "FAILED"
PENDING_DELETE = "PENDING_DELETE"
SUSPENDED = "SUSPENDED"  # by Cloud SQL, as for unpaid bills
NEVER = "NEVER"  # the activationPolicy of a stopped instance


class Kind(StrEnum):
    """What the Admin API serves of a stack's resources."""

    INSTANCE = "instance"
    DATABASE = "database"
    USER = "user"


TYPES = {Kind.INSTANCE: INSTANCE, Kind.DATABASE: DATABASE, Kind.USER: USER}


@dataclass(frozen=True, slots=True)
class LiveInstance:
    """An instance with what lies in it.

    Attributes:
        name: Its name.
        state: As the API tells it.
        address: Where PostgreSQL answers.
        connection_name: ``project:region:name``.
        protected: Whether the API refuses to delete it.
        body: All that the API told.
        databases: Names, sorted.
        accounts: Who may log in, in order of their names.
        encodings: Of the databases, where the API tells: charset and collation.
        closed: Why its databases and users can't be read now; empty where they were.
    """

    name: str
    state: str
    address: str
    connection_name: str
    protected: bool
    body: Mapping[str, Any]
    databases: tuple[str, ...]
    accounts: tuple[Account, ...]
    encodings: tuple[Database, ...] = ()
    closed: str = ""

    @property
    def users(self) -> tuple[str, ...]:
        """Names of who may log in."""
        return tuple(account.name for account in self.accounts)

    @property
    def source(self) -> str:
        """Name of the instance that a replica follows; empty for a primary."""
        return str(self.body.get("masterInstanceName", "")).rsplit(":", 1)[-1]


Live = Mapping[str, LiveInstance]


def replicas_first(live: Live) -> tuple[str, ...]:
    """Return the instances' names, each replica before what it follows: so they can go."""

    def depth(name: str) -> int:
        source = live[name].source
        return 1 + depth(source) if source in live else 0

    return tuple(sorted(live, key=lambda name: (-depth(name), name)))


def why_closed(body: Mapping[str, Any]) -> str:
    """Return why the API lists no databases and users of an instance; empty where it does."""
    if body.get("settings", {}).get("activationPolicy") == NEVER:
        return "it is stopped (activationPolicy NEVER)"
    return "Cloud SQL suspended it" if body.get("state") == SUSPENDED else ""


def read(cloud: CloudSql, names: Iterable[str], progress: Progress) -> Live:
    """Return those of the named instances that exist; of a stopped one not what is in it.

    An operation that still runs on one of them, as a killed deployment leaves behind, is
    waited for first; whether it succeeded shows in what is then there.
    """
    instances: dict[str, LiveInstance] = {}
    for name in sorted(set(names)):
        if cloud.find(name) is None:
            continue
        _settle(cloud, name, progress)
        instance = cloud.find(name)
        if instance is None or instance.state == PENDING_DELETE:
            continue
        closed = why_closed(instance.body)
        silent = instance.state == FAILED or bool(closed)
        databases = () if silent else tuple(sorted(cloud.database_details(name)))
        instances[name] = LiveInstance(
            name=name,
            state=instance.state,
            address=instance.address,
            connection_name=instance.connection_name,
            protected=instance.deletion_protection,
            body=instance.body,
            databases=tuple(database.name for database in databases),
            accounts=() if silent else tuple(sorted(cloud.accounts(name))),
            encodings=databases,
            closed=closed,
        )
    return instances


def _settle(cloud: CloudSql, name: str, progress: Progress) -> None:
    for operation in reversed(cloud.operations(name)):
        if operation.status == "DONE":
            continue
        with (
            progress.phase(f"Wait for {operation.type} of {name}, begun earlier"),
            suppress(OperationFailedError),
        ):
            cloud.wait(operation)
