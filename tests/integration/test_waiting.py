"""Whom a concurrent statement waits for: what is predicted is what PostgreSQL does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic, sleep

import psycopg
import pytest
from psycopg import sql as psql

from ops import programs, waiting
from ops.db import Budget, Connection, Database, statement
from ops.scratch import SUPERUSER, scratch
from ops.waiting import EVERYBODY, WRITERS, Demand

_PATIENT = Budget(statement_s=0, lock_s=0, read_only=False)
OWNER, APPLICATION = "ai_square_owner", "application"
_SETTINGS = {
    "max_prepared_transactions": "10",
    "max_connections": "60",
    "wal_level": "logical",
    "autovacuum": "off",
    "deadlock_timeout": "50ms",
    "autovacuum_naptime": "1s",
    "force_parallel_mode": "off",
    "timezone": "UTC",
    "log_min_messages": "fatal",
}
_TABLES = """
set role ai_square_owner;
create table a (id int primary key, b int);
create index a_b on a (b);
create table o (id int primary key, b int);
create index o_b on o (b);
insert into a select g, g from generate_series(1, 1000) g;
insert into o select g, g from generate_series(1, 1000) g;
create table p (id int) partition by range (id);
create table p1 partition of p for values from (0) to (9);
create table p2 partition of p for values from (9) to (18);
create function held(int) returns boolean immutable language plpgsql
    as 'begin perform pg_advisory_xact_lock_shared(7); return true; end';
create function held(a int, b int) returns int immutable language plpgsql
    as 'begin perform held(a); return btint4cmp(a, b); end';
reset role;
create operator class held_ops for type int using btree as
    operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >,
    function 1 held(int, int);
set role ai_square_owner;
grant all on a, o, p, p1, p2 to application;
"""
BUILD = Demand(("a",), WRITERS, snapshots=True)
STATEMENTS = {
    "build": ("create index concurrently made on a (b)", BUILD),
    "drop": ("drop index concurrently a_b", Demand(("a_b",), EVERYBODY, snapshots=False)),
    "reindex": (
        "reindex table concurrently a",
        Demand(("a",), EVERYBODY, snapshots=True, parts=True),
    ),
    "detach": (
        "alter table p detach partition p1 concurrently",
        Demand(("p", "p1"), EVERYBODY, snapshots=False),
    ),
}
_SLOW = (
    "autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0, "
    "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
)
# Longer than deadlock_timeout, after which an autovacuum worker gives way.
_WAITS_S = 0.15


class Stand:
    """One database, with sessions of everybody in any state."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._stack = ExitStack()

    def session(self, user: str = APPLICATION, database: str = "") -> Connection:
        target = self.database.named(database) if database else self.database
        return self._stack.enter_context(target.connect(user, budget=_PATIENT, name="other"))

    def do(self, *texts: str, user: str = APPLICATION, database: str = "") -> Connection:
        connection = self.session(user, database)
        for text in texts:
            connection.execute(statement(text))
        return connection

    def background(self, text: str, user: str = APPLICATION) -> Connection:
        """Run a statement that waits; return its session once it does."""
        connection = self.session(user)
        pid = connection.info.backend_pid
        thread = threading.Thread(target=_run, args=(connection, text), daemon=True)
        thread.start()
        self.ending(thread, connection)
        look = self.session(SUPERUSER)
        _until(lambda: bool(_waits(look, pid)))
        return connection

    def ending(self, thread: threading.Thread, session: Connection) -> None:
        """Cancel what a session runs in a thread once all is over."""
        self._stack.callback(thread.join)
        self._stack.callback(session.cancel_safe)

    def undone(self, undo: Callable[[], object]) -> None:
        self._stack.callback(undo)

    def closing(self, connection: Connection) -> None:
        self._stack.enter_context(connection)

    def close(self) -> None:
        self._stack.close()


def _run(connection: Connection, text: str) -> None:
    try:
        connection.execute(statement(text))
    except psycopg.Error:
        return


def _waits(look: Connection, pid: int) -> bool:
    asked = "select 1 from pg_locks where pid = %s and not granted"
    return look.execute(asked, [pid]).fetchone() is not None


def _until(true: Callable[[], bool]) -> None:
    end = monotonic() + 20
    while not true():
        assert monotonic() < end, "it did not come"
        sleep(0.005)


