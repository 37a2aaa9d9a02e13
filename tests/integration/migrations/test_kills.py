"""``up`` is killed with -9 at random moments; the next ones finish it, and no row is there twice.

The suite plays a few rounds. MIGRATION_KILL_ROUNDS=100 plays as many as it says, and
MIGRATION_KILL_SEED=2 other moments; `pytest -s` shows each round.
"""

import os
import random
import re
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from time import monotonic

import pytest

from ops.db import CHANGE, Database
from ops.migrations import runner
from ops.migrations.answers import Answers, read_answers
from ops.migrations.disagreements import UnfinishedStepError
from ops.migrations.files import Migration, read
from ops.migrations.others import Connect
from tests.clusters import OWNER, Cluster
from tests.integration.migrations.conftest import Write

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = int(os.environ.get("MIGRATION_KILL_ROUNDS", "2"))
SEED = int(os.environ.get("MIGRATION_KILL_SEED", "1"))
FEW = 10  # rounds that nobody needs a table of
PARTS = 4  # that each statement which commits by itself commits one by one
AGAIN = 0.4  # how often the next run is killed as well
FILES = {
    "_0001_tables": """
        -- migrate:up
        create table numbers (n int, seen int default 0);
        insert into numbers select n from generate_series(1, 20000) n;
        create table payments (what text, part int);
        create procedure pay(what text) language plpgsql as $$
        begin
            for part in 1..4 loop
                insert into payments values (what, part);
                perform pg_sleep(0.03);
                commit;
            end loop;
        end $$;
        -- migrate:down
        """,
    "_0002_call": """
        -- migrate:up transaction:false
        insert into payments values ('before', 0);
        call pay('call');
        insert into payments values ('after', 0);
        call pay('last');
        -- migrate:down
        """,
    "_0003_mixed": """
        -- migrate:up
        insert into payments values ('mixed', 1);
        update numbers set seen = seen + 1;
        create index concurrently numbers_n on numbers (n);
        insert into payments values ('mixed', 2);
        do $$ begin
            for part in 1..4 loop
                update numbers set seen = seen + 10 where n % 4 = part - 1;
                insert into payments values ('do', part);
                perform pg_sleep(0.03);
                commit;
            end loop;
        end $$;
        create unique index concurrently numbers_only on numbers (n, seen);
        insert into payments values ('mixed', 3);
        -- migrate:down
        """,
    "_0004_data": """
        -- migrate:up
        alter table numbers add late int;
        update numbers set late = n * 2;
        do $$ begin update numbers set seen = seen + 100; end $$;
        insert into payments select 'copy', part from payments where what = 'call';
        -- migrate:down
        """,
    "_0005_only": """
        -- migrate:up
        call pay('only');
        -- migrate:down
        """,
}
# What commits by itself, by its step; and what each part of it does, for who completes it.
OWN = {"0002:2": "call", "0002:4": "last", "0003:4": "do", "0005:1": "only"}


def _part(connect: Connect, what: str, part: int) -> None:
    with connect() as connection, connection.transaction():
        connection.execute("insert into payments values (%s, %s)", [what, part])
        if what == "do":
            done = "update numbers set seen = seen + 10 where n %% 4 = %s"
            connection.execute(done, [part - 1])


def _answer(connect: Connect, question: str, counted: Counter[str]) -> Answers:
    """Decide as an operator does: by what is in the database."""
    named = re.search(r"--step-done ([\d:]+)", question)
    assert named, question
    what = OWN[named[1]]
    with connect() as connection:
        query = "select part from payments where what = %s"
        parts = {row[0] for row in connection.execute(query, [what])}
    if not parts:
        counted["begun, nothing committed: run again"] += 1
        return read_answers(rerun=named[1], done="")
    complete = len(parts) == PARTS
    counted[f"begun, {'all' if complete else 'some'} committed: done"] += 1
    for part in set(range(1, PARTS + 1)) - parts:
        _part(connect, what, part)
    return read_answers(rerun="", done=named[1])


def _content(connect: Connect) -> dict[str, list[str]]:
    queries = {
        "numbers": "select (n, seen, late)::text from numbers order by 1",
        "payments": "select (what, part)::text from payments order by 1",
        "indexes": "select pg_get_indexdef(indexrelid) || indisvalid from pg_index"
        " where indrelid = 'numbers'::regclass order by 1",
        "applied": "select (version, name, checksum)::text from ops.schema_migrations order by 1",
        "steps": "select (version, direction, step, checksum, finished_at is not null, once)::text"
        " from ops.schema_migration_steps order by 1",
    }
    with connect() as connection:
        return {
            name: [row[0] for row in connection.execute(query.encode())]
            for name, query in queries.items()
        }


def _child(database: Database, folder: Path) -> subprocess.Popen[bytes]:
    """Begin ``up`` in a process of its own; return once it connects."""
    arguments = [database.host, database.name, str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.migrations.run_up", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _killed(database: Database, folder: Path, delay_s: float) -> bool:
    with _child(database, folder) as process:
        try:
            process.wait(delay_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return True
    return False


def _finish(connect: Connect, migrations: tuple[Migration, ...], counted: Counter[str]) -> None:
    answers = Answers()
    while True:
        try:
            runner.up(connect, migrations, answers=answers)
        except UnfinishedStepError as question:
            answers = _answer(connect, str(question), counted)
        else:
            return


def _end_sessions(connect: Connect) -> None:
    """End what the killed runner's server process still does, as a failover would."""
    with connect() as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'to be killed' and datname = current_database()"
        )


def _applied(connect: Connect) -> int:
    with connect() as connection:
        there = connection.execute("select to_regclass('ops.schema_migrations') is not null")
        if there.fetchone() != (True,):
            return 0
        row = connection.execute("select count(*) from ops.schema_migrations").fetchone()
        return int(row[0]) if row else 0


def _round(database: Database, folder: Path, delays_s: list[float], counted: Counter[str]) -> None:
    """Kill ``up`` after each of the delays, unless it ended before; then let it finish."""
    connect = partial(database.connect, OWNER, budget=CHANGE)
    for number, delay_s in enumerate(delays_s):
        if not _killed(database, folder, delay_s):
            break
        if (number + len(delays_s)) % 2:
            _end_sessions(connect)
        counted[f"killed with {_applied(connect)} of {len(FILES)} files applied"] += 1
    _finish(connect, read(folder), counted)


@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_kill_9_at_any_moment_does_nothing_twice(
    cluster: Cluster, write: Write, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(**{name: text.replace("        ", "") for name, text in FILES.items()})
    whole = cluster.create()
    with _child(whole, folder) as child:
        start = monotonic()
        assert child.wait() == 0
        duration_s = monotonic() - start
    expected = _content(partial(whole.connect, OWNER, budget=CHANGE))
    cluster.drop(whole)
    chance = random.Random(SEED)  # noqa: S311 - to be repeated, not to be secret
    counted: Counter[str] = Counter()

    for number in range(1, ROUNDS + 1):
        database = cluster.create()
        delays = [chance.uniform(0, duration_s)]
        while chance.random() < AGAIN:
            delays.append(chance.uniform(0, duration_s))
        _round(database, folder, delays, counted)
        content = _content(partial(database.connect, OWNER, budget=CHANGE))
        assert content == expected, f"round {number}, seed {SEED}"
        cluster.drop(database)
    assert any(name.startswith("killed") for name in counted)
    with capsys.disabled() if ROUNDS > FEW else nullcontext():
        lines = (f"{count:>5} {name}" for name, count in sorted(counted.items()))
        sys.stdout.write("\n".join((f"\n{ROUNDS} rounds, seed {SEED}", *lines, "")))
