"""The drill as a process: what it prints, how it ends, and what is left when it is cut short."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import lease
from ops.checks.result import State
from ops.evidence import chain, key
from ops.journal import unfinished
from ops.restore.source import ROOM, Source
from tests.integration.restore.desk import expire

Command = Callable[..., subprocess.Popen[str]]
PATIENCE_S = 30.0


def _cloning(source: Source) -> bool:
    """Tell whether a drill's clone is under way."""
    entries = [entry for journal in unfinished(source.store, ROOM) for entry in journal.entries()]
    return any(entry.action == "clone" and entry.operation for entry in entries)


def _wait(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _newest(source: Source) -> dict[str, Any]:
    """Return the newest evidence, which has to lie there to be read, too."""
    key = [key for key in source.store.keys("evidence/restore-drill") if key.endswith(".json")][-1]
    assert "drill did not end" in Path(source.store.where(key)).with_suffix(".md").read_text()
    stored = source.store.get(key)
    assert stored is not None
    told: dict[str, Any] = json.loads(stored.content)["drill"]
    return told


def _names(source: Source) -> list[str]:
    return [one.name for one in source.cloud.instances()]


def test_a_hook_that_spoils_the_copy_ends_in_a_finding(
    source: Source, start: Command, tmp_path: Path
) -> None:
    script = tmp_path / "spoil"
    script.write_text(
        "#!/bin/sh\nset -e\necho on $DRILL_COPY\n"
        'psql -qc "UPDATE account SET balance = balance + 1 WHERE id = 7"\n'
    )
    script.chmod(0o755)
    process = start("restore.drill", "--format", "json", "--before-verify", str(script))
    out, err = process.communicate()
    assert process.returncode == 3, err
    report = json.loads(out)
    assert report["verdict"] == "fail"
    assert report["source"] == source.instance
    assert report["leftovers"] == []
    wrong = [check["name"] for check in report["checks"] if check["state"] == "finding"]
    assert wrong == ["clone.content"]
    assert "on clone" in err
    assert "Stack local" in err
    listed = json.loads(start("backup.list", "--format", "json").communicate()[0])
    assert [one["id"] for one in listed["backups"]] == [report["backups"][0]["id"]]


@pytest.mark.parametrize(("name", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_drill_cleans_up(
    source: Source, start: Command, name: signal.Signals, code: int
) -> None:
    process = start("restore.drill")
    _wait(lambda: _cloning(source), process)
    process.send_signal(name)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "Remove the copies" in out
    assert "Traceback" not in err
    assert _names(source) == [source.instance]
    told = _newest(source)
    assert (told["verdict"], told["leftovers"]) == ("unknown", [])
    (completed,) = (check for check in told["checks"] if check["check"] == "completed")
    assert completed["state"] == "unknown"
    assert ("Ctrl-C" if code == 130 else "SIGTERM") in completed["detail"]


def test_a_hook_that_fails_leaves_evidence(source: Source, start: Command) -> None:
    process = start("restore.drill", "--before-verify", "exit 7")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "ended with 7: exit 7" in err
    assert "Verdict: unknown." in out
    told = _newest(source)
    assert told["verdict"] == "unknown"
    (completed,) = (check for check in told["checks"] if check["check"] == "completed")
    assert "ended with 7: exit 7" in completed["detail"]
    assert set(told["phases_s"]) >= {"backup"} or set(told["phases_s"]) >= {"clone"}
    states = {check["state"] for check in told["checks"]}
    assert "finding" not in states
    assert "unknown" in states


def test_an_impatient_second_interrupt_says_what_is_left(source: Source, start: Command) -> None:
    process = start("restore.drill")
    _wait(lambda: _cloning(source), process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "cut short" in out
    assert _newest(source)["leftovers"]
    assert "invoke restore.sweep -s local" in out
    swept = json.loads(start("restore.sweep", "--format", "json").communicate()[0])
    assert swept["leftovers"] == []
    assert _names(source) == [source.instance]


def test_the_next_drill_sweeps_what_a_killed_one_left(source: Source, start: Command) -> None:
    process = start("restore.drill", "--inject", "missing-wal")
    _wait(lambda: _cloning(source), process)
    process.kill()
    process.communicate()
    assert len(_names(source)) > 1
    (killed,) = (journal.run for journal in unfinished(source.store, ROOM))
    ended = start("restore.drill", "--format", "json")
    out, err = ended.communicate(timeout=120)
    assert ended.returncode == 0, out or err
    report = json.loads(out)
    assert report["verdict"] == "pass"
    assert any(killed in line and "did not end" in line for line in report["swept"])
    stored = source.store.get(key(ROOM, killed))
    assert stored is not None
    told = json.loads(stored.content)["drill"]
    assert (told["verdict"], told["leftovers"]) == ("unknown", [])
    (completed,) = (check for check in told["checks"] if check["check"] == "completed")
    assert (
        f"was killed, or suspended past its lease; swept by drill {report['run']}"
        in completed["detail"]
    )
    assert {one.state for one in chain.verify(source.store, ROOM)} == {State.OK}


def test_a_drill_that_was_suspended_and_swept_says_so(source: Source, start: Command) -> None:
    process = start("restore.drill", "--format", "json")
    _wait(lambda: _cloning(source), process)
    process.send_signal(signal.SIGSTOP)
    (run,) = (journal.run for journal in unfinished(source.store, ROOM))
    expire(source, ROOM)
    swept = start("restore.sweep", "--format", "json")
    assert json.loads(swept.communicate(timeout=60)[0])["recorded"] == [run]
    stored = source.store.get(key(ROOM, run))
    assert stored is not None
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    assert out == ""
    assert "past its lease" in err
    assert "Whoever swept this drill recorded it" in err
    assert "Traceback" not in err
    assert source.store.get(key(ROOM, run)) == stored
    assert {one.state for one in chain.verify(source.store, ROOM)} == {State.OK}


def test_a_second_drill_is_refused_while_one_runs(source: Source, start: Command) -> None:
    with lease.hold(source.store, ROOM, timedelta(minutes=1)):
        process = start("restore.drill")
        _, err = process.communicate()
    assert process.returncode == 2
    assert f"process {os.getpid()}" in err


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--inject", "nonsense", "altered-row, lost-row"),
        ("--seed", "x", "whole number"),
        ("--backup", "17", "no successful backup run '17'"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(
    source: Source, start: Command, option: str, value: str, told: str
) -> None:
    process = start("restore.drill", option, value)
    _, err = process.communicate()
    assert process.returncode == 2
    assert told in err
    assert _names(source) == [source.instance]
