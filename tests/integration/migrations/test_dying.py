"""The runner dies after every single statement that it sends; ``up`` goes on.

To die before a statement is, for the server, to die after the one before.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
from psycopg.abc import Params
from psycopg.rows import TupleRow

from ops.db import Connection
from ops.migrations import runner
from ops.migrations.files import Migration
from ops.migrations.others import Connect
from ops.migrations.results import Outcome
from tests.integration.migrations.conftest import Write

CHAIN = {
    "_0001_a": (
        "create type m as enum ('x'); create table a (id int, m m); create index a_m on a (m);",
        "drop table a; drop type m;",
    ),
    "_0002_b": (
        """
        set search_path = public;
        create index concurrently a_id on a (id);
        alter type m add value 'y';
        insert into a values (1, 'y');
        drop index concurrently a_m;
        """,
        "create index concurrently a_m on a (m); delete from a; drop index concurrently a_id;",
    ),
}
Death = Callable[[], None]


class _Died(BaseException):
    """No code of the runner gets to handle it, as none handles kill -9."""


@contextmanager
def _mortal(connect: Connect, at: int) -> Iterator[Connection]:
    """Open a session whose process dies with its statement number ``at``."""
    sent = count(1)

    class Cursor(psycopg.Cursor[TupleRow]):
        def execute(
            self,
            query: Any,  # noqa: ANN401 - psycopg overloads it
            params: Params | None = None,
            **options: bool | None,
        ) -> "Cursor":
            super().execute(query, params, **options)
            if next(sent) == at:
                self._die()
            return self

        def _die(self) -> None:
            self.connection.pgconn.finish()
            raise _Died

    with connect() as connection:
        connection.cursor_factory = Cursor
        yield connection


def test_wherever_the_runner_dies_the_next_one_goes_on(connect: Connect, write: Write) -> None:
    migrations = write(**CHAIN)

    def up(connect: Connect) -> Outcome:
        return runner.up(connect, migrations)

    def down(connect: Connect) -> Outcome:
        return runner.down(connect, migrations, to="0")

    up(connect)
    whole = _catalog(connect)
    down(connect)
    empty = _catalog(connect)
    for at in count(1):
        lived_up = _lives(up, connect, at)
        _goes_on(up, connect, migrations, expected=whole)
        lived_down = _lives(down, connect, at)
        _goes_on(down, connect, migrations, expected=empty)
        if lived_up and lived_down:
            assert at > 30  # it did die often
            return


def _lives(run: Callable[[Connect], Outcome], connect: Connect, at: int) -> bool:
    try:
        run(lambda: _mortal(connect, at))
    except _Died:
        return False
    return True


def _goes_on(
    run: Callable[[Connect], Outcome],
    connect: Connect,
    migrations: tuple[Migration, ...],
    *,
    expected: object,
) -> None:
    run(connect)
    assert _catalog(connect) == expected
    standings = {entry.standing.value for entry in runner.status(connect, migrations).migrations}
    assert len(standings) == 1


def _catalog(connect: Connect) -> object:
    """Return what the chain makes: relations, whether indexes are valid, values, rows' number."""
    asked = """
        select c.relname, c.relkind::text, coalesce(i.indisvalid, true)
          from pg_class c left join pg_index i on i.indexrelid = c.oid
         where c.relnamespace = 'public'::regnamespace
         union all select tgname, 'trigger', true from pg_trigger where not tgisinternal
         order by 1, 2
    """
    with connect() as connection:
        relations = connection.execute(asked).fetchall()
        rows = connection.execute("select count(*) from a").fetchone() if relations else None
        return relations, rows
