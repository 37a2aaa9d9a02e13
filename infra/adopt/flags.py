"""Live database flags in people's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.flags import FlagError, compile_flag, in_words
from infra.settings.flags import IAM_FLAG


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of a live instance.

    Attributes:
        words: By name, as people write them in a stack file.
        iam: Whether IAM users may log in; that flag has a key of its own.
        refused: One sentence a flag that a stack file can't declare.
    """

    words: Mapping[str, object]
    iam: bool
    refused: tuple[str, ...]


def flags(entries: Sequence[Mapping[str, str]], memory_mb: int | None) -> Flags:
    """Return a live instance's flags.

    Args:
        entries: The API's names and values.
        memory_mb: Of the tier in MiB; None where the tier is unknown here.
    """
    values = {str(flag["name"]): str(flag.get("value", "")) for flag in entries}
    iam = values.get(IAM_FLAG) == "on"
    if iam:
        del values[IAM_FLAG]
    words: dict[str, object] = {}
    refused: list[str] = []
    for name, value in sorted(values.items()):
        try:
            words[name] = word(name, compile_flag(name, value, memory_mb).value)
        except FlagError as error:
            refused.append(f"flag {name} = {value}: {error}")
    return Flags(words, iam, tuple(refused))


def word(name: str, value: str) -> object:
    """Return a flag's API value as a stack file has it: ``2.5GB``, ``0.05``, ``on``."""
    text = in_words(name, value).replace(" ", "")
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if str(number) == text:
            return number
    return text if same(name, text, value) else value


def same(name: str, left: object, other: object) -> bool:
    """Tell whether two words are the same value of a flag."""
    try:
        return compile_flag(name, str(left)).value == compile_flag(name, str(other)).value
    except FlagError:
        return left == other
