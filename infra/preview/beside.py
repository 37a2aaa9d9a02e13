"""What decides what a deployment does, and is nothing that the program declares.

The providers' configuration, environments of Pulumi ESC, and the providers' versions: the
program runs without all of them, so that a change of them shows in no resource.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.stackfile import StackFileError, project_name, read_config, stack_file

OURS = frozenset({"gcp:project", "gcp:region"})  # the program hands them to every resource
# How a stack's secrets are encrypted, and what the program does read.
SEEN = frozenset({"config", "encryptedkey", "encryptionsalt", "secretsprovider"})
PROVIDERS = re.compile(r"^(pulumi-(?:gcp|random))==(\S+)", re.MULTILINE)


def beside(tree: Path, stack: str) -> Mapping[str, str]:
    """Return what a tree has of it for a stack, as text by name; secrets are left out."""
    return dict(_config(tree, stack)) | dict(_versions(tree))


def _config(tree: Path, stack: str) -> Iterator[tuple[str, str]]:
    try:
        own = f"{project_name(tree)}:"
        values, file_values = read_config(stack, tree), stack_file(stack, tree)
    except StackFileError:
        return
    for key, value in values.items():
        secret = isinstance(value, Mapping) and "secure" in value
        if not secret and key not in OURS and not key.startswith(own):
            yield key, _text(value)
    yield from ((key, _text(value)) for key, value in file_values.items() if key not in SEEN)


def _versions(tree: Path) -> Iterator[tuple[str, str]]:
    try:
        pins = (tree / "requirements.txt").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    yield from PROVIDERS.findall(pins)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def doubts(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Yield what differs beside the program, in sentences without values: some are secret."""
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            yield (
                f"{key} differs: the program does not see it, and no resource shows what it does."
                " Compare what Pulumi itself says (`--engine`)."
            )
