"""Drill a source that is busy, round after round: a healthy source must never fail.

Loads: ``ddl`` (two sessions that create, alter, drop, rewrite, truncate and restart whatever
they can, PAUSE seconds apart), ``pgbench`` (with CLIENTS), ``held`` (a transaction that is open
for longer than the drill takes, and a prepared one), ``idle`` (nobody writes, and the server
restarts in between). With --hard no exact marker is looked for. What can't be proven under a load
is unknown; a finding is wrong, and ends in exit code 3.

Run with the project's Python, LOAD one of the four:
.venv/bin/python -m bench.drill_load LOAD ROUNDS [--clients N] [--pause S] [--hard] [--seed N]
"""

import argparse
import itertools
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg

from bench.floor import Bare, bare
from bench.stand import stand
from infra.deploy.apply import deploy
from ops import localcloud, target
from ops.backups.create import create
from ops.checks.result import State
from ops.console import Silent
from ops.db import CHANGE, Connection
from ops.errors import ExitCode
from ops.invocation import Invocation, begin
from ops.migrations import files, runner
from ops.migrations.change import connector
from ops.restore.drill.perform import Options, perform
from ops.restore.drill.report import Report
from ops.restore.source import Source, of

PG_PORT = 5494
SCALE = 5  # of pgbench's tables
SESSIONS = 2  # that change the schema side by side
THINGS = 6  # tables of each
ROWS = 2000
SHOWN = 6  # differences of one check
PREPARED = "max_prepared_transactions"
_OUTLIVES_S = 3600

# Of each session's own tables: {t} is one, {u} another, {s} the sequence of {t}.
DDL = (
    "CREATE TABLE IF NOT EXISTS {t} (id serial PRIMARY KEY, words text, more int)",
    "INSERT INTO {t} (words) SELECT md5(n::text) FROM generate_series(1, {rows}) n",
    "DROP TABLE IF EXISTS {t} CASCADE",
    "TRUNCATE {t} RESTART IDENTITY CASCADE",
    "ALTER SEQUENCE {s} RESTART",
    "SELECT setval('{s}', coalesce(max(id), 1)) FROM {t}",
    "ALTER TABLE {t} ADD COLUMN IF NOT EXISTS added numeric(10, 2) DEFAULT 1.5",
    "ALTER TABLE {t} DROP COLUMN IF EXISTS added",
    "ALTER TABLE {t} ALTER COLUMN more TYPE bigint",
    "ALTER TABLE {t} ALTER COLUMN more TYPE int",
    "ALTER TABLE {t} ADD CONSTRAINT {i}_positive CHECK (id > 0) NOT VALID",
    "ALTER TABLE {t} VALIDATE CONSTRAINT {i}_positive",
    "ALTER TABLE {t} DROP CONSTRAINT IF EXISTS {i}_positive",
    "ALTER TABLE {t} ADD CONSTRAINT {i}_link FOREIGN KEY (more) REFERENCES {u} (id)",
    "ALTER TABLE {t} DROP CONSTRAINT IF EXISTS {i}_link",
    "UPDATE {t} SET more = (SELECT min(id) FROM {u}) WHERE id % 7 = 0",
    "DELETE FROM {t} WHERE id % 5 = 0",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS {i}_words ON {t} (words)",
    "REINDEX TABLE CONCURRENTLY {t}",
    "DROP INDEX CONCURRENTLY IF EXISTS {q}_words",
    "VACUUM FULL {t}",
    "VACUUM (ANALYZE) {t}",
    "CLUSTER {t} USING {i}_pkey",
    "CREATE OR REPLACE VIEW {t}_seen AS SELECT id, words FROM {t}",
    "DROP VIEW IF EXISTS {t}_seen",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS {t}_kept AS SELECT count(*) FROM {t}",
    "REFRESH MATERIALIZED VIEW {t}_kept",
    "CREATE OR REPLACE FUNCTION {t}_made() RETURNS int LANGUAGE sql AS 'SELECT {n}'",
    "DROP FUNCTION IF EXISTS {t}_made()",
    "COMMENT ON TABLE {t} IS 'the {n}th'",
    "GRANT SELECT ON {t} TO {app}",
    "REVOKE SELECT ON {t} FROM {app}",
    "ALTER TABLE {t} RENAME TO {i}_other",
    "ALTER TABLE {t}_other RENAME TO {i}",
    "ALTER TABLE {t} SET (fillfactor = {fill})",
    "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {t} DISABLE ROW LEVEL SECURITY",
    "CREATE TYPE {q}_mood AS ENUM ('good', 'bad')",
    "ALTER TYPE {q}_mood ADD VALUE IF NOT EXISTS 'new{n}'",
    "DROP TYPE IF EXISTS {q}_mood CASCADE",
    "SELECT lo_create(0)",
    "SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE oid % 3 = 0 LIMIT 1",
    "ALTER ROLE CURRENT_USER SET work_mem = '{n}MB'",
    "ALTER ROLE CURRENT_USER RESET work_mem",
)


