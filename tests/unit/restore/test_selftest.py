"""The self-test's plan and report: what it refuses, and when it is red itself."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.arguments import BadArgumentError
from ops.checks.result import CheckResult, State
from ops.console import Table
from ops.evidence import run_name
from ops.evidence.identity import Identity
from ops.restore.drill.plan import is_drill_copy
from ops.restore.faults.inject import FAULTS, LocalFaultError, UnknownFaultError
from ops.restore.selftest import evidence
from ops.restore.selftest.plan import (
    CloudWorkloadError,
    EveryFaultOnCloudError,
    Options,
    options,
    plan,
)
from ops.restore.selftest.report import Control, Outcome, SelftestReport, Writing
from ops.shortlived import name_stem

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def _checked(check: str, state: State = State.OK) -> CheckResult:
    return CheckResult(check, state, 1, 1, "what came out")


def _outcome(*checks: CheckResult, failure: str = "") -> Outcome:
    return Outcome("lost-row", "one row", "counts", "public.t", checks, 2.0, failure)


def _report(*outcomes: Outcome, healthy: State = State.OK, **other: object) -> SelftestReport:
    report = SelftestReport(
        run="260504120000-0a1b",
        stack="local",
        source="db",
        started=NOW,
        ended=NOW + timedelta(seconds=9),
        controls=(Control("before", (_checked("content", healthy),)),),
        outcomes=outcomes,
        writing=Writing(0, 0, "exact"),
    )
    for name, value in other.items():
        object.__setattr__(report, name, value)
    return report


RED = _outcome(_checked("counts", State.FINDING), _checked("content", State.FINDING))
ELSEWHERE = _outcome(_checked("counts"), _checked("content", State.FINDING))
NOWHERE = _outcome(_checked("counts", State.UNKNOWN))
NOT_PUT_IN = _outcome(failure="Fault lost-row finds no row.")


def test_without_names_every_fault_is_put_in_once() -> None:
    chosen = plan("db-drill-", Options(), stack="local", local=True)
    assert chosen.faults == tuple(FAULTS.values())
    assert len(chosen.told) + len(chosen.copied) + len(chosen.alone) == len(FAULTS)
    assert len(set(chosen.names.values())) == len(FAULTS)


def test_every_instance_bears_a_name_that_a_sweep_knows() -> None:
    stem = f"{name_stem('db', 'project')}{run_name(NOW)}-"
    names = plan(stem, Options(), stack="local", local=True).names
    for name in (*names.values(), *(f"{stem}{end}" for end in ("s", "c", "b12", "f02"))):
        assert is_drill_copy(name, "db", "project"), name


def test_options_are_read_or_refused() -> None:
    assert options(" lost-row, lost-index ,lost-row", "4") == Options(("lost-row", "lost-index"), 4)
    assert options("", "") == Options()
    for given in ("x", "-1", "65", "1.5"):
        with pytest.raises(BadArgumentError, match="0 to 64"):
            options("", given)
    with pytest.raises(UnknownFaultError):
        plan("", Options(("nonsense",)), stack="local", local=True)


def test_a_cloud_stack_gets_what_is_named_and_no_workload() -> None:
    chosen = plan("db-drill-", Options(("lost-row",)), stack="prod", local=False)
    assert [fault.name for fault in chosen.copied] == ["lost-row"]
    with pytest.raises(EveryFaultOnCloudError, match="--only"):
        plan("", Options(), stack="prod", local=False)
    with pytest.raises(LocalFaultError):
        plan("", Options(("missing-wal",)), stack="prod", local=False)
    with pytest.raises(CloudWorkloadError):
        plan("", Options(("lost-row",), 2), stack="prod", local=False)


@pytest.mark.parametrize(
    ("report", "state"),
    [
        (_report(RED), State.OK),
        (_report(RED, ELSEWHERE), State.FINDING),
        (_report(RED, NOWHERE), State.FINDING),
        (_report(RED, NOT_PUT_IN), State.UNKNOWN),
        (_report(ELSEWHERE, NOT_PUT_IN), State.FINDING),
        (_report(RED, healthy=State.FINDING), State.FINDING),
        (_report(RED, healthy=State.UNKNOWN), State.FINDING),
        (_report(RED, leftovers=("db-x: stays",)), State.FINDING),
        (_report(RED, writing=Writing(4, 900, "sandwich")), State.OK),
        (_report(RED, writing=Writing(4, 0, "sandwich")), State.UNKNOWN),
    ],
)
def test_only_faults_seen_and_healthy_copies_green_are_a_pass(
    report: SelftestReport, state: State
) -> None:
    assert report.state is state
    assert report.document()["verdict"] == {"ok": "pass", "finding": "fail"}.get(state, "unknown")


def test_people_read_what_was_silent_and_why() -> None:
    text = "\n".join(str(block) for block in _report(ELSEWHERE, NOWHERE, NOT_PUT_IN).blocks())
    assert "counts is silent" in text
    assert "counts could not tell" in text
    assert "finds no row" in text
    assert "Verdict: fail. 0 of 3 faults are red, 1 of 1 healthy copies green, in 9 s." in text


def test_the_record_has_a_check_a_fault_as_the_history_counts_them() -> None:
    from ops.console import document

    told = document(_report(RED, NOT_PUT_IN).document()["checks"])
    assert isinstance(told, list)
    assert [one["name"] for one in told] == ["healthy.before", "fault.lost-row", "fault.lost-row"]
    assert [one["state"] for one in told] == ["ok", "ok", "unknown"]
    assert told[1]["detail"] == "red, seen by counts, content"


def test_the_evidence_has_the_matrix_of_what_was_loud() -> None:
    report = _report(RED)
    assert report.matrix() == {"lost-row": {"counts": "finding", "content": "finding"}}
    told = evidence.of(report, {}, Identity("db"))
    assert told.kind == "restore-selftest"
    table = told.account[-1]
    assert isinstance(table, Table)
    assert table.columns == ("fault", "counts", "content")
    assert table.rows == (("lost-row", "red", "red"),)
