"""The net under the questions: every row of the system catalogs, whatever it is about.

A clone is the source's own files, so its catalogs are the same rows with the same numbers.
What no question asks for, and what a new major version brings, is seen here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops import sql
from ops.db import Connection, statement
from ops.restore.proof.content import Sum
from ops.restore.proof.trouble import Trouble
from ops.results import CheckResult, State

CHECK = "catalogs"


@dataclass(frozen=True, slots=True)
class _Catalog:
    """A system catalog; Jinja reads it."""

    name: str
    columns: tuple[str, ...]
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogs:
    """What the system catalogs hold.

    Attributes:
        sums: rows and the sum of their hashes, by catalog.
        unread: those that we may not read.
    """

    sums: Mapping[str, Sum]
    unread: tuple[str, ...] = ()


def read(connection: Connection) -> Catalogs:
    """Return what the system catalogs hold; it is exactly what the transaction's snapshot sees."""
    rows = connection.execute(statement(sql.load("restore/catalogs"))).fetchall()
    listed = [_Catalog(name, tuple(columns), tuple(numbers)) for name, columns, numbers in rows]
    query = sql.render("restore/catalog_rows", {"catalogs": [one for one in listed if one.columns]})
    sums = {
        name: Sum(count, digest) for name, count, digest in connection.execute(statement(query))
    }
    return Catalogs(sums, tuple(one.name for one in listed if not one.columns))


def alike(before: Catalogs | Trouble, after: Catalogs | Trouble, copy: Catalogs | Trouble) -> bool:
    """Tell whether every catalog stood still on the source, and the copy's are the same."""
    if isinstance(before, Trouble) or isinstance(after, Trouble) or isinstance(copy, Trouble):
        return False
    return bool(before.sums) and before.sums == after.sums == copy.sums


def check(
    before: Catalogs | Trouble,
    after: Catalogs | Trouble,
    copy: Catalogs | Trouble,
    told: Sequence[CheckResult],
) -> CheckResult:
    """Compare the catalogs that were the same in both readings of the source.

    Args:
        before: on the source, before the marker.
        after: on the source, after it; the same where it is exact.
        copy: on the clone.
        told: what the questions found: a difference that they name is not told twice.
    """
    for one in (before, after, copy):
        if isinstance(one, Trouble):
            return one.result(CHECK)
    assert not isinstance(before, Trouble)  # noqa: S101 - the loop above returned it
    assert not isinstance(after, Trouble)  # noqa: S101
    assert not isinstance(copy, Trouble)  # noqa: S101
    still = [name for name in before.sums if before.sums[name] == after.sums.get(name)]
    total = len(before.sums)
    facts = {"not_seen": before.unread, "moving": sorted(before.sums.keys() - set(still))}
    lines = tuple(
        f"{name}: {_rows(copy.sums.get(name))}; the source has {_rows(before.sums[name])}"
        for name in still
        if copy.sums.get(name) != before.sums[name]
    )
    moving = f"; {total - len(still)} changed while they were read" if len(still) < total else ""
    if lines and any(one.state is State.FINDING for one in told):
        words = f"{len(lines)} of {total} catalogs differ, as the objects do that are named{moving}"
        return CheckResult(CHECK, State.NOT_APPLICABLE, len(still), total, words, lines, facts)
    if lines:
        words = f"{len(lines)} of {total} catalogs differ in what no other question names{moving}"
        return CheckResult(CHECK, State.FINDING, len(still), total, words, lines, facts)
    if moving:
        words = f"{len(still)} of {total} catalogs are as at the marker{moving}: compared by object"
        return CheckResult(CHECK, State.NOT_APPLICABLE, len(still), total, words, (), facts)
    rows = sum(one.rows for one in before.sums.values())
    words = f"all {rows} rows of {total} catalogs are as at the marker"
    return CheckResult(CHECK, State.OK, total, total, words, (), facts)


def _rows(found: Sum | None) -> str:
    return "it is not there" if found is None else f"{found.rows} rows, hash {found.digest}"
