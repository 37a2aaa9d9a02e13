"""The strongest table lock that a statement takes, known from its parse tree alone.

The modes are those of PostgreSQL 15 (manual: 13.3, explicit locking), measured for
92 operations; where the tree doesn't tell, the strongest is assumed.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum

from postgast import pg_query_pb2 as pb


class LockMode(IntEnum):
    """PostgreSQL's table lock modes, weakest first, numbered as the server does."""

    NONE = 0
    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    @property
    def words(self) -> str:
        """Return the mode as the manual writes it."""
        return self.name.replace("_", " ")


def definition(command: pb.AlterTableCmd) -> pb.Node:
    """Return what an ALTER TABLE command defines: its field is named as a keyword of Python."""
    node: pb.Node = getattr(command, "def")
    return node


def is_on(options: Iterable[pb.Node], name: str) -> bool:
    """Tell whether an option such as (CONCURRENTLY) or (CONCURRENTLY off) is on."""
    for option in options:
        if option.def_elem.defname == name:
            return option.def_elem.arg.string.sval.lower() not in {"off", "false", "0", "no"}
    return False


def strongest_lock(node: pb.Node) -> LockMode:
    """Return the strongest lock on a table that exists before the statement."""
    mode = _LOCKS.get(node.WhichOneof("node") or "", LockMode.ACCESS_EXCLUSIVE)
    return mode if isinstance(mode, LockMode) else mode(node)


def _alter_table(node: pb.Node) -> LockMode:
    commands = [command.alter_table_cmd for command in node.alter_table_stmt.cmds]
    return max((_alter_command(command) for command in commands), default=LockMode.ACCESS_EXCLUSIVE)


def _alter_command(command: pb.AlterTableCmd) -> LockMode:
    command_definition = definition(command)
    if command.subtype == pb.AT_DetachPartition and command_definition.partition_cmd.concurrent:
        return LockMode.SHARE_UPDATE_EXCLUSIVE
    foreign = command_definition.constraint.contype == pb.CONSTR_FOREIGN
    if command.subtype == pb.AT_AddConstraint and foreign:
        return LockMode.SHARE_ROW_EXCLUSIVE
    return _ALTERATIONS.get(command.subtype, LockMode.ACCESS_EXCLUSIVE)


_ALTERATIONS: Mapping[int, LockMode] = {
    pb.AT_ValidateConstraint: LockMode.SHARE_UPDATE_EXCLUSIVE,
    pb.AT_SetRelOptions: LockMode.SHARE_UPDATE_EXCLUSIVE,
    pb.AT_ResetRelOptions: LockMode.SHARE_UPDATE_EXCLUSIVE,
    pb.AT_SetStatistics: LockMode.SHARE_UPDATE_EXCLUSIVE,
    pb.AT_EnableTrig: LockMode.SHARE_ROW_EXCLUSIVE,
    pb.AT_DisableTrig: LockMode.SHARE_ROW_EXCLUSIVE,
}


def _create_table(node: pb.Node) -> LockMode:
    """Return the lock on other tables: a referenced table's, a partitioned parent's."""
    statement = node.create_stmt
    if statement.inh_relations:
        return LockMode.ACCESS_EXCLUSIVE
    inner = [constraint for e in statement.table_elts for constraint in e.column_def.constraints]
    constraints = [*statement.table_elts, *inner]
    references = any(c.constraint.contype == pb.CONSTR_FOREIGN for c in constraints)
    return LockMode.SHARE_ROW_EXCLUSIVE if references else LockMode.NONE


_TABLELIKE = frozenset(
    {
        pb.OBJECT_TABLE,
        pb.OBJECT_INDEX,
        pb.OBJECT_VIEW,
        pb.OBJECT_MATVIEW,
        pb.OBJECT_FOREIGN_TABLE,
        pb.OBJECT_TRIGGER,
        pb.OBJECT_POLICY,
        pb.OBJECT_RULE,
        pb.OBJECT_SCHEMA,
        pb.OBJECT_EXTENSION,
        pb.OBJECT_TYPE,
        pb.OBJECT_DOMAIN,
        pb.OBJECT_SEQUENCE,
    }
)


