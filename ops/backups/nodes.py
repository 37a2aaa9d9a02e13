"""Names and constants in the parser's trees."""

from collections.abc import Iterable, Sequence

from google.protobuf.message import Message  # type: ignore[import-untyped] # it ships no types
from postgast import pg_query_pb2 as pb

from ops.backups.script import Name

_RESULTS = frozenset({pb.FUNC_PARAM_OUT, pb.FUNC_PARAM_TABLE})


def names_in(nodes: Iterable["pb.Node"]) -> Name:
    """Return the parts of a name that is a list of words."""
    return tuple(part.string.sval for part in nodes)


def parts_of(node: Message) -> Name:
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
            return parts_of(items[0])
        return names_in(items)
    return (constant_text(node) or node.string.sval,)


def argument_types(arguments: Iterable["pb.Node"]) -> Name:
    """Return the types by which routines and operators of one name differ."""
    return tuple(
        _type_text(argument.type_name.names, len(argument.type_name.array_bounds))
        for argument in arguments
    )


def parameter_types(parameters: Iterable["pb.Node"]) -> Name:
    """Return the same of a routine's parameters, without those that only return something."""
    return tuple(
        _type_text(parameter.arg_type.names, len(parameter.arg_type.array_bounds))
        for parameter in (node.function_parameter for node in parameters)
        if parameter.mode not in _RESULTS
    )


def _type_text(names: Sequence["pb.Node"], dimensions: int) -> str:
    parts = [part for part in names_in(names) if part != "pg_catalog"]
    return ".".join(parts) + "[]" * min(dimensions, 1)


def constant_text(node: "pb.Node") -> str | None:
    """Return a constant as text; None for what is no constant."""
    kind = node.WhichOneof("node")
    if kind == "a_expr":
        inner, operator = constant_text(node.a_expr.rexpr), node.a_expr.name
        is_minus = len(operator) == 1 and operator[0].string.sval == "-"
        is_negative = is_minus and not node.a_expr.HasField("lexpr") and inner is not None
        return f"-{inner}" if is_negative else None
    if kind in ("integer", "float"):
        return str(getattr(getattr(node, kind), f"{kind[0]}val"))
    if kind != "a_const":
        return None
    field = node.a_const.WhichOneof("val")
    if field == "boolval":
        return "true" if node.a_const.boolval.boolval else "false"
    return "NULL" if field is None else str(getattr(getattr(node.a_const, field), field))


def is_constant(node: "pb.Node") -> bool:
    """Return whether a value is written out: nothing is computed or called for it."""
    kind = node.WhichOneof("node")
    if kind == "type_cast":
        return is_constant(node.type_cast.arg)
    if kind == "a_array_expr":
        return all(map(is_constant, node.a_array_expr.elements))
    return kind == "set_to_default" or constant_text(node) is not None
