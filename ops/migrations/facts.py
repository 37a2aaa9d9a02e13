"""What a statement is, known from its parse tree (libpg_query's) alone."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import postgast
from postgast import pg_query_pb2 as pb

from ops.migrations.locks import LockMode, definition, is_on, strongest_lock


class Kind(StrEnum):
    """Statements that the cutting into steps treats each in its own way."""

    BEGIN = "begin"
    COMMIT = "commit"
    TRANSACTION = "other transaction control"
    SETTING = "session setting"
    PROCEDURE = "may end transactions itself"
    ENUM_VALUE = "new enum value"
    COPY_INPUT = "reads the client's input"
    DISCARD = "forgets the session"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class IndexBuild:
    """CREATE INDEX CONCURRENTLY; the name is empty where PostgreSQL would choose one."""

    name: str
    schema: str
    table: str


@dataclass(frozen=True, slots=True)
class IndexDrop:
    """DROP INDEX CONCURRENTLY."""

    name: str
    schema: str


@dataclass(frozen=True, slots=True)
class Reindex:
    """REINDEX CONCURRENTLY of an index or of a table."""

    name: str
    schema: str


@dataclass(frozen=True, slots=True)
class Detach:
    """ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY."""

    schema: str
    table: str
    partition_schema: str
    partition: str


@dataclass(frozen=True, slots=True)
class DatabaseMade:
    """CREATE DATABASE."""

    name: str


Effect = IndexBuild | IndexDrop | Reindex | Detach | DatabaseMade


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a statement without a database.

    Attributes:
        kind: how the cutting treats it.
        lock: the strongest table lock that it takes.
        alone: the command's name where PostgreSQL refuses it inside a transaction, else "".
        effect: what the catalog shows once it is done; only where a crash needs that.
        value: the new value of an ALTER TYPE ... ADD VALUE, else "".
        schema: the schema that a CREATE SCHEMA IF NOT EXISTS asks for, else "".
        commits: whether a DO has COMMIT or ROLLBACK in its own text. What it calls may commit
            as well; only PostgreSQL knows.
    """

    kind: Kind = Kind.PLAIN
    lock: LockMode = LockMode.NONE
    alone: str = ""
    effect: Effect | None = None
    value: str = ""
    schema: str = ""
    commits: bool = False


_ENDS = re.compile("commit|rollback", re.IGNORECASE)  # spares the others a second parser
_ENDING = frozenset({"PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback"})


def learn(node: pb.Node) -> Facts:
    """Return what a statement's tree tells."""
    name = node.WhichOneof("node") or ""
    return Facts(
        kind=_kind(name, node),
        lock=strongest_lock(node),
        alone=_alone(name, node),
        effect=_effect(name, node),
        value=node.alter_enum_stmt.new_val if name == "alter_enum_stmt" else "",
        schema=_wanted_schema(name, node),
        commits=name == "do_stmt" and _commits(node.do_stmt),
    )


def _wanted_schema(name: str, node: pb.Node) -> str:
    creation = node.create_schema_stmt
    return creation.schemaname if name == "create_schema_stmt" and creation.if_not_exists else ""


def _commits(block: pb.DoStmt) -> bool:
    """Tell whether PL/pgSQL ends transactions; another language, or text it refuses, does not."""
    words = {item.def_elem.defname: item.def_elem.arg.string.sval for item in block.args}
    body = words.get("as", "")
    if words.get("language", "plpgsql") != "plpgsql" or not _ENDS.search(body):
        return False
    quote = "$q$"
    while quote in body:
        quote = f"$q{quote[1:]}"
    try:
        trees: list[object] = [postgast.parse_plpgsql(f"DO {quote}{body}{quote}")]
    except (postgast.PgQueryError, ValueError, RecursionError):
        return False
    while trees:
        tree = trees.pop()
        if isinstance(tree, dict):
            if not _ENDING.isdisjoint(tree):
                return True
            trees.extend(tree.values())
        elif isinstance(tree, list):
            trees.extend(tree)
    return False


def _kind(name: str, node: pb.Node) -> Kind:
    if name == "transaction_stmt":
        return _transaction(node.transaction_stmt)
    if name == "variable_set_stmt":
        setting = node.variable_set_stmt
        # SET TRANSACTION ends with its transaction, as SET LOCAL does.
        local = setting.is_local or setting.name.startswith("TRANSACTION")
        return Kind.PLAIN if local else Kind.SETTING
    if name == "load_stmt":
        return Kind.SETTING  # of the session, like SET: it may be repeated for later steps
    if name == "alter_enum_stmt":
        return Kind.PLAIN if node.alter_enum_stmt.old_val else Kind.ENUM_VALUE
    if name == "copy_stmt":
        copy = node.copy_stmt
        return Kind.PLAIN if copy.filename or copy.is_program else Kind.COPY_INPUT
    kinds = {"do_stmt": Kind.PROCEDURE, "call_stmt": Kind.PROCEDURE, "discard_stmt": Kind.DISCARD}
    return kinds.get(name, Kind.PLAIN)


