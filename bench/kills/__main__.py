"""Kill the server, or a cluster, at a random moment of an operation, again and again.

Each round begins an operation beside clients that go on committing, kills with -9, starts the
server again and looks: no acknowledged commit lost, no process, folder, socket, address or
operation left, every instance whole. Exits with 3 if anything is wrong; the data folder stays.

Run with the project's Python: .venv/bin/python -m bench.kills ROUNDS [--seed N]
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from bench.kills import trials
from bench.kills.estate import DONE_LIMIT_S, PASSWORD, PG_PORT, Estate, TroubleError
from bench.kills.leaks import leaks
from bench.kills.tally import Round, Tally
from bench.kills.writer import Writer, numbers
from ops import localcloud
from ops.errors import ExitCode, OpsError

_QUIET_S = 1.0  # without an operation: the guard and the watch have looked by then
_POLL_S = 0.05
_TARGETS = {"server": 5, "cluster": 3, "both": 2}


class Trials:
    """The estate under trial, its writers, and how long operations take here."""

    def __init__(self, data: Path, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        server = localcloud.ensure(data, port=0, pg_port=PG_PORT, stand_in=True)
        self.estate = Estate(data, server)
        trials.furnish(self.estate)
        self._ha = Writer((self.estate.address(trials.HA),), PG_PORT, PASSWORD)
        pair = tuple(self.estate.address(name) for name in trials.PAIR)
        self._pair = Writer(pair, PG_PORT, PASSWORD)
        self._durations_s = dict.fromkeys(trials.KINDS, 0.0)
        self._log = data / "server.log"

    def begin(self) -> None:
        """Let the writers begin, and learn how long the operations take when nothing is killed."""
        self._ha.start()
        self._pair.start()
        for kind, begin in trials.KINDS.items():
            began = time.monotonic()
            trial = begin(self.estate, self._ha, self._chance)
            asked = time.monotonic()
            trial.check(self.estate.ended(trial.operation))
            self._durations_s[kind] = time.monotonic() - asked
            trials.clear(self.estate)
            self._settle(began)

    def end(self) -> None:
        """Let the writers end."""
        self._ha.stop()
        self._pair.stop()

    def round(self, kind: str) -> Round:
        """Carry out one round; what is wrong is in its findings."""
        log_size = self._log.stat().st_size
        found = Round(kind)
        try:
            self._try(found)
        except (TroubleError, OpsError, OSError, psycopg.Error) as trouble:
            found.findings.append(str(trouble))
        found.lost = self._lost()
        found.leaks = leaks(self.estate, frozenset({trials.HA}))
        with self._log.open("rb") as log:
            log.seek(log_size)
            if b"Traceback" in log.read():
                found.findings.append("a traceback is in server.log")
        return found

    def _try(self, found: Round) -> None:
        """Begin, kill, start again, wait, check."""
        trial = trials.KINDS[found.kind](self.estate, self._ha, self._chance)
        target = self._chance.choices(list(_TARGETS), list(_TARGETS.values()))[0]
        found.delay_s = self._chance.uniform(0, 1.1 * self._durations_s[found.kind])
        time.sleep(found.delay_s)
        killed = time.monotonic()
        found.target = self._kill(target, trial.victims)
        if found.target != "cluster":
            self.estate.start()
        error = self.estate.ended(trial.operation)
        found.outcome = "carried out" if error is None else "taken back"
        self._settle(killed)
        found.pause_s = max(one.longest_pause_s(killed) for one in (self._ha, self._pair))
        found.whole_s = time.monotonic() - killed
        if error is not None and found.target == "server" and found.kind in trials.CARRIED_ON:
            found.findings.append(f"it failed: {error}")
        trial.check(error)
        if trials.clear(self.estate):
            self._settle(killed)

    def _kill(self, target: str, victims: tuple[str, ...]) -> str:
        pids = [] if target == "server" else self.estate.postmasters(victims)
        if target == "both" or not pids:
            self.estate.kill()
        if pids:
            with suppress(ProcessLookupError):
                os.kill(self._chance.choice(pids), signal.SIGKILL)
            return target
        return "server"

    def _settle(self, since: float) -> None:
        """Wait until nothing is done any more, all is whole, and the writers commit."""
        deadline = time.monotonic() + DONE_LIMIT_S
        quiet_since = time.monotonic()
        while True:
            reason = self._unsettled(since)
            if reason is not None:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > _QUIET_S:
                return
            if time.monotonic() > deadline:
                raise TroubleError(f"not whole after {DONE_LIMIT_S} s: {reason}")
            time.sleep(_POLL_S)

    def _unsettled(self, since: float) -> str | None:
        if self.estate.state("SELECT 1 FROM operations WHERE status <> 'DONE'"):
            return "operations run"
        every = self.estate.instances()
        if not every.keys() >= trials.STANDING:
            return f"there are {sorted(every)}"
        for name, one in every.items():
            if one["state"] != "RUNNABLE":
                return f"{name} is {one['state']}"
        if not every[trials.HA]["failoverReplica"]["available"]:
            return f"{trials.HA} has no standby"
        writers = (self._ha, self._pair)
        if not all(one.is_back(since) for one in writers):
            return "a writer does not come through"
        return self._replica_trouble(every)

    def _replica_trouble(self, every: dict[str, Any]) -> str | None:
        """Return why the replica is not whole; it must never take writes of its own."""
        for name in trials.PAIR:
            if "masterInstanceName" not in every[name]:
                continue
            try:
                with self.estate.connect(name) as connection:
                    row = connection.execute(
                        "SELECT pg_is_in_recovery(), (SELECT status FROM pg_stat_wal_receiver)"
                    ).fetchone()
            except psycopg.OperationalError:
                return f"{name} lets nobody in"
            if row is not None and not row[0]:
                raise TroubleError(f"the replica {name} takes writes of its own")
            if row != (True, "streaming"):
                return f"{name} does not stream"
        return None

    def _lost(self) -> int:
        """Return how many acknowledged commits are missing, the replica's copy included."""
        lost = 0
        for writer in (self._ha, self._pair):
            promised = writer.promised()
            with suppress(psycopg.Error), writer.connect() as connection:
                lost += len(promised - numbers(connection))
        return lost + self._behind()

    def _behind(self) -> int:
        promised = self._pair.promised()
        deadline = time.monotonic() + DONE_LIMIT_S
        while True:
            missing: set[int] = set()
            for name in trials.PAIR:
                with suppress(psycopg.OperationalError), self.estate.connect(name) as connection:
                    missing |= promised - numbers(connection)
            if not missing or time.monotonic() > deadline:
                return len(missing)
            time.sleep(_POLL_S)


def main() -> int:
    """Run the rounds, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.kills", description=__doc__)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    folder.chmod(0o755)  # initdb, run as an unprivileged user, has to pass through
    tally = Tally()
    try:
        under_trial = Trials(folder / "data", options.seed)
        under_trial.begin()
        kinds = random.Random(options.seed)  # noqa: S311 - to be repeated, not to be secret
        for number in range(1, options.rounds + 1):
            done = under_trial.round(kinds.choice(list(trials.KINDS)))
            tally.add(done)
            print(f"{number:>4} {done}", flush=True)
        under_trial.end()
    finally:
        localcloud.stop(folder / "data")
        if not tally.wrong:
            shutil.rmtree(folder)
    print(tally.table())
    if tally.wrong:
        print(f"Something is wrong; the data folder is {folder}.")
    return ExitCode.FINDING if tally.wrong else ExitCode.GOOD


if __name__ == "__main__":
    sys.exit(main())