class Trials:
    """A source, and what keeps it busy."""

    def __init__(self, programs: Bare, clients: int, pause_s: float, seed: int) -> None:
        self._programs, self._clients, self._seed = programs, clients, seed
        self._pause_s = pause_s
        self.run: Invocation = begin("local", "json")
        deploy(self.run.target, Silent())
        runner.up(connector(self.run), files.read())
        self.source: Source = of(self.run.target)
        self.changes = Counter[str]()
        self._pgbench("--initialize", "--quiet", f"--scale={SCALE}").wait()
        create(self.run, "bench")

    def drill(self, *, hard: bool) -> Report:
        """Drill the source once, the hard way with snapshots before and after the marker."""
        given = Options(latest=True, exact_tries=0) if hard else Options(latest=True)
        return perform(self.source, given, Silent())

    @contextmanager
    def ddl(self) -> Iterator[None]:
        """Change the schema for the block, in several sessions."""
        with self._owner() as connection:
            for session in range(SESSIONS):
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS load_{session}")
        ended = threading.Event()
        threads = [
            threading.Thread(target=self._change, args=(number, ended))
            for number in range(SESSIONS)
        ]
        for one in threads:
            one.start()
        try:
            yield
        finally:
            ended.set()
            for one in threads:
                one.join()

    def _change(self, session: int, ended: threading.Event) -> None:
        chance = random.Random(self._seed * 100 + session)  # noqa: S311 - to be repeated
        with self._owner() as connection:
            for number in itertools.count():
                if ended.wait(self._pause_s):
                    return
                try:
                    connection.execute(_change(chance, session, number, self.source.app))
                    self.changes["made"] += 1
                except psycopg.Error as error:  # what isn't there can't be altered
                    self.changes[error.sqlstate or "lost"] += 1

    @contextmanager
    def pgbench(self) -> Iterator[None]:
        """Let pgbench's clients write for the block."""
        process = self._pgbench(f"--client={self._clients}", f"--time={_OUTLIVES_S}")
        try:
            yield
        finally:
            process.terminate()
            process.wait()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep one transaction open, and one prepared, for the block."""
        self._allow_prepared()
        with self._owner() as held, self._owner() as other:
            for number, connection in enumerate((held, other), 1):
                connection.execute("SET idle_in_transaction_session_timeout = 0")
                connection.execute("BEGIN")
                connection.execute(
                    "UPDATE pgbench_branches SET bbalance = bbalance + 1 WHERE bid = %s", (number,)
                )
            other.execute("PREPARE TRANSACTION 'load'")
            try:
                yield
            finally:
                held.execute("COMMIT")
                other.execute("COMMIT PREPARED 'load'")

    def _allow_prepared(self) -> None:
        cloud, name = self.source.cloud, self.source.instance
        flags = list(cloud.instance(name).body["settings"].get("databaseFlags", ()))
        if all(one["name"] != PREPARED for one in flags):
            flags.append({"name": PREPARED, "value": "4"})
            cloud.wait(cloud.patch(name, {"settings": {"databaseFlags": flags}}))

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Restart the server, and leave it alone."""
        self.source.cloud.wait(self.source.cloud.restart(self.source.instance))
        yield

    def _owner(self) -> AbstractContextManager[Connection]:
        return self.source.database.connect(self.source.owner, budget=CHANGE)

    def _pgbench(self, *arguments: str) -> subprocess.Popen[bytes]:
        database = self.source.database
        folder = target.password_folder(localcloud.data_dir(), "local")
        password = (folder / self.source.owner).read_text().strip()
        where = [f"--host={database.host}", f"--port={database.port}"]
        who = [f"--username={self.source.owner}", database.name]
        return subprocess.Popen(
            [self._programs.programs.bin / "pgbench", *arguments, *where, *who],
            env={**os.environ, "HOME": str(self._programs.folder), "PGPASSWORD": password},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _change(chance: random.Random, session: int, number: int, app: str) -> str:
    name, other = (f"t{chance.randrange(THINGS)}" for _ in range(2))
    schema = f"load_{session}"
    return chance.choice(DDL).format(
        t=f"{schema}.{name}",
        u=f"{schema}.{other}",
        s=f"{schema}.{name}_id_seq",
        i=name,
        q=f"{schema}.{name}",
        n=number % 100 + 1,
        fill=chance.randrange(50, 100),
        rows=chance.randrange(ROWS),
        app=app,
    )


def told(number: int, report: Report) -> str:
    """Return the line of a round, and below it all that was not good."""
    method = report.clone.method if report.clone else "no clone"
    took = (report.ended - report.started).total_seconds()
    lines = [f"{number:>4} {report.verdict:<8} {method:<9} {took:5.1f} s"]
    lines += [
        f"     {'WRONG ' if one.result.state is State.FINDING else ''}{one.copy} "
        f"{one.result.check}: {one.result.detail}. {'; '.join(one.result.differences[:SHOWN])}"
        for one in report.checks
        if one.result.state in (State.FINDING, State.UNKNOWN)
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the rounds, print each, and what they came to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("load", choices=("ddl", "pgbench", "held", "idle"))
    parser.add_argument("rounds", type=int)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--hard", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    reports: list[Report] = []
    with bare() as programs, stand(PG_PORT) as stood:
        trials = Trials(programs, given.clients, given.pause, given.seed)
        load: Callable[[], AbstractContextManager[None]] = getattr(trials, given.load)
        for number in range(1, given.rounds + 1):
            with load():
                reports.append(trials.drill(hard=given.hard))
            print(told(number, reports[-1]), flush=True)
        stood.keep = any(one.state is State.FINDING for one in reports)
    came = Counter(one.verdict for one in reports)
    print(f"{len(reports)} drills under {given.load}: {dict(came)}; {dict(trials.changes)}")
    if stood.keep:
        print(f"The data stay in {stood.folder}.")
        sys.exit(ExitCode.FINDING)


if __name__ == "__main__":
    main()