def _transaction(statement: pb.TransactionStmt) -> Kind:
    if statement.kind in {pb.TRANS_STMT_BEGIN, pb.TRANS_STMT_START} and not statement.options:
        return Kind.BEGIN
    if statement.kind == pb.TRANS_STMT_COMMIT and not statement.chain:
        return Kind.COMMIT
    inside = {pb.TRANS_STMT_SAVEPOINT, pb.TRANS_STMT_RELEASE, pb.TRANS_STMT_ROLLBACK_TO}
    return Kind.PLAIN if statement.kind in inside else Kind.TRANSACTION


def _reindexes_alone(node: pb.Node) -> bool:
    broad = {pb.REINDEX_OBJECT_SCHEMA, pb.REINDEX_OBJECT_SYSTEM, pb.REINDEX_OBJECT_DATABASE}
    statement = node.reindex_stmt
    return statement.kind in broad or is_on(statement.params, "concurrently")


def _moves_database(node: pb.Node) -> bool:
    return any(o.def_elem.defname == "tablespace" for o in node.alter_database_stmt.options)


def _detach(node: pb.Node) -> pb.PartitionCmd | None:
    for command in node.alter_table_stmt.cmds:
        if command.alter_table_cmd.subtype == pb.AT_DetachPartition:
            partition = definition(command.alter_table_cmd).partition_cmd
            return partition if partition.concurrent else None
    return None


def _always(_node: pb.Node) -> bool:
    return True


# PreventInTransactionBlock() in PostgreSQL 15's source, command by command.
_ALONE: Mapping[str, tuple[str, Callable[[pb.Node], bool]]] = {
    "index_stmt": ("CREATE INDEX CONCURRENTLY", lambda n: n.index_stmt.concurrent),
    "drop_stmt": ("DROP INDEX CONCURRENTLY", lambda n: n.drop_stmt.concurrent),
    "reindex_stmt": ("REINDEX CONCURRENTLY", _reindexes_alone),
    "vacuum_stmt": ("VACUUM", lambda n: n.vacuum_stmt.is_vacuumcmd),
    "cluster_stmt": ("CLUSTER", lambda n: not n.cluster_stmt.HasField("relation")),
    "alter_table_stmt": ("DETACH PARTITION CONCURRENTLY", lambda n: _detach(n) is not None),
    "createdb_stmt": ("CREATE DATABASE", _always),
    "dropdb_stmt": ("DROP DATABASE", _always),
    "alter_database_stmt": ("ALTER DATABASE SET TABLESPACE", _moves_database),
    "alter_system_stmt": ("ALTER SYSTEM", _always),
    "create_table_space_stmt": ("CREATE TABLESPACE", _always),
    "drop_table_space_stmt": ("DROP TABLESPACE", _always),
    "create_subscription_stmt": ("CREATE SUBSCRIPTION", _always),
    "alter_subscription_stmt": ("ALTER SUBSCRIPTION", _always),
    "drop_subscription_stmt": ("DROP SUBSCRIPTION", _always),
}


def _alone(name: str, node: pb.Node) -> str:
    command, holds = _ALONE.get(name, ("", _always))
    return command if command and holds(node) else ""


def _effect(name: str, node: pb.Node) -> Effect | None:
    if not _alone(name, node):
        return None
    reader = _EFFECTS.get(name)
    return reader(node) if reader else None


def _index_drop(node: pb.Node) -> Effect:
    names = [item.string.sval for item in node.drop_stmt.objects[0].list.items]
    return IndexDrop(name=names[-1], schema=names[-2] if len(names) > 1 else "")


def _partition_detached(node: pb.Node) -> Effect | None:
    relation, command = node.alter_table_stmt.relation, _detach(node)
    if command is None:
        return None
    name = command.name
    return Detach(relation.schemaname, relation.relname, name.schemaname, name.relname)


def _built(node: pb.Node) -> Effect:
    index = node.index_stmt
    return IndexBuild(index.idxname, index.relation.schemaname, index.relation.relname)


def _reindexed(node: pb.Node) -> Effect | None:
    relation = node.reindex_stmt.relation
    return Reindex(relation.relname, relation.schemaname) if relation.relname else None


_EFFECTS: Mapping[str, Callable[[pb.Node], Effect | None]] = {
    "index_stmt": _built,
    "drop_stmt": _index_drop,
    "reindex_stmt": _reindexed,
    "alter_table_stmt": _partition_detached,
    "createdb_stmt": lambda n: DatabaseMade(n.createdb_stmt.dbname),
}
