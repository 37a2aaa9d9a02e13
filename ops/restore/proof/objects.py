"""What a restored backup must hold of the system catalogs: schema, grants, settings as of then.

The source has moved on since the backup, so what only the source has is either newer or lost.
Which one, the copy itself knows: it holds the transaction that wrote a row as committed, or not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg

from ops import sql
from ops.checks.crew import Crew
from ops.checks.reading import under
from ops.checks.result import CheckResult, Finding, Level, ObjectId, State
from ops.db import VERIFY, Connection, statement
from ops.restore.source import Source
from ops.schema import catalogs
from ops.schema.catalogs import Row
from ops.schema.tablecontent import Sum
from ops.schema.transactions import EPOCH, Snapshot

CHECK = "objects"
_LATER = "Back up again after this drill: its heartbeats tell what the backup must hold."
_Fate = tuple[ObjectId, str]  # of a row of a catalog: which one, and what became of it
_FIRST_NORMAL = 3  # below it are bootstrap's and the frozen number, which no epoch has


@dataclass(frozen=True, slots=True)
class Written:
    """What the catalogs hold, by who wrote it.

    Attributes:
        sums: rows and the sum of their hashes, by catalog and 32-bit transaction number.
        next: the next transaction number there, in 64 bits.
    """

    sums: Mapping[tuple[str, int], Sum]
    next: int

    def number(self, short: int) -> int:
        """Return a row's 32-bit number in 64 bits.

        A row that is frozen for longer than an epoch gets too young a number: then it is
        taken for newer than the backup.
        """
        if short < _FIRST_NORMAL:
            return short
        long = self.next - self.next % EPOCH + short
        return long if long < self.next or long < EPOCH else long - EPOCH


def written(connection: Connection) -> Written:
    """Return what the catalogs hold, by who wrote it."""
    with under(connection):
        sums = catalogs.read(connection).sums
        row = connection.execute(statement(sql.load("schema/snapshot"))).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM
    return Written(sums, Snapshot.parse(row[0]).xmax)


def check(crew: Crew, source: Source, connection: Connection) -> CheckResult:
    """Hold a restored backup's catalogs against the source's, as of then.

    Args:
        crew: to connect with.
        source: whose backup it is.
        connection: to the copy.
    """
    with crew.connect(source.login(VERIFY)) as original:
        return compare(original, connection)


def compare(original: Connection, connection: Connection) -> CheckResult:
    """Compare the rows of the catalogs that both must have; see ``check``."""
    now, then = written(original), written(connection)
    total = sum(group.rows for group in now.sums.values())
    other = {key for key, group in now.sums.items() if then.sums.get(key) != group}
    newest = _newest(connection, then)
    older = {now.number(short): short for _, short in other if now.number(short) < newest}
    writers = {older[long] for long in _committed(connection, set(older))}
    missing = {key: _more(now, then, key) for key in other if key[1] not in writers}
    end, later = _end(connection), _ledger(original) - _ledger(connection)
    doubtful = sum(
        many
        for (_, short), many in missing.items()
        if short not in later and now.number(short) < end
    )
    since = sum(missing.values()) - doubtful
    names = {name for name, short in other if short in writers}
    absent = catalogs.rows(original, names, writers) - catalogs.rows(connection, names, writers)
    fates = Counter(_fates(connection, absent))
    return _result(fates, since, doubtful, total, has_heartbeat=newest > 0)


def _more(now: Written, then: Written, key: tuple[str, int]) -> int:
    """Return how many rows more of one writer the source has than the copy."""
    sum_of_copy = then.sums.get(key)
    return max(0, now.sums[key].rows - (sum_of_copy.rows if sum_of_copy else 0))


def _result(
    fates: Counter[_Fate], since: int, doubtful: int, total: int, *, has_heartbeat: bool
) -> CheckResult:
    wrong, known = sum(fates.values()), total - since - doubtful
    if wrong:
        words = f"{wrong} of {total} rows of the catalogs, older than the backup, are not in it"
        findings = tuple(
            Finding(about, Level.FINDING, f"{fate} ({many} rows)" if many > 1 else fate)
            for (about, fate), many in sorted(fates.items())
        )
        return CheckResult(CHECK, State.FINDING, known, total, words, findings)
    words = f"{known} of {total} rows of the catalogs are as on the source"
    if since:
        words = f"{words}, {since} were written since the backup"
    if not doubtful:
        return CheckResult(CHECK, State.OK, known, total, words)
    if has_heartbeat:
        words = f"{words}; {doubtful} may be newer or lost: no heartbeat in the backup is younger"
        return CheckResult(CHECK, State.UNKNOWN, known, total, words, remedy=_LATER)
    words = (
        f"{words}; {doubtful} may be newer or lost: the backup holds no heartbeat of a drill yet, "
        "which would tell"
    )
    return CheckResult(CHECK, State.NOT_APPLICABLE, known, total, words)


def _fates(connection: Connection, absent: frozenset[Row]) -> Iterator[_Fate]:
    """Yield what is not there, or not as it was; what was only written anew is there."""
    rows_of_copy = (
        catalogs.rows(connection, {row.catalog for row in absent}) if absent else frozenset()
    )
    known = {(row_of_copy.catalog, row_of_copy.about) for row_of_copy in rows_of_copy}
    for row in absent - rows_of_copy:
        altered = row.about and (row.catalog, row.about) in known
        about = ObjectId("catalog row", row.catalog, part=row.about)
        yield about, "not as it was" if altered else "lost"


def _end(connection: Connection) -> int:
    """Return the number that the source's transactions in the copy are below."""
    row = connection.execute(statement(sql.load("restore/checkpoint_number"))).fetchone()
    return int(row[0]) if row else 0


def _ledger(connection: Connection) -> frozenset[int]:
    """Return who wrote the rows of the ledger of migrations; nobody where it can't be read.

    A transaction came whole or not at all. Whether its migration had to come is another check.
    """
    row = connection.execute(statement(sql.load("restore/migration_ledger"))).fetchone()
    if not (row and row[1]):
        return frozenset()
    rows = connection.execute(statement(sql.load("restore/migration_rows")))
    return frozenset(int(writer) for _, _, _, writer, *_ in rows)


def _newest(connection: Connection, then: Written) -> int:
    """Return who wrote the copy's newest heartbeat; 0 where there is none.

    A copy gives its own transactions numbers that the source gave to others since: only what
    is below the newest heartbeat was surely numbered by the source.
    """
    try:
        with connection.transaction():
            query = statement(sql.load("restore/heartbeat_number"))
            row = connection.execute(query).fetchone()
    except psycopg.errors.UndefinedTable:
        return 0
    return then.number(row[0]) if row else 0


def _committed(connection: Connection, numbers: set[int]) -> frozenset[int]:
    """Return those of the source's transactions that the copy holds as committed."""
    query = statement(sql.load("restore/held"))
    parameters = {"numbers": [str(number) for number in numbers]}
    return frozenset(int(number) for (number,) in connection.execute(query, parameters))
