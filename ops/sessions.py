"""Whether each declared user can log in, and what its sessions really begin with.

PostgreSQL takes a setting from the most specific place: the role in this database, the role, the
database, all roles; then the instance's own. What ``sql/roles`` declares is of the role.
https://www.postgresql.org/docs/15/config-setting.html#CONFIG-SETTING-SQL
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import postgast

from ops import sql
from ops.checks.result import State, worst
from ops.db import (
    Budget,
    CannotConnectError,
    Connection,
    Database,
    LibpqPasswords,
    NoPasswordError,
    QueryFailedError,
    statement,
)

if TYPE_CHECKING:
    from infra.settings import Settings

# Hides nothing of what a session begins with behind our own limits.
BARE = Budget(statement_s=None, lock_s=None, read_only=None, utc=False)
_NAME = "ai-square-db log-in"
_SYSTEM_FILE = "ALTER SYSTEM"
# Where a value comes from, as pg_settings names it.
_LEVELS: Mapping[str, str] = {
    "database user": "the role in the database",
    "user": "the role",
    "database": "the database",
    "global": "all roles",
}
# A restored or following server has these from whoever made it: pg_basebackup -R writes them.
_OF_RECOVERY = ("primary_conninfo", "primary_slot_name", "restore_command", "recovery_")


@dataclass(frozen=True, slots=True)
class User:
    """A declared user: its name, its role (``owner``, ``app`` ...), and whether by IAM."""

    name: str
    role: str
    iam: bool


@dataclass(frozen=True, slots=True, order=True)
class Setting:
    """A row of pg_db_role_setting.

    Attributes:
        role: Whose sessions; empty for everybody's.
        database: In which database; empty for every one.
        name: The setting's.
        value: As it was given.
    """

    role: str
    database: str
    name: str
    value: str

    @property
    def level(self) -> str:
        """Return where it was set, as pg_settings names it."""
        if self.role:
            return "database user" if self.database else "user"
        return "database" if self.database else "global"


@dataclass(frozen=True, slots=True, order=True)
class Excess:
    """A setting that sessions begin with and nobody declared.

    Attributes:
        user: Whose sessions.
        name: The setting's.
        value: What they get.
        where: Where it was set, for people.
        declared: The declared value that it overrides; empty where none is declared.
        database: Where the sessions are.
    """

    user: str
    name: str
    value: str
    where: str
    declared: str
    database: str


@dataclass(frozen=True, slots=True)
class LogIn:
    """Whether a user can log in: what was found, and what to do."""

    user: str
    state: State
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Sessions:
    """How sessions of the declared users begin.

    Attributes:
        log_ins: One a user at least.
        excess: Settings that nobody declared.
    """

    log_ins: tuple[LogIn, ...] = ()
    excess: tuple[Excess, ...] = ()

    @property
    def state(self) -> State:
        """Return what decides."""
        if self.excess:
            return State.FINDING
        states = [log_in.state for log_in in self.log_ins]
        return worst(state for state in states if state is not State.NOT_APPLICABLE)


def users(settings: "Settings") -> tuple[User, ...]:
    """Return the declared users of a stack."""
    named = [User(name, role, iam=False) for role, name in settings.users.by_role()]
    return (*named, *(User(user.login, user.role, iam=True) for user in settings.iam_users))


def declared(user: User, owner: str) -> Mapping[str, str]:
    """Return what ``sql/roles`` declares that a user's sessions begin with."""
    if user.role == "owner" and not user.iam:
        return {}
    structure = {"login": (user.name,), "owner_name": owner}
    parsed = postgast.parse(sql.render(f"roles/login_{user.role}", structure))
    nodes = [entry.stmt.alter_role_set_stmt.setstmt for entry in parsed.stmts]
    return {node.name: node.args[0].a_const.sval.sval for node in nodes if node.name}


def read(connection: Connection) -> tuple[Setting, ...]:
    """Return every setting of a role or a database of the instance."""
    rows = connection.execute(statement(sql.load("sessions/settings"))).fetchall()
    return tuple(Setting(*row) for row in rows)


def of_system(connection: Connection) -> tuple[tuple[str, str], ...]:
    """Return what ALTER SYSTEM set, by name: every session begins with it."""
    rows = connection.execute(statement(sql.load("sessions/begun"))).fetchall()
    return tuple((row[0], row[1]) for row in rows if row[3] and not row[0].startswith(_OF_RECOVERY))


def in_force(settings: Iterable[Setting], user: str, database: str) -> Mapping[str, Setting]:
    """Return what a user's sessions in a database begin with, by name."""
    ranked = sorted(
        (s for s in settings if s.role in {user, ""} and s.database in {database, ""}),
        key=lambda s: (bool(s.role), bool(s.database)),
    )
    return {setting.name: setting for setting in ranked}


