"""Keys that a YAML file has twice: of both values PyYAML would silently take the last."""

from collections.abc import Iterator

import yaml


def load_unique(text: str) -> object:
    """Return what YAML says.

    Raises:
        yaml.YAMLError: It is no YAML.
        ValueError: Keys are in it twice; each is named with its lines.
    """
    twice = tuple(repeated_keys(yaml.compose(text, Loader=yaml.SafeLoader)))
    if twice:
        raise ValueError(" ".join(twice))
    return yaml.safe_load(text)


def repeated_keys(node: yaml.Node | None, above: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield a sentence for each key of a composed document that is written twice."""
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield from repeated_keys(item, (*above, str(place + 1)))
    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[str, int] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        path = ".".join((*above, name)).removeprefix("config.")
        if name in first:
            yield f"{path} is written twice, in lines {first[name]} and {line}. Keep one."
        first.setdefault(name, line)
        yield from repeated_keys(value, (*above, name))
