"""A throw-away PostgreSQL cluster for tests: a real server, no port, gone afterwards."""

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql as psql

from ops import programs
from ops.db import Budget, Database
from ops.scratch import PORT, SUPERUSER, Scratch, scratch

__all__ = ["OWNER", "PORT", "SUPERUSER", "Cluster", "running"]

# As on Cloud SQL, what is tested works as a role that owns its database and no more.
OWNER = "ai_square_owner"
_SETTINGS = {
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_connections": "40",
    "autovacuum": "off",
    "timezone": "UTC",
    "log_min_messages": "fatal",
}
_numbers = itertools.count(1)
_FREELY = Budget(statement_s=60, lock_s=10, read_only=False)


@dataclass(frozen=True)
class Cluster:
    """A running server, reached through the socket in its folder."""

    scratch: Scratch

    def database(self, name: str = "postgres") -> Database:
        return self.scratch.database(name)

    def create(self, template: str = "template1") -> Database:
        """Create a database that OWNER owns, and return it."""
        name = f"test_{next(_numbers)}"
        create = psql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        self._maintain(create.format(*map(psql.Identifier, (name, OWNER, template))))
        return self.database(name)

    def drop(self, database: Database) -> None:
        drop = psql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._maintain(drop.format(psql.Identifier(database.name)))

    def dump(self, database: Database) -> str:
        """Return the schema as pg_dump writes it, without its random lines."""
        text = self.run("pg_dump", "-s", "-h", database.host, "-U", SUPERUSER, database.name)
        marks = ("\\restrict", "\\unrestrict")
        return "\n".join(line for line in text.splitlines() if not line.startswith(marks))

    def run(self, program: str, *arguments: str | Path) -> str:
        """Run one of PostgreSQL's programs as the cluster's user; return what it prints."""
        done = subprocess.run(
            [self.scratch.programs.path(program), *arguments],
            user=self.scratch.user,
            cwd=self.scratch.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _maintain(self, statement: psql.Composed) -> None:
        with self.database().connect(SUPERUSER, budget=_FREELY) as connection:
            connection.execute(statement)


@contextmanager
def running() -> Iterator[Cluster]:
    """Start a cluster; stop and delete it after the block."""
    with scratch(programs.find(15, stand_in=True)) as made, made.running(_SETTINGS) as database:
        with database.connect(SUPERUSER, budget=_FREELY) as connection:
            connection.execute(psql.SQL("CREATE ROLE {} LOGIN").format(psql.Identifier(OWNER)))
        yield Cluster(made)
