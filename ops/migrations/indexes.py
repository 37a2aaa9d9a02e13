"""The indexes that migrations build, as ops.indexbuild takes them."""

from functools import partial

from ops.db import Connection
from ops.indexbuild import Build, settle_inside
from ops.migrations import parse
from ops.migrations.facts import IndexBuild
from ops.migrations.parse import Statement
from ops.migrations.steps import Step


def build(step: Step, effect: IndexBuild) -> Build:
    """Return the index that a step builds by itself, outside of transactions."""
    return _build(step.place, step.statements[0], effect)


def met(connection: Connection, place: str, parsed: Statement) -> bool:
    """Tell whether CREATE INDEX IF NOT EXISTS in a transaction meets the index it describes.

    Raises:
        ops.errors.OpsError: see ops.indexbuild.settle_inside.
    """
    effect = parse.index_unless_exists(parsed)
    if effect is None or not effect.name:
        return False
    index = _build(place, parsed, effect)
    return settle_inside(connection, index, may_be_invalid=parse.is_only(parsed))


def _build(place: str, parsed: Statement, effect: IndexBuild) -> Build:
    command = "invoke migrate.up"
    probe = partial(parse.probe, parsed)
    return Build(place, command, effect.name, effect.schema, effect.table, probe)
