"""What a judge of statements knows: the objects that the file made so far, and where names are."""

from collections.abc import Iterable, Sequence

from google.protobuf.message import Message  # type: ignore[import-untyped] # it ships no types
from postgast import pg_query_pb2 as pb

from ops import dumptext, sqltrees
from ops.backups.nodes import argument_types, constant_text, parts_of
from ops.backups.script import Allowed, Name, Objection, Script

MOST_OBJECTIONS = 100  # further ones are counted only
OF_OTHERS = "it concerns {}, which the file does not make"
_SHOWN = 100  # characters of a statement
_SYSTEM = frozenset({"pg_catalog", "information_schema", "pg_toast", "pg_temp"})

# Kinds of objects, which differ where one name may stand for several
RELATION, ROUTINE, TYPE, OPERATOR, SCHEMA = "relation", "routine", "type", "operator", "schema"
LARGE_OBJECT, PUBLICATION, CAST = "large object", "publication", "cast"
EXTENSION = "extension"
STATISTICS, COLLATION, CONVERSION = "statistics", "collation", "conversion"
CONFIGURATION, DICTIONARY = "text search configuration", "text search dictionary"
CLASS, FAMILY = "operator class", "operator family"
KINDS = {
    **dict.fromkeys((pb.OBJECT_TABLE, pb.OBJECT_VIEW, pb.OBJECT_MATVIEW), RELATION),
    **dict.fromkeys((pb.OBJECT_SEQUENCE, pb.OBJECT_INDEX), RELATION),
    **dict.fromkeys((pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE, pb.OBJECT_ROUTINE), ROUTINE),
    **dict.fromkeys((pb.OBJECT_TYPE, pb.OBJECT_DOMAIN, pb.OBJECT_DOMCONSTRAINT), TYPE),
    pb.OBJECT_AGGREGATE: ROUTINE,
    pb.OBJECT_OPERATOR: OPERATOR,
    pb.OBJECT_OPCLASS: CLASS,
    pb.OBJECT_OPFAMILY: FAMILY,
    pb.OBJECT_SCHEMA: SCHEMA,
    pb.OBJECT_LARGEOBJECT: LARGE_OBJECT,
    pb.OBJECT_PUBLICATION: PUBLICATION,
    pb.OBJECT_STATISTIC_EXT: STATISTICS,
    pb.OBJECT_COLLATION: COLLATION,
    pb.OBJECT_CONVERSION: CONVERSION,
    pb.OBJECT_TSCONFIGURATION: CONFIGURATION,
    pb.OBJECT_TSDICTIONARY: DICTIONARY,
}
_ALONE = frozenset({SCHEMA, LARGE_OBJECT, PUBLICATION})  # their names have no schema
# What is named by the relation that it is a part of, and a name
_PARTS = frozenset(
    {pb.OBJECT_COLUMN, pb.OBJECT_TABCONSTRAINT, pb.OBJECT_TRIGGER, pb.OBJECT_RULE, pb.OBJECT_POLICY}
)


