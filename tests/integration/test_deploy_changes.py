"""Changes of what is deployed, on a real local Cloud SQL: restarts, users, read replicas."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.deploy.apply import deploy, destroy
from infra.deploy.report import Deployment
from infra.deploy.steps import Action
from infra.drift.check import drift
from infra.settings import Settings
from infra.settings.validation import validate
from infra.stackfile import read_config
from ops.checks.result import State
from ops.cloudsql import ApiError
from ops.console import Silent
from ops.db import Budget
from ops.guard import UnansweredError
from ops.target import Target
from tests.places import local_cloud

NAME = "ai-square-db"
LOOK = Budget(statement_s=10, lock_s=1, read_only=True)
FLAGS = {"shared_buffers": "384MB", "max_connections": 50, "work_mem": "4MB"}
# The stack of the tests with two read replicas, deployed as a process of its own.
DEPLOY = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_deploy_changes import settings_with, REPLICAS
from infra.deploy.apply import deploy
from ops.console import Silent
from ops.target import Target
data = Path(sys.argv[2])
deploy(Target("local", settings_with(replicas=REPLICAS), data / "ops", data), Silent())
"""
REPLICAS: dict[str, object] = {"a": {}, "b": {"flags": {"work_mem": "8MB"}}}
CREATED_LIMIT_S = 120


def settings_with(flags: dict[str, object] | None = None, **more: object) -> Settings:
    values: dict[str, object] = {"flags": FLAGS | (flags or {}), **more}
    ours = {f"ai-square-db:{name}": value for name, value in values.items()}
    return validate("local", {**read_config("local"), **ours})


@pytest.fixture(scope="module")
def plain() -> Iterator[Target]:
    with local_cloud("asdb") as server:
        target = Target("local", settings_with(), server.data / "ops", server.data)
        deploy(target, Silent())
        yield target
        destroy(target, Silent(), yes=True)


def deployed(target: Target, settings: Settings) -> Deployment:
    done = deploy(replace(target, settings=settings), Silent(), yes=True)
    assert done.state is State.OK
    return done


def steps(done: Deployment) -> list[tuple[str, str]]:
    return [(step.action, step.name) for step in done.plan.steps]


def asked(target: Target, question: str, instance: str = NAME) -> str:
    database = target.database_at(target.cloud().instance(instance).address)
    with database.connect(target.owner, budget=LOOK) as connection:
        row = connection.execute(f"SELECT ({question})::text").fetchone()
    assert row is not None
    return str(row[0])


def test_a_changed_flag_restarts_only_when_it_must(plain: Target) -> None:
    started = asked(plain, "pg_postmaster_start_time()")
    deployed(plain, settings_with({"work_mem": "6MB"}))
    assert asked(plain, "current_setting('work_mem')") == "6MB"
    assert asked(plain, "pg_postmaster_start_time()") == started
    done = deployed(plain, settings_with({"work_mem": "6MB", "max_connections": 60}))
    assert [c.effect for step in done.plan.steps for c in step.changes] == ["restart"]
    assert asked(plain, "current_setting('max_connections')") == "60"
    assert asked(plain, "pg_postmaster_start_time()") != started


def test_a_user_that_is_no_longer_declared_goes(plain: Target) -> None:
    two = {"ann@example.com": "readonly", "bob@example.com": "app"}
    done = deployed(plain, settings_with(iamUsers=two))
    assert {("create", one) for one in two} <= set(steps(done))
    assert drift(replace(plain, settings=settings_with(iamUsers=two))).state is State.OK

    fewer = settings_with(iamUsers={"bob@example.com": "app"})
    assert {one.name for one in drift(replace(plain, settings=fewer)).differences} == {
        "ann@example.com"
    }
    assert steps(deployed(plain, fewer)) == [("delete", "ann@example.com")]
    assert "ann@example.com" not in plain.cloud().users(NAME)
    assert steps(deployed(plain, settings_with())) == [("delete", "bob@example.com")]


def test_replicas_follow_their_primary_and_go_before_it(plain: Target) -> None:
    server = plain.server()
    process = subprocess.Popen(
        [sys.executable, "-c", DEPLOY, str(Path(__file__).parent), str(server.data)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"LOCAL_CLOUDSQL_DIR": str(server.data)},
    )
    cloud = plain.cloud()
    deadline = time.monotonic() + CREATED_LIMIT_S
    while cloud.find(f"{NAME}-a") is None and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)  # the first of them is being made
    process.wait()

    declared = settings_with(replicas=REPLICAS)
    done = deployed(plain, declared)
    assert (Action.CREATE, f"{NAME}-b") in steps(done)
    assert cloud.instance(f"{NAME}-a").body["masterInstanceName"].endswith(f":{NAME}")
    assert asked(plain, "current_setting('work_mem')", f"{NAME}-b") == "8MB"
    assert asked(plain, "pg_is_in_recovery()", f"{NAME}-a") == "true"
    assert steps(deployed(plain, declared)) == []
    assert drift(replace(plain, settings=declared)).state is State.OK

    # A standby with fewer connections than its primary does not start: up from below.
    more = settings_with({"max_connections": 70}, replicas=REPLICAS)
    assert [name for _, name in steps(deployed(plain, more))] == [f"{NAME}-a", f"{NAME}-b", NAME]
    assert asked(plain, "current_setting('max_connections')", f"{NAME}-a") == "70"
    # ... and down from above.
    assert [name for _, name in steps(deployed(plain, declared))] == [
        NAME,
        f"{NAME}-a",
        f"{NAME}-b",
    ]
    assert asked(plain, "current_setting('max_connections')", f"{NAME}-b") == "50"

    cloud.wait(cloud.delete(f"{NAME}-b"))
    (missing,) = drift(replace(plain, settings=declared)).differences
    assert (missing.finding, missing.name) == ("missing", f"{NAME}-b")

    # Cloud SQL cascades; the local one does not, and says so when that replica is to be made.
    cascade = settings_with(replicas={"a": {}, "b": {"source": "a"}})
    planned = deploy(replace(plain, settings=cascade), Silent(), plan_only=True)
    assert steps(planned) == [("create", f"{NAME}-b")]
    with pytest.raises(ApiError, match="is a read replica itself"):
        deploy(replace(plain, settings=cascade), Silent())

    assert [one.name for one in drift(plain).differences] == [f"{NAME}-a"]  # nobody declares it
    with pytest.raises(UnansweredError, match=f"delete the instance {NAME}-a"):
        deploy(plain, Silent())
    assert [one.name for one in drift(plain).differences] == [f"{NAME}-a"]
    assert steps(deployed(plain, settings_with())) == [("delete", f"{NAME}-a")]
