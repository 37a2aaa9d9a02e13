"""Reads a SQL file's statements: what they make and fill, and which of them do anything else.

A statement passes where it is on the list below and concerns objects that the file makes itself.
Everything else is an objection: with its line, its text and the reason.
"""

import re
from collections.abc import Sequence

import postgast
from google.protobuf.message import Message  # type: ignore[import-untyped] # it ships no types
from postgast import pg_query_pb2 as pb

from ops import dumptext, sqltrees
from ops.backups.definitions import Definitions
from ops.backups.judge import LARGE_OBJECT, OF_OTHERS, SCHEMA
from ops.backups.literals import count_rows
from ops.backups.nodes import constant_text, is_constant
from ops.backups.relations import Relations
from ops.backups.rights import Rights
from ops.backups.script import Allowed, Name

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
_SINCE = {"transaction_timeout": 17}  # major versions that know the newest of them
# In other encodings a byte of a character may look like a backslash or a quote. PostgreSQL looks
# at letters and digits alone: https://www.postgresql.org/docs/17/multibyte.html
_SAFE_ENCODINGS = re.compile(
    r"utf8|unicode|sqlascii|latin\d+|iso8859\d+|(win|windows)(125\d|866|874)|koi8[ru]?|euc(jp|kr|cn|tw)"
)
_LARGE_OBJECTS = frozenset({"lo_open", "lowrite", "lo_close"})
# These may be skipped where the object is there, and are looked at otherwise: see TablesThereError.
_SKIPPED = frozenset({"create_stmt", "create_seq_stmt", "create_table_as_stmt"})
_SKIPPED_RIGHTLY = _SKIPPED | {"create_schema_stmt", "create_extension_stmt"}
_WITHOUT_OWNERS = "`pg_dump --no-owner --no-acl` leaves owners and rights out"
_REMEDIES = {
    **dict.fromkeys(("grant_stmt", "alter_owner_stmt", "grant_role_stmt"), _WITHOUT_OWNERS),
    **dict.fromkeys(("alter_table_stmt", "alter_default_privileges_stmt"), _WITHOUT_OWNERS),
    **dict.fromkeys(
        ("create_publication_stmt", "alter_publication_stmt"),
        "`pg_dump --no-publications` leaves publications out",
    ),
    "comment_stmt": "`pg_dump --no-comments` leaves comments out",
    "create_extension_stmt": "have the extension installed first, or comment its statements out",
    "variable_set_stmt": "use the server's version of pg_dump, or delete what is set",
    "create_subscription_stmt": "`pg_dump --no-subscriptions` leaves subscriptions out",
    "sec_label_stmt": "`pg_dump --no-security-labels` leaves security labels out",
}


