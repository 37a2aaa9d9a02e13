"""Kill drills at random moments, sweep, and look what is left.

Each round begins a drill in a process of its own, kills it with -9 at a moment of its duration
(the process, or its whole group; sometimes the local Cloud SQL is slow afterwards), and lets
`restore.sweep` or the next drill clean up. Then: no instance but the source, no journal, lease,
hidden or half written file; every drill that began stands in the chain of evidence once, and the
chain is whole; the source holds what it held. Exits with 3 if anything is wrong; the data folder
stays then.

Run with the project's Python: .venv/bin/python -m bench.drill_kills ROUNDS [--seed N]
"""

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.stand import stand
from infra.deploy.apply import deploy
from ops.backups.create import create
from ops.checks.result import State
from ops.console import Silent
from ops.db import CHANGE, VERIFY
from ops.errors import ExitCode, OpsError
from ops.evidence import chain, key
from ops.invocation import Invocation, begin
from ops.journal import unfinished
from ops.localserver import Server
from ops.migrations import files, runner
from ops.migrations.change import connector
from ops.restore.drill.plan import began
from ops.restore.drill.sweep import sweep
from ops.restore.source import ROOM, Source, of

ROOT = Path(__file__).resolve().parents[1]
PG_PORT = 5496
BACKUPS = 2  # so that a third copy waits for its lane
KILLS = {"process": 5, "group": 3, "busy": 2}
FAULTS = {"": 3, "missing-wal": 1}  # which hides a file of the source's archive
NEXT_DRILL = 0.2  # how often the next drill sweeps, and not restore.sweep
_DURATION_SPREAD = 1.05  # a few kills come after the end
_HEARTBEATS = "ops.drill_heartbeat"


