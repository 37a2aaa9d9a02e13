"""The smallest things that are so or not: a privilege, a membership, an attribute, a setting."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PUBLIC = "PUBLIC"
GRANTABLE = " WITH GRANT OPTION"
Name = tuple[str, ...]


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
            setting its name, and the database where it is of one; nothing for an attribute.
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
class Role:
    """A role of the instance.

    Attributes:
        name: Its name.
        attributes: Of ``ops.cloudsqlroles.ATTRIBUTES``, and LOGIN.
    """

    name: str
    attributes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A relation that a view or a rule uses with its owner's rights.

    Attributes:
        view: The view, or the table that has the rule: schema and name.
        word: What a role does with it to get through.
        relation: What is reached: schema and name.
        use: What is done with that, as a privilege's word.
        by: ``view``, or ``rule`` with its name.
    """

    view: Name
    word: str
    relation: Name
    use: str
    by: str


@dataclass(frozen=True, slots=True)
class Definer:
    """A routine that runs with its owner's rights, or the server's.

    Attributes:
        name: Schema, name, arguments.
        owner: Whose rights it runs with.
        language: The untrusted language that makes it so; empty for SECURITY DEFINER.
        body: Its source.
        pinned: Whether it sets its own search_path.
        tables: Those whose triggers call it: schema and name.
    """

    name: Name
    owner: str
    language: str
    body: str
    pinned: bool
    tables: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Everyone:
    """All roles of an instance, what they may do in this database, and by which ways.

    Attributes:
        roles: By name.
        members: Group, member, and whether it may hand the membership on.
        effective: What each role may do, PUBLIC's own share among it; not what SET ROLE adds.
        grants: Grants on what ``effective`` leaves out: role, kind, name, word.
        owned: Role, ``owner`` or ``grantee``, database, object or its catalog, how many.
        rewritten: What views and rules lead to.
        definers: Routines with others' rights.
        triggers: Schema, table, trigger, the function's owner.
        closed: Tables that row security closes: schema, table, role, word.
        mappings: Role and foreign server.
        defaults: Of others than the owner: grantor, schema, sort of objects, grantee, word.
        unread: Questions that PostgreSQL refused to answer, with its words.
    """

    roles: Mapping[str, Role] = field(default_factory=dict)
    members: tuple[tuple[str, str, bool], ...] = ()
    effective: Mapping[str, frozenset[Fact]] = field(default_factory=dict)
    grants: tuple[tuple[str, str, str, str], ...] = ()
    owned: tuple[tuple[str, str, str, str, str, int], ...] = ()
    rewritten: tuple[Rewritten, ...] = ()
    definers: tuple[Definer, ...] = ()
    triggers: tuple[tuple[str, str, str, str], ...] = ()
    closed: tuple[tuple[str, str, str, str], ...] = ()
    mappings: tuple[tuple[str, str], ...] = ()
    defaults: tuple[tuple[str, str, str, str, str], ...] = ()
    unread: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What is there.

    Attributes:
        schemas: Of the application and of the operators.
        objects: In those schemas.
        facts: About our roles, and about others' rights on those objects.
        changeable: Roles that we may change, and whose members we may change.
        major: PostgreSQL's major version.
        everyone: All roles of the instance, and the ways to rights besides grants.
        own: What the owner of an object has on it, whoever that is.
        lost: What our owner no longer has on its own objects.
        fixed: Settings that our owner can't reset.
    """

    schemas: tuple[str, ...]
    objects: tuple[Owned, ...]
    facts: frozenset[Fact]
    changeable: frozenset[str]
    major: int
    everyone: Everyone = field(default_factory=Everyone)
    own: frozenset[Fact] = frozenset()
    lost: frozenset[Fact] = frozenset()
    fixed: frozenset[Fact] = frozenset()


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
