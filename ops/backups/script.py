"""What a SQL file makes and fills, and which of its statements do anything else.

A statement passes where it is on the list below and concerns objects that the file makes itself.
Everything else is an objection: with its line, its text and the reason.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import postgast
from google.protobuf.message import Message  # type: ignore[import-untyped] # it ships no types
from postgast import pg_query_pb2 as pb

from ops import dumptext, sqltrees
from ops.backups.literals import count_rows

Name = tuple[str, ...]  # schema and name

MOST_OBJECTIONS = 100  # further ones are counted only
_SHOWN = 100  # characters of a statement
# What pg_dump sets: https://github.com/postgres/postgres/blob/REL_17_STABLE/src/bin/pg_dump/pg_backup_archiver.c
SETTINGS = frozenset(
    {
        *("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"),
        *("transaction_timeout", "client_encoding", "standard_conforming_strings"),
        *("check_function_bodies", "xmloption", "client_min_messages", "row_security"),
        *("default_tablespace", "default_table_access_method", "default_with_oids"),
        *("search_path", "extra_float_digits", "datestyle", "intervalstyle", "bytea_output"),
        *("timezone", "escape_string_warning", "default_toast_compression"),
    }
)
# In these a byte of a character may look like a backslash or a quote.
UNSAFE_ENCODINGS = re.compile(r"shift_jis|big5|gbk|gb18030|johab|cp9|uhc")
_LARGE_OBJECTS = frozenset({"lo_open", "lowrite", "lo_close"})
_SERIAL = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
_KEYS = frozenset({pb.CONSTR_PRIMARY, pb.CONSTR_UNIQUE})
_OF_OTHERS = "it concerns {}, which the file does not make"


@dataclass(frozen=True, slots=True)
class Objection:
    """A statement that is not the making or filling of the file's own objects.

    Attributes:
        line: where it begins in the file, from 1.
        statement: its beginning.
        reason: what is wrong with it.
        role: it passes where this role is one of the stack's.
        extension: it passes where this extension is installed.
        fresh: it passes in a database that is made for the import.
    """

    line: int
    statement: str
    reason: str
    role: str = ""
    extension: str = ""
    fresh: bool = False

    def __str__(self) -> str:
        return f"line {self.line}: {self.statement}: {self.reason}"


@dataclass(slots=True)
class Script:
    """What a SQL file makes and fills; it grows with each statement that is read.

    Attributes:
        relations: tables, views and sequences that it makes.
        tables: those of them that take rows.
        stored: those of them that have rows of their own: not partitioned ones.
        rows: how many rows it has for each table.
        is_copied: whether rows come as COPY, which a dump has for empty tables too.
        sequences: sequences that belong to it.
        positions: where it sets sequences to: the last value, and whether that is used.
        constraints: named ones: table, name.
        indexes: of it.
        keyed: tables with a primary or unique key.
        objections: the first ``MOST_OBJECTIONS`` statements that do something else.
        more: how many further ones there are.
    """

    relations: set[Name] = field(default_factory=set)
    tables: set[Name] = field(default_factory=set)
    stored: set[Name] = field(default_factory=set)
    rows: dict[Name, int] = field(default_factory=dict)
    is_copied: bool = False
    sequences: set[Name] = field(default_factory=set)
    positions: dict[Name, tuple[int, bool]] = field(default_factory=dict)
    constraints: set[tuple[Name, str]] = field(default_factory=set)
    indexes: set[Name] = field(default_factory=set)
    keyed: set[Name] = field(default_factory=set)
    objections: list[Objection] = field(default_factory=list)
    more: int = 0


class Reader:
    """Reads the statements of a file in their order.

    Attributes:
        script: what they make and fill.
    """

    def __init__(self) -> None:
        self.script = Script()
        self._made: set[Name] = set()  # types, routines, operators and relations alike
        self._schemas: set[str] = set()
        self._large_objects: set[str] = set()
        self._schema = "public"  # where unqualified names are made
        self._line, self._text = 0, ""

    def take(self, text: str, line: int) -> Name | None:
        """Read a statement; return the table whose data follow it, if they do."""
        self._line, self._text = line, text
        inserted = count_rows(text)
        if inserted is not None:
            name, rows = inserted
            self._fill(self._qualified(dumptext.table(name)), rows)
            return None
        if text.startswith("\\"):
            if not re.fullmatch(r"\\(un)?restrict [0-9A-Za-z]+", text):
                self._object("it is a command of psql")
            return None
        try:
            node = self._parse(text)
        except (postgast.PgQueryError, sqltrees.TooDeepError) as error:
            self._object(f"it can't be parsed: {str(error) or 'it is nested too deeply'}")
            return None
        if node is None:
            self._object("it can't be told from what follows it")
            return None
        kind = node.WhichOneof("node")
        judge = getattr(self, f"_{kind}", None)
        reason = "no dump has such a statement" if judge is None else judge(getattr(node, kind))
        if reason:
            self._object(reason)
        copied = kind == "copy_stmt" and node.copy_stmt.is_from and not node.copy_stmt.is_program
        if copied and not node.copy_stmt.filename:
            return self._of(node.copy_stmt.relation)
        return None

    def object_to(self, line: int, text: str, reason: str) -> None:
        """Add an objection that is not of one statement's parse tree."""
        self._line, self._text = line, text
        self._object(reason)

    def add_rows(self, table: Name, rows: int) -> None:
        """Count the rows of a table that follow a COPY."""
        self.script.rows[table] = self.script.rows.get(table, 0) + rows

    def _parse(self, text: str) -> "pb.Node | None":
        if "\0" in text:
            return None
        raw = sqltrees.parse_statements(text, postgast.scan(text).tokens)
        return raw[0].stmt if len(raw) == 1 else None

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

    # names

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
                return _OF_OTHERS.format(dumptext.label(name))
        return ""

    def _own_object(self, node: "pb.Node") -> str:
        """Return an objection unless an object, or what it is a part of, is the file's."""
        parts = _parts(node)
        if any(self._qualified(name) in self._made for name in (parts, parts[:-1]) if name):
            return ""
        if len(parts) == 1 and (parts[0] in self._schemas or parts[0] in self._large_objects):
            return ""
        return _OF_OTHERS.format(dumptext.label(parts) or "something")

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

    # settings, transactions, calls

    def _variable_set_stmt(self, node: "pb.VariableSetStmt") -> str:
        name = node.name.lower()
        if name not in SETTINGS or node.kind not in (pb.VAR_SET_VALUE, pb.VAR_SET_DEFAULT):
            return "it sets what no dump sets"
        values = [_text(argument) for argument in node.args]
        if name == "standard_conforming_strings" and values not in (["on"], ["true"]):
            return "its strings are then read in another way"
        if name == "client_encoding":
            setting = dumptext.Statement(b"", self._text.encode()).encoding
            if not setting or UNSAFE_ENCODINGS.search(setting):
                return "text in this encoding can't be read statement by statement"
        if name == "search_path":
            self._look_in([value or "" for value in values])
        return ""

    def _look_in(self, schemas: Iterable[str]) -> None:
        names = [name for name in schemas if name and name != "$user"]
        self._schema = names[0] if names else ""

    def _transaction_stmt(self, node: "pb.TransactionStmt") -> str:
        kinds = (pb.TRANS_STMT_BEGIN, pb.TRANS_STMT_START, pb.TRANS_STMT_COMMIT)
        return "" if node.kind in kinds else "it takes statements back"

    def _select_stmt(self, node: "pb.SelectStmt") -> str:
        other = "it calls something else than pg_dump does"
        used = {descriptor.name for descriptor, _ in node.ListFields()}
        if used - {"target_list", "limit_option", "op"} or len(node.target_list) != 1:
            return other
        call = node.target_list[0].res_target.val.func_call
        names = [part.string.sval for part in call.funcname]
        arguments = [_text(argument) for argument in call.args]
        if len(names) != 2 or names[0] != "pg_catalog" or None in arguments:  # noqa: PLR2004 - schema and name
            return other
        if names[1] == "set_config" and len(arguments) == 3 and arguments[0] == "search_path":  # noqa: PLR2004 - as it takes
            self._look_in(dumptext.table(part)[0] for part in _listed(arguments[1] or ""))
            return ""
        if names[1] == "setval" and len(arguments) in (2, 3):
            return self._set_sequence(arguments)
        if names[1] == "lo_create" and len(arguments) == 1:
            self._large_objects.add(str(arguments[0]))
            return ""
        known = names[1] != "lo_open" or arguments[0] in self._large_objects
        return "" if names[1] in _LARGE_OBJECTS and known else other

    def _set_sequence(self, arguments: Sequence[str | None]) -> str:
        name = self._qualified(dumptext.table(arguments[0] or ""))
        is_used = len(arguments) == 2 or arguments[2] == "true"  # noqa: PLR2004 - without the third
        if name not in self.script.sequences:
            return _OF_OTHERS.format(dumptext.label(name))
        try:
            self.script.positions[name] = (int(arguments[1] or ""), is_used)
        except ValueError:
            return "it sets a sequence to what is not a number"
        return ""

    # rows

    def _copy_stmt(self, node: "pb.CopyStmt") -> str:
        if not node.is_from or node.is_program or node.filename:
            return "it reads or writes files, or runs programs"
        if node.options or node.HasField("where_clause"):
            return "its rows are not in the form that pg_dump writes"
        self.script.is_copied = True
        return self._fill(self._of(node.relation), 0)

    def _insert_stmt(self, node: "pb.InsertStmt") -> str:
        if node.HasField("with_clause") or node.HasField("returning_clause"):
            return "it does more than to insert"
        conflict = node.on_conflict_clause
        if node.HasField("on_conflict_clause") and conflict.action != pb.ONCONFLICT_NOTHING:
            return "it changes rows"
        select = node.select_stmt.select_stmt
        rows = list(select.values_lists)
        if node.HasField("select_stmt"):
            used = {descriptor.name for descriptor, _ in select.ListFields()}
            items = [item for row in rows for item in row.list.items]
            if used - {"values_lists", "limit_option", "op"} or not all(map(_constant, items)):
                return "it inserts what is computed"
        return self._fill(self._of(node.relation), len(rows) or 1)

    # relations

    def _create_stmt(self, node: "pb.CreateStmt") -> str:
        name = self._of(node.relation)
        if node.relation.relpersistence == "t":
            return "no dump makes temporary tables"
        parents = [self._of(parent.range_var) for parent in node.inh_relations]
        if reason := self._own(*parents):
            return reason
        self._make_relation(name)
        self.script.tables.add(name)
        if not node.HasField("partspec"):
            self.script.stored.add(name)
        for element in node.table_elts:
            if element.WhichOneof("node") == "constraint":
                self._constrain(name, element.constraint)
            column = element.column_def
            if column.type_name.names and column.type_name.names[-1].string.sval in _SERIAL:
                self._own_sequence(name, f"{name[1]}_{column.colname}_seq")
            for item in column.constraints:
                self._constrain(name, item.constraint, column.colname)
        return ""

    def _own_sequence(self, table: Name, name: str) -> None:
        self._make_relation((table[0], name))
        self.script.sequences.add((table[0], name))

    def _constrain(self, table: Name, node: "pb.Constraint", column: str = "") -> None:
        if node.contype in _KEYS:
            self.script.keyed.add(table)
        if node.contype == pb.CONSTR_IDENTITY:
            named = [o.def_elem for o in node.options if o.def_elem.defname == "sequence_name"]
            parts = [part.string.sval for it in named for part in it.arg.list.items]
            self._own_sequence(table, parts[-1] if parts else f"{table[1]}_{column}_seq")
        elif node.conname:
            self.script.constraints.add((table, node.conname))

    def _alter_table_stmt(self, node: "pb.AlterTableStmt") -> str:
        name = self._of(node.relation)
        if reason := self._own(name):
            return reason
        for item in node.cmds:
            command = item.alter_table_cmd
            kind = getattr(command, "def")
            if command.subtype == pb.AT_ChangeOwner:
                self._allow_role(command.newowner)
            elif command.subtype in (pb.AT_AddConstraint, pb.AT_AddIdentity):
                self._constrain(name, kind.constraint, command.name)
            elif command.subtype == pb.AT_AttachPartition:
                if reason := self._own(self._of(kind.partition_cmd.name)):
                    return reason
            elif command.subtype == pb.AT_AddInherit and (
                reason := self._own(self._of(kind.range_var))
            ):
                return reason
        return ""

    def _index_stmt(self, node: "pb.IndexStmt") -> str:
        table = self._of(node.relation)
        if reason := self._own(table):
            return reason
        if node.idxname:
            self._make((table[0], node.idxname))
            self.script.indexes.add((table[0], node.idxname))
        if node.unique:
            self.script.keyed.add(table)
        return ""

    def _create_seq_stmt(self, node: "pb.CreateSeqStmt") -> str:
        name = self._of(node.sequence)
        self._make_relation(name)
        self.script.sequences.add(name)
        return self._owned_by(node.options)

    def _alter_seq_stmt(self, node: "pb.AlterSeqStmt") -> str:
        return self._own(self._of(node.sequence)) or self._owned_by(node.options)

    def _owned_by(self, options: "Iterable[pb.Node]") -> str:
        for option in options:
            if option.def_elem.defname == "owned_by":
                parts = [part.string.sval for part in option.def_elem.arg.list.items]
                if len(parts) > 1 and (reason := self._own(self._qualified(parts[:-1]))):
                    return reason
        return ""

    def _view_stmt(self, node: "pb.ViewStmt") -> str:
        name = self._of(node.view)
        if node.replace and (reason := self._own(name)):
            return reason
        self._make_relation(name)
        return ""

    def _create_table_as_stmt(self, node: "pb.CreateTableAsStmt") -> str:
        if node.objtype != pb.OBJECT_MATVIEW or not node.into.skip_data:
            return "it fills a table from a query"
        self._make_relation(self._of(node.into.rel))
        return ""

    def _refresh_mat_view_stmt(self, node: "pb.RefreshMatViewStmt") -> str:
        return self._own(self._of(node.relation))

    def _create_trig_stmt(self, node: "pb.CreateTrigStmt") -> str:
        return self._own(self._of(node.relation))

    def _rule_stmt(self, node: "pb.RuleStmt") -> str:
        return self._own(self._of(node.relation))

    def _create_policy_stmt(self, node: "pb.CreatePolicyStmt") -> str:
        return self._own(self._of(node.table))

    def _create_stats_stmt(self, node: "pb.CreateStatsStmt") -> str:
        tables = [self._of(relation.range_var) for relation in node.relations]
        self._make(self._qualified([part.string.sval for part in node.defnames]))
        return self._own(*tables)

    def _alter_stats_stmt(self, node: "pb.AlterStatsStmt") -> str:
        return self._own(self._qualified([part.string.sval for part in node.defnames]))

    # other objects

    def _create_schema_stmt(self, node: "pb.CreateSchemaStmt") -> str:
        if node.schema_elts:
            return "it makes more than a schema"
        self._schemas.add(node.schemaname)
        if node.authrole.roletype != pb.ROLE_SPEC_TYPE_UNDEFINED:
            self._allow_role(node.authrole)
        return ""

    def _create_function_stmt(self, node: "pb.CreateFunctionStmt") -> str:
        name = self._qualified([part.string.sval for part in node.funcname])
        if node.replace and (reason := self._own(name)):
            return reason
        self._make(name)
        return ""

    def _made_as(self, names: "Iterable[pb.Node]") -> str:
        self._make(self._qualified([part.string.sval for part in names]))
        return ""

    def _create_enum_stmt(self, node: "pb.CreateEnumStmt") -> str:
        return self._made_as(node.type_name)

    def _create_range_stmt(self, node: "pb.CreateRangeStmt") -> str:
        return self._made_as(node.type_name)

    def _create_domain_stmt(self, node: "pb.CreateDomainStmt") -> str:
        return self._made_as(node.domainname)

    def _composite_type_stmt(self, node: "pb.CompositeTypeStmt") -> str:
        self._make(self._of(node.typevar))
        return ""

    def _define_stmt(self, node: "pb.DefineStmt") -> str:
        return "it replaces an object" if node.replace else self._made_as(node.defnames)

    def _create_op_class_stmt(self, node: "pb.CreateOpClassStmt") -> str:
        return self._made_as(node.opclassname)

    def _create_op_family_stmt(self, node: "pb.CreateOpFamilyStmt") -> str:
        return self._made_as(node.opfamilyname)

    def _alter_op_family_stmt(self, node: "pb.AlterOpFamilyStmt") -> str:
        return self._own(self._qualified([part.string.sval for part in node.opfamilyname]))

    def _alter_domain_stmt(self, node: "pb.AlterDomainStmt") -> str:
        return self._own(self._qualified([part.string.sval for part in node.type_name]))

    def _create_cast_stmt(self, node: "pb.CreateCastStmt") -> str:
        types = [
            [part.string.sval for part in it.names] for it in (node.sourcetype, node.targettype)
        ]
        if any(self._qualified(name) in self._made for name in types):
            return ""
        return "it makes a cast between types that the file does not make"

    def _create_publication_stmt(self, node: "pb.CreatePublicationStmt") -> str:
        self._made.add((node.pubname,))
        if node.for_all_tables:
            return "it publishes tables that the file does not make"
        return self._published(node.pubobjects)

    def _alter_publication_stmt(self, node: "pb.AlterPublicationStmt") -> str:
        if (node.pubname,) not in self._made:
            return _OF_OTHERS.format(dumptext.label((node.pubname,)))
        return self._published(node.pubobjects)

    def _published(self, objects: "Iterable[pb.Node]") -> str:
        for item in objects:
            entry = item.publication_obj_spec
            if entry.pubobjtype != pb.PUBLICATIONOBJ_TABLE:
                if entry.name not in self._schemas:
                    return "it publishes a schema that the file does not make"
            elif reason := self._own(self._of(entry.pubtable.relation)):
                return reason
        return ""

    def _create_extension_stmt(self, node: "pb.CreateExtensionStmt") -> str:
        self._object(f"it installs the extension {node.extname}", extension=node.extname)
        return ""

    def _comment_stmt(self, node: "pb.CommentStmt") -> str:
        if node.objtype == pb.OBJECT_EXTENSION:
            name = node.object.string.sval
            self._object(f"it comments on the extension {name}", extension=name)
            return ""
        if node.objtype == pb.OBJECT_PUBLICATION:
            known = (node.object.string.sval,) in self._made
            return "" if known else _OF_OTHERS.format(node.object.string.sval)
        if node.objtype == pb.OBJECT_CAST:
            return ""
        standard = node.comment == "standard public schema" and _parts(node.object) == ("public",)
        return "" if standard else self._own_object(node.object)

    # rights

    def _alter_owner_stmt(self, node: "pb.AlterOwnerStmt") -> str:
        self._allow_role(node.newowner)
        if node.object_type == pb.OBJECT_PUBLICATION:
            known = (node.object.string.sval,) in self._made
            return "" if known else _OF_OTHERS.format(node.object.string.sval)
        return self._own_object(node.object)

    def _grant_stmt(self, node: "pb.GrantStmt") -> str:
        if node.targtype != pb.ACL_TARGET_OBJECT:
            return "it grants on more than one object"
        if node.grant_option and node.is_grant:
            return "the right can be passed on"
        if node.is_grant:
            for grantee in node.grantees:
                self._allow_role(grantee.role_spec)
        for item in node.objects:
            if node.objtype == pb.OBJECT_SCHEMA and _parts(item) == ("public",):
                self._object("it changes who may use schema public", fresh=True)
            elif reason := self._own_object(item):
                return reason
        return ""

    def _alter_default_privileges_stmt(self, node: "pb.AlterDefaultPrivilegesStmt") -> str:
        self._object("it changes the rights of objects that are made later", fresh=True)
        for option in node.options:
            if option.def_elem.defname == "roles":
                for role in option.def_elem.arg.list.items:
                    self._allow_role(role.role_spec)
        if node.action.is_grant:
            for grantee in node.action.grantees:
                self._allow_role(grantee.role_spec)
        return ""


