"""The self-test: red for every fault and green for healthy copies, while clients write."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ops.checks.result import State
from ops.console import Silent
from ops.journal import unfinished
from ops.restore import cleanup
from ops.restore.selftest.perform import perform
from ops.restore.selftest.plan import Options
from ops.restore.selftest.report import RED
from ops.restore.source import ROOM, Source

Command = Callable[..., subprocess.Popen[str]]
PATIENCE_S = 60.0
# One of each kind: a statement, the superuser's, a file, a silent gap, the archive, what is told.
SOME = (
    "swapped-values",
    "unenforced-key",
    "truncated-table",
    "silent-corrupt-wal",
    "missing-wal",
    "stale-backup",
)


def test_faults_are_red_and_healthy_copies_green_while_clients_write(source: Source) -> None:
    before = {one.name for one in source.cloud.instances()}
    report = perform(source, Options(SOME, clients=2), Silent())
    told = "\n".join(map(str, report.blocks()))
    assert report.state is State.OK, told
    assert {one.fault for one in report.outcomes if one.word == RED} == set(SOME)
    assert {one.name for one in report.controls} == {"before", "backup", "after"}
    assert report.writing.transactions > 10
    assert report.writing.method == "sandwich"
    assert {one.name for one in source.cloud.instances()} == before

    document = json.loads(Path(report.evidence).read_bytes())["drill"]
    assert document["verdict"] == "pass"
    assert document["matrix"]["truncated-table"]["counts"] == "finding"
    assert document["matrix"]["truncated-table"]["roles"] == "ok"
    assert "silent-corrupt-wal" in Path(report.evidence).with_suffix(".md").read_text()


def _wait(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _hidden(source: Source) -> list[tuple[Path, Path]]:
    """Return the files that are spoiled just now: where they belong, and where they are."""
    found = [
        (Path(entry.facts["path"]), Path(entry.facts["away"]))
        for journal in unfinished(source.store, ROOM)
        for entry in journal.entries()
        if entry.action == cleanup.HIDING
    ]
    return [(path, away) for path, away in found if path.exists() and away.exists()]


def test_an_archive_is_whole_again_after_a_kill_and_a_sweep(source: Source, start: Command) -> None:
    process = start("restore.drill", "--inject", "corrupt-wal")
    _wait(lambda: bool(_hidden(source)), process)
    process.kill()
    process.communicate()
    ((path, away),) = _hidden(source)
    whole, spoiled = away.read_bytes(), path.read_bytes()
    assert whole != spoiled
    swept = json.loads(start("restore.sweep", "--format", "json").communicate()[0])
    assert swept["leftovers"] == []
    assert path.read_bytes() == whole
    assert not away.exists()


def test_an_interrupted_self_test_cleans_up_and_leaves_evidence(
    source: Source, start: Command
) -> None:
    process = start("restore.selftest", "--only", "lost-row,altered-row")
    _wait(lambda: len(source.cloud.instances()) > 1, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, "Traceback" in err) == (130, False), err
    assert "0 of 2 faults are red" in out
    assert "It did not end by itself: it was interrupted (Ctrl-C)." in out
    assert "After the drill:" not in out + err  # the page was made too
    page = source.store.get("evidence/restore-selftest/latest.html")
    assert page is not None
    assert b"Ctrl-C" in page.content
    newest = max(key for key in source.store.keys("evidence/restore-selftest") if ".json" in key)
    kept = source.store.get(newest)
    assert kept is not None
    told = json.loads(kept.content)["drill"]
    assert (told["verdict"], told["red"], told["total"]) == ("unknown", 0, 2)
    assert told["leftovers"] == []
    assert {one["name"]: one["state"] for one in told["checks"]} == {
        "drill.completed": "unknown",
        "fault.lost-row": "unknown",
        "fault.altered-row": "unknown",
    }


def test_what_a_killed_self_test_made_is_swept(source: Source, start: Command) -> None:
    process = start("restore.selftest", "--only", "lost-row")
    _wait(lambda: len(source.cloud.instances()) > 1, process)
    process.kill()
    process.communicate()
    records = source.store.keys("evidence/restore-drill")
    swept = json.loads(start("restore.sweep", "--format", "json").communicate()[0])
    assert swept["leftovers"] == []
    assert [one.name for one in source.cloud.instances()] == [source.instance]
    assert source.store.keys("evidence/restore-drill") == records  # it was no drill
