"""Who keeps a session waiting, and who would: asked of locks and snapshots, never of age.

A statement with CONCURRENTLY waits in the middle of its work, for every transaction that
holds a lock in its way and, where it builds an index, for every old snapshot. So it is
worth a look before it begins; what only waits for its lock needs none.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg.rows import args_row

from ops import sql
from ops.db import Connection, statement

_MINUTE_S = 60
_HOUR_S = 60 * _MINUTE_S
_NAMED = 3  # more would hide the sentence around them
# https://www.postgresql.org/docs/15/explicit-locking.html, weakest first.
LOCK_MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
# What conflicts with SHARE UPDATE EXCLUSIVE, which every concurrent statement begins with.
_BEFORE_THE_START = LOCK_MODES[3:]
# A build waits for writers in addition, and a removal for readers too.
WRITERS = LOCK_MODES[2:]
EVERYBODY = LOCK_MODES


@dataclass(frozen=True, slots=True)
class Blocker:
    """A transaction in the way of another one.

    Attributes:
        pid: its backend; 0 is a prepared transaction.
        gid: the prepared transaction's name, else empty.
        user: its role.
        application: what it calls itself.
        state: as pg_stat_activity says, such as ``idle in transaction``; empty where
            pg_read_all_stats is needed to see it.
        age_s: how long its transaction, or the session, has lasted, in seconds; 0 where hidden.
        query: its last query, shortened.
        holds: what is in the way, such as ``RowExclusiveLock on a``; empty where not asked for.
        key: names the transaction, and its snapshot where that alone is in the way.
        certain: False where pg_read_all_stats is needed to know whether it is in the way.
    """

    pid: int
    gid: str
    user: str
    application: str
    state: str
    age_s: float
    query: str
    holds: str = ""
    key: str = ""
    certain: bool = True

    @property
    def hidden(self) -> bool:
        """Return whether state, age and query need pg_read_all_stats."""
        return not self.state

    def __str__(self) -> str:
        holds = f", holding {self.holds}" if self.holds else ""
        if not self.pid:
            name = f"prepared transaction {self.gid!r}" if self.gid else "a prepared transaction"
            return f"{name} ({self.user}), for {duration(self.age_s)}{holds}"
        who = f"pid {self.pid} ({', '.join(filter(None, (self.user, self.application)))})"
        if self.hidden:
            return f"{who}, state hidden{holds}"
        # Others' text must not reach the terminal as commands.
        words = "".join(c for c in " ".join(self.query.split()) if c.isprintable())
        query = f": {words}" if words else ""
        return f"{who}, {self.state}, for {duration(self.age_s)}{holds}{query}"


@dataclass(frozen=True, slots=True)
class Phase:
    """What the building of an index does now.

    Attributes:
        name: PostgreSQL's name of the phase.
        lockers_done, lockers_total: how many transactions it has waited for, and has to.
        locker_pid: whom it waits for; None or 0 where for nobody, or a prepared transaction.
        percent: of the phase's blocks or rows; None where the phase counts neither.
    """

    name: str
    lockers_done: int
    lockers_total: int
    locker_pid: int | None
    percent: int | None

    def __str__(self) -> str:
        if self.lockers_total:
            return f"{self.name}, {self.lockers_done} of {self.lockers_total} done"
        return self.name if self.percent is None else f"{self.name}, {self.percent} %"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a concurrent statement waits for in the middle of its work.

    Attributes:
        relations: tables or indexes, as ``to_regclass`` reads them.
        modes: whose granted locks on them it waits for, by mode.
        snapshots: whether it waits for old snapshots of the whole database.
        parts: whether partitions, indexes and TOAST of a table belong to it.
    """

    relations: tuple[str, ...]
    modes: tuple[str, ...]
    snapshots: bool
    parts: bool = False


def holders(connection: Connection, demand: Demand) -> tuple[Blocker, ...]:
    """Return whom a concurrent statement would wait for if it began now."""
    values = {
        "relations": list(demand.relations),
        "modes": list(demand.modes),
        "queue": list(_BEFORE_THE_START),
        "snapshots": demand.snapshots,
        "parts": demand.parts,
    }
    with connection.cursor(row_factory=args_row(Blocker)) as cursor:
        return tuple(cursor.execute(statement(sql.load("waiting/holders")), values))


def blockers(connection: Connection, pid: int) -> tuple[Blocker, ...]:
    """Return who keeps a backend waiting at this moment; nobody where it does not wait."""
    with connection.cursor(row_factory=args_row(Blocker)) as cursor:
        return tuple(cursor.execute(statement(sql.load("waiting/blockers")), {"pid": pid}))


def advisory_lock_holders(connection: Connection, key: int) -> tuple[Blocker, ...]:
    """Return who holds an advisory lock; their age is that of the session."""
    with connection.cursor(row_factory=args_row(Blocker)) as cursor:
        return tuple(cursor.execute(statement(sql.load("waiting/advisory_lock")), {"key": key}))


def phase(connection: Connection, pid: int) -> Phase | None:
    """Return what a backend's building of an index does; None where it builds none."""
    with connection.cursor(row_factory=args_row(Phase)) as cursor:
        return cursor.execute(statement(sql.load("waiting/phase")), {"pid": pid}).fetchone()


def remaining(first: Iterable[Blocker], now: Iterable[Blocker]) -> tuple[Blocker, ...]:
    """Return who of the first look is still in the way; what came later does not count."""
    keys = {blocker.key for blocker in first}
    return tuple(blocker for blocker in now if blocker.key in keys)


def named(transactions: Iterable[Blocker], *, blind: str = "") -> str:
    """Return transactions as a sentence names them, three at most.

    Args:
        transactions: who is in the way.
        blind: why nobody could look; empty where somebody did.
    """
    blockers = tuple(transactions)
    if blind and not blockers:
        return f"unknown ({blind.rstrip('.')})"
    listed = "; ".join(map(str, blockers[:_NAMED]))
    more = f"; and {len(blockers) - _NAMED} more" if len(blockers) > _NAMED else ""
    return f"{listed}{more}" if listed else "a session that was gone when we looked"


def remedy(transactions: Iterable[Blocker]) -> str:
    """Return how to get transactions out of the way, as the end of a sentence."""
    blockers = tuple(transactions)
    ways = []
    if any(blocker.pid for blocker in blockers) or not blockers:
        ways.append("let it end, or end it with pg_terminate_backend(pid)")
    gids = [blocker.gid for blocker in blockers if blocker.gid]
    if gids:
        quoted = gids[0].replace("'", "''")
        ways.append(f"end the prepared transaction with ROLLBACK PREPARED '{quoted}'")
    text = "; ".join(ways) or "end the prepared transaction (see pg_prepared_xacts)"
    if any(blocker.pid and blocker.hidden for blocker in blockers):
        text += " (GRANT pg_read_all_stats TO the role that migrates shows what it does)"
    return text


def duration(seconds: float) -> str:
    """Return a time as people say it: ``40 ms``, ``12 s``, ``3 min``, ``2 h``."""
    if seconds < _MINUTE_S:
        return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.0f} h"
