"""What a deployment would do to the live instances: the declaration against the Admin API."""

from collections.abc import Iterator
from datetime import UTC, datetime

from infra import live
from infra.body import api_path, instance_body
from infra.changes import compare
from infra.desired import DATABASE, INSTANCE, USER, Desired, collect
from infra.preview import drills
from infra.preview.difference import ResourceChange, changed, created
from infra.preview.downtime import circumstances, restarts
from infra.preview.verdict import Preview, StackPreview, Verdict, decide
from ops.console import Silent
from ops.target import Target


def against_live(target: Target, failing: frozenset[Verdict]) -> Preview:
    """Compare what a stack declares with what there is.

    Raises:
        ops.errors.OpsError: The Admin API can't be asked.
    """
    desired = collect(target.settings)
    names = {str(resource.inputs["name"]) for resource in desired.of_type(INSTANCE)}
    instances = live.read(target.cloud(), names, Silent())
    changes = tuple(_changes(desired, instances))
    planned_restarts = restarts(changes)
    now = datetime.now(UTC)
    stack_preview = StackPreview(
        stack=target.stack,
        verdict=decide(changes, planned_restarts, blocked=False),
        changes=changes,
        restarts=planned_restarts,
        doubts=tuple(_doubts(desired, instances)),
        circumstances=tuple(circumstances(changes, desired, target.settings.change_window, now)),
        drill=drills.last_drill(target, now) if drills.asks(changes) else "",
    )
    return Preview("the live instance", "the declaration", (stack_preview,), failing)


def _doubts(desired: Desired, instances: live.Live) -> Iterator[str]:
    filled = {
        str(resource.inputs["instance"])
        for kind in (DATABASE, USER)
        for resource in desired.of_type(kind)
    }
    for name in sorted(filled & instances.keys()):
        if why := instances[name].closed:
            yield (
                f"The databases and users of {name} are not compared: {why}. Start it, and"
                " preview again."
            )


def _changes(desired: Desired, instances: live.Live) -> Iterator[ResourceChange]:
    for resource in desired.of_type(INSTANCE):
        instance = instances.get(str(resource.inputs["name"]))
        if instance is None:
            yield created(resource)
            continue
        ignored = map(api_path, resource.ignore_changes)
        change = changed(
            resource, resource, compare(instance_body(resource), instance.body, ignored)
        )
        if change is not None:
            yield change
    for kind in (DATABASE, USER):
        for resource in desired.of_type(kind):
            instance = instances.get(str(resource.inputs["instance"]))
            if instance is not None and instance.closed:
                continue
            names = (
                ()
                if instance is None
                else instance.databases
                if kind == DATABASE
                else instance.users
            )
            if resource.inputs["name"] not in names:
                yield created(resource)
