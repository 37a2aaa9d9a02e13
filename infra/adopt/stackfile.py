"""Writes a stack file's values, and leaves what stands there and its comments alone."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from infra.adopt.flags import same
from infra.settings.declared import Declared
from infra.settings.keys import key

FLAGS = key("flags")
WIDTH = 4096  # no line of ours is folded


def render(
    before: str, values: Mapping[str, object], why: Mapping[str, str], origin: str, *, new: bool
) -> str:
    """Return a stack file with values in it.

    A key that has its value already stays as it is written, a flag in the words that
    somebody chose. A default of the project is written only over another value.

    Args:
        before: The stack file so far; empty for a new one.
        values: By whole key.
        why: Where a choice came from, by whole key.
        origin: Where the values came from, in a few words.
        new: Whether the file is made anew; then its head tells the origin, once.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    document = yaml.load(before) if before.strip() else CommentedMap()
    if new:
        document.yaml_set_start_comment(f"{origin[0].upper()}{origin[1:]}.")
    if not document.get("config"):
        document["config"] = CommentedMap()
    config = document["config"]
    defaults = {str(f.alias): f.default for f in Declared.model_fields.values()}
    for path, value in values.items():
        is_set = path in config
        if not is_set and value == defaults.get(path):
            continue
        if is_set and _same(path, config[path], value):
            continue
        text = why.get(path, "" if new else origin)
        if isinstance(value, Mapping) and is_set and isinstance(config[path], Mapping):
            _merge(path, config[path], value)
        else:
            config[path] = _node(value)
        if text:
            _say(config, path, text)
    out = StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _same(path: str, current: object, value: object) -> bool:
    if isinstance(current, Mapping) and isinstance(value, Mapping):
        return current.keys() == value.keys() and all(
            _equal(path, name, current[name], value[name]) for name in value
        )
    return current == value


def _equal(path: str, name: str, left: object, other: object) -> bool:
    return same(name, left, other) if path == FLAGS else left == other


def _merge(path: str, current: Any, value: Mapping[str, object]) -> None:  # noqa: ANN401 - ruamel's
    for name in [name for name in current if name not in value]:
        del current[name]
    for name, item in value.items():
        if name not in current or not _equal(path, name, current[name], item):
            current[name] = _node(item)


def _node(value: object) -> object:
    """Return a value as ruamel writes it: mappings over lines, lists in one."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, Mapping):
        return CommentedMap({str(name): _node(item) for name, item in value.items()})
    if isinstance(value, list | tuple):
        node = CommentedSeq(value)
        node.fa.set_flow_style()
        return node
    return value


def _say(config: Any, path: str, text: str) -> None:  # noqa: ANN401 - ruamel's
    """Put a comment beside a value, or above what takes several lines."""
    if isinstance(config[path], Mapping):
        config.yaml_set_comment_before_after_key(path, before=text, indent=2)
    elif path not in config.ca.items:
        config.yaml_add_eol_comment(text, path)


def read(path: Path) -> str:
    """Return a stack file's text; empty where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""
