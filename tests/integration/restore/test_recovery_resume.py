"""Restores that are cut: by a limit, by Ctrl-C, by kill -9 at each step; and those that fail."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from ops import lease
from ops.checks.result import State
from ops.guard import Consent, UnansweredError
from ops.journal import unfinished
from ops.restore.recovery.calls import Patience
from ops.restore.recovery.order import ROOM, Request, Task, UnfinishedError
from ops.restore.recovery.perform import (
    GoesOnError,
    Options,
    RestoreFailedError,
    restore,
)
from ops.restore.recovery.plan import Plan
from ops.restore.recovery.report import Abandoned, Recovered
from ops.restore.source import Source
from ops.shortlived import copy_body
from tests.integration.restore.conftest import Site
from tests.integration.restore.desk import Desk, Killed, desk, expire, killing

Command = Callable[..., subprocess.Popen[str]]
PATIENCE_S = 60.0


@pytest.fixture
def at_source(site: Site, source: Source) -> Iterator[Desk]:
    """The source; what a test restores is removed, whatever came of it."""
    found = desk(site, source)
    yield found
    found.fault("clear")
    made = [one.name for one in source.cloud.instances() if one.name != source.instance]
    found.remove(*made)


def _operations(at: Desk, name: str) -> list[str]:
    return sorted(one.type for one in at.source.cloud.operations(name))


def _clone_under_way(at: Desk) -> bool:
    entries = [e for journal in unfinished(at.source.store, ROOM) for e in journal.entries()]
    return any(entry.action == "clone" and entry.operation for entry in entries)


def test_a_wait_that_ends_is_taken_up_by_the_next_call(at_source: Desk) -> None:
    request = Request(Task.PITR, to="latest", name="slow")
    at_source.fault("operation-hangs", match="CLONE")
    with pytest.raises(GoesOnError, match=r"goes on.*`invoke restore.pitr -s local`.*--abandon"):
        restore(at_source.run, request, Options(patience=Patience(0.2)))
    with pytest.raises(UnfinishedError, match="--abandon"):
        restore(at_source.run, Request(Task.PITR, to="5 minutes ago"))
    at_source.fault("clear")
    made = at_source(Request(Task.PITR))
    assert made.order.instance == "slow"
    assert _operations(at_source, "slow").count("CLONE") == 1
    assert unfinished(at_source.source.store, ROOM) == ()


def test_a_clone_that_was_killed_is_found_again(at_source: Desk) -> None:
    request = Request(Task.PITR, to="latest", name="killed-clone")
    with killing("clone", "after the call"), pytest.raises(Killed):
        restore(at_source.run, request)
    at_source(request)
    assert _operations(at_source, "killed-clone").count("CLONE") == 1


def test_a_restore_that_was_suspended_and_taken_over_is_not_made_again(
    at_source: Desk, start: Command
) -> None:
    process = start("restore.pitr", "--to", "latest", "--name", "asleep")
    deadline = time.monotonic() + PATIENCE_S
    while not _clone_under_way(at_source):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGSTOP)
    expire(at_source.source, ROOM)
    made = at_source(Request(Task.PITR))
    process.send_signal(signal.SIGCONT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 4, err
    assert "past its lease" in err
    assert made.order.instance == "asleep"
    assert at_source.source.cloud.find("asleep") is not None
    assert _operations(at_source, "asleep").count("CLONE") == 1
    assert unfinished(at_source.source.store, ROOM) == ()


def test_a_new_instance_that_was_killed_twice_is_restored_once(at_source: Desk) -> None:
    request = Request(Task.TO_NEW, name="killed")
    for method in ("insert", "restore_backup"):
        with killing(method, "after the call"), pytest.raises(Killed):
            restore(at_source.run, request)
    at_source(Request(Task.TO_NEW))
    kinds = _operations(at_source, "killed")
    assert (kinds.count("CREATE"), kinds.count("RESTORE_VOLUME")) == (1, 1)


def test_somebody_elses_instance_of_the_name_is_never_touched(at_source: Desk) -> None:
    cloud = at_source.source.cloud
    request = Request(Task.TO_NEW, name="theirs")
    with killing("insert", "before the call"), pytest.raises(Killed):
        restore(at_source.run, request)
    like = cloud.instance(at_source.source.instance)
    cloud.wait(cloud.insert(copy_body(like, "theirs", {"owner": "they"})))
    with pytest.raises(RestoreFailedError, match=r"already exists.*Nothing was made"):
        restore(at_source.run, request)
    assert cloud.instance("theirs").body["settings"]["userLabels"] == {"owner": "they"}
    assert _operations(at_source, "theirs") == ["CREATE"]


@pytest.mark.parametrize(("task", "kind"), [(Task.TO_NEW, "RESTORE_VOLUME"), (Task.PITR, "CLONE")])
def test_a_restore_that_fails_leaves_nothing_half_made(
    at_source: Desk, task: Task, kind: str
) -> None:
    at_source.fault("operation-fails", match=kind, code="QUOTA_EXCEEDED", message="no CPUs left")
    request = Request(task, to="latest" if task is Task.PITR else "", name="half")
    with pytest.raises(RestoreFailedError, match=r"no CPUs left.*Nothing is left of half"):
        restore(at_source.run, request)
    assert at_source.source.cloud.find("half") is None
    assert unfinished(at_source.source.store, ROOM) == ()


def test_settings_that_cannot_be_set_are_a_finding_and_the_clone_stays(at_source: Desk) -> None:
    at_source.fault("operation-fails", match="UPDATE", instance="bare")
    found = restore(at_source.run, Request(Task.PITR, to="latest", name="bare"))
    at_source.fault("clear")
    assert isinstance(found, Recovered)
    assert found.state is State.FINDING
    assert [one.check for one in found.checks if one.state is State.FINDING] == ["settings"]
    assert at_source.source.cloud.find("bare") is not None


def test_an_interrupted_process_says_what_goes_on_and_is_undone(
    at_source: Desk, start: Command
) -> None:
    at_source.fault("operation-hangs", match="CLONE")
    process = start("restore.pitr", "--to", "latest", "--name", "cut")
    _until(lambda: _clone_under_way(at_source), process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "(clone of cut) goes on in the cloud." in out
    assert "`invoke restore.pitr -s local --abandon`" in out
    assert "Traceback" not in err

    killed = start("restore.pitr")
    _until(lambda: bool(at_source.source.store.keys("leases")), killed)
    with pytest.raises(lease.LeaseHeldError, match="Another restore is under way"):
        restore(at_source.run, Request(Task.PITR))
    killed.kill()
    killed.communicate()
    at_source.fault("clear")

    planned = restore(at_source.run, Request(Task.PITR), Options(dry_run=True, abandon=True))
    assert isinstance(planned, Plan)
    with pytest.raises(UnansweredError, match="delete cut"):
        restore(at_source.run, Request(Task.PITR), Options(abandon=True))
    assert at_source.source.cloud.find("cut") is not None
    undone = restore(at_source.run, Request(Task.PITR), Options(Consent(yes=True), abandon=True))
    assert isinstance(undone, Abandoned)
    assert undone.removed == ("cut",)
    assert at_source.source.cloud.find("cut") is None
    assert unfinished(at_source.source.store, ROOM) == ()


def _until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
