"""What is looked at before a failover: each check silent where all is well, loud where not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ops.checks.result import State
from ops.cloudsql import BackupRun
from ops.db import Database, LibpqPasswords
from ops.failover.prechecks import NotReadyError, judge, refused
from ops.failover.standing import Replica
from ops.failover.survey import Inside, Lag, Survey, Transaction
from tests.unit.failover.standing import STANDS

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
TAKEN = NOW - timedelta(hours=3)
BACKUP = BackupRun("17", "db", "SUCCESSFUL", "AUTOMATED", "", TAKEN, TAKEN, "")
INSIDE = Inside(
    table=True, writable=True, connections=12, most=100, reserved=3, transactions=(), hidden=0
)
REPLICA = Replica("db-r", Database("127.0.0.1", 1, "d", LibpqPasswords()))
FINE = Survey(STANDS, (), (BACKUP,), INSIDE, "", (REPLICA,), (Lag("db-r", 0.2),))
OPEN = Transaction(41, "app", "importer", "idle in transaction", 77.0)


def states(
    survey: Survey, *, lose: bool = False, declared: tuple[str, ...] = ("db-r",)
) -> set[str]:
    """Return the names of what is not ok."""
    checks = judge(survey, NOW, declared=declared, pool=8, lose=lose)
    return {one.result.check for one in checks if one.result.state is not State.OK}


def blocking(survey: Survey, *, lose: bool = False) -> tuple[str, ...]:
    checks = judge(survey, NOW, declared=("db-r",), pool=8, lose=lose)
    return tuple(one.check for one in refused(checks))


def test_nothing_is_said_of_an_instance_that_is_ready() -> None:
    assert states(FINE) == set()
    assert blocking(FINE) == ()


def standing(**changed: object) -> Survey:
    return replace(FINE, standing=replace(STANDS, **changed))  # type: ignore[arg-type]  # names of the table below


def inside(**changed: object) -> Survey:
    return replace(FINE, inside=replace(INSIDE, **changed))  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("survey", "check", "said"),
    [
        (standing(state="MAINTENANCE"), "instance", "MAINTENANCE"),
        (standing(policy="NEVER"), "instance", "stopped"),
        (standing(availability="ZONAL"), "availability", "no standby"),
        (standing(standby=False), "standby", "zone-c is not available"),
        (replace(FINE, busy=("BACKUP_VOLUME x is RUNNING",)), "operations", "BACKUP_VOLUME"),
        (replace(FINE, backups=()), "backups", "no successful backup"),
        (replace(FINE, inside=None, trouble="No such password."), "login", "No such password"),
        (inside(table=False), "table", "migrate.up"),
        (inside(writable=False), "table", "Grant"),
        (inside(connections=87), "connections", "needs 11"),
        (inside(transactions=(OPEN, OPEN)), "transactions", "importer, process 41"),
    ],
)
def test_what_stands_in_the_way_refuses_the_drill(survey: Survey, check: str, said: str) -> None:
    assert check in states(survey)
    assert blocking(survey) == (check,)
    checks = judge(survey, NOW, declared=("db-r",), pool=8, lose=False)
    assert said in str(NotReadyError("db", refused(checks)))


def test_transactions_may_be_lost_when_that_is_asked_for() -> None:
    assert states(inside(transactions=(OPEN,)), lose=True) == set()


@pytest.mark.parametrize(
    ("survey", "check", "state"),
    [
        (inside(hidden=3), "transactions", State.UNKNOWN),
        (replace(FINE, replicas=(), lags=()), "replicas", State.FINDING),
        (replace(FINE, lags=(Lag("db-r", 40.0),)), "replicas", State.FINDING),
        (replace(FINE, lags=(Lag("db-r", None, "refused"),)), "replicas", State.UNKNOWN),
        (standing(standby=None), "standby", State.NOT_APPLICABLE),
    ],
)
def test_what_is_only_not_as_it_should_be_is_told(survey: Survey, check: str, state: State) -> None:
    assert blocking(survey) == ()
    checks = judge(survey, NOW, declared=("db-r",), pool=8, lose=False)
    (found,) = (one.result for one in checks if one.result.check == check)
    assert found.state is state


def test_without_replicas_nothing_is_said_of_them() -> None:
    none = replace(FINE, replicas=(), lags=())
    checks = judge(none, NOW, declared=(), pool=8, lose=False)
    assert checks[-1].result.state is State.NOT_APPLICABLE
