"""Reads what is there: roles, memberships, privileges, defaults, settings."""

from collections.abc import Iterator, Mapping
from typing import Any

from ops import sql
from ops.cloudsqlroles import ATTRIBUTES, LOGIN, MARKS, SYSTEM
from ops.db import Connection, statement
from ops.errors import OpsError
from ops.roles import everyone
from ops.roles.facts import GRANTABLE, Cast, Fact, Found, Kind, Owned, Role

_WORDS = (*ATTRIBUTES, LOGIN)


class RoleMissingError(OpsError):
    """The stack declares users that the instance does not have."""

    def __init__(self, names: tuple[str, ...]) -> None:
        verb = "is" if len(names) == 1 else "are"
        super().__init__(
            f"{', '.join(names)} {verb} declared and not on the instance. Deploy first: "
            "`pulumi up` (local: `invoke local.deploy`)."
        )


def read(connection: Connection, cast: Cast) -> Found:
    """Return what is there.

    Raises:
        RoleMissingError: a declared user is not.
    """
    owner = {"owner": cast.owner}
    schemas = tuple(str(name) for (name,) in _ask(connection, "schemas", owner))
    names = {"roles": list(cast.names)}
    members = tuple(_ask(connection, "memberships", {}))
    listed = list(_ask(connection, "roles", {}))
    roles = {
        name: Role(name, frozenset(w for w, has in zip(_WORDS, words, strict=True) if has))
        for name, *words, _ in listed
    }
    missing = set(cast.names) - roles.keys()
    if missing:
        raise RoleMissingError(tuple(sorted(missing)))
    within = {"schemas": list(schemas)}
    facts: set[Fact] = set()
    for name in cast.names:
        words = roles[name].attributes.intersection(ATTRIBUTES)
        facts |= {Fact(name, Kind.ATTRIBUTE, (), word) for word in words}
    for kind, on, role, word, grantable in _ask(connection, "privileges", within):
        facts |= set(_granted(role, Kind(kind), tuple(on), word, grantable=grantable))
    for schema, sort, role, word, grantable in _ask(connection, "default_privileges", owner):
        facts |= set(_granted(role, Kind.DEFAULT, (schema, sort), word, grantable=grantable))
    facts |= {
        Fact(member, Kind.MEMBERSHIP, (group,), "")
        for group, member, _ in members
        if group not in MARKS
        and (member in cast.names or group in cast.names)
        # what system roles have is compared with their list
        and (member in cast.names or member not in SYSTEM)
    }
    fixed: set[Fact] = set()
    for role, name, value, database, may in _ask(connection, "settings", names):
        on = (name, database) if database else (name,)
        facts.add(fact := Fact(role, Kind.SETTING, on, value))
        fixed |= set() if may else {fact}
    own = {
        (Fact(role, Kind(kind), tuple(name), word), has)
        for kind, name, role, word, has in _ask(connection, "own", within)
    }
    return Found(
        schemas=schemas,
        objects=tuple(
            Owned(Kind(kind), tuple(name), owner)
            for kind, name, owner in _ask(connection, "objects", within)
        ),
        facts=frozenset(facts),
        changeable=frozenset(name for name, *_, may in listed if may),
        major=connection.info.server_version // 10000,
        everyone=everyone.read(connection, cast, roles, members),
        own=frozenset(fact for fact, has in own if has),
        lost=frozenset(fact for fact, has in own if not has and fact.role == cast.owner),
        fixed=frozenset(fixed),
    )


def _granted(
    role: str, kind: Kind, on: tuple[str, ...], word: str, *, grantable: bool
) -> Iterator[Fact]:
    yield Fact(role, kind, on, word)
    if grantable:
        yield Fact(role, kind, on, f"{word}{GRANTABLE}")


def _ask(
    connection: Connection, question: str, values: Mapping[str, object]
) -> Iterator[tuple[Any, ...]]:
    cursor = connection.execute(statement(sql.load(f"roles/{question}")), values)
    return iter(cursor.fetchall())
