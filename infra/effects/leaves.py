"""The inputs of a resource as leaves: each value as text, by its path."""

import json
from collections.abc import Iterator, Mapping

from infra.effects.table import rows, without_indexes

Leaves = Mapping[str, str]
"""Values as text by their paths, as ``replication.userManaged.replicas[0].location``."""

EMPTY = {"{}", "[]"}


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value with its path; an empty block or list too, since it is not nothing."""
    if isinstance(value, Mapping) and (value or path):
        if not value:
            yield path, "{}"
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        if not value:
            yield path, "[]"
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]")
    elif value is not None and path:
        yield path, as_text(value)


def as_text(value: object) -> str:
    """Return a value as people read it."""
    if isinstance(value, str):
        return value
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def blocks(path: str) -> Iterator[str]:
    """Yield the blocks and entries that a path lies in, the innermost first."""
    for place in range(len(path) - 1, 0, -1):
        if path[place] == "." or path[place] == "[":
            yield path[:place]


def has(sides: Leaves, path: str) -> bool:
    """Tell whether a side has a property, or anything below it."""
    return path in sides or any(key.startswith((f"{path}.", f"{path}[")) for key in sides)


def with_defaults(kind: str, before: Leaves, after: Leaves) -> tuple[Leaves, Leaves]:
    """Return both sides, where one leaves out what the other sets with the provider's default.

    Left out, an instance's ``ipv4Enabled`` is true: a difference of ``false`` that no
    comparison of what is written would show.
    """
    return _filled(kind, before, after), _filled(kind, after, before)


def _filled(kind: str, side: Leaves, other: Leaves) -> Leaves:
    added: dict[str, str] = {}
    for path in other.keys() - side.keys():
        row = rows().get((kind, without_indexes(path)))
        block = next(blocks(path), "")
        if row is not None and row.default and (not block or has(side, block)):
            added[path] = row.default
    return {**side, **added} if added else side
