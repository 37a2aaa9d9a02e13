"""Pulumi's project and stack files, read as Pulumi reads them.

Pulumi reads YAML 1.2, so ``on`` and ``18:00`` are words there; PyYAML's own YAML 1.1
would make them true and 1080. Keys written twice are told, since Pulumi refuses them.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from ops.errors import BadInputError
from ops.yamlkeys import repeated_keys

ROOT = Path(__file__).resolve().parents[1]


class UnknownStackError(BadInputError):
    """No stack file has this name."""

    def __init__(self, stack: str, known: tuple[str, ...]) -> None:
        listed = ", ".join(known) if known else "none"
        super().__init__(
            f"There is no stack {stack!r} (Pulumi.{stack}.yaml). The stacks there are: {listed}."
        )


class StackFileError(BadInputError):
    """A project or stack file is no YAML that Pulumi would take."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path.name} can't be read: {why}. Correct it and run again.")


class _Loader(yaml.SafeLoader):
    """YAML as Pulumi's library reads it: 1.2's booleans and integers."""


_TOO_EAGER = {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:timestamp"}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _TOO_EAGER]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)


def stacks(root: Path = ROOT) -> tuple[str, ...]:
    """Return the names of the stacks that have a file, sorted."""
    return tuple(sorted(p.name.split(".")[1] for p in root.glob("Pulumi.*.yaml")))


def read_config(stack: str, root: Path = ROOT) -> Mapping[str, object]:
    """Return a stack's configuration: the project's defaults under the stack's own values.

    Keys are whole, as ``ai-square-db:tier`` and ``gcp:project``.

    Raises:
        UnknownStackError: The stack has no file; those there are get listed.
        StackFileError: A file is no YAML, or not of Pulumi's shape.
    """
    known = stacks(root)
    if stack not in known:
        raise UnknownStackError(stack, known)
    project = project_file(root)
    values: dict[str, object] = {}
    for key, declared in _mapping(root / "Pulumi.yaml", project.get("config")).items():
        full_key = key if ":" in key else f"{project.get('name')}:{key}"
        if not isinstance(declared, Mapping):
            values[full_key] = declared
        elif "default" in declared:
            values[full_key] = declared["default"]
        elif "value" in declared:
            values[full_key] = declared["value"]
    return values | own_config(stack, root)


def own_config(stack: str, root: Path = ROOT) -> dict[str, object]:
    """Return what a stack's own file configures, without defaults; raises StackFileError."""
    path = root / f"Pulumi.{stack}.yaml"
    return _mapping(path, stack_file(stack, root).get("config"))


def stack_file(stack: str, root: Path = ROOT) -> Mapping[str, object]:
    """Return all that a stack's own file says; raises StackFileError."""
    path = root / f"Pulumi.{stack}.yaml"
    return _mapping(path, _read(path))


def project_file(root: Path = ROOT) -> Mapping[str, object]:
    """Return what ``Pulumi.yaml`` says of the project; raises StackFileError."""
    path = root / "Pulumi.yaml"
    return _mapping(path, _read(path))


def project_name(root: Path = ROOT) -> str:
    """Return the Pulumi project's name; raises StackFileError."""
    return str(project_file(root).get("name", ""))


def repeated(stack: str, root: Path = ROOT) -> Iterator[str]:
    """Yield a sentence for each key that the project's file or a stack's own has twice.

    Pulumi refuses the file for it; of a flag that stands there twice nobody can tell
    which value was meant. Both files can be read.
    """
    for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml"):
        text = (root / name).read_text(encoding="utf-8")
        for sentence in repeated_keys(yaml.compose(text, Loader=_Loader)):
            yield f"{name}: {sentence}"


def _read(path: Path) -> object:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise StackFileError(path, f"{error.problem}{line}") from error
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise StackFileError(path, str(error)) from error


def _mapping(path: Path, value: object) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise StackFileError(path, "it is no mapping of keys to values where Pulumi wants one")
    return {str(key): item for key, item in value.items()}
