"""The restore drill against the sum of its bare steps, on pgbench at scale 100 (1.5 GB).

Bare steps, one after the other: initdb and start (the instance that a backup is restored
into), copying the base backup and recovering it to the end of its WAL and to a time,
hashing every table of the source and of the clone, and pg_amcheck --heapallindexed of
both copies. The memory is the most that this process ever held, before the drills and with them.

Run with the project's Python: .venv/bin/python -m bench.drill [SCALE] [--runs N]
"""

import argparse
import itertools
import os
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench import memory
from bench.floor import Bare, bare
from bench.stand import stand
from bench.timing import Pair, pair, report, seconds
from infra.deploy.apply import deploy
from ops import localcloud, target
from ops.backups.create import create
from ops.checks.result import State
from ops.console import Silent
from ops.db import CHANGE, Budget, Database, LibpqPasswords
from ops.invocation import Invocation, begin
from ops.localserver import LocalInstance
from ops.migrations import files, runner
from ops.migrations.change import connector
from ops.restore.drill.perform import Options, perform
from ops.restore.drill.report import Report
from ops.restore.source import of

ADMIN = "cloudsqladmin"
LONG = Budget(statement_s=0, lock_s=5, read_only=True)
RUNS = 3
MIB = 1 << 20


def _provision(scale: int, programs: Bare) -> Invocation:
    """Make the local stack with pgbench's tables, and back it up; none of it is timed."""
    run = begin("local", "json")
    deploy(run.target, Silent())
    runner.up(connector(run), files.read())
    folder = target.password_folder(localcloud.data_dir(), "local")
    database = run.database()
    os.environ["PGPASSWORD"] = (folder / run.target.owner).read_text().strip()
    where = [f"--host={database.host}", f"--port={database.port}"]
    who = [f"--username={run.target.owner}", database.name]
    programs.run("pgbench", "--initialize", "--quiet", f"--scale={scale}", *where, *who)
    del os.environ["PGPASSWORD"]
    create(run, "benchmark")
    return run


def _drill(run: Invocation) -> Report:
    done = perform(of(run.target), Options(), Silent())
    if done.state is not State.OK:
        sys.exit(f"the drill ended with {done.state}: {done.blocks()}")
    return done


def _hash(database: Database) -> None:
    """Hash the content of every table, one after the other."""
    with database.connect(ADMIN, budget=LONG) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            connection.execute(
                f"SELECT count(*), sum(hash_record_extended(t, 0)::numeric) FROM {table} t"  # noqa: S608 - quoted by PostgreSQL
            )


def _recover(programs: Bare, data: Path, source: LocalInstance, port: int, until: str) -> Database:
    """Start a copied base backup and wait until it is promoted."""
    settings = [
        f"port={port}",
        "archive_mode=off",
        f'restore_command=\'cp "{source.archive}/%f" "%p"\'',
        *([f"recovery_target_time='{until}'", "recovery_target_action=promote"] if until else []),
    ]
    (data / "postgresql.auto.conf").write_text("\n".join(settings) + "\n")
    shutil.chown(data / "postgresql.auto.conf", source.owner)
    (data / "recovery.signal").touch()
    shutil.chown(data / "recovery.signal", source.owner)
    (data / "backup_manifest").unlink(missing_ok=True)
    programs.start(data)
    copy = Database(str(programs.folder), port, "ai_square", LibpqPasswords())
    while True:
        with copy.connect(ADMIN, budget=LONG) as connection:
            row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
        if row == (False,):
            return copy
        time.sleep(0.02)


class _Steps:
    """The bare steps, with the seconds of each in the last run."""

    def __init__(self, programs: Bare, source: LocalInstance, base: Path) -> None:
        self.programs, self.source, self.base = programs, source, base
        self.taken: dict[str, float] = {}
        self._numbers = itertools.count(6000)

    def __call__(self) -> None:
        """Run them one after the other, then stop what they started."""
        fresh, restored, cloned = (self._data() for _ in range(3))
        original = Database(
            str(self.source.socket), self.source.port, "ai_square", LibpqPasswords()
        )
        with original.connect(ADMIN, budget=CHANGE) as connection:
            # what the drill's marker and the clone do: a commit past the target, archived
            until = datetime.now(UTC).isoformat()
            connection.execute("SELECT pg_logical_emit_message(true, 'bench', '')")
            connection.execute("SELECT pg_switch_wal()")
        copies: list[Database] = []
        self._step("initdb and start", lambda: self._new(fresh))
        self._step("copy and recover, backup", lambda: copies.append(self._copy(restored, "")))
        self._step("copy and recover, clone", lambda: copies.append(self._copy(cloned, until)))
        self._step("hash the source", lambda: _hash(original))
        self._step("hash the clone", lambda: _hash(copies[1]))
        self._step("amcheck, backup", lambda: self._amcheck(copies[0]))
        self._step("amcheck, clone", lambda: self._amcheck(copies[1]))
        for data in (fresh, restored, cloned):
            self.programs.stop(data)
            shutil.rmtree(data)

    def _step(self, name: str, action: Callable[[], object]) -> None:
        self.taken[name] = seconds(action)

    def _data(self) -> Path:
        return self.programs.folder / f"c{next(self._numbers)}"

    def _new(self, data: Path) -> None:
        self.programs.run("initdb", f"--pgdata={data}", "--data-checksums", "--auth=trust")
        self.programs.start(data, f"port={next(self._numbers)}")

    def _copy(self, data: Path, until: str) -> Database:
        self.programs.run("cp", "--archive", self.base, data)
        return _recover(self.programs, data, self.source, next(self._numbers), until)

    def _amcheck(self, copy: Database) -> None:
        where = [f"--host={copy.host}", f"--port={copy.port}", f"--username={ADMIN}"]
        self.programs.run("pg_amcheck", "--heapallindexed", *where, copy.name)


def _measure(scale: int, runs: int) -> tuple[Pair, _Steps, tuple[int, int]]:
    with bare() as programs:
        run = _provision(scale, programs)
        source = run.target.server().instance(run.target.instance)
        if source is None:
            sys.exit("the instance is not there")
        base = programs.folder / "base"
        where = [f"--host={source.socket}", f"--port={source.port}", f"--username={ADMIN}"]
        programs.run("pg_basebackup", f"--pgdata={base}", *where, "--checkpoint=fast")
        steps, before = _Steps(programs, source, base), memory.most_bytes()
        timed = pair(lambda: _drill(run), steps, runs=runs, warm_up=1)
        return timed, steps, (before, memory.most_bytes())


def main() -> None:
    """Print both figures, the bare steps one by one, the ratio and the memory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("scale", type=int, nargs="?", default=100)
    parser.add_argument("--runs", type=int, default=RUNS)
    given = parser.parse_args()
    with stand(5498):
        timed, steps, (before, most) = _measure(given.scale, given.runs)
        for name, taken in steps.taken.items():
            print(f"  {name:<30} {taken:6.2f} s")
        title = f"restore drill, pgbench scale {given.scale}"
        report(title, "sum of the bare steps", timed, goal=1.25)
        print(
            f"memory: at most {before / MIB:.0f} MiB before, {most / MIB:.0f} MiB with the drills"
        )


if __name__ == "__main__":
    main()
