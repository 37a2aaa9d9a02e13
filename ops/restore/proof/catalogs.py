"""The net under the questions: every row of the system catalogs, whatever it is about.

A copy is the source's own files, so its catalogs are the same rows with the same numbers.
What no question asks for, and what a new major version brings, is seen here.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops import sql
from ops.db import Connection, statement
from ops.restore.proof.content import Sum
from ops.restore.proof.reading import under
from ops.restore.proof.trouble import Trouble
from ops.results import CheckResult, State

CHECK = "catalogs"


@dataclass(frozen=True, slots=True)
class _Catalog:
    """A system catalog; Jinja reads it.

    Attributes:
        name: its name.
        columns: those that are compared; none where we may not read it.
        numbers: those that name what may be temporary.
        relation, named: those that say what a row is about, if there are any.
    """

    name: str
    columns: tuple[str, ...]
    numbers: tuple[str, ...]
    relation: str | None
    named: str | None


@dataclass(frozen=True, slots=True)
class Catalogs:
    """What the system catalogs hold.

    Attributes:
        sums: rows and the sum of their hashes, by catalog.
        unread: those that we may not read.
    """

    sums: Mapping[str, Sum]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a catalog.

    Attributes:
        catalog: which one.
        about: its relation and name, as far as it has such.
        digest: the hash of what is compared of it.
    """

    catalog: str
    about: str
    digest: str


def read(connection: Connection) -> Catalogs:
    """Return what the system catalogs hold; it is exactly what the transaction's snapshot sees."""
    listed = _listed(connection)
    sums = {name: Sum(count, digest) for name, count, digest in _ask(connection, listed)}
    return Catalogs(sums, tuple(one.name for one in listed if not one.columns))


def by_transaction(connection: Connection) -> Mapping[tuple[str, int], Sum]:
    """Return the same by catalog and by the 32-bit number of who wrote the rows last."""
    rows = _ask(connection, _listed(connection), by_transaction=True)
    return {(name, number): Sum(count, digest) for name, count, digest, number in rows}


def rows(connection: Connection, of: Collection[str]) -> Mapping[int, frozenset[Row]]:
    """Return the rows of some catalogs, by the 32-bit number of who wrote them last."""
    found: dict[int, set[Row]] = defaultdict(set)
    with under(connection):
        listed = [one for one in _listed(connection) if one.name in of]
        asked = _ask(connection, listed, by_transaction=True, by_row=True)
    for name, _, digest, number, about in asked:
        found[number].add(Row(name, about, digest))
    return {number: frozenset(some) for number, some in found.items()}


def _listed(connection: Connection) -> Sequence[_Catalog]:
    rows = connection.execute(statement(sql.load("restore/catalogs"))).fetchall()
    return [
        _Catalog(name, tuple(columns), tuple(numbers), relation, named)
        for name, columns, numbers, relation, named in rows
    ]


def _ask(
    connection: Connection,
    listed: Sequence[_Catalog],
    *,
    by_transaction: bool = False,
    by_row: bool = False,
) -> Sequence[tuple[Any, ...]]:
    readable = [one for one in listed if one.columns]
    structure = {"catalogs": readable, "by_transaction": by_transaction, "by_row": by_row}
    query = statement(sql.render("restore/catalog_rows", structure))
    return connection.execute(query).fetchall() if readable else ()


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
