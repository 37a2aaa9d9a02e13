"""What differs between two declarations, resource by resource. Pure."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from infra.body import NOT_IN_BODY, api_path, body_of
from infra.changes import SETS, Change, compare, is_ignored
from infra.consequences import LEFT_ALONE, Consequence, Effect, severity
from infra.desired import DATABASE, INSTANCE, Desired, DesiredResource
from infra.effects.conditions import BUCKET, METRIC, REPOSITORY
from infra.effects.instances import input_path
from infra.effects.judge import judge
from infra.effects.leaves import EMPTY, Leaves, has, leaves, with_defaults
from infra.effects.losses import SECRET
from infra.effects.table import types
from infra.preview.options import forces, option_changes
from infra.preview.protection import refusals
from infra.standins import CHANNEL

TEXT_LIMIT = 200  # characters of a value that people read whole
CONTEXT = 40  # characters before and after the place where two long values part

# What is lost with a resource of these.
HOLDS_DATA = frozenset({INSTANCE, DATABASE, BUCKET, SECRET, REPOSITORY})
# Of these nobody is refused anything when they go: they watch, or start something.
WATCH = frozenset(
    {
        CHANNEL,
        METRIC,
        "gcp:cloudscheduler/job:Job",
        "gcp:monitoring/alertPolicy:AlertPolicy",
        "gcp:monitoring/dashboard:Dashboard",
    }
)
UNKNOWN_TYPE = Consequence(
    Effect.UNKNOWN, "what it does is not known: the provider's table does not have this type", ""
)


class Action(StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    CHANGE = "change"
    REPLACE = "replace"
    DELETE = "delete"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What happens to one resource.

    Attributes:
        action: What.
        type: As ``gcp:sql/user:User``.
        name: Its name in the program.
        changes: Its properties that differ; none where it comes or goes.
        loses_data: Whether what it holds is lost.
        before: The resource as it was; None where it comes.
        after: The resource as it is to be; None where it goes.
        refused_by: What will refuse it, in words; none where nothing does.
    """

    action: Action
    type: str
    name: str
    changes: tuple[Change, ...]
    loses_data: bool
    before: DesiredResource | None
    after: DesiredResource | None
    refused_by: tuple[str, ...] = ()

    @property
    def effect(self) -> Effect:
        """The worst that happens to it."""
        if self.loses_data or self.action is Action.REPLACE:
            return Effect.REPLACE
        effects = [change.effect for change in self.changes]
        if self.action is Action.DELETE and self.type not in WATCH:
            effects.append(Effect.INTERRUPT if self.type in types() else Effect.UNKNOWN)
        return max(effects, key=severity, default=Effect.UPDATE)


def differences(before: Desired, after: Desired) -> tuple[ResourceChange, ...]:
    """Return what happens to each resource that is not the same on both sides.

    The instances come first, then what loses data or interrupts, the worst first; what only
    watches comes last.
    """
    from infra.preview.cascade import follow  # it takes this module's values

    old = {resource.key: resource for resource in before.resources}
    removed = old.keys() - {resource.key for resource in after.resources}
    new = {_key_before(resource, removed): resource for resource in after.resources}
    pairs = {key: _resource(old.get(key), new.get(key)) for key in old.keys() | new.keys()}
    changes = {key: change for key, change in pairs.items() if change is not None}
    return tuple(sorted(follow(changes, old, new).values(), key=_place))


def _key_before(resource: DesiredResource, removed: AbstractSet[str]) -> str:
    """Return the key that a resource has at the base: an alias keeps what was renamed."""
    for alias in (resource.options or {}).get("aliases", ()):
        key = f"{alias.get('type', resource.type)}::{alias.get('name', resource.name)}"
        if key in removed:
            return key
    return resource.key


def _place(change: ResourceChange) -> tuple[object, ...]:
    group = 0 if change.type == INSTANCE else 2 if change.type in WATCH else 1
    return group, not change.loses_data, -severity(change.effect), change.type, change.name


def _resource(
    before: DesiredResource | None, after: DesiredResource | None
) -> ResourceChange | None:
    if before is None:
        return None if after is None else created(after)
    if after is None:
        return _deleted(before)
    return changed(before, after, tuple(_changes(before, after)))


def created(resource: DesiredResource) -> ResourceChange:
    """Return that a resource comes."""
    changes = _unknown_type(resource, "", "created")
    return ResourceChange(
        action=Action.CREATE,
        type=resource.type,
        name=resource.name,
        changes=changes,
        loses_data=False,
        before=None,
        after=resource,
    )


