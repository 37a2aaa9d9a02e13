"""A flag's value for people into the value for the API, checked, and back."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from infra.flags.catalogue import SWITCHES, Flag, FlagType, catalogue
from infra.flags.elsewhere import contexts
from infra.flags.errors import (
    FlagError,
    FlagRangeError,
    FlagValueError,
    MissingSwitchError,
    NotACloudSqlFlagError,
    RemovedFlagError,
    UnknownFlagError,
)
from infra.flags.units import (
    BASE_UNITS,
    MEMORY,
    NotANumberError,
    in_units,
    parse_float,
    parse_integer,
)

FlagWord = str | int | float | bool
SOURCES = {
    "Cloud SQL": "the Cloud SQL flags reference",
    "PostgreSQL 15": "PostgreSQL 15's own range, since Cloud SQL's varies",
    "naiserator": "nais/naiserator's list of Cloud SQL flags and PostgreSQL 15's own range",
}


@dataclass(frozen=True, slots=True)
class FlagValue:
    """One flag as the API takes it.

    Attributes:
        name: The flag.
        value: Bare base-unit number, ``on``/``off``, or word.
        restart: Whether changing it restarts the instance.
    """

    name: str
    value: str
    restart: bool

    @property
    def words(self) -> str:
        """The value as people write it: ``2.5 GB`` for 327680 pages."""
        return in_words(self.name, self.value)


@dataclass(frozen=True, slots=True)
class FlagRange:
    """What a numeric flag takes on a machine, in its base unit."""

    low: float
    high: float
    source: str


def find(name: str) -> Flag:
    """Return a flag by its name.

    Raises:
        NotACloudSqlFlagError: It is set in SQL, not as a flag.
        UnknownFlagError: There is none; the closest names are suggested.
    """
    flags = catalogue()
    if name in flags:
        return flags[name]
    if name in contexts():
        raise NotACloudSqlFlagError(name)
    raise UnknownFlagError(name, get_close_matches(name, flags, n=2, cutoff=0.7))


def permitted(flag: Flag, memory_mb: int | None = None) -> FlagRange:
    """Return the range of a numeric flag, in base units.

    Args:
        flag: An integer or float flag.
        memory_mb: Memory of the tier in MiB, for the flags whose range is a share of it;
            without it their fixed range.
    """
    low, high = flag.minimum or 0, flag.maximum if flag.maximum is not None else math.inf
    source = SOURCES[flag.source]
    least, most = flag.memory_minimum_percent, flag.memory_maximum_percent
    if memory_mb is None or least is None or most is None:
        return FlagRange(low, high, source)
    steps = memory_mb * MEMORY["MB"] / BASE_UNITS[flag.unit] / 100
    return FlagRange(
        low=max(low, math.ceil(least * steps)),
        high=min(high, math.floor(most * steps)),
        source=f"{least} to {most} % of the tier's {memory_mb} MB of memory, {source}",
    )


def compile_flag(name: str, word: FlagWord, memory_mb: int | None = None) -> FlagValue:
    """Compile a value written for people into the API's.

    ``shared_buffers: 2.5GB`` becomes ``327680`` (pages of 8 kB), ``true`` becomes ``on``.
    A value between two steps of the base unit is rounded as PostgreSQL rounds it.

    Raises:
        FlagError: Unknown flag, wrong type, or out of range for the flag or the memory.
    """
    flag = find(name)
    return FlagValue(name, _API[flag.type](flag, word, memory_mb), flag.restart)


def misfits(flags: Sequence[FlagValue], major: int) -> Iterator[FlagError]:
    """Yield what is wrong with compiled flags together, and on a major version.

    Args:
        flags: All of one instance.
        major: PostgreSQL's.
    """
    on = {flag.name for flag in flags if flag.value == "on"}
    for flag in (catalogue()[value.name] for value in flags):
        if flag.until is not None and major > flag.until:
            yield RemovedFlagError(flag, major)
        switch = SWITCHES.get(flag.library or "")
        if switch is not None and switch not in on:
            yield MissingSwitchError(flag, switch)


def compile_flags(
    words: Mapping[str, FlagWord], memory_mb: int | None = None
) -> tuple[tuple[FlagValue, ...], tuple[FlagError, ...]]:
    """Compile a set: what is good, in order of names, and everything that is wrong with it."""
    good: list[FlagValue] = []
    wrong: list[FlagError] = []
    for name in sorted(words):
        try:
            good.append(compile_flag(name, words[name], memory_mb))
        except FlagError as error:
            wrong.append(error)
    return tuple(good), tuple(wrong)


def in_words(name: str, value: str) -> str:
    """Return an API value as people write it; unknown flags and words stay as they are."""
    flag = catalogue().get(name)
    if flag is None or flag.type is not FlagType.INTEGER or not flag.unit:
        return value
    try:
        return in_units(int(value), flag.unit)
    except ValueError:
        return value


def _text(word: FlagWord) -> str:
    """Undo YAML's reading of on and off, which are words of some enums."""
    if isinstance(word, bool):
        return "on" if word else "off"
    return str(word).strip()


