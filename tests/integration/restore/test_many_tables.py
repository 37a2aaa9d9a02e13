"""More tables than the lock table holds: everything is read all the same, under one snapshot."""

from collections.abc import Iterator

import psycopg
import pytest

from ops.checks.crew import Crew, Login
from ops.checks.limit import Limit
from ops.checks.questions import amcheck, application, orphans
from ops.checks.questions import sequence_reach as reach
from ops.checks.reading import released, under
from ops.checks.result import State
from ops.checks.trouble import Trouble
from ops.db import CHANGE, VERIFY, Database
from ops.programs import find
from ops.schema import catalogs, content, sequences, tablecontent
from ops.schema import definitions as questions
from ops.scratch import SUPERUSER, scratch

TABLES = 1500
# room for some 400 locks; the tables and their indexes are 3,000
FEW = {"max_locks_per_transaction": "16", "max_connections": "20", "fsync": "off"}
MAKE = """
CREATE TABLE {name} (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, up int REFERENCES {up});
INSERT INTO {name} (up) VALUES (NULL), (1)
"""


@pytest.fixture(scope="module")
def many() -> Iterator[Database]:
    with scratch(find(15, stand_in=True)) as cluster, cluster.running(FEW) as database:
        with database.connect(SUPERUSER, budget=CHANGE) as connection:
            connection.execute("CREATE EXTENSION amcheck; CREATE TABLE t0 (id int PRIMARY KEY)")
            connection.execute("INSERT INTO t0 VALUES (1)")
            for first in range(1, TABLES, 25):
                numbers = range(first, min(first + 25, TABLES))
                made = (MAKE.format(name=f"t{n}", up=f"t{n // 2}") for n in numbers)
                connection.execute(";".join(made).encode())
        yield database


def test_no_lock_is_kept_while_everything_is_read(many: Database) -> None:
    login, crew = Login(many, SUPERUSER, VERIFY), Crew()
    with many.connect(SUPERUSER, budget=VERIFY) as holder:
        shapes = tablecontent.shapes(holder)
        every = ";".join(f"SELECT FROM {table.label}" for table in shapes)
        with pytest.raises(psycopg.errors.OutOfMemory):
            holder.execute(every.encode())
        with under(holder):
            row = holder.execute("SELECT pg_export_snapshot()").fetchone()
            assert row is not None
            answers = questions.ask_all(holder)
            with released(holder):
                rows = catalogs.read(holder)
            held = content.read(crew, login, shapes, row[0])
            cut = content.read(crew, login, [one.in_stretches() for one in shapes], row[0])
            locks = holder.execute("SELECT count(*) FROM pg_locks WHERE granted").fetchone()
    assert not any(isinstance(one, Trouble) for one in answers.values())
    tables = answers["tables"]
    assert not isinstance(tables, Trouble)
    assert len(tables) == 2 * TABLES - 1
    assert sum(one.rows for (name, _), one in rows.sums.items() if name == "pg_class") > 3 * TABLES
    assert len(held) == len(cut) == TABLES
    assert [one.trouble for one in (*held.values(), *cut.values()) if one.trouble] == []
    assert sum(one.rows for one in held.values()) == 2 * TABLES - 1
    assert locks is not None
    assert locks[0] < 30


def test_every_check_looks_at_all_of_them(many: Database) -> None:
    login, crew = Login(many, SUPERUSER, VERIFY), Crew()
    with many.connect(SUPERUSER, budget=VERIFY) as connection:
        found = [
            application.check(crew, login),
            reach.check(connection),
            orphans.check(connection),
            amcheck.check(crew, login),
        ]
        assert len(sequences.read(connection)) == TABLES - 1
    assert [one.state for one in found] == [State.OK] * 4, found
    assert [one.total for one in found[:3]] == [TABLES + 1, TABLES - 1, TABLES - 1]
    assert all(one.examined == one.total for one in found)


def test_one_that_is_wrong_is_found_among_them(many: Database) -> None:
    login, crew = Login(many, SUPERUSER, VERIFY), Crew()
    with many.connect(SUPERUSER, budget=CHANGE) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE t77 SET up = 9; ALTER TABLE t78 ALTER id RESTART")
        connection.execute(
            "DROP TABLE t79 CASCADE; CREATE VIEW t79 AS SELECT FROM t0 WHERE id / 0 = 1"
        )
        found = [
            application.check(crew, login),
            reach.check(connection),
            orphans.check(connection),
        ]
    lines = [one.differences for one in found]
    assert lines[0][0].startswith("public.t79: ")
    assert lines[1] == ("public.t78_id_seq: is at its start; t78.id has 2",)
    assert lines[2] == ("public.t77 t77_up_fkey: 2 of 2 rows",)


@pytest.mark.parametrize("seconds", [0, 0.05])
def test_what_the_time_does_not_reach_is_unknown(many: Database, seconds: float) -> None:
    login, crew = Login(many, SUPERUSER, VERIFY), Crew()
    with many.connect(SUPERUSER, budget=VERIFY) as connection:
        found = [
            reach.check(connection, Limit.after(seconds)),
            orphans.check(connection, Limit.after(seconds)),
            amcheck.check(crew, login, Limit.after(seconds)),
        ]
    for one in found:
        assert one.state in (State.UNKNOWN, State.FINDING)
        assert one.examined < one.total
        assert one.total > 1000
        assert "--verify-limit" in one.remedy
        assert "not got to in the time given" in one.detail
