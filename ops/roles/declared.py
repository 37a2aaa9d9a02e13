"""What ``sql/roles`` declares, as facts: the files are rendered, parsed and spread over objects.

The files are the declaration and are never sent: what is sent is what differs. So a second run
changes nothing, and a table of somebody else, on which nobody but its owner can grant, does not
make ``ON ALL TABLES`` fail for the rest.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import postgast
from postgast import pg_query_pb2 as pb

from ops import sql
from ops.roles.facts import PUBLIC, Cast, Fact, Found, Kind, Login, Owned

OPERATORS = "ops"  # the schema of the ledger of migrations and of the drill's heartbeat
# A failover drill writes here as the application, whose commits it is to prove.
DRILL_TABLE = (OPERATORS, "failover_write")

_OBJECTS: Mapping[int, Kind] = {
    pb.OBJECT_DATABASE: Kind.DATABASE,
    pb.OBJECT_SCHEMA: Kind.SCHEMA,
    pb.OBJECT_TABLE: Kind.TABLE,
    pb.OBJECT_SEQUENCE: Kind.SEQUENCE,
    pb.OBJECT_ROUTINE: Kind.ROUTINE,
    pb.OBJECT_FUNCTION: Kind.ROUTINE,
    pb.OBJECT_PROCEDURE: Kind.ROUTINE,
}


class NotDeclarableError(Exception):
    """A file of ``sql/roles`` says what this module does not understand: a bug of ours."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What is to be so.

    Attributes:
        wanted: What must be there.
        unwanted: What must not.
        named: Role, schema and name of routines that are granted by name, read by somebody.
    """

    wanted: frozenset[Fact]
    unwanted: frozenset[Fact]
    named: frozenset[tuple[str, str, str]] = frozenset()


def declared(cast: Cast, catalogue: Found) -> Declared:
    """Return what the files say about these logins and these objects."""
    present_facts: set[Fact] = set()
    unwanted: set[Fact] = set()
    named: set[tuple[str, str, str]] = set()
    for text in _texts(cast, catalogue):
        for statement in postgast.parse(text).stmts:
            present, facts = _facts(statement.stmt, cast, catalogue.objects)
            (present_facts if present else unwanted).update(facts)
            named.update(_routines_by_name(statement.stmt.grant_stmt))
    return Declared(frozenset(present_facts), frozenset(unwanted), frozenset(named))


def _texts(cast: Cast, catalogue: Found) -> Iterator[str]:
    schemas = [(name,) for name in catalogue.schemas]
    drill_table = Owned(Kind.TABLE, DRILL_TABLE, cast.owner)
    # a name with dots, as an IAM user's, is one name: a sequence is not cut
    structure: dict[str, object] = {role: (name,) for role, name in cast.users.items()}
    structure |= {
        "database": (cast.database,),
        "every_schema": schemas,
        "application_schemas": [name for name in schemas if name != (OPERATORS,)],
        "operators": (OPERATORS,),
        "drill_table": DRILL_TABLE if drill_table in catalogue.objects else None,
    }
    for name in ("public", *cast.users):
        yield sql.render(f"roles/{name}", structure)
    for login in cast.logins:
        yield from _login(login, cast)


def _login(login: Login, cast: Cast) -> Iterator[str]:
    group = cast.users[login.role]
    structure = {"login": (login.name,), "group": (group,), "owner_name": cast.owner}
    if login.iam:
        yield sql.render("roles/iam_user", structure)
    if login.iam or login.role != "owner":
        yield sql.render(f"roles/login_{login.role}", structure)


Spread = Callable[[pb.Node, Cast, tuple[Owned, ...]], tuple[bool, list[Fact]]]


def _facts(node: pb.Node, cast: Cast, objects: tuple[Owned, ...]) -> tuple[bool, list[Fact]]:
    spreads: Mapping[str, Spread] = {
        "grant_stmt": _grant,
        "alter_default_privileges_stmt": _default,
        "grant_role_stmt": _membership,
        "alter_role_stmt": _attributes,
        "alter_role_set_stmt": _setting,
    }
    kind = str(node.WhichOneof("node"))
    if kind not in spreads:
        raise NotDeclarableError(kind)
    return spreads[kind](node, cast, objects)


def _grant(node: pb.Node, cast: Cast, objects: tuple[Owned, ...]) -> tuple[bool, list[Fact]]:
    grant = node.grant_stmt
    kind = _OBJECTS[grant.objtype]
    names: list[tuple[str, ...]] = [_name(item) for item in grant.objects]
    if kind is Kind.ROUTINE and grant.targtype == pb.ACL_TARGET_OBJECT:
        # every overload: they share the name that was read
        listed = {name[1:] for name in _routines_by_name(grant)}
        names = [
            o.name
            for o in objects
            if o.kind is kind and o.owner == cast.owner and o.name[:2] in listed
        ]
    if grant.targtype == pb.ACL_TARGET_ALL_IN_SCHEMA:
        # what is not the owner's can't be granted by it; that is told besides
        names = [
            item.name
            for item in objects
            if item.kind is kind and item.owner == cast.owner and item.name[:1] in names
        ]
    facts = [
        Fact(role, kind, name, word)
        for role in _roles(grant.grantees)
        for name in names
        for word in _words(grant.privileges)
    ]
    return grant.is_grant, facts


def _routines_by_name(grant: pb.GrantStmt) -> Iterator[tuple[str, str, str]]:
    """Yield role, schema and name of the routines that a grant names one by one."""
    routines = grant.objtype in {pb.OBJECT_ROUTINE, pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE}
    if not (grant.is_grant and routines and grant.targtype == pb.ACL_TARGET_OBJECT):
        return
    for item in grant.objects:
        parts = [part.string.sval for part in item.object_with_args.objname]
        if len(parts) != 2:  # noqa: PLR2004 - schema and name
            raise NotDeclarableError(f"a routine without its schema: {'.'.join(parts)}")
        for role in _roles(grant.grantees):
            yield role, parts[0], parts[1]


def _name(item: pb.Node) -> tuple[str, ...]:
    if item.WhichOneof("node") == "range_var":
        return (item.range_var.schemaname, item.range_var.relname)
    return (item.string.sval,)


def _default(node: pb.Node, _: Cast, __: tuple[Owned, ...]) -> tuple[bool, list[Fact]]:
    statement = node.alter_default_privileges_stmt
    options = {item.def_elem.defname: item.def_elem.arg.list.items for item in statement.options}
    schemas = [item.string.sval for item in options.get("schemas", ())] or [""]
    grant = statement.action
    sort = f"{_OBJECTS[grant.objtype]}s"
    facts = [
        Fact(role, Kind.DEFAULT, (schema, sort), word)
        for role in _roles(grant.grantees)
        for schema in schemas
        for word in _words(grant.privileges)
    ]
    return grant.is_grant, facts


def _membership(node: pb.Node, _: Cast, __: tuple[Owned, ...]) -> tuple[bool, list[Fact]]:
    grant = node.grant_role_stmt
    groups = [item.access_priv.priv_name for item in grant.granted_roles]
    members = _roles(grant.grantee_roles)
    facts = [Fact(m, Kind.MEMBERSHIP, (group,), "") for m in members for group in groups]
    return grant.is_grant, facts


def _attributes(node: pb.Node, _: Cast, __: tuple[Owned, ...]) -> tuple[bool, list[Fact]]:
    statement = node.alter_role_stmt
    options = [item.def_elem for item in statement.options]
    has = {option.arg.boolean.boolval for option in options}
    if len(has) != 1:
        raise NotDeclarableError("ALTER ROLE that gives and takes attributes")
    role = statement.role.rolename
    facts = [Fact(role, Kind.ATTRIBUTE, (), option.defname.upper()) for option in options]
    return has.pop(), facts


def _setting(node: pb.Node, _: Cast, __: tuple[Owned, ...]) -> tuple[bool, list[Fact]]:
    statement = node.alter_role_set_stmt
    name = statement.setstmt.name
    (value,) = statement.setstmt.args
    role = statement.role.rolename
    return True, [Fact(role, Kind.SETTING, (name,), value.a_const.sval.sval)]


def _roles(nodes: Iterable[pb.Node]) -> list[str]:
    specs = [node.role_spec for node in nodes]
    return [PUBLIC if s.roletype == pb.ROLESPEC_PUBLIC else s.rolename for s in specs]


def _words(nodes: Iterable[pb.Node]) -> list[str]:
    words = [node.access_priv.priv_name.upper() for node in nodes]
    if not words:
        raise NotDeclarableError("ALL PRIVILEGES: name them")
    return words
