"""Whether a copy restored to before a migration is that: the copy itself is asked.

The moment comes from the ledger of the source, which somebody may have edited, or which knows only
the last time that a migration was applied. A row that was changed bears the transaction that
changed it. One that was not bears the transaction of the migration, as do the objects that it made:
they prove the row, and the copy must not have them.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ops import sql
from ops.checks.result import CheckResult, State, finding
from ops.db import Connection, statement

CHECK = "moment"
_WRONG = "This is not the moment asked for. Don't use it; restore again, and give a time."
_LOOK = (
    "Compare the data of the copy with what you expect of that moment; or restore again, and give "
    "a time. Where the instance's flag track_commit_timestamp is on, the time can be checked."
)
# The row is the last thing that a migration writes; its commit is stamped right after it.
_COMMIT_LIMIT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the ledger.

    Attributes:
        version: of the migration.
        position: its place in the ledger.
        applied: when it was applied, as the row says.
        transaction: which one wrote the row as it is now.
        age: how many transactions ago.
        committed: when that one was committed; None where the instance does not keep it.
    """

    version: str
    position: int
    applied: datetime
    transaction: str
    age: int
    committed: datetime | None


def check(copy: Connection, source: Connection | None, wanted_version: str) -> CheckResult:
    """Return whether a copy lacks a migration, and has what the source applied before it.

    Args:
        copy: to the restored instance.
        source: to the source; None where it does not answer, or its ledger is the copy's.
        wanted_version: the migration, as it was asked for.
    """
    row = copy.execute(statement(sql.load("restore/migration_ledger"))).fetchone()
    if not (row and row[1]):
        words = "the copy's ledger of migrations is not there, or may not be read"
        return CheckResult(CHECK, State.UNKNOWN, 0, 1, words, remedy=_WRONG)
    begun_versions = {
        str(row[0]) for row in copy.execute(statement(sql.load("restore/migration_began")))
    }
    if any(_same(version, wanted_version) for version in begun_versions):
        words = f"migration {wanted_version} was begun or applied in the copy already"
        return CheckResult(CHECK, State.FINDING, 1, 1, words, remedy=_WRONG)
    if source is None:
        words = (
            f"migration {wanted_version} is not in the copy; the source does not tell what came"
            " before"
        )
        return CheckResult(CHECK, State.UNKNOWN, 1, 2, words)
    return _beside_source(copy, source, wanted_version, begun_versions)


def _beside_source(
    copy: Connection, source: Connection, version: str, versions: set[str]
) -> CheckResult:
    """Return whether the copy has what the source applied before the migration."""
    ledger = _ledger(source)
    places = [place for place, row in enumerate(ledger) if _same(row.version, version)]
    if len(places) != 1:
        clause = (
            "nor applied on the source now" if not places else "and twice in the source's ledger"
        )
        words = f"migration {version} is not in the copy, {clause}"
        return CheckResult(CHECK, State.UNKNOWN, 1, 2, words, remedy=_LOOK)
    earlier, row = ledger[: places[0]], ledger[places[0]]
    missing = tuple(
        finding("migration", row.version, "not in the copy")
        for row in earlier
        if row.version not in versions
    )
    if missing:
        words = f"{len(missing)} migrations that came before {version} are not in the copy"
        return CheckResult(CHECK, State.FINDING, 2, 2, words, missing, remedy=_WRONG)
    known = [(row.version, row.applied) for row in ledger if row.version in versions]
    if known != [(row.version, row.applied) for row in _ledger(copy)] or _disordered(ledger):
        words = (
            f"the source's ledger was edited: its times and places before {version} do not agree"
        )
        return CheckResult(CHECK, State.UNKNOWN, 2, 2, words, remedy=_WRONG)
    return _objects(copy, source, row, ledger)


def _objects(
    copy: Connection, source: Connection, row: Row, ledger: tuple[Row, ...]
) -> CheckResult:
    """Return whether the migration's own transaction wrote its row, and the copy lacks its work."""
    written = _traces(source, row)
    shared = tuple(
        finding(kind, name, f"made by migration {row.version}, and in the copy")
        for kind, _, name in sorted(written & _traces(copy, row))
    )
    if shared:
        words = f"the copy has what migration {row.version} made: {shared[0].object.label}"
        return CheckResult(CHECK, State.FINDING, 3, 3, words, shared, remedy=_WRONG)
    alone = not any(other is not row and other.transaction == row.transaction for other in ledger)
    before = max((other.position for other in ledger if other.position < row.position), default=0)
    result = prove(row, len(written), alone=alone)
    if before + 1 == row.position:
        return result
    words = (
        f"{result.detail}; rows before it are gone (taken back, or numbers lost in a crash): it is "
        "the moment before it was applied last"
    )
    return replace(result, detail=words)


def prove(row: Row, written: int, *, alone: bool) -> CheckResult:
    """Return whether the time of a migration that the copy lacks is the ledger's own: pure.

    Args:
        row: of the migration, on the source.
        written: how many catalog entries and steps bear the transaction that wrote the row.
        alone: whether that one wrote no other row of the ledger.
    """
    fine = f"migration {row.version} is not in the copy, and all before it are"
    if row.committed is not None:
        late = row.committed - row.applied
        if timedelta(0) <= late <= _COMMIT_LIMIT:
            return CheckResult(CHECK, State.OK, 3, 3, f"{fine}; its time is that of its commit")
        words = (
            f"the ledger has {row.version} as applied at {row.applied:%Y-%m-%d %H:%M:%S} UTC, and "
            f"the row was committed at {row.committed:%Y-%m-%d %H:%M:%S} UTC"
        )
        return CheckResult(CHECK, State.UNKNOWN, 3, 3, words, remedy=_LOOK)
    if not alone:
        words = f"{fine}; its row was written together with others: its time may not be its own"
        return CheckResult(CHECK, State.UNKNOWN, 2, 3, words, remedy=_LOOK)
    if not written:
        words = (
            f"{fine}; nothing shows that its row was not edited: no object bears the transaction "
            "that wrote it"
        )
        return CheckResult(CHECK, State.UNKNOWN, 2, 3, words, remedy=_LOOK)
    words = f"{fine}, nor is any of the {written} catalog entries that it wrote"
    return CheckResult(CHECK, State.OK, 3, 3, words)


def _ledger(connection: Connection) -> tuple[Row, ...]:
    query = statement(sql.load("restore/migration_rows"))
    return tuple(Row(str(row[0]), *row[1:]) for row in connection.execute(query))


def _traces(connection: Connection, row: Row) -> set[tuple[str, str, str]]:
    """Return what the transaction of a row wrote: kind, number and name of catalog entries."""
    values = {"version": row.version, "transaction": row.transaction}
    query = statement(sql.load("restore/migration_traces"))
    return {(kind, key, name) for kind, key, name in connection.execute(query, values)}


def _disordered(ledger: tuple[Row, ...]) -> bool:
    """Tell whether a row is earlier than the one before it, by its time or its transaction."""
    times, ages = [row.applied for row in ledger], [-row.age for row in ledger]
    return times != sorted(times) or ages != sorted(ages)


def _same(version: str, other: str) -> bool:
    return version == other or version.lstrip("0") == other.lstrip("0")
