"""Gaps, reconnects and losses, from what clients saw."""

import psycopg
import pytest

from ops.db import CannotConnectError, Database, LibpqPasswords
from ops.failover import measure
from ops.failover.measure import Gap, longest, outage, ranges, read_back
from ops.failover.seen import Log, kind

NOWHERE = Database("127.0.0.1", 1, "d", LibpqPasswords())


def log(
    name: str, *acknowledged: float, pooled: bool = True, failed: tuple[float, ...] = ()
) -> Log:
    return Log(name, pooled, acknowledged=list(acknowledged), failed=list(failed))


def test_the_gap_begins_with_the_last_write_before_it() -> None:
    assert longest([1.0, 1.9, 4.0, 4.1], since=2.0, until=4.2) == Gap(1.9, 4.0)


def test_a_gap_before_the_failover_is_not_its_own() -> None:
    assert longest([0.0, 9.0, 9.1, 9.4], since=9.05, until=9.5) == Gap(9.1, 9.4)


def test_a_gap_that_never_ends_is_open_and_at_least_so_long() -> None:
    gap = longest([1.0, 2.0], since=1.5, until=62.0)
    assert (gap.began, gap.seconds, gap.open) == (2.0, 60.0, True)
    assert longest([], since=5.0, until=8.0) == Gap(5.0, 8.0, open=True)


def test_clients_together_have_a_shorter_gap_than_each() -> None:
    logs = [log("a", 1.0, 2.0, 5.0, 6.0), log("b", 1.1, 2.5, 4.0, 6.0, pooled=False)]
    seen = outage(logs, [], called_at=2.2, until=6.0)
    assert seen.gap == Gap(2.5, 4.0)
    assert seen.pool == Gap(2.0, 5.0)
    assert seen.by_client["b"] == Gap(4.0, 6.0)
    assert seen.first_write_s == pytest.approx(seen.gap.ended - 2.2)


def test_the_pool_connects_again_after_its_first_failed_use() -> None:
    logs = [log("a", 1.0, 9.0, failed=(0.5, 3.0, 4.0)), log("d", 1.0, pooled=False, failed=(2.0,))]
    seen = outage(logs, [0.1, 2.5, 7.5, 8.0], called_at=1.0, until=9.0)
    assert seen.reconnect == Gap(3.0, 7.5)
    never = outage(logs, [0.1], called_at=1.0, until=9.0).reconnect
    assert never == Gap(3.0, 9.0, open=True)
    assert outage([log("a", 1.0, 2.0)], [0.1], called_at=1.0, until=2.0).reconnect is None


def test_every_acknowledged_write_has_to_be_there_once() -> None:
    logs = [log("a", 1, 2, 3), log("b", 1, 2)]
    logs[1].pending = True
    whole = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]

    fine = read_back(logs, whole)
    assert (fine.acknowledged, fine.lost, fine.doubled) == (5, (), ())
    assert (fine.pending, fine.arrived, fine.rows) == (1, 0, 5)

    assert read_back(logs, [*whole, (1, 2)]).arrived == 1
    assert read_back(logs, whole[:-2]).lost == (("b", 0), ("b", 1))
    assert read_back(logs, [*whole, (0, 1)]).doubled == (("a", 1),)


def test_lost_writes_are_told_in_ranges() -> None:
    pairs = [("a", 4), ("a", 2), ("a", 3), ("a", 9), ("b", 10)]
    assert ranges(pairs) == (
        ("a", "write 2 to 4"),
        ("a", "write 9"),
        ("b", "write 10"),
    )
    assert ranges([]) == ()


def test_a_write_in_doubt_is_resolved_by_its_next_try() -> None:
    seen = Log("a", pooled=True)
    for sent, written in ((True, False), (True, True), (False, True)):
        seen.fail(psycopg.OperationalError("server closed the connection"), sent=sent)
        seen.acknowledge(written=written)
    assert (seen.committed, seen.not_committed, seen.pending) == (1, 1, False)
    assert len(seen.acknowledged) == len(seen.failed) == 3
    assert measure.outage([seen], [], 0.0, seen.acknowledged[-1]).committed == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (psycopg.errors.AdminShutdown("x"), "57P01 AdminShutdown"),
        (psycopg.OperationalError("server closed the connection unexpectedly"), "connection lost"),
        (
            psycopg.OperationalError("FATAL: the database system is starting up"),
            "57P03 CannotConnectNow",
        ),
        (psycopg.OperationalError("what?"), "OperationalError"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_errors_are_told_as_a_client_sees_them(error: Exception, told: str) -> None:
    assert kind(error) == told
    wrapped = CannotConnectError(NOWHERE, "u", str(error) or "-")
    wrapped.__cause__ = error
    if isinstance(error, psycopg.Error):
        assert kind(wrapped) == told