def _check_range(flag: Flag, word: FlagWord, number: float, memory_mb: int | None) -> None:
    allowed = permitted(flag, memory_mb)
    if allowed.low <= number <= allowed.high:
        return
    low, high = _bound(flag, allowed.low, math.ceil), _bound(flag, allowed.high, math.floor)
    raise FlagRangeError(flag, word, low, high, allowed.source)


def _bound(flag: Flag, number: float, inward: Callable[[float], int]) -> str:
    """Return a bound in words; a share of memory in whole MB, inside the range."""
    if flag.type is FlagType.FLOAT:
        return f"{number:g}"
    if flag.memory_maximum_percent is not None:
        step = MEMORY["MB"] // BASE_UNITS[flag.unit]
        number = max(inward(number / step), 1) * step
    return in_units(int(number), flag.unit)


def _integer(flag: Flag, word: FlagWord, memory_mb: int | None) -> str:
    try:
        number = parse_integer(_text(word), flag.unit)
    except NotANumberError as error:
        raise FlagValueError(flag, word, str(error)) from None
    _check_range(flag, word, number, memory_mb)
    return str(number)


def _float(flag: Flag, word: FlagWord, memory_mb: int | None) -> str:
    try:
        number = parse_float(_text(word), flag.unit)
    except NotANumberError as error:
        raise FlagValueError(flag, word, str(error)) from None
    _check_range(flag, word, number, memory_mb)
    return f"{number:.15g}"


def _boolean(flag: Flag, word: FlagWord, _memory_mb: int | None) -> str:
    """Read PostgreSQL's booleans: any unambiguous beginning of true, false, yes, no, on, off."""
    text = _text(word).lower()
    if text in {"on", "1"} or (text and ("true".startswith(text) or "yes".startswith(text))):
        return "on"
    if text in {"off", "of", "0"} or (text and ("false".startswith(text) or "no".startswith(text))):
        return "off"
    raise FlagValueError(flag, word, "it is on or off")


def _enum(flag: Flag, word: FlagWord, _memory_mb: int | None) -> str:
    choice = _choice(flag, _text(word))
    if choice is None:
        raise FlagValueError(flag, word, f"it is one of {', '.join(flag.choices)}")
    return choice


def _choice(flag: Flag, text: str) -> str | None:
    """Return the choice as the catalogue spells it; PostgreSQL ignores the case of enums."""
    return next((choice for choice in flag.choices if choice.lower() == text.lower()), None)


def _list(flag: Flag, word: FlagWord, _memory_mb: int | None) -> str:
    """Read words between commas; a minus in front takes one out again."""
    items: list[str] = []
    for item in _text(word).split(","):
        sign = "-" if item.strip().startswith("-") else ""
        choice = _choice(flag, item.strip().removeprefix("-"))
        if choice is None:
            known = ", ".join(flag.choices)
            raise FlagValueError(flag, word, f"it is a list of {known}, each with - to exclude it")
        items.append(sign + choice)
    return ",".join(items)


def _string(flag: Flag, word: FlagWord, _memory_mb: int | None) -> str:
    text = _text(word)
    if not text:
        raise FlagValueError(flag, word, "it is a name; leave the flag out for none")
    return text


_API = {
    FlagType.INTEGER: _integer,
    FlagType.FLOAT: _float,
    FlagType.BOOLEAN: _boolean,
    FlagType.ENUM: _enum,
    FlagType.STRING: _string,
    FlagType.LIST: _list,
}
