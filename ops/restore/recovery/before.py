"""Whether a copy restored to before a migration is that: the copy itself is asked.

The moment comes from the ledger of the source, which somebody may have edited, or which knows only
the last time that a migration was applied.
"""

from datetime import datetime

from ops import sql
from ops.db import Connection, statement
from ops.results import CheckResult, State, finding

CHECK = "moment"
_WRONG = "This is not the moment asked for. Don't use it; restore again, and give a time."
_Ledger = list[tuple[str, datetime]]


def check(copy: Connection, source: Connection | None, given: str) -> CheckResult:
    """Return whether a copy lacks a migration, and has what the source applied before it.

    Args:
        copy: to the restored instance.
        source: to the source; None where it does not answer, or its ledger is the copy's.
        given: the migration, as it was asked for.
    """
    row = copy.execute(statement(sql.load("restore/migration_ledger"))).fetchone()
    if not (row and row[1]):
        words = "the copy's ledger of migrations is not there, or may not be read"
        return CheckResult(CHECK, State.UNKNOWN, 0, 1, words, remedy=_WRONG)
    begun = {str(one[0]) for one in copy.execute(statement(sql.load("restore/migration_began")))}
    if any(_same(version, given) for version in begun):
        words = f"migration {given} was begun or applied in the copy already"
        return CheckResult(CHECK, State.FINDING, 1, 1, words, remedy=_WRONG)
    if source is None:
        words = f"migration {given} is not in the copy; the source does not tell what came before"
        return CheckResult(CHECK, State.UNKNOWN, 1, 2, words)
    return _beside_source(copy, source, given, begun)


def _beside_source(
    copy: Connection, source: Connection, given: str, begun: set[str]
) -> CheckResult:
    """Return whether the copy has what the source applied before the migration."""
    ledger = _ledger(source)
    place = next((n for n, (version, _) in enumerate(ledger) if _same(version, given)), None)
    if place is None:
        words = f"migration {given} is not in the copy, nor applied on the source now"
        return CheckResult(CHECK, State.UNKNOWN, 1, 2, words)
    earlier = ledger[:place]
    missing = tuple(
        finding("migration", version, "not in the copy")
        for version, _ in earlier
        if version not in begun
    )
    if missing:
        words = f"{len(missing)} migrations that came before {given} are not in the copy"
        return CheckResult(CHECK, State.FINDING, 2, 2, words, missing, remedy=_WRONG)
    if [one for one in ledger if one[0] in begun] != _ledger(copy) or _disordered(ledger):
        words = f"the source's ledger was edited: its times and places before {given} do not agree"
        return CheckResult(CHECK, State.UNKNOWN, 2, 2, words, remedy=_WRONG)
    words = f"migration {given} is not in the copy, and all {len(earlier)} before it are"
    return CheckResult(CHECK, State.OK, 2, 2, words)


def _ledger(connection: Connection) -> _Ledger:
    query = statement(sql.load("restore/migration_positions"))
    return [(str(version), at) for version, at in connection.execute(query)]


def _disordered(ledger: _Ledger) -> bool:
    """Tell whether a migration was applied earlier than the one before it in the ledger."""
    times = [at for _, at in ledger]
    return times != sorted(times)


def _same(version: str, given: str) -> bool:
    return version == given or version.lstrip("0") == given.lstrip("0")