def excess(
    settings: Sequence[Setting], people: Iterable[User], owner: str, database: str
) -> tuple[Excess, ...]:
    """Return the settings of declared users' sessions that nobody declared.

    All that apply in the application's database, and the users' own in other databases.
    """
    return tuple(sorted(_excess(settings, people, owner, database)))


def _excess(
    settings: Sequence[Setting], people: Iterable[User], owner: str, database: str
) -> Iterator[Excess]:
    for user in people:
        values = declared(user, owner)
        in_effect = [*in_force(settings, user.name, database).values()]
        in_effect += [
            s for s in settings if s.role == user.name and s.database not in {"", database}
        ]
        for setting in in_effect:
            if setting.level == "user" and values.get(setting.name) == setting.value:
                continue
            yield Excess(
                user=user.name,
                name=setting.name,
                value=setting.value,
                where=_LEVELS[setting.level],
                declared=values.get(setting.name, ""),
                database=setting.database or database,
            )


def look(
    connection: Connection, database: Database, people: Sequence[User], owner: str
) -> Sessions:
    """Log in as every user with a password, and return what there is of all users.

    Args:
        connection: The owner's, to ask catalogs.
        database: The application's, with passwords.
        people: The declared users.
        owner: The role that owns the schema.
    """
    settings = read(connection)
    surplus = set(excess(settings, people, owner, database.name))
    names = {"roles": [user.name for user in people]}
    rows = connection.execute(statement(sql.load("sessions/obstacles")), names).fetchall()
    log_ins: list[LogIn] = []
    for user in people:
        hindered = [
            LogIn(user.name, State.FINDING, f"{obstacle[0].upper()}{obstacle[1:]}.", f"{remedy}.")
            for name, obstacle, remedy in rows
            if name == user.name
        ]
        log_in, session = _log_in(database, user, owner)
        surplus |= set(
            _beyond(session, user, in_force(settings, user.name, database.name), database)
        )
        if not hindered or log_in.state is State.UNKNOWN:
            log_ins.append(log_in)
        log_ins += hindered
    return Sessions(tuple(log_ins), tuple(sorted(surplus)))


Begun = tuple[tuple[str, str, str, str], ...]


def _log_in(database: Database, user: User, owner: str) -> tuple[LogIn, Begun]:
    if user.iam:
        return LogIn(user.name, State.NOT_APPLICABLE, "Logs in by IAM: not tried."), ()
    shared = isinstance(database.passwords, LibpqPasswords) and "PGPASSWORD" in os.environ
    if shared and user.name != owner:
        detail = "Not tried: PGPASSWORD is one password for all users."
        return LogIn(user.name, State.UNKNOWN, detail, _GIVE), ()
    try:
        with database.connect(user.name, budget=BARE, name=_NAME) as connection:
            rows = connection.execute(statement(sql.load("sessions/begun"))).fetchall()
    except NoPasswordError as error:
        return LogIn(user.name, State.UNKNOWN, "Not tried.", str(error)), ()
    except CannotConnectError as error:
        return _refused(database, user, error), ()
    except QueryFailedError as error:
        return LogIn(user.name, State.FINDING, str(error)), ()
    return LogIn(user.name, State.OK, "Logged in with the stack's password."), tuple(rows)


_GIVE = "Give each user's password in PGPASSFILE."
_WRONG = "password authentication failed"


def wrong_password(error: CannotConnectError) -> bool:
    """Tell whether PostgreSQL refused the password itself; an expired one it refuses likewise."""
    return _WRONG in str(error)


def _refused(database: Database, user: User, error: CannotConnectError) -> LogIn:
    if "no password supplied" in str(error):
        return LogIn(user.name, State.UNKNOWN, "Not tried: its password is not at hand.", _GIVE)
    if error.away or error.full:
        return LogIn(user.name, State.UNKNOWN, str(error))
    if not wrong_password(error):
        return LogIn(user.name, State.FINDING, str(error))
    if isinstance(database.passwords, LibpqPasswords):
        remedy = "Correct PGPASSFILE, or raise passwordVersion and run `pulumi up`."
    else:
        remedy = "`invoke local.deploy` sets it again."
    detail = "The stack's password is not this user's: PostgreSQL refuses it."
    return LogIn(user.name, State.FINDING, detail, remedy)


def _beyond(
    session: Begun, user: User, expected: Mapping[str, Setting], database: Database
) -> Iterator[Excess]:
    """Yield what a session began with that the catalogs do not explain."""
    for name, value, source, file in session:
        if file and name.startswith(_OF_RECOVERY):
            continue
        if file:
            yield Excess("all users", name, value, _SYSTEM_FILE, "", database.name)
        elif name not in expected or expected[name].level != source:
            yield Excess(user.name, name, value, _LEVELS[source], "", database.name)
