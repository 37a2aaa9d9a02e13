"""Into a copy: as its owner anywhere; as the superuser and at its files on the local Cloud SQL."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ops import guard
from ops.checks.crew import Crew, Login
from ops.db import CHANGE, Connection, Database, LibpqPasswords
from ops.localserver import LocalInstance
from ops.restore.copies import Made
from ops.restore.faults.fault import NothingToSpoilError
from ops.restore.source import Source

SUPERUSER = "cloudsqladmin"  # only the local Cloud SQL lets us in as it, over the socket


@contextmanager
def as_owner(crew: Crew, source: Source, copy: Made) -> Iterator[Connection]:
    """Connect to a copy as the schema's owner; never to the source."""
    assert copy.database is not None  # noqa: S101 - only a copy that answers is spoiled
    guard.differ(source.instance, copy.plan.name)
    guard.differ(source.database.host, copy.database.host)
    with crew.connect(Login(copy.database, source.owner, CHANGE)) as connection:
        yield connection


@contextmanager
def as_superuser(crew: Crew, source: Source, copy: Made) -> Iterator[Connection]:
    """Connect to a copy as PostgreSQL's superuser; never to the source."""
    local = of_copy(source, copy)
    with crew.connect(Login(peer(local, source.database.name), SUPERUSER, CHANGE)) as connection:
        yield connection


def peer(local: LocalInstance, database: str) -> Database:
    """Return a database of an instance as its socket leads to it."""
    return Database(str(local.socket), local.port, database, LibpqPasswords())


def of_copy(source: Source, copy: Made) -> LocalInstance:
    """Return where a copy's cluster lies.

    Raises:
        NothingToSpoilError: not on this machine.
    """
    guard.differ(source.instance, copy.plan.name)
    local = source.local(copy.plan.name)
    if local is None:
        raise NothingToSpoilError("of files", "cluster of the copy")
    return local


def of_source(source: Source) -> LocalInstance:
    """Return where the source's archive and backups lie.

    Raises:
        NothingToSpoilError: not on this machine.
    """
    local = source.local(source.instance)
    if local is None:
        raise NothingToSpoilError("of files", "archive of the source")
    return local


@contextmanager
def stopped(source: Source, copy: Made) -> Iterator[LocalInstance]:
    """Stop a copy's cluster for the block, and start it again."""
    local = of_copy(source, copy)
    _activate(source, copy, "NEVER")
    yield local
    _activate(source, copy, "ALWAYS")


def _activate(source: Source, copy: Made, policy: str) -> None:
    body: Mapping[str, object] = {"settings": {"activationPolicy": policy}}
    source.cloud.wait(source.cloud.patch(copy.plan.name, body))