class Judge:
    """Keeps what the file makes; those that inherit judge statements.

    Attributes:
        script: what the statements make and fill.
        allowed: what else they may do.
    """

    def __init__(self, allowed: Allowed | None = None) -> None:
        self.script = Script()
        self.allowed = allowed or Allowed()
        self._schema = "public"  # where unqualified names are made
        self._line, self._text, self._remedy = 0, "", ""
        self._is_objected = False
        self._acting: set[Name] = set()  # tables whose rows run something of the file

    def object_to(self, line: int, text: str, reason: str) -> None:
        """Add an objection that is not of one statement's parse tree."""
        self._begin(line, text)
        self._object(reason)

    def add_rows(self, table: Name, rows: int) -> None:
        """Count the rows of a table that follow a COPY."""
        self.script.rows[table] = self.script.rows.get(table, 0) + rows

    def _begin(self, line: int, text: str) -> None:
        self._line, self._text, self._remedy = line, text, ""
        self._is_objected = False

    def _object(self, reason: str) -> None:
        """Object to the statement that is looked at; its first reason is kept."""
        if self._is_objected:
            return
        self._is_objected = True
        if len(self.script.objections) >= MOST_OBJECTIONS:
            self.script.more += 1
            return
        words = " ".join(self._text[: 2 * _SHOWN].split())
        excerpt = words if len(words) <= _SHOWN else words[: _SHOWN - 3] + "..."
        self.script.objections.append(Objection(self._line, excerpt, reason, self._remedy))

    # names

    def _qualified(self, name: Sequence[str]) -> Name:
        return tuple(name) if len(name) != 1 else (self._schema, name[0])

    def _of(self, relation: "pb.RangeVar") -> Name:
        return (relation.schemaname or self._schema, relation.relname)

    def _make(self, kind: str, name: Name) -> None:
        if kind not in _ALONE and name[0] in _SYSTEM:
            self._object(f"it makes an object in {name[0]}")
        self.script.made.add((kind, name))

    def _make_relation(self, name: Name) -> None:
        self._make(RELATION, name)
        self.script.relations.add(name)

    def _has(self, kind: str, name: Name) -> bool:
        return (kind, name) in self.script.made

    def _own(self, *names: Name) -> str:
        """Return an objection unless the file makes all of these relations."""
        return self._own_of(RELATION, *names)

    def _own_of(self, kind: str, *names: Name) -> str:
        for name in names:
            if not self._has(kind, name):
                return OF_OTHERS.format(dumptext.label(name[:2]))
        return ""

    def _own_object(self, objtype: "pb.ObjectType", node: "pb.Node") -> str:
        """Return an objection unless an object, or what it is a part of, is the file's."""
        parts = parts_of(node)
        if objtype in _PARTS:
            return self._own(self._qualified(parts[:-1]))
        kind = KINDS.get(objtype)
        if kind is None:
            return OF_OTHERS.format(dumptext.label(filter(None, parts)) or "something")
        if kind in _ALONE:
            return self._own_of(kind, parts)
        if kind in (ROUTINE, OPERATOR):
            named = node.object_with_args
            if named.args_unspecified:
                return "it does not say which of several it means"
            return self._own_of(kind, (*self._qualified(parts), *argument_types(named.objargs)))
        if kind in (CLASS, FAMILY):  # the access method comes first
            parts = parts[1:]
        return self._own_of(kind, self._qualified(parts))

    def _read_own(self, query: Message) -> str:
        """Return an objection if a query concerns relations of others, as who makes it may."""
        if self.allowed.is_new:
            return ""
        nodes = list(sqltrees.walk(query))
        known = {node.ctename for node in nodes if isinstance(node, pb.CommonTableExpr)}
        for node in nodes:
            if not isinstance(node, pb.RangeVar) or node.schemaname in _SYSTEM:
                continue
            # Without a schema to look in, such names are PostgreSQL's own.
            if not node.schemaname and (not self._schema or node.relname in known):
                continue
            if not self._has(RELATION, self._of(node)):
                name = dumptext.label(self._of(node))
                return f"it reads or changes {name}, which the file does not make"
        return ""

    def _allow_role(self, role: "pb.RoleSpec") -> None:
        """Object unless a role is one of the stack's."""
        known = role.roletype == pb.ROLESPEC_CSTRING
        name = role.rolename if known else "PUBLIC"
        if not known or name not in self.allowed.roles:
            self._object(f"it is about role {name}")

    def _allow_roles(self, roles: "Iterable[pb.Node]") -> None:
        for role in roles:
            self._allow_role(role.role_spec)

    def _parents(self, table: Name) -> set[Name]:
        """Return a table and those that it is a partition of, whose triggers its rows run."""
        tables, parent = {table}, self.script.parents.get(table)
        while parent is not None and parent not in tables:
            tables.add(parent)
            parent = self.script.parents.get(parent)
        return tables

    def _fill(self, table: Name, rows: int) -> str:
        if table not in self.script.tables:
            self._object(f"it fills {dumptext.label(table)}, which the file does not make")
        for filled in self._parents(table):
            if filled in self._acting:
                self._remedy = "Put triggers and rules after the rows, as pg_dump does."
                name = dumptext.label(filled)
                self._object(f"its rows run what the file made before them for {name}")
        self.add_rows(table, rows)
        return ""


def options_of(nodes: "Iterable[pb.Node]") -> "dict[str, pb.Node]":
    """Return the options of a statement by name."""
    return {node.def_elem.defname: node.def_elem.arg for node in nodes}


def is_on(option: "pb.Node") -> bool:
    """Return whether an option that is given is on."""
    text = constant_text(option) or option.string.sval or str(option.boolean.boolval).lower()
    return text not in ("0", "false", "off")