def _reading(level: str = "read committed", table: str = "o") -> Callable[[Stand], object]:
    texts = (f"begin isolation level {level}", f"table {table}")
    return lambda stand: stand.do(*texts)


def _doing(*texts: str, user: str = APPLICATION) -> Callable[[Stand], object]:
    return lambda stand: stand.do("begin", *texts, user=user)


def _prepared(*texts: str) -> Callable[[Stand], object]:
    return lambda stand: stand.do("begin", *texts, "prepare transaction 'it''s'")


def _elsewhere(stand: Stand) -> None:
    begin = "begin isolation level repeatable read"
    stand.do(begin, "select txid_current()", database="postgres")


def _slot(stand: Stand) -> None:
    stand.do("select pg_create_logical_replication_slot('slot', 'test_decoding')", user=SUPERUSER)
    stand.do("insert into o values (0, 0)")


def _exported(stand: Stand) -> None:
    """Let a walsender hold the snapshot of the slot that it makes, as subscriptions do."""
    database = stand.database
    connection = psycopg.connect(
        host=database.host,
        port=database.port,
        dbname=database.name,
        user=SUPERUSER,
        replication="database",
        autocommit=True,
    )
    stand.closing(connection)
    connection.execute("CREATE_REPLICATION_SLOT exported TEMPORARY LOGICAL test_decoding")


def _building(text: str, user: str = OWNER) -> Callable[[Stand], object]:
    """Let another build wait, in its last phase if it has a snapshot there."""

    def state(stand: Stand) -> None:
        stand.do("begin", "insert into o values (0, 0)")
        stand.background(text, user)

    return state


def _scanning(text: str, user: str = OWNER) -> Callable[[Stand], object]:
    """Let another build hold its snapshot for long: one of its rows waits for an advisory lock."""

    def state(stand: Stand) -> None:
        stand.do("select pg_advisory_lock(7)")
        stand.background(text, user)

    return state


def _vacuum_waiting_of(user: str) -> Callable[[Stand], object]:
    def state(stand: Stand) -> None:
        stand.do("begin", "lock o in share mode", user=OWNER)
        stand.background("vacuum o", user)

    return state


def _fill(table: str) -> tuple[str, str]:
    """Return what leaves dead rows enough for a slow vacuum."""
    rows = "select g, g from generate_series(2000, 40000) g"
    delete = f"delete from {table} where id > 1000"  # noqa: S608 - a table of the test's own
    return f"insert into {table} {rows}", delete


def _vacuuming(table: str) -> Callable[[Stand], object]:
    def state(stand: Stand) -> None:
        stand.do(*_fill(table))
        session = stand.do("set vacuum_cost_delay = 100", "set vacuum_cost_limit = 1", user=OWNER)
        thread = threading.Thread(target=_run, args=(session, f"vacuum {table}"), daemon=True)
        thread.start()
        stand.ending(thread, session)
        look = stand.session(SUPERUSER)
        _until(lambda: look.execute("select 1 from pg_stat_progress_vacuum").fetchone() is not None)

    return state


def _autovacuuming(table: str) -> Callable[[Stand], object]:
    def state(stand: Stand) -> None:
        with stand.database.connect(OWNER, budget=_PATIENT) as connection:
            for text in (f"alter table {table} set ({_SLOW})", *_fill(table)):
                connection.execute(statement(text))
        # What the session counted reaches the autovacuum launcher once it ends.
        look = stand.do(
            "alter system set autovacuum = on", "select pg_reload_conf()", user=SUPERUSER
        )
        asked = "select 1 from pg_stat_progress_vacuum where relid = %s::regclass"
        _until(lambda: look.execute(asked, [table]).fetchone() is not None)
        look.execute("alter system reset autovacuum")
        stand.undone(lambda: look.execute("select pg_reload_conf()"))

    return state


def _queued(stand: Stand) -> None:
    """Let somebody wait for a lock that conflicts with ours, behind a mere reader."""
    stand.do("begin", "select from a")
    stand.background("alter table a add c int", OWNER)


def _cursor(text: str, *, hold: bool = False) -> Callable[[Stand], object]:
    ending = ("commit",) if hold else ()
    declare = f"declare c cursor {'with hold' if hold else ''} for {text}"
    return lambda stand: stand.do("begin", declare, "fetch 1 from c", *ending)


def _running(text: str) -> Callable[[Stand], object]:
    def state(stand: Stand) -> None:
        stand.do("select pg_advisory_lock(7)")
        stand.background(text)

    return state


