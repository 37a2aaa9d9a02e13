"""Steps outside of transactions: what the catalog says of them, before and after.

A crash can leave such a step done, half done or not begun, whatever the ledger says.
"""

from collections.abc import Callable

import psycopg
from psycopg import sql as psql
from psycopg.rows import scalar_row

from ops import indexbuild, sql
from ops.db import Connection, statement
from ops.errors import OpsError
from ops.indexbuild import regclass
from ops.migrations import indexes
from ops.migrations.facts import DatabaseMade, Detach, IndexBuild, IndexDrop, Reindex
from ops.migrations.parse import Statement
from ops.migrations.steps import Step


def settle(
    connection: Connection, step: Step, *, is_begun: bool, tell: Callable[[str], None]
) -> bool:
    """Tell whether a step is done already; clear up what an interrupted run left of it.

    Args:
        connection: outside of a transaction, with the step's timeouts.
        step: one statement outside of transactions.
        is_begun: whether an interrupted run began it. What nobody began is not ours: that an
            object of the name exists is then left to PostgreSQL's own refusal.
        tell: shows a line about what is removed.

    Raises:
        ops.errors.OpsError: something else bears the name of what is to be made.
    """
    match step.effect:
        case IndexBuild() as build:
            return indexbuild.settle(connection, indexes.build(step, build), tell)
        case Reindex() as reindex:
            _drop_leftovers(connection, reindex)
            return False
        case Detach() as detach:
            return _detached(connection, detach, is_begun=is_begun)
        case IndexDrop() as drop:
            values = {"relation": regclass(drop.schema, drop.name)}
            return is_begun and not _true(connection, "relation_exists", values)
        case DatabaseMade() as creation:
            return is_begun and _true(connection, "database_exists", {"name": creation.name})
        case None:
            return False


def confirm(connection: Connection, step: Step) -> None:
    """Raise unless the catalog shows what the step was to make."""
    if isinstance(step.effect, IndexBuild):
        indexbuild.confirm(connection, indexes.build(step, step.effect))


def clear(connection: Connection, step: Step) -> None:
    """Remove what a step that failed left behind."""
    if isinstance(step.effect, IndexBuild):
        indexbuild.clear(connection, indexes.build(step, step.effect))


def settle_inside(connection: Connection, step: Step, parsed: Statement) -> bool:
    """Tell whether a statement inside a transaction meets what it describes already.

    Raises:
        ops.errors.OpsError: IF NOT EXISTS would hide that something else is there.
    """
    place = f"{step.migration.file}:{parsed.line}"
    return indexes.met(connection, place, parsed)


def left(connection: Connection, step: Step) -> str:
    """Return what is left of a step that was interrupted, as a sentence."""
    again = f"`invoke migrate.{step.direction}`"
    if step.transactional:
        return "Nothing of this step is left."
    unknown = f"The next {again} goes on from what the ledger and the catalog say."
    if not isinstance(step.effect, IndexBuild) or connection.closed:
        return unknown
    try:
        complete = indexbuild.is_whole(connection, indexes.build(step, step.effect))
    except (psycopg.Error, OpsError):
        return unknown
    if complete is None:
        return "Nothing of the index is left."
    done = (
        "is complete; the next {} records it"
        if complete
        else ("is left unfinished and costs every write; the next {} drops it and builds it anew")
    )
    return f"The index {step.effect.name} {done.format(again)}."


def _true(connection: Connection, name: str, values: dict[str, str]) -> bool:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return bool(cursor.execute(statement(sql.load(f"migrate/{name}")), values).fetchone())


def _drop_leftovers(connection: Connection, reindex: Reindex) -> None:
    values = {"relation": regclass(reindex.schema, reindex.name)}
    rows = connection.execute(statement(sql.load("migrate/reindex_leftovers")), values)
    for schema, name in rows.fetchall():
        drop = psql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}")
        connection.execute(drop.format(psql.Identifier(schema, name)))


def _detached(connection: Connection, detach: Detach, *, is_begun: bool) -> bool:
    """Finish a detaching that is under way; tell whether the partition is off."""
    parent = psql.Identifier(*filter(None, (detach.schema, detach.table)))
    partition = psql.Identifier(*filter(None, (detach.partition_schema, detach.partition)))
    values = {
        "table": regclass(detach.schema, detach.table),
        "partition": regclass(detach.partition_schema, detach.partition),
    }
    with connection.cursor(row_factory=scalar_row) as cursor:
        cursor.execute(statement(sql.load("migrate/partition_state")), values)
        pending = cursor.fetchone()
    if pending:
        finalize = psql.SQL("ALTER TABLE {} DETACH PARTITION {} FINALIZE")
        connection.execute(finalize.format(parent, partition))
        return True
    return pending is None and is_begun