def _listed(text: str) -> list[str]:
    return [name for name in dumptext.split(text) if dumptext.table(name)]


def _parts(node: Message) -> Name:
    """Return the parts of the name of an object, whichever way the tree holds it."""
    kind = node.WhichOneof("node") if isinstance(node, pb.Node) else ""
    if kind == "range_var":
        return tuple(filter(None, (node.range_var.schemaname, node.range_var.relname)))
    lists = {
        "list": lambda: node.list.items,
        "object_with_args": lambda: node.object_with_args.objname,
        "type_name": lambda: node.type_name.names,
    }
    if kind in lists:
        items = list(lists[kind]())
        if items and items[0].WhichOneof("node") == "type_name":
            return _parts(items[0])
        return tuple(part.string.sval for part in items)
    return (_text(node) or node.string.sval,)


def _text(node: "pb.Node") -> str | None:
    """Return a constant as text; None for what is no constant."""
    kind = node.WhichOneof("node")
    if kind == "a_expr":
        inner, operator = _text(node.a_expr.rexpr), node.a_expr.name
        is_minus = len(operator) == 1 and operator[0].string.sval == "-"
        is_negative = is_minus and not node.a_expr.HasField("lexpr") and inner is not None
        return f"-{inner}" if is_negative else None
    if kind in ("integer", "float"):
        return str(getattr(getattr(node, kind), f"{kind[0]}val"))
    if kind != "a_const":
        return None
    held = node.a_const.WhichOneof("val")
    if held == "boolval":
        return "true" if node.a_const.boolval.boolval else "false"
    return "NULL" if held is None else str(getattr(getattr(node.a_const, held), held))


def _constant(node: "pb.Node") -> bool:
    kind = node.WhichOneof("node")
    if kind == "type_cast":
        return _constant(node.type_cast.arg)
    if kind == "a_array_expr":
        return all(map(_constant, node.a_array_expr.elements))
    return kind == "set_to_default" or _text(node) is not None
