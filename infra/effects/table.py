"""The table of what the providers do with each property of the declared types.

The facts are in ``effects.csv``, read from the providers' source: the schema's ForceNew, and
by hand what CustomizeDiff and the update and delete functions add. Column ``source`` is the
file there; the revisions are below. Paths have no list indexes. ``map`` is the Pulumi SDK's
own: a property whose keys are anybody's. "In place" means that the provider sends the change,
not that the API takes it.
"""

import csv
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

GOOGLE = "terraform-provider-google-beta 93c65b2 (2026-08-21)"
RANDOM = "terraform-provider-random ad788e2 (2026-06-11)"
# Lists that are compared by the names of their entries, as a map is.
NAMED_LISTS = frozenset({"settings.databaseFlags", "settings.ipConfiguration.authorizedNetworks"})

_INDEX = re.compile(r"\[\d+\]")


class ProviderEffect(StrEnum):
    """What the provider does with a changed property."""

    REPLACE = "replace"
    CONDITIONAL = "conditional"
    IN_PLACE = "in-place"
    COMPUTED = "computed-only"


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one property of one type.

    Attributes:
        type: As ``gcp:sql/user:User``.
        property: Its path without list indexes, as ``settings.diskSize``.
        effect: What the provider does with a change.
        condition: When it does so, in words; empty for always.
        optional_computed: Whether leaving it out sends nothing, so that it stays.
        default: What the provider takes where it is left out; empty for none.
        map: Whether its keys are anybody's.
        source: Revision and file of the provider.
    """

    type: str
    property: str
    effect: ProviderEffect
    condition: str
    optional_computed: bool
    default: str
    map: bool
    source: str


@cache
def rows() -> dict[tuple[str, str], Row]:
    """Return every row by its type and property."""
    text = files("infra.effects").joinpath("effects.csv").read_text(encoding="utf-8")
    return {
        (line["type"], line["property"]): _row(line) for line in csv.DictReader(text.split("\n"))
    }


def _row(line: dict[str, str]) -> Row:
    revision = RANDOM if line["type"].startswith("random:") else GOOGLE
    return Row(
        type=line["type"],
        property=line["property"],
        effect=ProviderEffect(line["effect"]),
        condition=line["condition"],
        optional_computed=line["optional_computed"] == "yes",
        default=line["default"],
        map=line["map"] == "yes",
        source=f"{revision}, {line['source']}",
    )


@cache
def types() -> frozenset[str]:
    """Return the types that the table has."""
    return frozenset(kind for kind, _ in rows())


def without_indexes(path: str) -> str:
    """Return a property's path as the table writes it."""
    return _INDEX.sub("", path)


def find_row(kind: str, path: str) -> Row | None:
    """Return a property's row, else that of the map that it is an entry of.

    Args:
        kind: The resource's type.
        path: With or without list indexes; an entry's key may have dots in it.
    """
    bare = without_indexes(path)
    row = rows().get((kind, bare))
    if row is not None:
        return row
    while "." in bare:
        bare = bare.rpartition(".")[0]
        row = rows().get((kind, bare))
        if row is not None:
            return row if row.map or bare in NAMED_LISTS else None
    return None
