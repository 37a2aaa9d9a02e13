"""A check that fails at the source says nothing of the copy."""

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from ops.checks import trouble
from ops.checks.ask import Asking
from ops.checks.crew import Crew, Login
from ops.checks.judge import MEND_SOURCE, against
from ops.checks.result import CheckResult, Finding, Level, ObjectId, State
from ops.db import VERIFY, CannotConnectError, Database, QueryFailedError
from tests.unit.findings import findings
from tests.unit.restore.sources import drilled

GONE = psycopg.OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize("of_source", [True, False], ids=["source", "copy"])
@pytest.mark.parametrize("refused", [True, False])
def test_who_went_away_is_told_and_nothing_is_known(
    tmp_path: Path, *, of_source: bool, refused: bool
) -> None:
    source = drilled(tmp_path)
    copy = source.copy_at("127.0.0.9")
    where: Database = source.database if of_source else copy
    login = Login(copy, source.owner, VERIFY)
    asking = Asking(Crew(), login, source.login(VERIFY))

    def ask() -> CheckResult:
        if refused:
            raise CannotConnectError(where, "o", "Connection refused")
        raise QueryFailedError(where, "o", GONE) from GONE

    found = asking.ask("heartbeat", ask)
    assert found.state is State.UNKNOWN
    assert found.detail.startswith("on the source: ") is of_source


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("Connection refused", State.UNKNOWN),
        ("timeout expired", State.UNKNOWN),
        ("FATAL:  the database system is starting up", State.UNKNOWN),
        ("FATAL:  sorry, too many clients already", State.UNKNOWN),
        ('FATAL:  role "app" does not exist', State.FINDING),
        ('FATAL:  database "app" does not exist', State.FINDING),
        ('FATAL:  password authentication failed for user "app"', State.FINDING),
    ],
)
def test_only_a_server_that_refuses_us_is_a_finding(
    tmp_path: Path, reason: str, state: State
) -> None:
    where = drilled(tmp_path).database
    assert trouble.of(CannotConnectError(where, "app", reason)).state is state


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (GONE, State.UNKNOWN),
        (psycopg.InterfaceError("the connection is closed"), State.UNKNOWN),
        (psycopg.errors.ConnectionFailure("x"), State.UNKNOWN),
        (psycopg.errors.AdminShutdown("x"), State.UNKNOWN),
        (psycopg.errors.SyntaxError("x"), State.UNKNOWN),
        (psycopg.errors.UndefinedParameter("x"), State.UNKNOWN),
        (psycopg.errors.QueryCanceled("x"), State.UNKNOWN),
        (psycopg.errors.UndefinedTable("x"), State.FINDING),
        (psycopg.errors.UndefinedColumn("x"), State.FINDING),
        (psycopg.errors.UndefinedFunction("x"), State.FINDING),
        (psycopg.errors.DataCorrupted("x"), State.FINDING),
    ],
    ids=lambda one: one.__class__.__name__ if isinstance(one, Exception) else one.value,
)
def test_only_a_failure_that_shows_damage_or_loss_is_a_finding(
    error: psycopg.Error, state: State
) -> None:
    assert trouble.of(error).state is state


def test_only_what_the_source_has_not_is_a_finding_of_the_copy() -> None:
    def found(*lines: str) -> CheckResult:
        state = State.FINDING if lines else State.OK
        return CheckResult("orphans", state, 3, 3, "wrong", findings(*lines))

    alike = against(found("a: 2 of 9 rows"), found("a: 2 of 9 rows", "b: 1 of 1 rows"))
    assert (alike.state, alike.remedy) == (State.OK, MEND_SOURCE)
    assert alike.differences == ("a: 2 of 9 rows, on the source too",)
    moved = against(found("a: 9 of 9 rows"), found("a: 2 of 9 rows"))
    assert (moved.state, moved.examined) == (State.UNKNOWN, 2)
    assert moved.differences == ("a: 9 of 9 rows, on the source with other figures",)
    both = against(found("a: 2 of 9 rows", "c: 1 of 1 rows"), found("a: 2 of 9 rows"))
    assert both.state is State.FINDING
    assert both.differences == ("c: 1 of 1 rows", "a: 2 of 9 rows, on the source too")
    for theirs in (found(), found("b: 1 of 1 rows"), replace(found("a: x"), examined=2)):
        assert against(found("a: 2 of 9 rows"), theirs).differences == ("a: 2 of 9 rows",)
        assert against(found("a: 2 of 9 rows"), theirs).state is State.FINDING


@pytest.mark.parametrize("name", ["orders: 2024", "a: b: c", ": ", "a"])
def test_objects_are_told_apart_whatever_their_names_are(name: str) -> None:
    def result(*tables: str) -> CheckResult:
        wrong = tuple(
            Finding(ObjectId("table", table, "public"), Level.FINDING, "3 of 9 rows")
            for table in tables
        )
        return CheckResult("orphans", State.FINDING, 3, 3, "wrong", wrong)

    other = result(f"{name}x", "orders: 2023")
    assert against(result(name), other) == result(name)
    assert against(result(name), result(name)).state is State.OK
