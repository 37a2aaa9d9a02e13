"""Settings of roles and databases on a running instance: what sessions get instead of its flags.

``ALTER ROLE`` and ``ALTER DATABASE ... SET`` are in no Admin API, so PostgreSQL is asked, as the
schema's owner. Whether every user can log in, and what its session really begins with, is
``invoke roles.status``.
https://www.postgresql.org/docs/15/catalog-pg-db-role-setting.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql as psql

from infra.policies import roles
from ops import sessions
from ops.checks.result import State
from ops.cloudsql import NoCredentialsError, NoSuchInstanceError
from ops.cloudsqlroles import CLOUD_SQL, DEFAULT_USER
from ops.errors import OpsError
from ops.localcloud import NotRunningError
from ops.sessions import Setting, User
from ops.target import Target

COLUMNS = ("whose sessions", "setting", "they get", "declared", "to undo it")
APPLY = "invoke roles.apply"
_NAME = "ai-square-db settings"
_OWN_ROLES = CLOUD_SQL.keys() - {DEFAULT_USER}  # as which people log in, too
_OWN_DATABASE = "cloudsqladmin"


@dataclass(frozen=True, slots=True, order=True)
class Undeclared:
    """A setting that nobody declared.

    Attributes:
        setting: Which one, whose, and in which database.
        whose: The sessions that get it, for people.
        declared: The value that ``sql/roles`` declares for these sessions; empty for none.
        undo: The statement that takes it away, or the command that sets the declared value.
    """

    setting: Setting
    whose: str
    declared: str
    undo: str


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """What a running instance has.

    Attributes:
        undeclared: What nobody declared.
        endless: Declared users that a timeout does not stop in time, by the timeout's name.
        unread: Why it could not be read; empty where it was.
        passed_over: Why nobody looked for a running instance, or that there is none; else empty.
    """

    undeclared: tuple[Undeclared, ...] = ()
    endless: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unread: str = ""
    passed_over: str = ""

    @property
    def state(self) -> State:
        """Whether nothing is undeclared; what could not be read is unknown, never good."""
        if self.passed_over:
            return State.NOT_APPLICABLE
        if self.unread:
            return State.UNKNOWN
        return State.FINDING if self.undeclared else State.OK

    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Return a row each for people, in the order of ``COLUMNS``."""
        return tuple(
            (u.whose, u.setting.name, u.setting.value, u.declared, u.undo) for u in self.undeclared
        )

    def document(self) -> dict[str, object]:
        """Return the facts for JSON."""
        return {
            "state": self.state,
            "undeclared": self.undeclared,
            "unread": self.unread,
            "not_looked_at": self.passed_over,
        }


def read(target: Target, address: str) -> RoleSettings:
    """Return the settings of an instance's roles and databases; changes nothing.

    Args:
        target: The stack's.
        address: Where its PostgreSQL answers.
    """
    owner, people = target.owner, sessions.users(target.settings)
    try:
        database = target.database_at(address)
        with database.connect(owner, budget=sessions.BARE, name=_NAME) as connection:
            settings = sessions.read(connection)
            changed = sessions.of_system(connection)
    except OpsError as error:
        return RoleSettings(unread=str(error))
    settings_found = [
        *_undeclared(settings, people, owner),
        *(_of_system(*item) for item in changed),
    ]
    return RoleSettings(
        undeclared=tuple(settings_found),
        endless=_endless(settings, people, target.database),
    )


def of_stack(target: Target) -> RoleSettings:
    """Return the settings of the stack's own instance, where one runs."""
    try:
        instance = target.cloud().find(target.instance)
    except (NotRunningError, NoCredentialsError) as error:
        return RoleSettings(passed_over=str(error))
    except OpsError as error:
        return RoleSettings(unread=str(error))
    if instance is None:
        return RoleSettings(passed_over=str(NoSuchInstanceError(target.project, target.instance)))
    return read(target, instance.address)


def _undeclared(
    settings: Iterable[Setting], people: Iterable[User], owner: str
) -> Iterator[Undeclared]:
    declared = {user.name: sessions.declared(user, owner) for user in people}
    for setting in settings:
        if setting.role in _OWN_ROLES or setting.database == _OWN_DATABASE:
            continue
        value = declared.get(setting.role, {}).get(setting.name, "")
        if setting.database or value != setting.value:
            undo = APPLY if value and not setting.database else reset(setting)
            yield Undeclared(setting, owner_of(setting), value, undo)


def _of_system(name: str, value: str) -> Undeclared:
    setting = Setting("", "", name, value)
    what = psql.Identifier(*name.split(".")).as_string(None)
    return Undeclared(setting, "everybody (ALTER SYSTEM)", "", f"ALTER SYSTEM RESET {what}")


def owner_of(setting: Setting) -> str:
    """Return the sessions that get a setting, for people."""
    if setting.role:
        where = f" in database {setting.database}" if setting.database else ""
        return f"role {setting.role}{where}"
    return f"database {setting.database}" if setting.database else "all roles"


def reset(setting: Setting) -> str:
    """Return the statement that takes a setting of a role or database away."""
    database = psql.SQL("DATABASE {}").format(psql.Identifier(setting.database))
    role = psql.Identifier(setting.role) if setting.role else psql.SQL("ALL")
    subject = psql.SQL("ROLE {}").format(role)
    if setting.database:
        subject = subject + psql.SQL(" IN ") + database if setting.role else database
    what = psql.Identifier(*setting.name.split("."))
    return psql.SQL("ALTER {} RESET {}").format(subject, what).as_string(None)


def _endless(
    settings: Sequence[Setting], people: Iterable[User], database: str
) -> dict[str, tuple[str, ...]]:
    listed: dict[str, list[str]] = {}
    for user in people:
        in_force = sessions.in_force(settings, user.name, database)
        for name in roles.MOST_MS:
            if name == roles.STATEMENT and user.role not in roles.BUDGETED:
                continue  # the owner's statements have the migration's timeouts
            setting = in_force.get(name)
            if not roles.in_time(name, setting.value if setting else None):
                listed.setdefault(name, []).append(user.name)
    return {name: tuple(users) for name, users in listed.items()}