def _parallel(stand: Stand) -> None:
    session = stand.do("set force_parallel_mode = on")
    thread = threading.Thread(target=_run, args=(session, "select pg_sleep(60) from o"))
    thread.start()
    stand.ending(thread, session)
    look = stand.session(SUPERUSER)
    asked = "select 1 from pg_stat_activity where backend_type = 'parallel worker'"
    _until(lambda: look.execute(statement(asked)).fetchone() is not None)


NOBODY = ""
ON_A = "build drop reindex"
STATES: dict[str, tuple[Callable[[Stand], object], str]] = {
    "idle session": (lambda stand: stand.do("select 1"), NOBODY),
    "read committed, elsewhere": (_reading(), NOBODY),
    "read committed, read this table": (_reading(table="a"), "drop reindex"),
    "read committed, wrote this table": (_doing("insert into a values (0, 0)"), ON_A),
    "read committed, wrote elsewhere": (_doing("insert into o values (0, 0)"), NOBODY),
    "locked rows of this table": (_doing("select from a where id = 1 for update"), "drop reindex"),
    "locked this table in share mode": (_doing("lock a in share mode", user=OWNER), ON_A),
    "altered this table": (_doing("alter table a add c int", user=OWNER), ON_A),
    "altered this index": (
        _doing("alter index a_b set (fillfactor = 50)", user=OWNER),
        "drop reindex",
    ),
    "read the partitioned table": (_reading(table="p"), "detach"),
    "read the partition": (_reading(table="p1"), "detach"),
    "read another partition": (_reading(table="p2"), NOBODY),
    "repeatable read, before its first statement": (
        _doing("set transaction isolation level repeatable read"),
        NOBODY,
    ),
    "repeatable read, elsewhere": (_reading("repeatable read"), "build reindex"),
    "serializable, read this table": (_reading("serializable", "a"), ON_A),
    "serializable, elsewhere": (_reading("serializable"), "build reindex"),
    "deferrable": (_reading("serializable read only deferrable"), "build reindex"),
    "cursor elsewhere": (_cursor("select * from o"), "build reindex"),
    "cursor with hold": (_cursor("select * from o", hold=True), NOBODY),
    "statement that runs": (_running("select pg_advisory_lock(7) from o"), "build reindex"),
    "parallel workers that run": (_parallel, "build reindex"),
    "subtransaction wrote this table": (_doing("savepoint s", "insert into a values (0, 0)"), ON_A),
    "subtransaction rolled back": (
        _doing("savepoint s", "insert into a values (0, 0)", "rollback to s"),
        NOBODY,
    ),
    "prepared, this table": (_prepared("insert into a values (0, 0)"), ON_A),
    "prepared, read this table": (_prepared("select from a"), "drop reindex"),
    "prepared, elsewhere": (_prepared("insert into o values (0, 0)"), NOBODY),
    "another database": (_elsewhere, NOBODY),
    "logical slot": (_slot, NOBODY),
    "walsender that exports a snapshot": (_exported, "build reindex"),
    "vacuum of this table": (_vacuuming("a"), ON_A),
    "vacuum of another table": (_vacuuming("o"), NOBODY),
    "vacuum that waits": (_vacuum_waiting_of(OWNER), NOBODY),
    "autovacuum of this table": (_autovacuuming("a"), NOBODY),
    "autovacuum of another table": (_autovacuuming("o"), NOBODY),
    "build on this table": (
        lambda s: (
            s.do("begin", "insert into a values (0, 0)"),
            s.background("create index concurrently x on a (b)", OWNER),
        ),
        ON_A,
    ),
    "build elsewhere, waiting": (_building("create index concurrently x on o (b)"), NOBODY),
    "build elsewhere, scanning": (
        _scanning("create index concurrently x on o (b held_ops)"),
        NOBODY,
    ),
    "partial build elsewhere, scanning": (
        _scanning("create index concurrently x on o (b) where held(b)"),
        "build reindex",
    ),
    "alter that waits for this table": (_queued, ON_A),
}


