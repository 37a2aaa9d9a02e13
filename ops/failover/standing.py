"""How an instance stands before and after a failover: what the Admin API and PostgreSQL tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from ops import sql
from ops.cloudsql import CloudSql, Instance
from ops.db import DIAGNOSTIC, Connection, Database, statement
from ops.failover.source import Source


@dataclass(frozen=True, slots=True)
class Standing:
    """What the Admin API tells of an instance.

    Attributes:
        state: RUNNABLE where it serves.
        policy: ``activationPolicy``: NEVER where it was stopped.
        availability: REGIONAL or ZONAL.
        zone, secondary_zone: of the primary and of the standby; empty where not told.
        standby: whether the standby is counted on; None where the API doesn't tell, as it
            does not of every instance.
        settings_version: by which a failover says what it has looked at.
        replicas: names of its read replicas.
        synchronous_commit: as its flags set it, else PostgreSQL's default.
    """

    state: str
    policy: str
    availability: str
    zone: str
    secondary_zone: str
    standby: bool | None
    settings_version: int
    replicas: tuple[str, ...]
    synchronous_commit: str = "on"


@dataclass(frozen=True, slots=True)
class Server:
    """Which PostgreSQL answers.

    Attributes:
        version: of PostgreSQL.
        started: when its postmaster did.
        system: the cluster's system identifier; empty where it may not be asked for.
        timeline: that it writes or replays; None where it may not be asked for.
    """

    version: str
    started: datetime
    system: str = ""
    timeline: int | None = None


@dataclass(frozen=True, slots=True)
class Replica:
    """A read replica of the instance: its name, and its database."""

    name: str
    database: Database


def standing(instance: Instance) -> Standing:
    """Return how an instance stands, from the API's body."""
    body = instance.body
    settings = body.get("settings", {})
    available = body.get("failoverReplica", {}).get("available")
    flags = {str(flag["name"]): str(flag["value"]) for flag in settings.get("databaseFlags", ())}
    return Standing(
        state=instance.state,
        policy=str(settings.get("activationPolicy", "ALWAYS")),
        availability=str(settings.get("availabilityType", "ZONAL")),
        zone=str(body.get("gceZone", "")),
        secondary_zone=str(body.get("secondaryGceZone", "")),
        standby=None if available is None else bool(available),
        settings_version=instance.settings_version,
        replicas=tuple(str(name) for name in body.get("replicaNames", ())),
        synchronous_commit=flags.get("synchronous_commit", "on"),
    )


def replicas(cloud: CloudSql, names: Sequence[str], database: Database) -> tuple[Replica, ...]:
    """Return the read replicas of these names that have an address, as those that run do."""
    instances = (cloud.find(name) for name in names)
    return tuple(
        Replica(instance.name, database.at(instance.address))
        for instance in instances
        if instance is not None and instance.address
    )


def server(source: Source, database: Database) -> Server:
    """Return which PostgreSQL answers at an address.

    Raises:
        ops.db.CannotConnectError: none does.
    """
    with database.connect(source.owner, budget=DIAGNOSTIC, name="failover-drill") as connection:
        row = connection.execute(statement(sql.load("failover/server"))).fetchone()
        assert row is not None  # noqa: S101 - a query without FROM has a row
        system, timeline = _history(connection)
    return Server(row[0], row[1], system, timeline)


def _history(connection: Connection) -> tuple[str, int | None]:
    try:
        row = connection.execute(statement(sql.load("failover/timeline"))).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return "", None
    return ("", None) if row is None else (row[0], row[1])
