"""The drill as a process: what it prints, how it ends, and what the next one knows of it."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ops import lease, target
from ops.console import Console, Format, Silent
from ops.failover.perform import Plan, drill, perform
from ops.failover.source import RESTORE_DRILL, ROOM, Source
from ops.invocation import Invocation
from ops.journal import unfinished
from tests.integration.failover.drilled import SHORT, Site, rows

Command = Callable[..., subprocess.Popen[str]]
PATIENCE_S = 60.0


def _asked(source: Source) -> Callable[[], bool]:
    """Return what tells whether a new drill's failover was asked for."""
    known = {journal.run for journal in unfinished(source.store, ROOM)}

    def asked() -> bool:
        journals = [one for one in unfinished(source.store, ROOM) if one.run not in known]
        return any(entry.operation for one in journals for entry in one.entries())

    return asked


def _wait(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _newest(source: Source) -> dict[str, Any]:
    key = [key for key in source.store.keys("evidence") if key.endswith(".json")][-1]
    stored = source.store.get(key)
    assert stored is not None
    told: dict[str, Any] = json.loads(stored.content)["drill"]
    return told


def test_a_dry_run_shows_what_it_would_do_and_does_nothing(
    site: Site, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_CLOUDSQL_DIR", str(site.server.data))
    before = len(source.cloud.operations(source.instance))
    run = Invocation(target.load("local"), Console(Format.JSON))
    shown = drill(run, replace(SHORT, dry_run=True, failback=True))
    assert isinstance(shown, Plan)
    told = shown.document()
    assert (told["source"], told["ready"]) == (source.instance, True)
    assert "fail back the same way" in shown.steps
    assert len(source.cloud.operations(source.instance)) == before


def test_a_drill_that_is_interrupted_says_that_the_failover_goes_on(
    source: Source, site: Site, start: Command
) -> None:
    site.fault("operation-hangs", match="FAILOVER", count=1)
    asked = _asked(source)
    process = start("failover.drill", "--rate", "100")
    _wait(asked, process)
    time.sleep(0.5)  # in the midst of the wait, not of the journal's last write
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, (out, err)
    assert "The failover goes on" in out
    assert "gcloud sql operations wait" in out
    assert "Traceback" not in err
    told = _newest(source)
    assert told["verdict"] == "unknown"
    (completed,) = (one for one in told["checks"] if one["check"] == "completed")
    assert "Ctrl-C" in completed["detail"]
    assert told["leftovers"] == []
    assert rows(source) == 0


def test_the_next_drill_tells_what_became_of_a_killed_one_in_a_storm_of_refusals(
    source: Source, site: Site, start: Command, silent: Silent
) -> None:
    asked = _asked(source)
    process = start("failover.drill")
    _wait(asked, process)
    process.kill()
    process.communicate()
    journals = unfinished(source.store, ROOM)
    killed = journals[-1].run
    _over(source)
    site.fault("unavailable", match="*", share=0.3, seed=7)
    report = perform(source, SHORT, silent)
    (told,) = (line for line in report.settled if killed in line)
    assert "ended well" in told
    assert report.verdict == "pass"
    assert source.store.keys("journal") == ()
    assert rows(source) == 0


def _over(source: Source) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while any(one.status != "DONE" for one in source.cloud.operations(source.instance)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("name", [ROOM, RESTORE_DRILL])
def test_a_drill_beside_another_is_refused(source: Source, silent: Silent, name: str) -> None:
    with (
        lease.hold(source.store, name, timedelta(minutes=1)),
        pytest.raises(lease.LeaseHeldError, match=name),
    ):
        perform(source, SHORT, silent)
