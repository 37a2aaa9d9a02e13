"""One cloud call, made once: against an Admin API that is only a list of operations."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ops.cloudsql import ApiError, CloudSql, Operation, UnreachableError
from ops.journal import Journal
from ops.restore.recovery import calls as module
from ops.restore.recovery.calls import CallRefusedError, Calls, Patience
from ops.store import FolderStore

DONE = Operation("new", "CLONE", "DONE", "copy", None, None, None, (), "")
Outcome = Operation | Exception


class Cloud(CloudSql):
    """Operations in a list, and what waits come to, one after the other."""

    def __init__(self, there: Sequence[Operation] = (), waits: Sequence[Outcome] = ()) -> None:
        super().__init__("project", "http://127.0.0.1:1")
        self.there, self.waits = list(there), list(waits)

    def operations(self, instance: str) -> tuple[Operation, ...]:
        return tuple(one for one in self.there if one.instance == instance)

    def operation(self, operation_id: str) -> Operation:
        for one in self.there:
            if one.id == operation_id:
                return one
        raise ApiError("tell of it", 404, "notFound", "No.")

    def wait(self, operation: Operation, timeout_s: float | None = None) -> Operation:
        del timeout_s
        outcome = self.waits.pop(0) if self.waits else operation
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def _never() -> Operation:
    raise AssertionError


def _refusing(status: int, reason: str = "denied") -> Callable[[], Operation]:
    def refuse() -> Operation:
        raise ApiError("clone", status, reason, "No.")

    return refuse


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(FolderStore(tmp_path), "restore", "run")


def _calls(journal: Journal, cloud: Cloud, outage_s: float = 60.0) -> Calls:
    return Calls(cloud, journal, Patience(outage_s=outage_s))


def test_a_call_is_made_once_whoever_asks_again(journal: Journal) -> None:
    cloud = Cloud()
    calls = _calls(journal, cloud)
    assert calls.once("clone", "copy", "CLONE", lambda: DONE) == DONE
    cloud.there.append(DONE)
    assert calls.once("clone", "copy", "CLONE", _never) == DONE
    (entry,) = journal.entries()
    assert (entry.operation, entry.done) == ("new", True)


def test_an_answer_that_was_lost_is_found_by_what_is_newer(journal: Journal) -> None:
    old = replace(DONE, id="old")
    cloud = Cloud([replace(DONE, id="other", type="UPDATE"), old])
    calls = _calls(journal, cloud)
    journal.intend("clone", "copy", after="old")
    entry = calls.entry("clone")
    assert entry is not None
    assert calls.lost(entry, "CLONE") is None
    with pytest.raises(AssertionError):  # it was never made: it is made now
        calls.once("clone", "copy", "CLONE", _never)
    cloud.there.insert(0, DONE)
    assert calls.lost(entry, "CLONE", lambda _: False) is None
    assert calls.once("clone", "copy", "CLONE", _never) == DONE


def test_an_operation_that_the_api_forgot_is_over(journal: Journal) -> None:
    journal.started(journal.intend("clone", "copy"), "forgotten")
    ended = _calls(journal, Cloud()).once("clone", "copy", "CLONE", _never)
    assert (ended.id, ended.status) == ("forgotten", "DONE")


@pytest.mark.parametrize(("status", "reason"), [(400, "invalid"), (403, "quotaExceeded")])
def test_a_call_that_is_refused_for_good_is_told_apart(
    journal: Journal, status: int, reason: str
) -> None:
    with pytest.raises(CallRefusedError, match=reason):
        _calls(journal, Cloud()).once("clone", "copy", "CLONE", _refusing(status, reason))


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "authError"), (409, "operationInProgress"), (429, "x"), (503, "x")]
)
def test_a_call_that_may_be_made_again_is_not_over(
    journal: Journal, status: int, reason: str
) -> None:
    with pytest.raises(ApiError, match=reason):
        _calls(journal, Cloud()).once("clone", "copy", "CLONE", _refusing(status, reason))


def test_a_wait_outlives_an_api_that_is_away(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_OUTAGE_PAUSE_S", 0.0)
    away: list[Outcome] = [UnreachableError("x"), ApiError("poll", 503, "x", "No."), DONE]
    assert _calls(journal, Cloud(waits=away)).wait(DONE) == DONE
    with pytest.raises(UnreachableError):
        _calls(journal, Cloud(waits=[UnreachableError("x")] * 9), outage_s=0.0).wait(DONE)


def test_a_poll_that_is_refused_is_no_refusal_of_the_call(journal: Journal) -> None:
    cloud = Cloud(waits=[ApiError("poll", 403, "denied", "No.")])
    with pytest.raises(ApiError, match="denied"):
        _calls(journal, cloud).once("clone", "copy", "CLONE", lambda: DONE)
    (entry,) = journal.entries()
    assert (entry.operation, entry.done) == ("new", False)
