"""What statements leave in their session, and what they need of it: pure, from parse trees.

Every step begins in a session as new, and a resumed run in another one. What a file sets
is repeated for its later steps; whatever else they need of an earlier step's session can't
be, and is refused before anything runs.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from postgast import pg_query_pb2 as pb

from ops import sqltrees as trees
from ops.migrations.errors import LostStateError, UnclearSettingError
from ops.migrations.parse import Statement
from ops.migrations.settings import DEFINITIONS, change_of, function_name, text_of

# SET LOCAL of these changes how long and how fast, and never what: nothing is lost with them.
_LIMITS = frozenset(
    {
        "idle_in_transaction_session_timeout",
        "lock_timeout",
        "maintenance_work_mem",
        "max_parallel_maintenance_workers",
        "statement_timeout",
        "work_mem",
    }
)
_SESSION_LOCKS = re.compile(r"pg_(?:try_)?advisory_lock(?:_shared)?")
_BY_NAME = frozenset({"nextval", "setval", "currval", "to_regclass"})


class _Sort(StrEnum):
    """What a session holds, in the words of a message."""

    RELATION = "the temporary relation"
    ROUTINE = "the temporary function or type"
    PREPARED = "the prepared statement"
    CURSOR = "the cursor"
    SEQUENCE = "the last value of a sequence"
    LOCK = "the advisory lock of its session"
    LOCAL = "the setting of its transaction"


_Held = tuple[_Sort, str]  # its sort and its name; the name is empty where there is one only
_LOCK: _Held = (_Sort.LOCK, "")
_SEQUENCE: _Held = (_Sort.SEQUENCE, "")
# Statements whose tree is small, or that leave something without a telling word.
_SHORT = frozenset(
    {
        "call_stmt",
        "close_portal_stmt",
        "deallocate_stmt",
        "declare_cursor_stmt",
        "do_stmt",
        "drop_stmt",
        "execute_stmt",
        "fetch_stmt",
        "insert_stmt",
        "merge_stmt",
        "prepare_stmt",
    }
)
_WORDS = re.compile("advisory|currval|current|insert|lastval|nextval|setval|temp")


def refuse_lost_state(file: str, steps: Sequence[tuple[Sequence[Statement], bool]]) -> None:
    """Refuse a section whose later steps need what an earlier step's session held.

    Args:
        file: the section's.
        steps: the statements of every step, and whether the author wrote BEGIN and COMMIT
            around them, which says how far a SET LOCAL is meant to reach.

    Raises:
        LostStateError: a later step needs it.
        UnclearSettingError: what an earlier step sets for the later ones is unknown.
    """
    earlier: dict[_Held, int] = {}
    for number, (statements, bounded) in enumerate(steps[:-1]):
        later = steps[number + 1][0][0]
        own = _states(file, statements, earlier)
        for statement in statements:
            _refuse_lost_settings(file, statement, later, bounded=bounded)
        if _LOCK in own:
            raise LostStateError(file, later.line, own[_LOCK], _Sort.LOCK)
        earlier |= own
    for statements, _ in steps[-1:]:
        _states(file, statements, earlier)


def _states(
    file: str, statements: Sequence[Statement], earlier: dict[_Held, int]
) -> dict[_Held, int]:
    """Return what a step leaves in its session, by the lines that make it.

    Raises:
        LostStateError: it needs what an earlier step left.
    """
    own: dict[_Held, int] = {}
    for statement in statements:
        if not _may_matter(statement, (*earlier, *own)):
            continue
        parts = _parts(statement.node)
        creations = dict.fromkeys(_makes(statement.node, parts), statement.line)
        if _SEQUENCE in creations:  # INSERT ... RETURNING lastval() has it from itself
            own[_SEQUENCE] = statement.line
        for state in _needs(statement.node, parts):
            if state in earlier and state not in own:
                what = " ".join(filter(None, state))
                raise LostStateError(file, statement.line, earlier[state], what)
        for state in _ends(statement.node, parts):
            own.pop(state, None)
        own |= creations
    return own


def _parts(node: pb.Node) -> list[object]:
    """Return the parts of a tree, without calls that run later in other sessions."""
    parts = list(trees.walk(node))
    if node.WhichOneof("node") not in DEFINITIONS:
        return [*parts]
    return [part for part in parts if not isinstance(part, pb.FuncCall)]


def _may_matter(statement: Statement, states: Iterable[_Held]) -> bool:
    """Spare long data the walk through its tree."""
    kind = statement.node.WhichOneof("node")
    text = statement.text.lower()
    return (
        kind in _SHORT
        or _WORDS.search(text) is not None
        or any(name and name.lower() in text for _, name in states)
    )


def _refuse_lost_settings(
    file: str, statement: Statement, later: Statement, *, bounded: bool
) -> None:
    change = change_of(statement)
    if change.unclear:
        raise UnclearSettingError(file, statement.line, later.line)
    lost = sorted(change.passing - _LIMITS)
    if statement.node.HasField("constraints_set_stmt"):
        lost = ["constraints"]
    if lost and not bounded:
        what = f"{_Sort.LOCAL} ({', '.join(lost)})"
        raise LostStateError(file, later.line, statement.line, what)


def _makes(node: pb.Node, parts: Sequence[object]) -> Iterator[_Held]:
    """Yield what a statement leaves in its session."""
    kind = node.WhichOneof("node")
    if kind == "prepare_stmt":
        yield _Sort.PREPARED, node.prepare_stmt.name
    elif kind == "declare_cursor_stmt":
        yield _Sort.CURSOR, node.declare_cursor_stmt.portalname
    elif kind in {"merge_stmt", "copy_stmt", "call_stmt", "do_stmt"}:
        yield _SEQUENCE
    routine = _routine(node)
    if routine:
        yield _Sort.ROUTINE, routine
    for part in parts:
        yield from _created(part)


def _created(part: object) -> Iterator[_Held]:
    """Yield what one part of a statement's tree leaves in its session."""
    if isinstance(part, pb.RangeVar):
        if part.relpersistence == "t" or part.schemaname == "pg_temp":
            yield _Sort.RELATION, part.relname
    elif isinstance(part, pb.InsertStmt):
        yield _SEQUENCE
    elif isinstance(part, pb.FuncCall):
        if _SESSION_LOCKS.fullmatch(function_name(part)):
            yield _LOCK
        if function_name(part) in {"nextval", "setval"}:
            yield _SEQUENCE


