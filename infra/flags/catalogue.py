"""The database flags that Cloud SQL for PostgreSQL 15 takes.

The facts are in ``flags.csv``: units, types and ranges as the Cloud SQL flags
reference gives them, PostgreSQL 15's own range where that reference only says that
it varies, and the names that nais/naiserator (pkg/resourcecreator/google/sql/
instance_flags.go, made from that reference) lists besides (column ``source``).
Settings of PostgreSQL 15 that are no flags are in ``infra.flags.elsewhere``.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType


class FlagType(StrEnum):
    """What a flag's value is."""

    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    ENUM = "enum"
    STRING = "string"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Flag:
    """One database flag.

    Attributes:
        name: As Cloud SQL and PostgreSQL call it.
        type: What its value is.
        unit: Of the API's bare number: ``8kB``, ``kB``, ``MB``, ``B``, ``ms``, ``s``; empty
            for plain numbers.
        minimum: Smallest value in that unit; None for what is no number.
        maximum: Largest value in that unit; None for what is no number.
        memory_minimum_percent: Smallest share of the tier's memory, where one is set.
        memory_maximum_percent: Largest share of the tier's memory, where one is set.
        choices: The words of an enum, or of the items of a list.
        default: When unset, as the API writes it; empty where it depends on the tier.
        restart: Whether a change restarts the instance.
        until: The last major version that has it; None while it goes on.
        source: Where the range comes from.
        note: What else to know.
    """

    name: str
    type: FlagType
    unit: str
    minimum: float | None
    maximum: float | None
    memory_minimum_percent: int | None
    memory_maximum_percent: int | None
    choices: tuple[str, ...]
    default: str
    restart: bool
    until: int | None
    source: str
    note: str

    @property
    def library(self) -> str | None:
        """The module that owns the flag and has to be preloaded; None for PostgreSQL's own."""
        prefix, dot, _ = self.name.partition(".")
        return LIBRARIES.get(prefix, prefix) if dot and not self.cloud_only else None

    @property
    def cloud_only(self) -> bool:
        """Whether only Cloud SQL knows it: PostgreSQL takes any value as a placeholder."""
        return self.name.startswith("cloudsql.")


LIBRARIES = MappingProxyType({"cron": "pg_cron"})  # where the prefix is not the module's name
# The release notes of 16 and 17: https://www.postgresql.org/docs/release/16.0/ and 17.0/
_UNTIL = MappingProxyType(
    {"force_parallel_mode": 15, "old_snapshot_threshold": 16, "trace_recovery_messages": 16}
)
# What each module is preloaded by; pg_stat_statements always is.
SWITCHES = MappingProxyType(
    {
        "auto_explain": "cloudsql.enable_auto_explain",
        "pg_bigm": "cloudsql.enable_pg_bigm",
        "pg_cron": "cloudsql.enable_pg_cron",
        "pg_hint_plan": "cloudsql.enable_pg_hint_plan",
        "pgaudit": "cloudsql.enable_pgaudit",
        "pglogical": "cloudsql.enable_pglogical",
    }
)


@cache
def catalogue() -> Mapping[str, Flag]:
    """Return every known flag by its name."""
    text = files("infra.flags").joinpath("flags.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({row["name"]: _flag(row) for row in rows})


def _flag(row: Mapping[str, str]) -> Flag:
    def percent(column: str) -> int | None:
        return int(row[column]) if row[column] else None

    def number(column: str) -> float | None:
        text = row[column]
        if not text:
            return None
        return float(text) if row["type"] == FlagType.FLOAT else int(text)

    return Flag(
        name=row["name"],
        type=FlagType(row["type"]),
        unit=row["unit"],
        minimum=number("minimum"),
        maximum=number("maximum"),
        memory_minimum_percent=percent("memory_minimum_percent"),
        memory_maximum_percent=percent("memory_maximum_percent"),
        choices=tuple(row["choices"].split("|")) if row["choices"] else (),
        default=row["default"],
        restart=row["restart"] == "yes",
        until=_UNTIL.get(row["name"]),
        source=row["source"],
        note=row["note"],
    )
