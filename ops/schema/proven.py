"""What two readings of a table prove of its content, and what a copy must hold therefore."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ops.checks.trouble import Trouble
from ops.schema.content import Content
from ops.schema.tablecontent import Sum, TableShape


@dataclass(frozen=True, slots=True)
class Proven:
    """What is known of a table's content at the marker.

    Attributes:
        shape: how it was hashed, and must be on the copy.
        sums: what every proven stretch must hold.
        moving: stretches that changed around the marker: nothing can be said of them.
        rows, moving_rows: how many rows there are, and how many of them in moving stretches.
        trouble: why the table could not be read, if so.
    """

    shape: TableShape
    sums: Mapping[int, Sum]
    moving: frozenset[int] = frozenset()
    rows: int = 0
    moving_rows: int = 0
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What the tables of a copy must hold.

    Attributes:
        tables: what was proven of each, by label.
        exact: whether that is of one moment; else it is what was equal before and after it.
        left_out: tables whose content is not compared on purpose, by the reason.
    """

    tables: Mapping[str, Proven]
    exact: bool
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def prove(low: Content, high: Content) -> Proven:
    """Return what two readings around the marker prove of a table."""
    trouble = low.trouble or high.trouble
    if trouble is not None:
        return Proven(low.shape, {}, trouble=trouble)
    stretches = low.sums.keys() | high.sums.keys()
    same = {key: low.sums[key] for key in low.sums if high.sums.get(key) == low.sums[key]}
    unlike = frozenset(stretches - same.keys())
    rows = high.rows
    moving_rows = sum(high.sums[key].rows for key in unlike if key in high.sums)
    return Proven(low.shape, same, unlike, rows, moving_rows)