def _deleted(resource: DesiredResource) -> ResourceChange:
    return ResourceChange(
        action=Action.DELETE,
        type=resource.type,
        name=resource.name,
        changes=_unknown_type(resource, "declared", ""),
        loses_data=resource.type in HOLDS_DATA,
        before=resource,
        after=None,
        refused_by=tuple(refusals(resource, None)),
    )


def _unknown_type(resource: DesiredResource, before: str, after: str) -> tuple[Change, ...]:
    """Return why nobody can tell what it does that a resource comes or goes.

    A policy of IAM, for one, deletes as it is made every grant that it does not have.
    """
    if resource.type in types() or (resource.options or {}).get("component"):
        return ()
    return (Change("type", before, after, Effect.UNKNOWN, UNKNOWN_TYPE),)


def changed(
    before: DesiredResource, after: DesiredResource, changes: tuple[Change, ...]
) -> ResourceChange | None:
    """Return what its changes do to a resource; None where there are none."""
    if not changes:
        return None
    effects = {change.effect for change in changes}
    if Effect.REPLACE in effects:
        action = Action.REPLACE
    elif effects <= LEFT_ALONE:
        action = Action.LEAVE
    else:
        action = Action.CHANGE
    replaced = action is Action.REPLACE
    return ResourceChange(
        action=action,
        type=after.type,
        name=after.name,
        changes=changes,
        loses_data=replaced and after.type in HOLDS_DATA,
        before=before,
        after=after,
        refused_by=tuple(refusals(before, after)) if replaced else (),
    )


def _changes(before: DesiredResource, after: DesiredResource) -> Iterator[Change]:
    if after.type == INSTANCE:
        yield from _instance(before, after)
    else:
        yield from _inputs(after, before.inputs, after.inputs)
    yield from option_changes(before, after)


def _instance(before: DesiredResource, after: DesiredResource) -> Iterator[Change]:
    """Compare two instances as the Admin API would be told of them."""
    ignored = tuple(map(api_path, after.ignore_changes))
    for change in compare(body_of(after.inputs), body_of(before.inputs), ignored, complete=True):
        yield _forced(change, input_path(change.property), after)
    own = [{**_empty(side), **_not_in_body(side)} for side in (before, after)]
    yield from _inputs(after, own[0], own[1])


def _not_in_body(instance: DesiredResource) -> dict[str, Any]:
    return {name: instance.inputs.get(name) for name in NOT_IN_BODY}


def _empty(instance: DesiredResource) -> dict[str, str]:
    """Return the empty blocks, which a body does not have."""
    return {
        path: text for path, text in leaves(instance.inputs) if text in EMPTY and path not in SETS
    }


def _inputs(
    after: DesiredResource,
    old_inputs: Mapping[str, Any],
    new_inputs: Mapping[str, Any],
) -> Iterator[Change]:
    old, new = with_defaults(after.type, dict(leaves(old_inputs)), dict(leaves(new_inputs)))
    for path in sorted(old.keys() | new.keys()):
        if old.get(path, "") == new.get(path, "") or _filled(path, old, new):
            continue
        consequence = judge(after.type, path, old, new)
        if is_ignored(path, after.ignore_changes):
            consequence = replace(consequence, effect=Effect.IGNORED, why="")
        words = shortened(old.get(path, ""), new.get(path, ""))
        change = Change(path, words[0], words[1], consequence.effect, consequence)
        yield _forced(change, path, after)


def _filled(path: str, old: Leaves, new: Leaves) -> bool:
    """Tell whether an empty block is only filled or emptied: what is in it has its own leaves."""
    empty = {old.get(path, ""), new.get(path, "")} & EMPTY
    return bool(empty) and has(old, path) and has(new, path)


def _forced(change: Change, path: str, after: DesiredResource) -> Change:
    if change.effect is Effect.IGNORED or not forces(path, after):
        return change
    what = Consequence(Effect.REPLACE, "replaceOnChanges names it", "Pulumi's resource options")
    return replace(change, effect=Effect.REPLACE, consequence=what)


def shortened(before: str, after: str) -> tuple[str, str]:
    """Return both values; of long ones what lies around the place where they part."""
    if max(len(before), len(after)) <= TEXT_LIMIT:
        return before, after
    pairs = enumerate(zip(before, after, strict=False))
    same = next((at for at, (old, new) in pairs if old != new), min(len(before), len(after)))
    return _around(before, same), _around(after, same)


def _around(text: str, place: int) -> str:
    if len(text) <= TEXT_LIMIT:
        return text
    start = max(0, place - CONTEXT)
    excerpt = text[start : place + CONTEXT]
    return f"{'...' * (start > 0)}{excerpt}... ({len(text):,} characters)"


def secrets_changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of encrypted values that differ; the values are never shown."""
    return tuple(
        key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)
    )