def _drop(node: pb.Node) -> LockMode:
    if node.drop_stmt.concurrent:
        return LockMode.SHARE_UPDATE_EXCLUSIVE
    # Dropping a function or an operator touches no table, unless it cascades.
    cascades = node.drop_stmt.behavior == pb.DROP_CASCADE
    if cascades or node.drop_stmt.remove_type in _TABLELIKE:
        return LockMode.ACCESS_EXCLUSIVE
    return LockMode.NONE


def _vacuum(node: pb.Node) -> LockMode:
    full = is_on(node.vacuum_stmt.options, "full")
    return LockMode.ACCESS_EXCLUSIVE if full else LockMode.SHARE_UPDATE_EXCLUSIVE


def _index(node: pb.Node) -> LockMode:
    concurrent = node.index_stmt.concurrent
    return LockMode.SHARE_UPDATE_EXCLUSIVE if concurrent else LockMode.SHARE


def _reindex(node: pb.Node) -> LockMode:
    concurrent = is_on(node.reindex_stmt.params, "concurrently")
    return LockMode.SHARE_UPDATE_EXCLUSIVE if concurrent else LockMode.ACCESS_EXCLUSIVE


def _refresh(node: pb.Node) -> LockMode:
    concurrent = node.refresh_mat_view_stmt.concurrent
    return LockMode.EXCLUSIVE if concurrent else LockMode.ACCESS_EXCLUSIVE


def _rename(node: pb.Node) -> LockMode:
    index = node.rename_stmt.rename_type == pb.OBJECT_INDEX
    return LockMode.SHARE_UPDATE_EXCLUSIVE if index else LockMode.ACCESS_EXCLUSIVE


_NO_LOCK = [
    "create_schema_stmt",
    "create_function_stmt",
    "create_enum_stmt",
    "create_domain_stmt",
    "create_seq_stmt",
    "alter_seq_stmt",
    "composite_type_stmt",
    "create_range_stmt",
    "create_extension_stmt",
    "create_role_stmt",
    "alter_role_stmt",
    "alter_role_set_stmt",
    "drop_role_stmt",
    "grant_stmt",
    "grant_role_stmt",
    "alter_default_privileges_stmt",
    "alter_enum_stmt",
    "variable_set_stmt",
    "variable_show_stmt",
    "transaction_stmt",
    "alter_system_stmt",
    "createdb_stmt",
    "dropdb_stmt",
    "alter_database_stmt",
    "alter_database_set_stmt",
    "create_table_space_stmt",
    "drop_table_space_stmt",
    "notify_stmt",
    "create_subscription_stmt",
    "alter_subscription_stmt",
    "drop_subscription_stmt",
    "discard_stmt",
    "alter_function_stmt",
    "define_stmt",
    "create_cast_stmt",
    "create_table_as_stmt",
    "prepare_stmt",
    "deallocate_stmt",
    "explain_stmt",
]

_LOCKS: Mapping[str, LockMode | Callable[[pb.Node], LockMode]] = {
    **dict.fromkeys(_NO_LOCK, LockMode.NONE),
    "select_stmt": LockMode.ROW_SHARE,
    "insert_stmt": LockMode.ROW_EXCLUSIVE,
    "update_stmt": LockMode.ROW_EXCLUSIVE,
    "delete_stmt": LockMode.ROW_EXCLUSIVE,
    "merge_stmt": LockMode.ROW_EXCLUSIVE,
    "copy_stmt": LockMode.ROW_EXCLUSIVE,
    "comment_stmt": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "create_stats_stmt": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "create_trig_stmt": LockMode.SHARE_ROW_EXCLUSIVE,
    "lock_stmt": lambda n: LockMode(n.lock_stmt.mode),
    "create_stmt": _create_table,
    "alter_table_stmt": _alter_table,
    "drop_stmt": _drop,
    "vacuum_stmt": _vacuum,
    "index_stmt": _index,
    "reindex_stmt": _reindex,
    "refresh_mat_view_stmt": _refresh,
    "rename_stmt": _rename,
}
