"""Which statements use an enum's new value: read from constants, never from other text.

PostgreSQL refuses to use a value in the transaction that adds it.
"""

from collections.abc import Iterator
from enum import IntEnum

import postgast
from postgast import pg_query_pb2 as pb

from ops import sqltrees as trees

_STRINGS = frozenset({pb.SCONST, pb.USCONST})
# They return every value, the new one among them.
_ALL_VALUES = frozenset({"enum_range", "enum_first", "enum_last"})
_INNER_TEXTS = 3  # SQL in a string of a function's body in a DO: deeper is not looked


class Use(IntEnum):
    """Whether a statement uses a value."""

    NONE = 0
    POSSIBLE = 1  # when the code that it defines or runs gets there
    CERTAIN = 2


def use(node: pb.Node, value: str) -> Use:
    """Return whether a statement uses an enum's value.

    A constant of the same text counts, since its type is not known here.

    Args:
        node: the statement's tree.
        value: the enum's value.
    """
    if node.WhichOneof("node") == "variable_set_stmt":
        return Use.NONE
    result = Use.NONE
    for message in trees.walk(node):
        if isinstance(message, pb.A_Const) and message.sval.sval == value:
            return Use.CERTAIN
        if isinstance(message, pb.FuncCall) and message.funcname[-1].string.sval in _ALL_VALUES:
            result = Use.POSSIBLE
    if any(_mentions(body, value, _INNER_TEXTS) for body in _bodies(node)):
        result = Use.POSSIBLE
    return result


def renamed(node: pb.Node, value: str) -> str:
    """Return what a value is called after a statement."""
    rename = node.alter_enum_stmt
    return rename.new_val if value and rename.old_val == value else value


def _bodies(node: pb.Node) -> Iterator[str]:
    """Return the code that a DO, a CREATE FUNCTION or a CREATE PROCEDURE holds as a string."""
    options = [*node.do_stmt.args, *node.create_function_stmt.options]
    for option in options:
        if option.def_elem.defname == "as":
            argument = option.def_elem.arg
            yield from (item.string.sval for item in argument.list.items)
            yield argument.string.sval


def _mentions(code: str, value: str, depth: int) -> bool:
    """Tell whether code has a string that is the value, or that is code which has one."""
    try:
        words = postgast.scan(code).tokens
    except postgast.PgQueryError:  # no SQL: another language, or prose in a string
        return value in code
    data = code.encode()
    for place, word in enumerate(words):
        if word.token in _STRINGS:
            end = word.end
            if [w.token for w in words[place + 1 : place + 3]] == [pb.UESCAPE, pb.SCONST]:
                end = words[place + 2].end
            text = _decoded(data[word.start : end].decode())
            if text == value or (depth > 1 and _mentions(text, value, depth - 1)):
                return True
    return False


def _decoded(constant: str) -> str:
    """Return what a string constant means: its quotes and escapes are PostgreSQL's."""
    try:
        select = postgast.parse(f"SELECT {constant}").stmts[0].stmt.select_stmt
    except postgast.PgQueryError:
        return constant
    return str(select.target_list[0].res_target.val.a_const.sval.sval)
