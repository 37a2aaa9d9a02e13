"""Which settings a statement changes, by its own text: pure, from its parse tree."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from postgast import pg_query_pb2 as pb
from psycopg import sql as psql

from ops import sqltrees as trees
from ops.migrations.facts import Kind
from ops.migrations.parse import Statement

_CHARACTERISTICS = tuple(
    f"default_transaction_{name}" for name in ("deferrable", "isolation", "read_only")
)
# Statements whose function calls run later, in other sessions.
DEFINITIONS = frozenset(
    {"create_function_stmt", "create_policy_stmt", "create_trig_stmt", "rule_stmt", "view_stmt"}
)
_BUILT_IN = frozenset({"pg_catalog", "set_config"})
_EVERYTHING = "all"  # what RESET ALL sets
_TRUE = frozenset({"t", "true", "y", "yes", "on", "1"})
_FALSE = frozenset({"f", "false", "n", "no", "off", "0"})


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
        for call in calls(statement)
        if function_name(call) == "current_setting" and call.args
        for name in [text_of(call.args[0])]
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


def _set(statement: Statement, node: pb.VariableSetStmt) -> Change:
    if node.kind == pb.VAR_RESET_ALL:
        return Change(lasting=frozenset({_EVERYTHING}))
    if node.name.startswith("TRANSACTION"):
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
    for call in calls(statement):
        if function_name(call) != "set_config" or call.funcname[0].string.sval not in _BUILT_IN:
            continue
        local = _truth(call.args[2]) if len(call.args) == 3 else None  # noqa: PLR2004 - set_config's
        name = text_of(call.args[0]) if call.args else None
        if local:
            passing.add((name or "unknown").lower())
            continue
        value = call.args[1] if len(call.args) > 1 else None
        clear = value is not None and (text_of(value) is not None or _is_null(value))
        if local is None or name is None or not clear or call not in plain:
            return Change(unclear=True)
        lasting.append((name, None if value is None else text_of(value)))
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


def calls(statement: Statement) -> Iterator[pb.FuncCall]:
    """Yield every function call that a statement makes, but not what it only defines."""
    if statement.node.WhichOneof("node") in DEFINITIONS:
        return
    for part in trees.walk(statement.node):
        if isinstance(part, pb.FuncCall):
            yield part


def function_name(call: pb.FuncCall) -> str:
    """Return a function's name without its schema."""
    return str(call.funcname[-1].string.sval)


def _constant(node: pb.Node) -> pb.A_Const | None:
    while node.HasField("type_cast"):
        node = node.type_cast.arg
    return node.a_const if node.HasField("a_const") else None


def text_of(node: pb.Node) -> str | None:
    """Return the text of a constant, cast or not; None for anything else."""
    constant = _constant(node)
    return str(constant.sval.sval) if constant and constant.HasField("sval") else None


def _is_null(node: pb.Node) -> bool:
    constant = _constant(node)
    return constant is not None and bool(constant.isnull)


def _truth(node: pb.Node) -> bool | None:
    constant = _constant(node)
    if constant is not None and constant.HasField("boolval"):
        return bool(constant.boolval.boolval)
    word = (text_of(node) or "").strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None
