"""The tree of what people type; each room's tasks stand in its own tasks module."""

import sys
from copy import deepcopy

from invoke.collection import Collection
from invoke.context import Context

from infra import tasks as infra
from infra.adopt import tasks as adopt
from infra.disk import tasks as disk
from infra.drift import tasks as drift
from infra.policies import tasks as policies
from infra.preview import tasks as preview
from infra.tuning import tasks as tuning
from ops.backups import tasks as backups
from ops.command import task
from ops.demo import tasks as demo
from ops.failover import tasks as failover
from ops.migrations import tasks as migrations
from ops.restore import tasks as restore
from ops.roles import tasks as roles

# What continuous integration runs, in the order in which a mistake costs least.
# Tests wait for PostgreSQL more than they compute: two at a time, a module to each.
CHECKS = (
    "ruff format --check",
    "ruff check",
    "mypy",
    "pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder",
)


@task
def test(c: Context) -> None:
    """Check format, lint and types, and run every test on real PostgreSQL clusters."""
    for check in CHECKS:
        c.run(f"{sys.executable} -m {check}", echo=True)


namespace = Collection(
    test,
    demo.demo,
    infra.local,
    adopt.adopt,
    disk.namespace,
    drift.drift,
    policies.namespace,
    preview.namespace,
    tuning.flags,
    tuning.tune,
    backups.namespace,
    failover.namespace,
    migrations.namespace,
    restore.namespace,
    roles.namespace,
)
# a copy, since Invoke takes the help texts out of a task as it lists them
namespace.add_task(deepcopy(restore.drill), name="restore-drill")
namespace.add_task(deepcopy(failover.drill), name="failover-drill")
