"""What a judge of statements knows: the objects that the file made so far, and where names are."""

from collections.abc import Sequence

from postgast import pg_query_pb2 as pb

from ops import dumptext
from ops.backups.nodes import parts_of
from ops.backups.script import Name, Objection, Script

MOST_OBJECTIONS = 100  # further ones are counted only
OF_OTHERS = "it concerns {}, which the file does not make"
_SHOWN = 100  # characters of a statement


class Judge:
    """Keeps what the file makes; those that inherit judge statements.

    Attributes:
        script: what the statements make and fill.
    """

    def __init__(self) -> None:
        self.script = Script()
        self._made: set[Name] = set()  # types, routines, operators and relations alike
        self._schemas: set[str] = set()
        self._large_objects: set[str] = set()
        self._schema = "public"  # where unqualified names are made
        self._line, self._text = 0, ""

    def object_to(self, line: int, text: str, reason: str) -> None:
        """Add an objection that is not of one statement's parse tree."""
        self._line, self._text = line, text
        self._object(reason)

    def add_rows(self, table: Name, rows: int) -> None:
        """Count the rows of a table that follow a COPY."""
        self.script.rows[table] = self.script.rows.get(table, 0) + rows

    def _object(
        self, reason: str, *, role: str = "", extension: str = "", fresh: bool = False
    ) -> None:
        if len(self.script.objections) >= MOST_OBJECTIONS:
            self.script.more += 1
            return
        words = " ".join(self._text[: 2 * _SHOWN].split())
        shown = words if len(words) <= _SHOWN else words[: _SHOWN - 3] + "..."
        self.script.objections.append(
            Objection(self._line, shown, reason, role=role, extension=extension, fresh=fresh)
        )

    def _qualified(self, name: Sequence[str]) -> Name:
        return tuple(name) if len(name) != 1 else (self._schema, name[0])

    def _of(self, relation: "pb.RangeVar") -> Name:
        return (relation.schemaname or self._schema, relation.relname)

    def _make(self, name: Name) -> None:
        self._made.add(name)

    def _make_relation(self, name: Name) -> None:
        self._made.add(name)
        self.script.relations.add(name)

    def _own(self, *names: Name) -> str:
        """Return an objection unless the file makes all of them."""
        for name in names:
            if name not in self._made:
                return OF_OTHERS.format(dumptext.label(name))
        return ""

    def _own_object(self, node: "pb.Node") -> str:
        """Return an objection unless an object, or what it is a part of, is the file's."""
        parts = parts_of(node)
        if any(self._qualified(name) in self._made for name in (parts, parts[:-1]) if name):
            return ""
        if len(parts) == 1 and (parts[0] in self._schemas or parts[0] in self._large_objects):
            return ""
        return OF_OTHERS.format(dumptext.label(parts) or "something")

    def _allow_role(self, role: "pb.RoleSpec") -> None:
        """Object unless a role is one of the stack's, which the caller knows."""
        known = role.roletype == pb.ROLESPEC_CSTRING
        name = role.rolename if known else "PUBLIC"
        self._object(f"it is about role {name}", role=name)

    def _fill(self, table: Name, rows: int) -> str:
        if table not in self.script.tables:
            reason = f"it fills {dumptext.label(table)}, which the file does not make"
            self._object(reason)
        self.add_rows(table, rows)
        return ""
