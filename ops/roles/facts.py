"""The smallest things that are so or not: a privilege, a membership, an attribute, a setting."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PUBLIC = "PUBLIC"
GRANTABLE = " WITH GRANT OPTION"


class Kind(StrEnum):
    """What a fact is about."""

    DATABASE = "database"
    SCHEMA = "schema"
    TABLE = "table"
    COLUMN = "column"
    SEQUENCE = "sequence"
    ROUTINE = "routine"
    DEFAULT = "default"
    MEMBERSHIP = "membership"
    ATTRIBUTE = "attribute"
    SETTING = "setting"


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """One thing about one role.

    Attributes:
        role: Whom it is about; PUBLIC for everybody.
        kind: What it is.
        on: Names, unquoted: of the object (a routine's with its arguments), of a default its
            schema (empty: every one) and the sort of objects, of a membership the group, of a
            setting its name; nothing for an attribute.
        word: The privilege, the attribute, or the setting's value; nothing for a membership.
    """

    role: str
    kind: Kind
    on: tuple[str, ...]
    word: str


@dataclass(frozen=True, slots=True)
class Owned:
    """An object and whose it is."""

    kind: Kind
    name: tuple[str, ...]
    owner: str


@dataclass(frozen=True, slots=True)
class Found:
    """What is there.

    Attributes:
        schemas: Of the application and of the operators.
        objects: In those schemas.
        facts: About our roles, and about others' rights on those objects.
        changeable: Roles that we may change, and whose members we may change.
        major: PostgreSQL's major version.
    """

    schemas: tuple[str, ...]
    objects: tuple[Owned, ...]
    facts: frozenset[Fact]
    changeable: frozenset[str]
    major: int


@dataclass(frozen=True, slots=True)
class Login:
    """A role that people or programs log in as.

    Attributes:
        name: PostgreSQL's.
        role: ``owner``, ``app``, ``readonly`` or ``monitor``.
        iam: Whether it logs in with IAM.
    """

    name: str
    role: str
    iam: bool


@dataclass(frozen=True, slots=True)
class Cast:
    """Who there is to be, by the stack's settings.

    Attributes:
        database: The application's.
        users: The user with a password of each role, by role.
        logins: All of them, IAM users too.
    """

    database: str
    users: Mapping[str, str]
    logins: tuple[Login, ...] = field(default=())

    @property
    def owner(self) -> str:
        """The user that owns the schema."""
        return self.users["owner"]

    @property
    def names(self) -> tuple[str, ...]:
        """Every login's name."""
        return tuple(login.name for login in self.logins)