@dataclass(slots=True)
class Round:
    """One round.

    Attributes:
        kill: what was killed: ``process``, ``group``, ``busy``.
        fault: what the drill had put in on purpose.
        delay_s: when, after the process began.
        swept_by: ``sweep`` or ``drill``.
        sweep_s: how long that took.
        instances: how many there were to remove.
        began: whether the drill had begun by then.
        ended: whether it had left its evidence before.
        wrong: what should not be.
    """

    kill: str
    fault: str
    delay_s: float
    swept_by: str = "sweep"
    sweep_s: float = 0.0
    instances: int = 0
    began: bool = False
    ended: bool = False
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the line of progress."""
        came = "had ended" if self.ended else "had begun" if self.began else "had not begun"
        line = (
            f"killed {self.kill:<8} at {self.delay_s:5.2f} s, {came:<14} {self.instances} copies"
            f"  {self.swept_by} {self.sweep_s:5.1f} s  {self.fault}"
        )
        return "\n".join((line.rstrip(), *(f"     WRONG: {one}" for one in self.wrong)))


class Trials:
    """A source with backups, and drills of it that are killed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self.run: Invocation = begin("local", "json")
        self.run.__dict__["progress"] = Silent()
        deploy(self.run.target, Silent())
        runner.up(connector(self.run), files.read())
        self.source: Source = of(self.run.target)
        with self.source.database.connect(self.source.owner, budget=CHANGE) as connection:
            connection.execute(
                "CREATE TABLE kept AS SELECT n AS id, md5(n::text) AS words"
                " FROM generate_series(1, 20000) n"
            )
        for number in range(BACKUPS):
            create(self.run, f"bench {number}")
        self._content = self.content()
        since = time.monotonic()
        code = self._begin("").wait()
        self.duration_s = time.monotonic() - since
        if code:
            sys.exit(f"a drill that nobody killed ended with {code}")

    def round(self) -> Round:
        """Carry out one round; what is wrong is in it."""
        found = Round(self._draw(KILLS), self._draw(FAULTS), self._moment())
        process, records = self._begin(found.fault), self.records()
        since = time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            process.wait(found.delay_s)
            # the machine has more or less to do than before: keep the kills inside the drills
            self.duration_s = (self.duration_s + time.monotonic() - since) / 2
        self._kill(process, found.kill)
        found.ended = self.records() > records
        runs = [one.run for one in unfinished(self.source.store, ROOM) if began(one.run)]
        found.began = bool(runs)
        found.instances = len(self.source.cloud.instances()) - 1
        since = time.monotonic()
        found.swept_by = "drill" if self._chance.random() < NEXT_DRILL else "sweep"
        try:
            self._sweep(found)
            found.sweep_s = time.monotonic() - since
            found.wrong += self._left(runs)
        except (OpsError, OSError) as error:
            found.wrong.append(str(error))
        finally:
            self._server().ask("DELETE", "faults")
        return found

    def records(self) -> int:
        """Return how many records of drills there are."""
        return sum(one.endswith(".json") for one in self.source.store.keys(f"evidence/{ROOM}"))

    def _draw(self, weights: dict[str, int]) -> str:
        return self._chance.choices(list(weights), list(weights.values()))[0]

    def _moment(self) -> float:
        return self._chance.uniform(0, _DURATION_SPREAD * self.duration_s)

    def _begin(self, fault: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "invoke", "restore-drill", "-s", "local"]
        command += ["--inject", fault] if fault else []
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _kill(self, process: subprocess.Popen[bytes], what: str) -> None:
        if process.poll() is None:
            if what == "group":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait()
        if what == "busy":
            late = {"kind": "operation-slow", "match": "*", "seconds": 2, "count": 2}
            self._server().ask("POST", "faults", late)

    def _sweep(self, found: Round) -> None:
        if found.swept_by == "drill":
            code = self._begin("").wait()
            if code:
                found.wrong.append(f"the next drill ended with {code}")
            return
        report = sweep(self.run)
        found.wrong += [f"left by the sweep: {line}" for line in report.leftovers]

    def _left(self, runs: list[str]) -> Iterator[str]:
        """Yield what should not be there, and what should be and isn't."""
        store, source = self.source.store, self.source
        names = [one.name for one in source.cloud.instances()]
        if names != [source.instance]:
            yield f"instances: {names}"
        for what in ("journal", "leases"):
            if there := store.keys(what):
                yield f"{what}: {there}"
        state = self.run.target.state
        yield from (f"half written: {path}" for path in state.rglob(".draft-*"))
        archive = source.local(source.instance)
        if archive is not None:
            yield from (f"hidden: {path}" for path in archive.archive.glob(".hidden-*"))
        yield from (f"{run} has no record" for run in runs if store.get(key(ROOM, run)) is None)
        for check in chain.verify(store, ROOM):
            if check.state is not State.OK:
                yield f"evidence, {check.check}: {check.detail}"
        if self.content() != self._content:
            yield "the source's content changed"

    def content(self) -> tuple[tuple[str, int, str], ...]:
        """Return every table of the source with its rows and a hash of them."""
        database, found = self.source.database, []
        with database.connect(self.source.owner, budget=VERIFY) as connection:
            tables = connection.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
            ).fetchall()
            for (table,) in tables:
                if table == _HEARTBEATS:
                    continue
                row = connection.execute(
                    "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text"  # noqa: S608 - quoted by PostgreSQL
                    f" FROM {table} t"
                ).fetchone()
                assert row is not None  # noqa: S101 - an aggregate
                found.append((str(table), int(row[0]), str(row[1])))
        return tuple(found)

    def _server(self) -> Server:
        return self.run.target.server()


def summary(rounds: list[Round], records: int) -> str:
    """Return the figures of all rounds."""
    kinds = Counter(one.kill for one in rounds)
    swept = [one.sweep_s for one in rounds if one.swept_by == "sweep"] or [0.0]
    wrong = sum(bool(one.wrong) for one in rounds)
    begun, ended = sum(one.began for one in rounds), sum(one.ended for one in rounds)
    parts = (
        f"{len(rounds)} drills: {', '.join(f'{many} {kind}' for kind, many in kinds.items())}",
        f"{begun} had begun, {ended} had ended",
        f"{sum(one.instances for one in rounds)} copies were there to remove",
        f"a sweep took {statistics.median(swept):.1f} s, at worst {max(swept):.1f} s",
        f"{records} records in the chain",
        f"{wrong} rounds went wrong",
    )
    return "; ".join(parts)


def main() -> None:
    """Run the rounds, print each, and what they came to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rounds: list[Round] = []
    with stand(PG_PORT) as stood:
        trials = Trials(given.seed)
        print(f"a drill takes {trials.duration_s:.1f} s; seed {given.seed}, data in {stood.folder}")
        for number in range(1, given.rounds + 1):
            rounds.append(trials.round())
            print(f"{number:>4} {rounds[-1]}", flush=True)
        records = trials.records()
        stood.keep = any(one.wrong for one in rounds)
    print(summary(rounds, records))
    if stood.keep:
        sys.exit(ExitCode.FINDING)


if __name__ == "__main__":
    main()
