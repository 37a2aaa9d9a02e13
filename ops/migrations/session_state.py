"""What statements leave in their session, and what they need of it: pure, from parse trees.

Every step begins in a session as new, and a resumed run in another one. What a file sets
is repeated for its later steps; whatever else they need of an earlier step's session can't
be, and is refused before anything runs.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import postgast
from postgast import pg_query_pb2 as pb
from psycopg import sql as psql

from ops.migrations.errors import LostStateError, UnclearSettingError
from ops.migrations.facts import Kind
from ops.migrations.parse import Statement

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
_CHARACTERISTICS = tuple(
    f"default_transaction_{name}" for name in ("deferrable", "isolation", "read_only")
)
_EVERYTHING = "all"  # what RESET ALL sets
_TRUE = frozenset({"t", "true", "y", "yes", "on", "1"})
_FALSE = frozenset({"f", "false", "n", "no", "off", "0"})
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


@dataclass(frozen=True, slots=True)
class Change:
    """Settings that one statement changes.

    Attributes:
        lasting: names that it sets for the session, in lower case.
        passing: names that it sets for its transaction only.
        repeats: statements that set the lasting ones again.
        unclear: whether it calls set_config with what only a run can tell.
    """

    lasting: frozenset[str] = frozenset()
    passing: frozenset[str] = frozenset()
    repeats: tuple[Statement, ...] = ()
    unclear: bool = False

    @property
    def resets_all(self) -> bool:
        """Return whether it takes every earlier setting back."""
        return _EVERYTHING in self.lasting


def settings_after(
    settings: tuple[Statement, ...], statements: Iterable[Statement]
) -> tuple[Statement, ...]:
    """Return what a later step repeats: the settings so far, and what the statements set."""
    repeats = list(settings)
    for statement in statements:
        change = change_of(statement)
        if change.resets_all:
            repeats.clear()
        repeats.extend(change.repeats)
    return tuple(repeats)


def names_set(statements: Iterable[Statement]) -> frozenset[str]:
    """Return the settings that the text of the statements names."""
    changes = [change_of(statement) for statement in statements]
    return frozenset(name for change in changes for name in change.lasting | change.passing)


def resets_all(statement: Statement) -> bool:
    """Return whether a statement is RESET ALL, which takes the runner's settings back too."""
    return change_of(statement).resets_all


def names_read(statements: Iterable[Statement]) -> frozenset[str]:
    """Return the settings of applications that the statements read by current_setting."""
    return frozenset(
        name.lower()
        for statement in statements
        if "current_setting" in statement.text.lower()
        for call in _calls(statement)
        if _name(call) == "current_setting" and call.args
        for name in [_text(call.args[0])]
        if name and "." in name
    )


def change_of(statement: Statement) -> Change:
    """Return which settings a statement changes, by its own text."""
    kind = statement.node.WhichOneof("node")
    if kind == "variable_set_stmt":
        return _set(statement, statement.node.variable_set_stmt)
    if statement.facts.kind is Kind.SETTING:
        return Change(repeats=(statement,))
    if "set_config" not in statement.text.lower():
        return Change()
    return _configured(statement)


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
        own = _held(file, statements, earlier)
        for statement in statements:
            _refuse_lost_settings(file, statement, later, bounded=bounded)
        if _LOCK in own:
            raise LostStateError(file, later.line, own[_LOCK], _Sort.LOCK)
        earlier |= own
    for statements, _ in steps[-1:]:
        _held(file, statements, earlier)


