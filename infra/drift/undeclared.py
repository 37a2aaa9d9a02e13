"""What is live and nobody declared, and the API does not fill in by itself: pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.apidefaults import (
    DEFAULTS,
    NUMBER,
    USER_ROLES,
    fills_in,
    user_fills_in,
)
from infra.changes import body_leaves
from infra.live import LiveInstance
from infra.settings import Settings
from ops.cloudsql import Account, Database

MONITOR = "pg_monitor"
ROLES = "databaseRoles"


@dataclass(frozen=True, slots=True)
class Undeclared:
    """One value that is live.

    Attributes:
        path: Its API path.
        value: In the API's words.
        default: What the API fills in where nobody says anything; empty for nothing.
    """

    path: str
    value: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class Memberships:
    """The roles that the stack's SQL makes users members of (``sql/roles``).

    Attributes:
        by_user: The roles of each user who has some.
    """

    by_user: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, settings: Settings) -> "Memberships":
        """Return those of a stack: who logs in with IAM has the rights of a user."""
        users = dict(settings.users.by_role())
        grants = {users["monitor"]: frozenset({MONITOR})}
        for person in settings.iam_users:
            groups = {users[person.role]} | ({MONITOR} if person.role == "monitor" else set())
            grants[person.login] = frozenset(groups)
        return cls(grants)


NO_MEMBERSHIPS = Memberships({})


def settings_of(
    declared: Mapping[str, object], live: LiveInstance, primary: LiveInstance | None
) -> Iterator[Undeclared]:
    """Yield what an instance has that its declaration does not mention.

    Args:
        declared: The declaration, as an API body.
        live: The instance.
        primary: The one that it follows, where that was read.
    """
    desired, current = dict(body_leaves(declared)), dict(body_leaves(live.body))
    followed = None
    if declared.get("masterInstanceName"):
        followed = {} if primary is None else dict(body_leaves(primary.body))
    for path, value in current.items():
        if path not in desired and not fills_in(path, current, followed):
            place = NUMBER.sub("", path)
            yield Undeclared(path, value, DEFAULTS.get(place, ("",))[0])


def of_user(account: Account, memberships: Memberships) -> Iterator[Undeclared]:
    """Yield what the API tells of a declared user beside name and type."""
    known = USER_ROLES.get(account.type, frozenset()) | memberships.by_user.get(
        account.name, frozenset()
    )
    for role in account.roles:
        if role not in known:
            yield Undeclared(f"{ROLES}.{role}", "member")
    for path, value in account.settings:
        if not user_fills_in(path, value):
            yield Undeclared(path, value)


def of_database(database: Database, usual: Database) -> Iterator[Undeclared]:
    """Yield an encoding that is not the one which a database gets that says none.

    Args:
        database: A declared one.
        usual: ``postgres``, which Cloud SQL makes with every instance.
    """
    if database.charset != usual.charset:
        yield Undeclared("charset", database.charset, usual.charset)
    if database.collation != usual.collation:
        yield Undeclared("collation", database.collation, usual.collation)


def patch(undeclared: Undeclared) -> str:
    """Return the body of ``instances.patch`` that takes a setting back."""
    place = NUMBER.split(undeclared.path)[0]  # of a list all goes
    value: object = {"true": False}.get(undeclared.value)
    if undeclared.default:
        value = undeclared.default
        if value in {"true", "false"} or value.isdecimal():
            value = json.loads(value)
    for part in reversed(place.split(".")):
        value = {part: value}
    return json.dumps(value)