def _measure(stand: Stand, text: str) -> bool:
    """Return whether a statement waits for somebody, once it ends or has waited for a while."""
    session, look = stand.session(OWNER), stand.session(SUPERUSER)
    pid = session.info.backend_pid
    thread = threading.Thread(target=_run, args=(session, text), daemon=True)
    thread.start()
    since, waited = monotonic(), False
    while thread.is_alive() and not waited:
        if not _waits(look, pid):
            since = monotonic()
        waited = monotonic() - since > _WAITS_S
        sleep(0.005)
    session.cancel_safe()
    thread.join()
    return waited


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with scratch(programs.find(15, stand_in=True)) as made, made.running(_SETTINGS) as database:
        with database.connect(SUPERUSER, budget=_PATIENT) as connection:
            for role in (OWNER, APPLICATION):
                connection.execute(statement(f"create role {role} login"))
            connection.execute(statement(f"create database origin owner {OWNER}"))
        with database.named("origin").connect(SUPERUSER, budget=_PATIENT) as connection:
            connection.execute(statement(_TABLES))
        yield database


@pytest.fixture
def stand(server: Database) -> Iterator[Stand]:
    with server.connect(SUPERUSER, budget=_PATIENT) as connection:
        connection.execute(statement(f"create database stand template origin owner {OWNER}"))
        stand = Stand(server.named("stand"))
        yield stand
        stand.close()
        with stand.database.connect(SUPERUSER, budget=_PATIENT) as inside:
            for (gid,) in inside.execute("select gid from pg_prepared_xacts").fetchall():
                inside.execute(psql.SQL("rollback prepared {}").format(psql.Literal(gid)))
            # A temporary slot goes with its walsender, which may still be ending.
            busy = "select from pg_replication_slots where active"
            _until(lambda: inside.execute(busy).rowcount == 0)
            inside.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots")
        connection.execute("drop database stand with (force)")


def _certain(connection: Connection, demand: Demand) -> bool:
    return any(holder.certain for holder in waiting.holders(connection, demand))


@pytest.mark.parametrize("name", STATES)
def test_what_is_predicted_is_what_postgresql_does(stand: Stand, name: str) -> None:
    make, expected = STATES[name]
    make(stand)
    owner, superuser = stand.session(OWNER), stand.session(SUPERUSER)
    measured, predicted, seen = [], [], []
    for kind, (text, demand) in STATEMENTS.items():
        predicted += [kind] if _certain(owner, demand) else []
        seen += [kind] if _certain(superuser, demand) else []
        measured += [kind] if _measure(stand, text) else []
    assert (predicted, seen) == (measured, measured)
    assert measured == expected.split()


@pytest.mark.parametrize(
    "state",
    [
        _scanning("create index concurrently x on o (b held_ops)", SUPERUSER),
        _vacuum_waiting_of(SUPERUSER),
        _autovacuuming("a"),
    ],
    ids=["build", "vacuum that waits", "autovacuum of this table"],
)
def test_what_only_a_monitor_sees_is_unknown_to_the_owner(
    stand: Stand, state: Callable[[Stand], object]
) -> None:
    state(stand)
    (holder,) = waiting.holders(stand.session(OWNER), BUILD)
    assert (holder.certain, holder.hidden) == (False, True)
    assert "GRANT pg_read_all_stats" in waiting.remedy([holder])
    assert waiting.holders(stand.session(SUPERUSER), BUILD) == ()


def test_what_came_after_the_first_look_does_not_count(stand: Stand) -> None:
    owner, first = stand.session(OWNER), stand.do("begin", "insert into a values (-1, 0)")
    looked = waiting.holders(owner, BUILD)
    assert [holder.pid for holder in looked] == [first.info.backend_pid]
    stand.do("begin", "insert into a values (-2, 0)")
    now = waiting.holders(owner, BUILD)
    assert len(now) > len(looked)
    assert [h.pid for h in waiting.remaining(looked, now)] == [first.info.backend_pid]
    first.execute("commit")
    assert waiting.remaining(looked, waiting.holders(owner, BUILD)) == ()


def test_a_prepared_transaction_in_the_way_is_named_with_its_end(stand: Stand) -> None:
    stand.do("begin", "insert into a values (-1, 0)", "prepare transaction 'it''s'")
    (holder,) = waiting.holders(stand.session(OWNER), BUILD)
    assert str(holder).startswith('prepared transaction "it\'s" (application), for ')
    assert waiting.remedy([holder]).endswith("ROLLBACK PREPARED 'it''s'")
    session = stand.background("alter table a add c int", OWNER)
    (blocker,) = waiting.blockers(stand.session(OWNER), session.info.backend_pid)
    assert (blocker.pid, blocker.gid, blocker.user) == (0, "it's", APPLICATION)