def _routine(node: pb.Node) -> str:
    """Return the name of a function or type that a statement makes in pg_temp, else ""."""
    names: Sequence[pb.Node] = ()
    match node.WhichOneof("node"):
        case "create_function_stmt":
            names = node.create_function_stmt.funcname
        case "create_enum_stmt":
            names = node.create_enum_stmt.type_name
        case "create_domain_stmt":
            names = node.create_domain_stmt.domainname
        case "composite_type_stmt":
            relation = node.composite_type_stmt.typevar
            return str(relation.relname) if relation.schemaname == "pg_temp" else ""
        case _:
            return ""
    parts = [str(name.string.sval) for name in names]
    return parts[-1] if parts[0] == "pg_temp" else ""


def _ends(node: pb.Node, parts: Sequence[object]) -> Iterator[_Held]:
    """Yield what a statement takes out of its session again."""
    yield from _named(node)
    for part in parts:
        if isinstance(part, pb.FuncCall) and function_name(part).startswith("pg_advisory_unlock"):
            yield _LOCK


def _named(node: pb.Node) -> Iterator[_Held]:
    """Yield what DROP, DEALLOCATE and CLOSE name."""
    kind = node.WhichOneof("node")
    if kind == "drop_stmt":
        for item in node.drop_stmt.objects:
            yield _Sort.RELATION, _last(item)
            yield _Sort.ROUTINE, _last(item)
    elif kind == "deallocate_stmt":
        yield _Sort.PREPARED, node.deallocate_stmt.name
    elif kind == "close_portal_stmt":
        yield _Sort.CURSOR, node.close_portal_stmt.portalname


def _last(item: pb.Node) -> str:
    """Return the last word of a name, as DROP lists them: a list, a type or a function."""
    if item.HasField("list"):
        return str(item.list.items[-1].string.sval)
    if item.HasField("type_name"):
        return str(item.type_name.names[-1].string.sval)
    if item.HasField("object_with_args"):
        return str(item.object_with_args.objname[-1].string.sval)
    return ""


def _needs(node: pb.Node, parts: Sequence[object]) -> Iterator[_Held]:
    """Yield what a statement needs of its session, if that is where it is."""
    kind = node.WhichOneof("node")
    yield from _named(node)
    if kind == "execute_stmt":
        yield _Sort.PREPARED, node.execute_stmt.name
    elif kind == "fetch_stmt":
        yield _Sort.CURSOR, node.fetch_stmt.portalname
    elif kind == "do_stmt":
        yield from _words_of(node.do_stmt)
    yield from _read(parts)


def _words_of(block: pb.DoStmt) -> Iterator[_Held]:
    """Yield every word of a DO: its body is text, and names what it uses anywhere in it."""
    for item in block.args:
        for word in re.findall(r"\w+", item.def_elem.arg.string.sval):
            yield _Sort.RELATION, word
            yield _Sort.ROUTINE, word
            if word.lower() in {"currval", "lastval"}:
                yield _SEQUENCE


def _read(parts: Sequence[object]) -> Iterator[_Held]:
    named_here = {part.ctename for part in parts if isinstance(part, pb.CommonTableExpr)}
    for part in parts:
        if isinstance(part, pb.RangeVar) and part.schemaname in {"", "pg_temp"}:
            if part.relpersistence != "t" and part.relname not in named_here:
                yield _Sort.RELATION, part.relname
        elif isinstance(part, pb.CurrentOfExpr):
            yield _Sort.CURSOR, part.cursor_name
        elif isinstance(part, pb.TypeName) and part.names:
            yield _Sort.ROUTINE, part.names[-1].string.sval
        elif isinstance(part, pb.TypeCast):
            if part.type_name.names and part.type_name.names[-1].string.sval == "regclass":
                yield _Sort.RELATION, text_of(part.arg) or ""
        elif isinstance(part, pb.FuncCall):
            yield from _in_call(part)


def _in_call(call: pb.FuncCall) -> Iterator[_Held]:
    name = function_name(call)
    if call.funcname[0].string.sval == "pg_temp":
        yield _Sort.ROUTINE, name
    if name in {"currval", "lastval"}:
        yield _SEQUENCE
    if name in _BY_NAME and call.args:
        yield _Sort.RELATION, text_of(call.args[0]) or ""
