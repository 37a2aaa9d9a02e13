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
    names = {str(one.inputs["name"]) for one in desired.of_type(INSTANCE)}
    there = live.read(target.cloud(), names, Silent())
    changes = tuple(_changes(desired, there))
    told = restarts(changes)
    now = datetime.now(UTC)
    said = StackPreview(
        stack=target.stack,
        verdict=decide(changes, told, blocked=False),
        changes=changes,
        restarts=told,
        doubts=tuple(_doubts(desired, there)),
        circumstances=tuple(circumstances(changes, desired, target.settings.change_window, now)),
        drill=drills.last_drill(target, now) if drills.asks(changes) else "",
    )
    return Preview("the live instance", "the declaration", (said,), failing)


def _doubts(desired: Desired, there: live.Live) -> Iterator[str]:
    filled = {
        str(one.inputs["instance"]) for kind in (DATABASE, USER) for one in desired.of_type(kind)
    }
    for name in sorted(filled & there.keys()):
        if why := there[name].closed:
            yield (
                f"The databases and users of {name} are not compared: {why}. Start it, and"
                " preview again."
            )


def _changes(desired: Desired, there: live.Live) -> Iterator[ResourceChange]:
    for one in desired.of_type(INSTANCE):
        found = there.get(str(one.inputs["name"]))
        if found is None:
            yield created(one)
            continue
        ignored = map(api_path, one.ignore_changes)
        told = changed(one, one, compare(instance_body(one), found.body, ignored))
        if told is not None:
            yield told
    for kind in (DATABASE, USER):
        for one in desired.of_type(kind):
            found = there.get(str(one.inputs["instance"]))
            if found is not None and found.closed:
                continue
            names = () if found is None else found.databases if kind == DATABASE else found.users
            if one.inputs["name"] not in names:
                yield created(one)
