"""The net under the questions: every row of the system catalogs, whatever it is about.

A copy is the source's own files, so its catalogs are the same rows with the same numbers.
What no question asks for, and what a new major version brings, is seen here.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ops import sql
from ops.checks.reading import under
from ops.checks.result import CheckResult, Finding, Level, ObjectId, State
from ops.checks.trouble import Trouble
from ops.db import Connection, statement
from ops.schema.tablecontent import Sum
from ops.schema.transactions import Window

CHECK = "catalogs"
_Key = tuple[str, int]


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
        sums: rows and the sum of their hashes, by catalog and by the 32-bit number of who wrote
            them last.
        unread: those that we may not read.
    """

    sums: Mapping[_Key, Sum]
    unread: tuple[str, ...] = ()

    def totals(self) -> Mapping[str, Sum]:
        """Return rows and the sum of their hashes by catalog."""
        rows, digests = Counter[str](), Counter[str]()
        for (name, _), group in self.sums.items():
            rows[name] += group.rows
            digests[name] += int(group.digest)
        return {name: Sum(rows[name], str(digests[name])) for name in rows}


class Rows(Enum):
    """How the rows of a clone's catalogs stand to the source's at the marker."""

    ALIKE = "alike"
    MOVED = "alike, but for what changed around the marker"
    UNKNOWN = "different, or not known"


Held = Catalogs | Trouble


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
    sums = {(name, by): Sum(count, digest) for name, count, digest, by in _ask(connection, listed)}
    return Catalogs(sums, tuple(catalog.name for catalog in listed if not catalog.columns))


def rows(
    connection: Connection, of: Collection[str], writers: Collection[int] | None = None
) -> frozenset[Row]:
    """Return the rows of some catalogs.

    Args:
        connection: in no transaction.
        of: the catalogs.
        writers: 32-bit numbers of who wrote the rows last; None for everybody.
    """
    parameters = {"writers": None if writers is None else list(writers)}
    with under(connection):
        listed = [catalog for catalog in _listed(connection) if catalog.name in of]
        answers = _ask(connection, listed, parameters, by_row=True)
        return frozenset(Row(name, about, digest) for name, _, digest, _, about in answers)


def _listed(connection: Connection) -> Sequence[_Catalog]:
    rows = connection.execute(statement(sql.load("schema/catalogs"))).fetchall()
    return [
        _Catalog(name, tuple(columns), tuple(numbers), relation, named)
        for name, columns, numbers, relation, named in rows
    ]


def _ask(
    connection: Connection,
    listed: Sequence[_Catalog],
    parameters: Mapping[str, object] | None = None,
    *,
    by_row: bool = False,
) -> Sequence[tuple[Any, ...]]:
    readable = [catalog for catalog in listed if catalog.columns]
    query = sql.render("schema/catalog_rows", {"catalogs": readable, "by_row": by_row})
    return connection.execute(statement(query), parameters).fetchall() if readable else ()


def rows_of(before: Held, after: Held, copy: Held, between: Window) -> Rows:
    """Tell how a clone's rows stand to those of the source at the marker; see ``check``."""
    if isinstance(before, Trouble) or isinstance(after, Trouble) or isinstance(copy, Trouble):
        return Rows.UNKNOWN
    if not before.sums or _wrong(before, after, copy, between):
        return Rows.UNKNOWN
    still = before.sums == after.sums and before.totals() == copy.totals()
    return Rows.ALIKE if still else Rows.MOVED


def check(
    before: Held, after: Held, copy: Held, between: Window, results: Sequence[CheckResult]
) -> CheckResult:
    """Compare the catalogs' rows with those around the marker.

    A catalog that stood still is compared as a whole, whoever wrote its rows. In one that moved,
    what one transaction wrote is a group. One that is the same before and after the marker was so
    at the marker: rows that are deleted never come back. Rows that are in neither can only be of
    a transaction that was under way in between.

    Args:
        before: on the source, before the marker.
        after: on the source, after it; the same where it is exact.
        copy: on the clone.
        between: which transactions may have finished before the marker and after ``before``.
        results: what the questions found: a difference that they name is not told twice.
    """
    for reading in (before, after, copy):
        if isinstance(reading, Trouble):
            return reading.result(CHECK)
    assert not isinstance(before, Trouble)  # noqa: S101 - the loop above returned it
    assert not isinstance(after, Trouble)  # noqa: S101
    assert not isinstance(copy, Trouble)  # noqa: S101
    total = sum(group.rows for group in before.sums.values())
    still = sum(before.sums[key].rows for key in _still(before, after))
    names, totals_of_copy = {name for name, _ in before.sums}, copy.totals()
    wrong = _wrong(before, after, copy, between)
    other = {name for name, sums in before.totals().items() if totals_of_copy.get(name) != sums}
    moving = _moved(before, after) | (other - wrong.keys())
    facts = {"not_seen": before.unread, "moving": sorted(moving)}
    named = any(result.state is State.FINDING for result in results)
    findings = tuple(
        Finding(
            ObjectId("catalog", name),
            Level.NOTE if named else Level.FINDING,
            f"{_summed(copy, keys)}; the source has {_summed(before, keys)}",
        )
        for name, keys in sorted(wrong.items())
    )
    more = f"; {len(moving)} changed while they were read" if moving else ""
    if findings and named:
        words = f"{len(findings)} of {len(names)} catalogs differ, as the objects do that are named"
        return CheckResult(CHECK, State.NOT_APPLICABLE, still, total, words + more, findings, facts)
    if findings:
        words = f"{len(findings)} of {len(names)} catalogs differ in what no other question names"
        return CheckResult(CHECK, State.FINDING, still, total, words + more, findings, facts)
    if moving:
        words = f"{still} of {total} rows of {len(names)} catalogs are as at the marker{more}"
        words = f"{words}: compared by object"
        return CheckResult(CHECK, State.NOT_APPLICABLE, still, total, words, (), facts)
    words = f"all {total} rows of {len(names)} catalogs are as at the marker"
    return CheckResult(CHECK, State.OK, total, total, words, (), facts)


def _still(before: Catalogs, after: Catalogs) -> frozenset[_Key]:
    return frozenset(key for key, group in before.sums.items() if after.sums.get(key) == group)


def _moved(before: Catalogs, after: Catalogs) -> frozenset[str]:
    return frozenset(name for (name, _), _ in before.sums.items() ^ after.sums.items())


def _wrong(
    before: Catalogs, after: Catalogs, copy: Catalogs, between: Window
) -> Mapping[str, Sequence[_Key]]:
    """Return the groups of rows that can't have been so at the marker, by catalog."""
    groups: dict[str, list[_Key]] = defaultdict(list)
    of_copy, of_source = copy.totals(), before.totals()
    still = of_copy.keys() - _moved(before, after)
    equal = {name for name in still if of_copy[name] == of_source.get(name)}
    for key in _still(before, after):
        if key[0] not in equal and copy.sums.get(key) != before.sums[key]:
            groups[key[0]].append(key)
    for key in copy.sums.keys() - before.sums.keys() - after.sums.keys():
        if key[0] not in equal and key[1] not in between:
            groups[key[0]].append(key)
    return groups


def _summed(catalogs: Catalogs, keys: Sequence[_Key]) -> str:
    sums = [catalogs.sums[key] for key in keys if key in catalogs.sums]
    rows, digest = sum(group.rows for group in sums), sum(int(group.digest) for group in sums)
    return f"{rows} rows, hash {digest}" if sums else "no such rows"
