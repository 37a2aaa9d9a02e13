"""What differs between two declarations, resource by resource. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.body import NOT_IN_BODY, UnmappedInputError, api_path, instance_body
from infra.changes import Change, compare
from infra.consequences import Consequence, Effect
from infra.desired import DATABASE, INSTANCE, PASSWORD, USER, Desired, DesiredResource

TEXT_LIMIT = 200  # characters of a value that people read whole
CONTEXT = 40  # characters before and after the place where two long values part

BUCKET = "gcp:storage/bucket:Bucket"
# What is lost with a resource of these.
HOLDS_DATA = frozenset({INSTANCE, DATABASE, BUCKET})
# Inputs that make the provider replace a resource, by its type; of the others by "".
NEW = {
    DATABASE: frozenset({"name", "instance", "charset", "collation", "project"}),
    USER: frozenset({"name", "instance", "host", "type", "project"}),
    "": frozenset({"name", "project", "location", "region", "network", "bucket", "accountId"}),
}
SECRET_CHANGED = "changed"  # noqa: S105 - all that is ever shown of a secret


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
    """

    action: Action
    type: str
    name: str
    changes: tuple[Change, ...]
    loses_data: bool
    before: DesiredResource | None
    after: DesiredResource | None


def differences(before: Desired, after: Desired) -> tuple[ResourceChange, ...]:
    """Return what happens to each resource that is not the same on both sides."""
    old = {(one.type, one.name): one for one in before.resources}
    new = {(one.type, one.name): one for one in after.resources}
    found = [_resource(old.get(key), new.get(key)) for key in sorted(old.keys() | new.keys())]
    return tuple(change for change in found if change is not None)


def _resource(
    before: DesiredResource | None, after: DesiredResource | None
) -> ResourceChange | None:
    if before is None:
        return None if after is None else created(after)
    if after is None:
        lost = before.type in HOLDS_DATA
        return ResourceChange(Action.DELETE, before.type, before.name, (), lost, before, None)
    return changed(before, after, tuple(_changes(before, after)))


def created(one: DesiredResource) -> ResourceChange:
    """Return that a resource comes."""
    return ResourceChange(Action.CREATE, one.type, one.name, (), False, None, one)  # noqa: FBT003 - in order


def changed(
    before: DesiredResource, after: DesiredResource, changes: tuple[Change, ...]
) -> ResourceChange | None:
    """Return what its changes do to a resource; None where there are none."""
    if not changes:
        return None
    effects = {change.effect for change in changes}
    if Effect.REPLACE in effects:
        action = Action.REPLACE
    elif effects == {Effect.IGNORED}:
        action = Action.LEAVE
    else:
        action = Action.CHANGE
    loses = action is Action.REPLACE and after.type in HOLDS_DATA
    return ResourceChange(action, after.type, after.name, changes, loses, before, after)


def _changes(before: DesiredResource, after: DesiredResource) -> Iterator[Change]:
    if after.type == INSTANCE:
        yield from _instance(before, after)
    else:
        yield from _inputs(after, before.inputs, after.inputs)
    for name in ("protect", "ignore_changes", "deleted_with"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            what = Consequence(Effect.UPDATE, _option(name, new), "Pulumi's resource options")
            yield Change(f"options.{name}", _text(old), _text(new), Effect.UPDATE, what)


def _option(name: str, new: object) -> str:
    return "Pulumi deletes it without asking" if name == "protect" and not new else ""


def _instance(before: DesiredResource, after: DesiredResource) -> Iterator[Change]:
    """Compare two instances as the Admin API would be told of them."""
    ignored = tuple(map(api_path, after.ignore_changes))
    try:
        bodies = instance_body(before), instance_body(after)
    except UnmappedInputError:  # an older program's input: nobody knows what it does
        yield from _inputs(after, before.inputs, after.inputs, Effect.UNKNOWN)
        return
    yield from compare(bodies[1], bodies[0], ignored, whole=True)
    own = [{key: one.inputs.get(key) for key in NOT_IN_BODY} for one in (before, after)]
    yield from _inputs(after, own[0], own[1])


def _inputs(
    after: DesiredResource,
    old_inputs: Mapping[str, Any],
    new_inputs: Mapping[str, Any],
    otherwise: Effect = Effect.UPDATE,
) -> Iterator[Change]:
    old, new = dict(_leaves(old_inputs)), dict(_leaves(new_inputs))
    replaces = NEW.get(after.type, NEW[""])
    for path in sorted(old.keys() | new.keys()):
        was, will = old.get(path, ""), new.get(path, "")
        if was == will:
            continue
        if path in after.ignore_changes:
            effect = Effect.IGNORED
        elif after.type == PASSWORD or path in replaces:
            effect = Effect.REPLACE
        else:
            effect = otherwise
        told = Consequence(effect, _why(after.type, effect), "gcp provider")
        words = _short(was, will)
        yield Change(path, words[0], words[1], effect, told)


def _why(kind: str, effect: Effect) -> str:
    if effect is not Effect.REPLACE:
        return ""
    return "a new password is made" if kind == PASSWORD else "it is deleted and made anew"


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}[{number}]")
    elif value is not None:
        yield path, _text(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _short(before: str, after: str) -> tuple[str, str]:
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
    shown = text[start : place + CONTEXT]
    return f"{'...' * (start > 0)}{shown}... ({len(text):,} characters)"


def secrets_changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of encrypted values that differ; the values are never shown."""
    return tuple(
        key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)
    )
