"""Which stack file of a base became which one of the working tree, by what they say."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.settings.keys import key
from infra.stackfile import StackFileError, own_config, read_config, stacks

ALIKE = 0.5  # of the values, as Git's own rename detection takes it


def renamed(old: Path, new: Path) -> dict[str, str]:
    """Return the former name of each stack that was renamed, by its new one.

    Two files are the same stack's when they declare the same instance of the same project,
    else when most of their values are the same. The most alike come first.

    Args:
        old: The project's folder at the base.
        new: The project's folder now.
    """
    before_names, after_names = stacks(old), stacks(new)
    removed = [(name, _read(name, old)) for name in before_names if name not in after_names]
    come = [(name, _read(name, new)) for name in after_names if name not in before_names]
    pairs = sorted(
        (-_likeness(was, now), before, after) for before, was in removed for after, now in come
    )
    former: dict[str, str] = {}
    for likeness, before, after in pairs:
        if -likeness >= ALIKE and after not in former and before not in former.values():
            former[after] = before
    return former


def _read(stack: str, root: Path) -> tuple[tuple[object, object], Mapping[str, object]]:
    """Return which instance a stack declares, and its own values by their paths."""
    try:
        values, own = read_config(stack, root), own_config(stack, root)
    except StackFileError:
        return (None, None), {}
    identity = values.get("gcp:project"), values.get(key("instance"))
    return identity, dict(_leaves(own))


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, f"{path}/{name}")
    else:
        yield path, str(value)


def _likeness(
    before: tuple[tuple[object, object], Mapping[str, object]],
    after: tuple[tuple[object, object], Mapping[str, object]],
) -> float:
    """Return how alike two stack files are: 2 for the same instance, 0 for nothing in common."""
    if None not in before[0] and before[0] == after[0]:
        return 2.0
    both = len(before[1].items() & after[1].items())
    return 2 * both / max(1, len(before[1]) + len(after[1]))
