from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread

import pytest

from infra.local.engine.account import own
from infra.local.engine.process import Runner
from infra.local.errors import StoppingError
from infra.local.faults import Faults, InjectedError, Kind, Rule
from infra.local.model import Operation, OperationStatus, OperationType

RUNNER = Runner(own())
CLONE = Operation(
    name="o",
    type=OperationType.CLONE,
    project="p",
    target="t",
    status=OperationStatus.RUNNING,
    inserted=datetime(2026, 1, 1, tzinfo=UTC),
)


def with_rules(*rules: Rule) -> Faults:
    faults = Faults()
    for rule in rules:
        faults.add(replace(rule, id=faults.number()))
    return faults


def fails(faults: Faults, operation: Operation = CLONE) -> bool:
    try:
        faults.meet(operation, RUNNER)
    except InjectedError:
        return True
    return False


def test_delays_come_before_the_first_refusal() -> None:
    faults = with_rules(
        Rule(0, Kind.SLOW, "a.*"),
        Rule(0, Kind.BUSY, "a.get", instance="i", count=1),
        Rule(0, Kind.UNAVAILABLE, "a.get"),
        Rule(0, Kind.OPERATION_FAILS),
    )
    kinds = [tuple(one.kind for one in faults.of_request("a.get", "i")) for _ in range(2)]
    assert kinds == [(Kind.SLOW, Kind.BUSY), (Kind.SLOW, Kind.UNAVAILABLE)]
    assert [one.kind for one in faults.of_request("a.list", "i")] == [Kind.SLOW]
    assert faults.of_request("b.get", "i") == ()
    assert [one.hits for one in faults.active()] == [3, 1, 1, 0]


def test_operations_on_one_instance_fall_alike_whatever_others_do() -> None:
    rule = Rule(0, Kind.OPERATION_FAILS, share=0.5, seed=3)
    alone, busy = with_rules(rule), with_rules(rule)
    course = [fails(alone) for _ in range(30)]
    other = replace(CLONE, target="other")
    mixed = []
    for _ in range(30):
        fails(busy, other)
        mixed.append(fails(busy))
    assert mixed == course
    assert {True, False} == set(course)


def test_cleared_all_begins_anew() -> None:
    rule = Rule(0, Kind.UNAVAILABLE, share=0.5, seed=1)
    faults = with_rules(rule)
    first = [bool(faults.of_request("m", "")) for _ in range(30)]
    faults.clear()
    assert faults.active() == ()
    faults.add(replace(rule, id=faults.number()))
    assert [bool(faults.of_request("m", "")) for _ in range(30)] == first


def test_an_operation_that_hangs_ends_with_the_server() -> None:
    faults = with_rules(Rule(0, Kind.OPERATION_HANGS))
    runner = Runner(own())
    seen: list[type[Exception]] = []

    def hang() -> None:
        try:
            faults.meet(CLONE, runner)
        except StoppingError as error:
            seen.append(type(error))

    thread = Thread(target=hang)
    thread.start()
    runner.stopping.set()
    thread.join(10)
    assert seen == [StoppingError]


def test_the_words_of_the_failure_are_the_rules() -> None:
    faults = with_rules(Rule(0, Kind.OPERATION_FAILS, "CL*", code="ODD", message="as asked"))
    with pytest.raises(InjectedError, match="as asked") as failed:
        faults.meet(CLONE, RUNNER)
    assert failed.value.code == "ODD"
    assert not fails(faults, replace(CLONE, type=OperationType.CREATE))
