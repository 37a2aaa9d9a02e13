"""The failover's operation: answers that are lost, an API that is away, drills that were killed.

What the API does then can't be brought about from outside at the right moment, so these tests
stand in for it.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.arguments import BadArgumentError
from ops.cloudsql import ApiError, CloudSql, Operation, UnreachableError, WaitTimeoutError
from ops.failover import operation
from ops.failover.plan import options
from ops.failover.source import ROOM
from ops.journal import Journal
from tests.unit.failover.standing import STANDS, source

# Ahead: a suite may take minutes from here to a test, whose journal is written then.
NOW = datetime.now(UTC) + timedelta(hours=1)
RUNNING = Operation("op-1", "FAILOVER", "RUNNING", "db", NOW, NOW, None, (), "")
DONE = replace(RUNNING, status="DONE", ended=NOW)
EARLIER = replace(DONE, id="op-0", inserted=NOW - timedelta(days=1))


class Cloud(CloudSql):
    """An API that answers in turn what it is told to."""

    def __init__(self, *answers: Operation | Exception, there: tuple[Operation, ...] = ()) -> None:
        super().__init__("project", "http://127.0.0.1:1")
        self.answers, self.there = iter(answers), list(there)

    def _next(self, answers: Iterator[Operation | Exception]) -> Operation:
        answer = next(answers)
        if isinstance(answer, Exception):
            if isinstance(answer, UnreachableError):
                self.there.insert(0, RUNNING)  # begun, and nobody heard of it
            raise answer
        return answer

    def failover(self, name: str, settings_version: int) -> Operation:
        assert (name, settings_version) == ("db", 7)
        return self._next(self.answers)

    def operation(self, operation_id: str) -> Operation:  # noqa: ARG002 - the API's signature
        return self._next(self.answers)

    def operations(self, instance: str) -> tuple[Operation, ...]:  # noqa: ARG002 - as above
        return tuple(self.there)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "_PAUSE_S", 0.001)
    monkeypatch.setattr(operation, "_PAUSE_MOST_S", 0.001)


def test_an_operation_whose_answer_was_lost_is_found_by_the_next(tmp_path: Path) -> None:
    drilled = source(tmp_path, Cloud(UnreachableError("x"), there=(EARLIER,)))
    with pytest.raises(UnreachableError):
        operation.ask(drilled, Journal(drilled.store, ROOM, "run"), STANDS)
    (line,) = operation.settle(drilled)
    assert "operation op-1, still runs" in line


def test_a_refusal_begins_nothing(tmp_path: Path) -> None:
    cloud = Cloud(ApiError("fail over", 412, "staleData", "no"), there=(EARLIER,))
    drilled = source(tmp_path, cloud)
    journal = Journal(drilled.store, ROOM, "run")
    with pytest.raises(ApiError, match="staleData"):
        operation.ask(drilled, journal, STANDS)
    assert [entry.done for entry in journal.entries()] == [True]
    assert operation.settle(drilled) == ("drill run did not end: no failover was begun",)


def test_an_api_that_is_away_is_waited_for() -> None:
    away = UnreachableError("x")
    storm = ApiError("tell", 503, "backendError", "no")
    seen: list[int] = []
    found = operation.follow(
        Cloud(*[away] * 9, storm, RUNNING, DONE), RUNNING, 5.0, lambda: seen.append(1)
    )
    assert found == DONE
    assert len(seen) == 12


def test_a_wait_ends_with_its_limit_and_says_what_is_known() -> None:
    with pytest.raises(WaitTimeoutError, match="goes on"):
        operation.follow(Cloud(*[RUNNING] * 9), RUNNING, 0.0, lambda: None)
    with pytest.raises(UnreachableError):
        operation.follow(Cloud(*[UnreachableError("x")] * 9), RUNNING, 0.0, lambda: None)
    refusal = ApiError("tell", 403, "forbidden", "no")
    with pytest.raises(ApiError, match="forbidden"):
        operation.follow(Cloud(refusal), RUNNING, 5.0, lambda: None)


@pytest.mark.parametrize(
    ("name", "there", "answer", "told"),
    [
        ("op-1", (), DONE, "ended well"),
        ("op-1", (), replace(DONE, errors=(("X", "no disk"),)), "failed: no disk"),
        ("op-1", (), RUNNING, "still runs"),
        ("", (DONE, EARLIER), None, "ended well"),
        ("", (EARLIER,), None, "no failover was begun"),
    ],
)
def test_what_became_of_a_killed_drill_is_told(
    tmp_path: Path, name: str, there: tuple[Operation, ...], answer: Operation | None, told: str
) -> None:
    answers = () if answer is None else (answer,)
    drilled = source(tmp_path, Cloud(*answers, there=there))
    journal = Journal(drilled.store, ROOM, "run")
    entry = journal.intend("failover", "db")
    if name:
        journal.started(entry, name)
    (line,) = operation.settle(drilled)
    assert told in line
    assert bool(drilled.store.keys("journal")) == (told == "still runs")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("0", "", ""), "--writers is '0'. Give a number from 1 to 64."),
        (("", "many", ""), "--rate is 'many'. Give a number from 1 to 2000."),
        (("", "", "nan"), "--limit is 'nan'"),
    ],
)
def test_bad_numbers_are_refused_in_a_sentence(given: tuple[str, str, str], said: str) -> None:
    with pytest.raises(BadArgumentError) as refused:
        options(*given)
    assert said in str(refused.value)
    assert options("3", "", "0.5e1").limit_s == 300
