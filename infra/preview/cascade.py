"""What follows from a replaced resource: what its outputs feed is new as well. Pure.

In a preview the engine does not know the outputs of a resource that is made anew, and the
provider replaces what has such a value in an input that forces it. Which input that is, the
registration says by property (``settings``); within a property it is looked for by what the
resource is called.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from infra.body import NOT_IN_BODY, api_path
from infra.changes import Change
from infra.consequences import LEFT_ALONE, Consequence, Effect, consequence, severity
from infra.desired import INSTANCE, UNKNOWN_UNTIL_DEPLOYED, DesiredResource
from infra.effects.judge import judge
from infra.effects.leaves import Leaves, leaves
from infra.effects.table import without_indexes
from infra.preview.difference import Action, ResourceChange, changed

Changes = dict[str, ResourceChange]
Resources = Mapping[str, DesiredResource]
CALLED = ("name", "accountId", "roleId", "secretId", "repositoryId")


def follow(changes: Changes, old: Resources, new: Resources) -> Changes:
    """Return the changes, with those that follow from a replacement.

    Args:
        changes: What differs between both sides, by the resources' keys.
        old: The resources of the base.
        new: The resources to be, by the same keys.
    """
    both = [key for key in new if key in old]
    names = {new[key].key: key for key in new}
    followed = dict(changes)
    waiting = True
    while waiting:
        waiting = False
        anew = {key for key, change in followed.items() if change.action is Action.REPLACE}
        for key in both:
            fed = tuple(_fed(old[key], new[key], anew, new, names))
            known = followed.get(key)
            merged = _merged(() if known is None else known.changes, fed)
            if merged != (() if known is None else known.changes):
                result = changed(old[key], new[key], merged)
                assert result is not None  # noqa: S101 - it has changes
                followed[key], waiting = result, True
    return followed


def _merged(changes: tuple[Change, ...], more: tuple[Change, ...]) -> tuple[Change, ...]:
    """Return the worse change of each property."""
    merged = {change.property: change for change in changes}
    for change in more:
        known = merged.get(change.property)
        if known is None or (
            known.effect not in LEFT_ALONE and severity(change.effect) > severity(known.effect)
        ):
            merged[change.property] = change
    return tuple(merged.values())


def _fed(
    before: DesiredResource,
    after: DesiredResource,
    anew: set[str],
    new: Resources,
    names: Mapping[str, str],
) -> Iterator[Change]:
    """Yield the properties of a resource that what is made anew feeds."""
    if after.fed_by is None:
        names_of_new = {new[key].name for key in anew if key in new and key != names.get(after.key)}
        for name in sorted(names_of_new & set(after.depends_on)):
            yield _change("inputs", "", "", _unrecorded(name))
        return
    for property_, keys in after.fed_by.items():
        sources = [new[names[key]] for key in keys if names.get(key) in anew]
        for source in sources:
            yield from _property(after, property_, source)
        if not sources:
            yield from _elsewhere(before, after, property_)


def _unrecorded(name: str) -> Consequence:
    why = f"{name} is made anew, and an older program does not record what it feeds here"
    return Consequence(Effect.UNKNOWN, why, "")


def _property(after: DesiredResource, property_: str, source: DesiredResource) -> Iterator[Change]:
    inputs = dict(leaves(after.inputs))
    why = f"{source.name} is made anew, and its value comes from there"
    for path in _candidates(inputs, property_, source):
        yield from _unknown_value(after, path, inputs, why)


def _elsewhere(before: DesiredResource, after: DesiredResource, property_: str) -> Iterator[Change]:
    """Yield what reads the same on both sides, and comes from another resource now."""
    feeds = after.fed_by or {}
    sources = before.depends_on if before.fed_by is None else before.fed_by.get(property_, ())
    if sources == (after.depends_on if before.fed_by is None else feeds[property_]):
        return
    inputs = dict(leaves(after.inputs))
    for path, text in dict(leaves(before.inputs)).items():
        same = inputs.get(path) == text and UNKNOWN_UNTIL_DEPLOYED in text
        if same and _within(path, property_):
            why = "its value comes from another resource"
            yield from _unknown_value(after, path, inputs, why, at_least=Effect.UNKNOWN)


def _within(path: str, property_: str) -> bool:
    return path == property_ or path.startswith((f"{property_}.", f"{property_}["))


def _candidates(inputs: Leaves, property_: str, source: DesiredResource) -> list[str]:
    """Return the leaves of a property that a resource may feed."""
    texts = {path: text for path, text in inputs.items() if _within(path, property_)}
    references = [source.name, UNKNOWN_UNTIL_DEPLOYED]
    references += [str(source.inputs[name]) for name in CALLED if name in source.inputs]
    likely = [path for path, text in texts.items() if any(name in text for name in references)]
    return likely or list(texts)


def _unknown_value(
    after: DesiredResource,
    path: str,
    inputs: Leaves,
    why: str,
    at_least: Effect = Effect.UPDATE,
) -> Iterator[Change]:
    """Yield what a value does that only a deployment can tell, where it does something."""
    to_come = {**inputs, path: UNKNOWN_UNTIL_DEPLOYED}
    reasons = [judge(after.type, path, inputs, to_come)]
    name = path
    if after.type == INSTANCE and path not in NOT_IN_BODY:
        name = api_path(without_indexes(path))
        reasons.append(consequence(name, inputs[path], UNKNOWN_UNTIL_DEPLOYED))
    worst = max(reasons, key=lambda reason: severity(reason.effect))
    if severity(at_least) > severity(worst.effect):
        worst = replace(worst, effect=at_least)
    if worst.effect in {Effect.UPDATE, *LEFT_ALONE}:
        return
    yield _change(name, inputs[path], UNKNOWN_UNTIL_DEPLOYED, replace(worst, why=why))


def _change(name: str, before: str, after: str, what: Consequence) -> Change:
    return Change(name, before, after, what.effect, what)