class Reader(Relations, Definitions, Rights):
    """Reads the statements of a file in their order."""

    def __init__(self, allowed: Allowed | None = None) -> None:
        super().__init__(allowed)
        self._begun: tuple[int, str] | None = None  # where a transaction that is open begins

    def take(self, text: str, line: int) -> Name | None:
        """Read a statement; return the table whose data follow it, if they do."""
        self._begin(line, text)
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
        self._remedy = _REMEDIES.get(str(kind), "")
        if reason := self._judge(str(kind), getattr(node, str(kind))):
            self._object(reason)
        copied = kind == "copy_stmt" and node.copy_stmt.is_from and not node.copy_stmt.is_program
        if copied and not node.copy_stmt.filename:
            return self._of(node.copy_stmt.relation)
        return None

    def end(self) -> None:
        """Object to a transaction that nothing ends: psql would take it back."""
        if self._begun:
            self._begin(*self._begun)
            self._object("no COMMIT follows: its transaction is taken back at the file's end")

    def _judge(self, kind: str, statement: Message) -> str:
        judge = getattr(self, f"_{kind}", None)
        if judge is None:
            return "it is not of the statements that make and fill objects"
        if kind not in _SKIPPED_RIGHTLY and getattr(statement, "if_not_exists", False):
            return "whether it does anything depends on what is there"
        return str(judge(statement))

    def _parse(self, text: str) -> "pb.Node | None":
        if "\0" in text:
            return None
        raw = sqltrees.parse_statements(text, postgast.scan(text).tokens)
        return raw[0].stmt if len(raw) == 1 else None

    # settings, transactions, calls

    def _variable_set_stmt(self, node: "pb.VariableSetStmt") -> str:
        name = node.name.lower()
        kinds = (pb.VAR_SET_VALUE, pb.VAR_SET_DEFAULT)
        if name not in SETTINGS or node.kind not in kinds or node.is_local:
            return "it sets what no dump sets"
        if 0 < self.allowed.major < _SINCE.get(name, 0):
            return f"PostgreSQL {self.allowed.major} does not know this setting"
        values = [constant_text(argument) for argument in node.args]
        if name == "standard_conforming_strings" and values not in (["on"], ["true"]):
            return "its strings are then read in another way"
        if name == "client_encoding" and not self._is_safe_encoding(values):
            return "text in this encoding can't be read statement by statement"
        if name == "search_path":
            return self._look_in([value or "" for value in values] or ["$user"])
        return ""

    def _is_safe_encoding(self, values: Sequence[str | None]) -> bool:
        is_read = bool(dumptext.Statement(b"", self._text.encode()).encoding)
        cleaned = re.sub(r"[^a-z0-9]", "", "".join(map(str, values)).lower())
        return is_read and _SAFE_ENCODINGS.fullmatch(cleaned) is not None

    def _look_in(self, schemas: Sequence[str]) -> str:
        """Note where unqualified names are; object where that depends on what is there."""
        for name in schemas:
            if name not in ("", "public", "pg_catalog") and not self._has(SCHEMA, (name,)):
                return f"it looks for names in {name}, which the file does not make"
        self._schema = schemas[0] if schemas else ""
        return ""

    def _transaction_stmt(self, node: "pb.TransactionStmt") -> str:
        if node.kind == pb.TRANS_STMT_COMMIT and not node.chain:
            self._begun = None
        elif node.kind in (pb.TRANS_STMT_BEGIN, pb.TRANS_STMT_START, pb.TRANS_STMT_COMMIT):
            self._begun = (self._line, self._text)
        else:
            return "it takes statements back"
        return ""

    def _select_stmt(self, node: "pb.SelectStmt") -> str:
        other = "it calls something else than pg_dump does"
        used = {descriptor.name for descriptor, _ in node.ListFields()}
        if used - {"target_list", "limit_option", "op"} or len(node.target_list) != 1:
            return other
        call = node.target_list[0].res_target.val.func_call
        names = [part.string.sval for part in call.funcname]
        arguments = [constant_text(argument) for argument in call.args]
        if len(names) != 2 or names[0] != "pg_catalog" or None in arguments:  # noqa: PLR2004 - schema and name
            return other
        if names[1] == "set_config" and len(arguments) == 3 and arguments[0] == "search_path":  # noqa: PLR2004 - as it takes
            is_local = arguments[2] != "false"
            return other if is_local else self._look_in(_listed(arguments[1] or ""))
        if names[1] == "setval" and len(arguments) in (2, 3):
            return self._set_sequence(arguments)
        if names[1] == "lo_create" and len(arguments) == 1:
            self._make(LARGE_OBJECT, (str(arguments[0]),))
            return ""
        known = names[1] != "lo_open" or self._has(LARGE_OBJECT, (str(arguments[0]),))
        return "" if names[1] in _LARGE_OBJECTS and known else other

    def _set_sequence(self, arguments: Sequence[str | None]) -> str:
        name = self._qualified(dumptext.table(arguments[0] or ""))
        is_used = len(arguments) == 2 or arguments[2] == "true"  # noqa: PLR2004 - without the third
        if name not in self.script.sequences:
            return OF_OTHERS.format(dumptext.label(name))
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
            if used - {"values_lists", "limit_option", "op"} or not all(map(is_constant, items)):
                return "it inserts what is computed"
        return self._fill(self._of(node.relation), len(rows) or 1)


def _listed(text: str) -> list[str]:
    return [dumptext.table(name)[0] for name in dumptext.split(text) if dumptext.table(name)]
