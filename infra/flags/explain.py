"""``invoke flags.explain``: what a flag is, what it may be here, what the stack declares."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.flags.budget import default_connections
from infra.flags.catalogue import Flag, FlagType
from infra.flags.memory import size
from infra.flags.units import BASE_UNITS, in_units, units_of
from infra.flags.values import SOURCES, find, in_words, permitted
from infra.settings import Settings
from ops.console import Table

# What Cloud SQL sets by itself from the memory, in percent of it:
# https://cloud.google.com/sql/docs/postgres/flags
_SHARES = {"shared_buffers": 33, "effective_cache_size": 40}
# PostgreSQL 15's own, where the catalogue has none since Cloud SQL's is another.
_POSTGRESQL = {
    "effective_cache_size": "4 GB",
    "max_connections": "100",
    "shared_buffers": "128 MB",
    "temp_file_limit": "-1, no limit",
}
_MANY = 10**6  # steps of the base unit that nobody reads
_PLAIN = {FlagType.INTEGER: "whole number", FlagType.FLOAT: "number", FlagType.BOOLEAN: "on or off"}


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything that is known of a flag on a stack.

    Attributes:
        name: Of the flag.
        type: What its value is.
        unit: Of the API's number; empty for none.
        range: What it may be on the stack's tier, in people's units.
        default: What it is when the stack says nothing.
        restart: Whether a change restarts the instance.
        declared: What the stack declares, in people's units; empty for nothing.
        value: The same as the API receives it.
        source: Where the range comes from.
        note: What else to know.
        tier: The stack's machine.
    """

    name: str
    type: str
    unit: str
    range: str
    default: str
    restart: bool
    declared: str
    value: str
    source: str
    note: str
    tier: str

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read: one fact a line."""
        declared = f"{self.declared} (the API's {self.value})" if self.declared else "nothing"
        facts = (
            ("type", self.type),
            ("unit", self.unit or "none"),
            (f"range on {self.tier}", self.range),
            ("default", self.default),
            ("a change", "restarts the instance" if self.restart else "needs no restart"),
            ("this stack declares", declared),
            ("source of the range", self.source),
            ("note", self.note),
        )
        return (Table("", (self.name, ""), tuple(fact for fact in facts if fact[1])),)


def explain(settings: Settings, name: str) -> Explained:
    """Return what is known of a flag.

    Raises:
        NotACloudSqlFlagError: PostgreSQL has it, Cloud SQL takes it not as a flag.
        UnknownFlagError: There is none; the closest names are suggested.
    """
    flag = find(name.strip())
    tier = settings.instance.tier
    declared = {declared_flag.name: declared_flag for declared_flag in settings.instance.flags}.get(
        flag.name
    )
    low_high, source = _range(flag, tier.memory_mb)
    return Explained(
        name=flag.name,
        type=_PLAIN.get(flag.type, flag.type.value),
        unit=f"{flag.unit}; write it with {', '.join(units_of(flag.unit))}" if flag.unit else "",
        range=low_high,
        default=_default(flag, tier.memory_mb),
        restart=flag.restart,
        declared="" if declared is None else declared.words,
        value="" if declared is None else declared.value,
        source=source,
        note=flag.note,
        tier=tier.name,
    )


def _range(flag: Flag, memory_mb: int) -> tuple[str, str]:
    if flag.type is FlagType.INTEGER:
        allowed = permitted(flag, memory_mb)
        return f"{_about(flag, allowed.low)} to {_about(flag, allowed.high)}", allowed.source
    if flag.type is FlagType.FLOAT:
        allowed = permitted(flag, memory_mb)
        return f"{allowed.low:g} to {allowed.high:g}", allowed.source
    words = {FlagType.BOOLEAN: "on, off", FlagType.STRING: "a name"}
    return words.get(flag.type, ", ".join(flag.choices)), SOURCES[flag.source]


def _about(flag: Flag, bound: float) -> str:
    """Return a bound in people's units; one that no unit says exactly with three digits of it."""
    exact = in_units(int(bound), flag.unit)
    if not flag.unit or bound < _MANY or exact != f"{int(bound)} {flag.unit}":
        return exact
    amount = bound * BASE_UNITS[flag.unit]
    unit, step = next((u, s) for u, s in units_of(flag.unit).items() if amount >= s)
    return f"{amount / step:.4g} {unit}"


def _default(flag: Flag, memory_mb: int) -> str:
    own = _POSTGRESQL.get(flag.name)
    if own is None:
        return in_words(flag.name, flag.default) if flag.default else "none"
    if flag.name in _SHARES:
        words = f"about {size(memory_mb * _SHARES[flag.name] / 100)} by the tier's memory"
    elif flag.name == "max_connections":
        words = f"{default_connections(memory_mb)} by the tier's memory"
    else:
        words = "none"
    return f"{words} (PostgreSQL's own: {own})"