def _held(
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
        parts = [part for _, part in postgast.walk(statement.node)]
        made = dict.fromkeys(_makes(statement.node, parts), statement.line)
        if _SEQUENCE in made:  # INSERT ... RETURNING lastval() has it from itself
            own[_SEQUENCE] = statement.line
        for held in _needs(statement.node, parts):
            if held in earlier and held not in own:
                what = " ".join(filter(None, held))
                raise LostStateError(file, statement.line, earlier[held], what)
        for held in _ends(statement.node, parts):
            own.pop(held, None)
        own |= made
    return own


def _may_matter(statement: Statement, held: Iterable[_Held]) -> bool:
    """Spare long data the walk through its tree."""
    kind = statement.node.WhichOneof("node")
    text = statement.text.lower()
    return (
        kind in _SHORT
        or _WORDS.search(text) is not None
        or any(name and name.lower() in text for _, name in held)
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
        held = f"{_Sort.LOCAL} ({', '.join(lost)})"
        raise LostStateError(file, later.line, statement.line, held)


def _set(statement: Statement, node: pb.VariableSetStmt) -> Change:
    if node.kind == pb.VAR_RESET_ALL:
        return Change(lasting=frozenset({_EVERYTHING}))
    if node.name == "TRANSACTION":
        modes = [item.def_elem.defname for item in node.args if item.HasField("def_elem")]
        return Change(passing=frozenset(modes))
    if node.name == "SESSION CHARACTERISTICS":
        return Change(lasting=frozenset(_CHARACTERISTICS), repeats=(statement,))
    names = frozenset({node.name.lower()})
    if node.name == "session_authorization":
        names |= {"role"}
    return Change(passing=names) if node.is_local else Change(names, repeats=(statement,))


def _configured(statement: Statement) -> Change:
    """Return what calls of set_config change: clear only as a column of a bare SELECT."""
    lasting: list[tuple[str, str | None]] = []
    passing: set[str] = set()
    plain = _columns(statement.node)
    for call in _calls(statement):
        if _name(call) != "set_config":
            continue
        local = _truth(call.args[2]) if len(call.args) == 3 else None  # noqa: PLR2004 - set_config's
        name = _text(call.args[0]) if call.args else None
        if local:
            passing.add((name or "unknown").lower())
            continue
        value = call.args[1] if len(call.args) > 1 else None
        clear = value is not None and (_text(value) is not None or _is_null(value))
        if local is None or name is None or not clear or call not in plain:
            return Change(unclear=True)
        lasting.append((name, None if value is None else _text(value)))
    return Change(
        lasting=frozenset(name.lower() for name, _ in lasting),
        passing=frozenset(passing),
        repeats=tuple(_repeat(statement, name, value) for name, value in lasting),
    )


def _repeat(statement: Statement, name: str, value: str | None) -> Statement:
    """Return a statement that makes the setting only, whatever else its SELECT does."""
    text = psql.SQL("SELECT pg_catalog.set_config({}, {}, false)").format(
        psql.Literal(name), psql.SQL("NULL") if value is None else psql.Literal(value)
    )
    return replace(statement, text=text.as_string(None))


def _columns(node: pb.Node) -> list[pb.FuncCall]:
    """Return the calls that are whole columns of a SELECT which makes exactly one row."""
    if node.WhichOneof("node") != "select_stmt":
        return []
    allowed = {"target_list", "limit_option", "op"}
    if any(field.name not in allowed for field, _ in node.select_stmt.ListFields()):
        return []
    values = [target.res_target.val for target in node.select_stmt.target_list]
    return [value.func_call for value in values if value.HasField("func_call")]


def _calls(statement: Statement) -> Iterator[pb.FuncCall]:
    for _, part in postgast.walk(statement.node):
        if isinstance(part, pb.FuncCall):
            yield part


def _name(call: pb.FuncCall) -> str:
    return str(call.funcname[-1].string.sval)


def _constant(node: pb.Node) -> pb.A_Const | None:
    while node.HasField("type_cast"):
        node = node.type_cast.arg
    return node.a_const if node.HasField("a_const") else None


def _text(node: pb.Node) -> str | None:
    constant = _constant(node)
    return str(constant.sval.sval) if constant and constant.HasField("sval") else None


def _is_null(node: pb.Node) -> bool:
    constant = _constant(node)
    return constant is not None and bool(constant.isnull)


def _truth(node: pb.Node) -> bool | None:
    constant = _constant(node)
    if constant is not None and constant.HasField("boolval"):
        return bool(constant.boolval.boolval)
    word = (_text(node) or "").strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


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
        yield from _made(part)


def _made(part: object) -> Iterator[_Held]:
    """Yield what one part of a statement's tree leaves in its session."""
    if isinstance(part, pb.RangeVar):
        if part.relpersistence == "t" or part.schemaname == "pg_temp":
            yield _Sort.RELATION, part.relname
    elif isinstance(part, pb.InsertStmt):
        yield _SEQUENCE
    elif isinstance(part, pb.FuncCall):
        if _SESSION_LOCKS.fullmatch(_name(part)):
            yield _LOCK
        if _name(part) in {"nextval", "setval"}:
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
            made = node.composite_type_stmt.typevar
            return str(made.relname) if made.schemaname == "pg_temp" else ""
        case _:
            return ""
    parts = [str(name.string.sval) for name in names]
    return parts[-1] if parts[0] == "pg_temp" else ""


def _ends(node: pb.Node, parts: Sequence[object]) -> Iterator[_Held]:
    """Yield what a statement takes out of its session again."""
    yield from _named(node)
    for part in parts:
        if isinstance(part, pb.FuncCall) and _name(part).startswith("pg_advisory_unlock"):
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
                yield _Sort.RELATION, _text(part.arg) or ""
        elif isinstance(part, pb.FuncCall):
            yield from _called(part)


def _called(call: pb.FuncCall) -> Iterator[_Held]:
    name = _name(call)
    if call.funcname[0].string.sval == "pg_temp":
        yield _Sort.ROUTINE, name
    if name in {"currval", "lastval"}:
        yield _SEQUENCE
    if name in _BY_NAME and call.args:
        yield _Sort.RELATION, _text(call.args[0]) or ""
