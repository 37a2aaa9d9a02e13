"""Reads a SQL file's statements: what they make and fill, and which of them do anything else.

A statement passes where it is on the list below and concerns objects that the file makes itself.
Everything else is an objection: with its line, its text and the reason.
"""

import re
from collections.abc import Iterable, Sequence

import postgast
from postgast import pg_query_pb2 as pb

from ops import dumptext, sqltrees
from ops.backups.definitions import Definitions
from ops.backups.judge import OF_OTHERS
from ops.backups.literals import count_rows
from ops.backups.nodes import constant_text, is_constant
from ops.backups.relations import Relations
from ops.backups.rights import Rights
from ops.backups.script import Name

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


class Reader(Relations, Definitions, Rights):
    """Reads the statements of a file in their order."""

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

    def _parse(self, text: str) -> "pb.Node | None":
        if "\0" in text:
            return None
        raw = sqltrees.parse_statements(text, postgast.scan(text).tokens)
        return raw[0].stmt if len(raw) == 1 else None

    # settings, transactions, calls

    def _variable_set_stmt(self, node: "pb.VariableSetStmt") -> str:
        name = node.name.lower()
        if name not in SETTINGS or node.kind not in (pb.VAR_SET_VALUE, pb.VAR_SET_DEFAULT):
            return "it sets what no dump sets"
        values = [constant_text(argument) for argument in node.args]
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
        arguments = [constant_text(argument) for argument in call.args]
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
    return [name for name in dumptext.split(text) if dumptext.table(name)]
