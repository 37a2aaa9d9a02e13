"""Remedies as a person carries them out: edits of a stack file, by the sentence alone."""

import re
import shutil
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from infra.settings import Settings, load
from infra.stackfile import ROOT

WRITE = re.compile(r"[wW]rite (?P<key>[\w-]+:\w+)(?:\.(?P<entry>\S+))?: (?P<value>.*)")
TAKE_OUT = re.compile(r"[tT]ake (?P<name>\S+) out(?: of (?P<key>[\w-]+:\w+)(?:\.(?P<entry>\S+))?)?")
# Of maps whose entries are maps again; a name of the others may have dots in it.
NESTED = re.compile(r"(?P<name>[^.]+)\.(?P<field>\w+)(?:\.(?P<rest>.+))?")


def stack_file(folder: Path, stack: str, values: Mapping[str, object]) -> Path:
    """Write a stack's file beside a copy of the project's own."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    path = folder / f"Pulumi.{stack}.yaml"
    out = StringIO()
    YAML().dump({"config": dict(values)}, out)
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


def edited(path: Path, sentence: str) -> Settings:
    """Make the edits that a sentence names in a stack file; load it."""
    yaml = YAML()
    document: Any = yaml.load(path)
    config = document["config"]
    parts = re.split(r" and (?=write |take )", sentence)
    made = [_make(config, part) for part in parts]
    assert all(made), sentence
    out = StringIO()
    yaml.dump(document, out)
    path.write_text(out.getvalue(), encoding="utf-8")
    return load(path.name.split(".")[1], path.parent)


def _make(config: Any, part: str) -> bool:  # noqa: ANN401 - ruamel's
    write, out = WRITE.search(part), TAKE_OUT.search(part)
    if write is not None:
        value = re.split(r"\. (?=[A-Z`])", write["value"])[0].removesuffix(".")
        _set(config, [write["key"], *_path(write["key"], write["entry"])], YAML().load(value))
    elif out is not None:
        whole = (
            [out["key"], *_path(out["key"], out["entry"]), out["name"]]
            if out["key"]
            else [out["name"]]
        )
        _set(config, whole, None)
    return write is not None or out is not None


def _path(key: str, entry: str | None) -> list[str]:
    if not entry:
        return []
    nested = NESTED.fullmatch(entry) if key.endswith(":replicas") else None
    return [entry] if nested is None else [part for part in nested.groups() if part]


def _set(node: Any, path: list[str], value: object) -> None:  # noqa: ANN401 - ruamel's
    *parents, last = path
    for parent in parents:
        if node.get(parent) is None:
            node[parent] = {}
        node = node[parent]
    if value is None:
        node.pop(last, None)
    else:
        node[last] = value
