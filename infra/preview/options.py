"""What differs in Pulumi's options of a resource, and what that does. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.changes import Change, is_ignored
from infra.consequences import Consequence, Effect
from infra.desired import DesiredResource
from infra.effects.leaves import as_text

SOURCE = "Pulumi's resource options"
# What they change is what a later deployment does; the rest of the options is unknown.
LATER = frozenset({"deleteBeforeReplace", "retainOnDelete", "replaceOnChanges"})
NEW_URN = "its parent is part of its URN: without an alias it is deleted and made anew"
UNMASKED = "what was left alone may differ in the state, which nobody sees here"


def option_changes(before: DesiredResource, after: DesiredResource) -> Iterator[Change]:
    """Yield the options that differ on both sides of a resource."""
    for name in ("protect", "deleted_with"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            why = "Pulumi deletes it without asking" if name == "protect" and not new else ""
            yield _change(name, old, new, Effect.UPDATE, why)
    if before.ignore_changes != after.ignore_changes:
        differing = [
            path for path in before.ignore_changes if not is_ignored(path, after.ignore_changes)
        ]
        effect = Effect.UNKNOWN if differing else Effect.UPDATE
        why = UNMASKED if differing else ""
        yield _change("ignore_changes", before.ignore_changes, after.ignore_changes, effect, why)
    yield from _others(before.options, after.options)


def _others(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[Change]:
    old, new = before or {}, after or {}
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name) or name == "aliases":  # those only tell who is who
            continue
        if name in LATER:
            yield _change(name, old.get(name), new.get(name), Effect.UPDATE, "")
        elif before is None or after is None:
            why = "an older program does not record its options: nobody can tell what differs"
            yield _change(name, old.get(name), new.get(name), Effect.UNKNOWN, why)
        elif name == "parent":
            effect = Effect.UNKNOWN if new.get("aliases") else Effect.REPLACE
            yield _change(name, old.get(name), new.get(name), effect, NEW_URN)
        elif name == "replacementTrigger":
            why = "it is deleted and made anew"
            yield _change(name, old.get(name), new.get(name), Effect.REPLACE, why)
        else:
            why = "what this option changes is not known here"
            yield _change(name, old.get(name), new.get(name), Effect.UNKNOWN, why)


def _change(name: str, old: object, new: object, effect: Effect, why: str) -> Change:
    what = Consequence(effect, why, SOURCE)
    return Change(f"options.{name}", _text(old), _text(new), effect, what)


def _text(value: object) -> str:
    return "" if value is None else as_text(value)


def forces(path: str, resource: DesiredResource) -> bool:
    """Tell whether a resource's ``replaceOnChanges`` makes a change of a property replace it."""
    named = (resource.options or {}).get("replaceOnChanges", ())
    return "*" in named or is_ignored(path, named)
