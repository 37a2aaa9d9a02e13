"""The deployer on a real local Cloud SQL: deploy, again, change, kill, destroy."""

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
from infra.deploy.steps import Action, ReplacementRefusedError
from infra.flags import compile_flag
from infra.live import Kind
from infra.settings import Settings, load
from ops.checks.result import State
from ops.console import Silent
from ops.db import Budget
from ops.target import Target
from tests.places import local_cloud

LOOK = Budget(statement_s=10, lock_s=1, read_only=True)
DEPLOY = (
    "from infra.deploy.apply import deploy; from ops import target;"
    " from ops.console import Silent; deploy(target.load('local'), Silent())"
)
CREATED_LIMIT_S = 60


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with local_cloud("asdb") as server:
        yield server.data


@pytest.fixture
def target(folder: Path) -> Iterator[Target]:
    target = Target("local", load("local"), folder / "ops", folder)
    yield target
    destroy(target, Silent(), yes=True)


def with_flag(settings: Settings, name: str, word: str) -> Settings:
    instance = settings.instance
    flags = [flag for flag in instance.flags if flag.name != name]
    flags.append(compile_flag(name, word, instance.tier.memory_mb))
    return replace(settings, instance=replace(instance, flags=tuple(flags)))


def shown(target: Target, name: str) -> str:
    database = target.database_at(target.cloud().instance(target.instance).address)
    with database.connect(target.owner, budget=LOOK) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def actions(deployment: Deployment) -> list[tuple[Action, Kind, str]]:
    return [(step.action, step.kind, step.name) for step in deployment.plan.steps]


def test_from_nothing_to_changed_to_gone(target: Target) -> None:
    first = deploy(target, Silent())
    assert actions(first) == [
        (Action.CREATE, Kind.INSTANCE, "ai-square-db"),
        (Action.CREATE, Kind.DATABASE, "ai_square"),
        (Action.CREATE, Kind.USER, "ai_square_app"),
        (Action.CREATE, Kind.USER, "ai_square_monitor"),
        (Action.CREATE, Kind.USER, "ai_square_owner"),
        (Action.CREATE, Kind.USER, "ai_square_readonly"),
    ]
    assert first.state is State.OK
    assert first.outputs["connectionName"] == "ai-square-local:asia-east1:ai-square-db"
    assert shown(target, "shared_buffers") == "384MB"
    assert shown(target, "autovacuum_naptime") == "30s"

    second = deploy(target, Silent())
    assert actions(second) == []
    assert second.state is State.OK
    assert "Nothing to change" in str(second.blocks()[0])

    changed = replace(target, settings=with_flag(target.settings, "work_mem", "12MB"))
    planned = deploy(changed, Silent(), plan_only=True)
    assert actions(planned) == [(Action.CHANGE, Kind.INSTANCE, "ai-square-db")]
    assert shown(target, "work_mem") == "4MB"
    third = deploy(changed, Silent())
    assert actions(third) == actions(planned)
    (change,) = third.plan.steps[0].changes
    assert (change.before, change.after, change.effect) == ("4 MB", "12 MB", "update")
    assert third.state is State.OK
    assert shown(target, "work_mem") == "12MB"

    restarted = replace(changed, settings=with_flag(changed.settings, "max_connections", "120"))
    fourth = deploy(restarted, Silent())
    assert [c.effect for c in fourth.plan.steps[0].changes] == ["restart"]
    assert fourth.state is State.OK
    assert shown(target, "max_connections") == "120"

    instance = replace(target.settings.instance, flags=(), labels={})
    bare = replace(target, settings=replace(target.settings, instance=instance))
    fifth = deploy(bare, Silent())
    assert fifth.state is State.OK
    assert shown(target, "work_mem") == "4MB"
    assert shown(target, "random_page_cost") == "4"
    assert deploy(bare, Silent()).plan.steps == ()

    moved = replace(target, settings=replace(target.settings, region="europe-west1"))
    with pytest.raises(ReplacementRefusedError):
        deploy(moved, Silent())

    gone = destroy(target, Silent(), yes=True)
    assert gone.instances == ("ai-square-db",)
    assert target.cloud().find(target.instance) is None
    assert not list((target.local or Path()).glob("stack/local/passwords/*"))


@pytest.mark.parametrize("seen", ["operation", "database"])
def test_a_deployment_killed_with_9_is_finished_by_the_next(target: Target, seen: str) -> None:
    server = target.server()
    process = subprocess.Popen(
        [sys.executable, "-c", DEPLOY],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"LOCAL_CLOUDSQL_DIR": str(server.data)},
    )
    cloud = target.cloud()
    deadline = time.monotonic() + CREATED_LIMIT_S
    while time.monotonic() < deadline:
        found = cloud.find(target.instance)
        if found is not None and (
            seen == "operation"
            or (found.state == "RUNNABLE" and target.database in cloud.databases(target.instance))
        ):
            break
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()

    done = deploy(target, Silent())
    assert done.state is State.OK
    assert shown(target, "work_mem") == "4MB"  # the owner's password is known and holds
    assert actions(deploy(target, Silent())) == []
