"""What roles can do, tried by those who really log in, each with a password of its own.

A case is committed then, so each has a copy of the cluster, which is thrown away.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg import sql as psql

from ops import programs, sessions
from ops.db import (
    CHANGE,
    DIAGNOSTIC,
    CannotConnectError,
    Connection,
    Database,
    LibpqPasswords,
    statement,
)
from ops.roles import catalog
from ops.roles.apply import cast_of
from ops.roles.declared import declared
from ops.roles.facts import Cast
from ops.roles.plan import Difference, compare
from ops.scratch import Scratch
from ops.target import Target
from tests import places

SUPERUSER = "cloudsqladmin"
_DOORS = f"local all {SUPERUSER} trust\nlocal all all scram-sha-256\n"
# A server that is copied while it runs is a server that crashed; nobody writes meanwhile.
_SETTINGS = {"autovacuum": "off", "max_wal_senders": "0"}


@dataclass(frozen=True, slots=True)
class OfItsOwn:
    """A password for each role, which is made from its name."""

    def password(self, user: str) -> str:
        """Return it."""
        return f"{user}'s own"


@dataclass(frozen=True, slots=True)
class World:
    """A copy of the cluster.

    Attributes:
        database: the application's, with everybody's password.
        cast: the stack's roles.
        probes: the statements that are tried.
        attempt: the text that tries them all, with a place for them.
    """

    database: Database
    cast: Cast
    probes: tuple[str, ...]
    attempt: str

    def able(self, roles: tuple[str, ...]) -> dict[str, frozenset[str]]:
        """Return what each role can do once it logged in.

        Who can't log in is made to be there: letting it in is one statement of whoever may.
        """
        return {role: frozenset(self._tried(role)) for role in roles}

    def _tried(self, role: str) -> Iterator[str]:
        notices: list[str] = []
        with self._session(role) as connection:
            connection.add_notice_handler(lambda told: notices.append(told.message_primary or ""))
            # a session may set these for itself, so they keep nobody from anything
            connection.execute("SET default_transaction_read_only = off")
            ask = "SELECT rolname::text FROM pg_roles WHERE pg_has_role(oid, 'MEMBER')"
            names = connection.execute(ask).fetchall()
            every = psql.Literal(list(self.probes))
            for (name,) in names:
                connection.execute(psql.SQL("SET ROLE {}").format(psql.Identifier(name)))
                connection.execute(psql.SQL(self.attempt).format(probes=every))
                connection.execute("RESET ROLE")
        yield from set(notices) & set(self.probes)

    @contextmanager
    def _session(self, role: str) -> Iterator[Connection]:
        with contextlib.ExitStack() as stack:
            try:
                session = self.database.connect(role, budget=sessions.BARE)
                connection = stack.enter_context(session)
            except CannotConnectError as error:
                if "is not permitted to log in" not in str(error):
                    raise
                session = self.database.connect(SUPERUSER, budget=sessions.BARE)
                connection = stack.enter_context(session)
                become = psql.SQL("SET SESSION AUTHORIZATION {}")
                connection.execute(become.format(psql.Identifier(role)))
            yield connection

    def judged(self) -> Difference:
        """Return the verdict, by the owner who logged in."""
        owner = self.cast.owner
        with self.database.connect(owner, budget=DIAGNOSTIC, autocommit=False) as connection:
            there = catalog.read(connection, self.cast)
            return compare(self.cast, declared(self.cast, there), there)

    def change(self, texts: tuple[str, ...]) -> bool:
        """Run a superuser's statements; False where PostgreSQL refuses one."""
        with self.database.connect(SUPERUSER, budget=CHANGE, autocommit=False) as connection:
            try:
                for text in texts:
                    connection.execute(statement(text))
            except psycopg.Error:
                connection.rollback()
                return False
        return True


@dataclass(frozen=True, slots=True)
class Copies:
    """A cluster as it was, of which each case has a copy.

    Attributes:
        whole: no server runs on it.
        target: the stack's.
        probes, attempt: as a world has them.
    """

    whole: Scratch
    target: Target
    probes: tuple[str, ...]
    attempt: str

    @contextmanager
    def world(self) -> Iterator[World]:
        """Yield a copy with a server."""
        with places.folder("aslog") as folder, _of(self.whole, folder).running(_SETTINGS) as there:
            mine = replace(there, name=self.target.database, passwords=OfItsOwn())
            yield World(mine, cast_of(self.target), self.probes, self.attempt)


def _of(whole: Scratch, folder: Path) -> Scratch:
    if whole.user is not None:
        shutil.chown(folder, whole.user)
    copied = replace(whole, folder=folder)
    subprocess.run(["/bin/cp", "-a", whole.data, copied.data], check=True)
    return copied


@contextmanager
def copies(target: Target, prepare: str, probes: tuple[str, ...], attempt: str) -> Iterator[Copies]:
    """Yield copies of the stack's cluster, after a superuser's statements."""
    local = target.server().instance(target.instance)
    assert local is not None
    live = Database(str(local.socket), local.port, target.database, LibpqPasswords())
    with live.connect(SUPERUSER, budget=CHANGE) as connection:
        connection.execute("CHECKPOINT")
    user = local.owner if os.geteuid() == 0 else None
    with places.folder("aslog") as folder:
        whole = Scratch(programs.find(15, stand_in=True), folder, user)
        if user is not None:
            shutil.chown(folder, user)
        subprocess.run(["/bin/cp", "-a", local.home, whole.data], check=True)
        (whole.data / "pg_hba.conf").write_text(_DOORS)
        (whole.data / "postgresql.auto.conf").write_text("")
        (whole.data / "postmaster.pid").unlink()
        with (
            whole.running(_SETTINGS) as there,
            there.named(target.database).connect(SUPERUSER, budget=CHANGE) as connection,
        ):
            connection.execute(statement(prepare))
            roles = "SELECT rolname::text FROM pg_roles WHERE rolname !~ '^(pg_|cloudsqladmin$)'"
            for (role,) in connection.execute(statement(roles)).fetchall():
                connection.execute(
                    psql.SQL("ALTER ROLE {} PASSWORD {}").format(
                        psql.Identifier(role), psql.Literal(OfItsOwn().password(role))
                    )
                )
            connection.execute("CHECKPOINT")
        yield Copies(whole, target, probes, attempt)
