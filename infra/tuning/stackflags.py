"""Puts flags into a stack file, keeping every comment, the order and the quoting.

The file is read and written by ruamel.yaml. A file whose layout that can't keep is left
alone, and so is one that would not be a good configuration afterwards.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from infra.settings import SettingsError, load
from infra.settings.keys import key
from infra.settings.validation import validate
from infra.stackfile import ROOT, read_config
from ops.errors import OpsError

# How lists may be indented below their key: (sequence, offset).
_INDENTS = ((4, 2), (2, 0))
_NO_WRAP = 2**16  # columns: a long line stays one


class LayoutError(OpsError):
    """Writing the file would change more than the flags."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name} is laid out in a way that can't be kept while writing it. Put the"
            " proposed flags into it by hand."
        )


def with_flags(text: str, flags: Mapping[str, str], path: Path) -> str:
    """Return a stack file's text with flags set, everything else as it was.

    Args:
        text: Of the file.
        flags: By name, in people's units.
        path: Of the file, for the error.

    Raises:
        LayoutError: The layout can't be kept.
    """
    for sequence, offset in _INDENTS:
        yaml = _yaml(sequence, offset)
        data = yaml.load(text)
        if _dumped(yaml, data) == text:
            declared = data["config"].setdefault(key("flags"), {})
            for name, word in flags.items():
                declared[name] = _scalar(word)
            return _dumped(yaml, data)
    raise LayoutError(path)


def refusal(stack: str, flags: Mapping[str, str], root: Path = ROOT) -> str:
    """Return why a stack can't declare flags besides its own; empty where it can."""
    values = dict(read_config(stack, root))
    declared = values.get(key("flags"))
    values[key("flags")] = {**(declared if isinstance(declared, Mapping) else {}), **flags}
    try:
        validate(stack, values)
    except SettingsError as error:
        return "; ".join(error.problems)
    return ""


def checked(stack: str, text: str, root: Path = ROOT) -> None:
    """Check that a stack file of this text is a good configuration.

    Raises:
        SettingsError: It is not; every problem is told.
    """
    with tempfile.TemporaryDirectory(prefix="stack-") as folder:
        shutil.copy(root / "Pulumi.yaml", folder)
        (Path(folder) / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")
        load(stack, Path(folder))


def put(stack: str, flags: Mapping[str, str], root: Path = ROOT) -> str:
    """Put flags into a stack's file, and return the file's name.

    Raises:
        LayoutError: The layout can't be kept.
        SettingsError: The file would be no good configuration; every problem is told.
    """
    path = root / f"Pulumi.{stack}.yaml"
    text = with_flags(path.read_text(encoding="utf-8"), flags, path)
    checked(stack, text, root)
    swap(path, text)
    return path.name


def swap(path: Path, text: str) -> None:
    """Replace a file at once: whoever reads it sees the old text or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(path, name)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _yaml(sequence: int, offset: int) -> Any:  # noqa: ANN401 - ruamel's own class is untyped where it matters
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _NO_WRAP
    yaml.indent(mapping=2, sequence=sequence, offset=offset)
    return yaml


def _dumped(yaml: Any, data: object) -> str:  # noqa: ANN401 - as above
    stream = StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def _scalar(word: str) -> str | int | float:
    """Return a number as one, so that it is written without quotes."""
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word)
    except ValueError:
        return word
