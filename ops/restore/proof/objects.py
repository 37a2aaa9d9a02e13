"""Objects that a restored backup must have: made by a transaction that it holds as committed.

The source has moved on since the backup, so an object that only the source has is either
newer or lost. Which one, the copy itself knows: it has the commit of whoever made it, or not.
"""

from collections.abc import Mapping

import psycopg

from ops import sql
from ops.db import VERIFY, Connection, statement
from ops.restore.crew import Crew
from ops.restore.proof.reading import under
from ops.restore.source import Source
from ops.results import CheckResult, State

_LATEST_32_BIT = 1 << 32  # past the first epoch a row's 32-bit number says too little


def made(connection: Connection) -> Mapping[str, int]:
    """Return the objects, with the number of the transaction that changed each last."""
    with under(connection):
        return dict(connection.execute(statement(sql.load("restore/objects_made"))).fetchall())


def check(crew: Crew, source: Source, connection: Connection) -> CheckResult:
    """Look for objects of the source that its restored backup must have, and has not."""
    with crew.connect(source.login(VERIFY)) as original:
        now = made(original)
    return missing(now, connection)


def missing(now: Mapping[str, int], connection: Connection) -> CheckResult:
    """Tell what is lost on a copy; see ``check``.

    Args:
        now: the source's objects.
        connection: to the copy.
    """
    have = made(connection)
    absent = {label: number for label, number in now.items() if label not in have}
    alike = sum(have.get(label) == number for label, number in now.items())
    known = _committed(connection, frozenset(absent.values()))
    lines = tuple(f"{label}: lost" for label, number in absent.items() if number in known)
    since = len(now) - alike - len(lines)
    words = (
        f"{alike} of {len(now)} objects are as on the source, {since} were made or changed since"
    )
    if lines:
        words = f"{len(lines)} of {len(now)} objects are lost, which were made before the backup"
        return CheckResult("objects", State.FINDING, alike + len(lines), len(now), words, lines)
    return CheckResult("objects", State.OK, alike, len(now), words)


def _committed(connection: Connection, numbers: frozenset[int]) -> frozenset[int]:
    """Return those of the source's transactions that the copy holds as committed.

    A copy gives its own transactions numbers that the source gave to others since: only what
    is below the newest heartbeat was surely numbered by the source.
    """
    if not numbers:
        return frozenset()
    try:
        row = connection.execute(statement(sql.load("restore/heartbeat_number"))).fetchone()
    except psycopg.errors.UndefinedTable:
        return frozenset()
    below = [str(one) for one in numbers if row and one < row[0] < _LATEST_32_BIT]
    query = statement(sql.load("restore/held"))
    return frozenset(int(one) for (one,) in connection.execute(query, {"numbers": below}))
