"""Faults that one statement puts in.

Each file of ``sql/faults`` is a question: which objects could be spoiled, and by which
statement? The first statement that changes anything is the fault; what a constraint, a
dependency or a missing privilege refuses leaves nothing behind, and the next is tried.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import psycopg

from ops import sql
from ops.checks.crew import Crew
from ops.db import Connection, statement
from ops.restore.copies import Made
from ops.restore.faults import cluster
from ops.restore.faults.fault import Fault, NothingToSpoilError
from ops.restore.source import Source

As = Callable[[Crew, Source, Made], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class Statement:
    """Spoils a copy by the first statement of ``sql/faults`` that changes anything.

    Attributes:
        fault: the fault's name; its file bears it too.
        of: what has to be there, in a person's words.
        connect: as the owner, or as the superuser.
        file: that of another fault, whose statement this is too.
    """

    fault: str
    of: str
    connect: As
    file: str = ""

    def __call__(self, crew: Crew, source: Source, copy: Made) -> str:
        """Return what was spoiled; raises NothingToSpoilError."""
        with self.connect(crew, source, copy) as connection:
            return self.put_in(connection, source)

    def put_in(self, connection: Connection, source: Source) -> str:
        """Spoil what a connection leads to; return what that was.

        Raises:
            NothingToSpoilError: nothing of the kind is there, or nothing could be changed.
        """
        names = {"owner": source.owner, "app": source.app}
        question = statement(sql.render(f"faults/{self.stem}", names))
        for spoiled, text in connection.execute(question).fetchall():
            if _changes(connection, text):
                return str(spoiled)
        raise NothingToSpoilError(self.fault, self.of)

    @property
    def stem(self) -> str:
        """Return the name of its file."""
        return (self.file or self.fault).replace("-", "_")


def _changes(connection: Connection, text: str) -> bool:
    """Carry out a statement; tell whether it did anything."""
    try:
        with connection.transaction():
            return connection.execute(statement(text)).rowcount != 0
    except psycopg.Error:
        if connection.broken:
            raise
        return False


def as_owner(name: str, what: str, of: str, seen_by: str) -> Fault:
    """Return a fault that the schema's owner can put in, on cloud stacks too."""
    return Fault(name, what, seen_by, copy=Statement(name, of, cluster.as_owner))


def as_superuser(name: str, what: str, of: str, seen_by: str) -> Fault:
    """Return a fault that only the superuser of a local Cloud SQL can put in."""
    copy = Statement(name, of, cluster.as_superuser)
    return Fault(name, what, seen_by, local=True, copy=copy)
