"""The tree of what people type; each room's tasks stand in its own tasks module."""

import sys

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
    for check in CHECKS:  # a check that fails is never a warning, whatever Invoke was told
        c.run(f"{sys.executable} -m {check}", echo=True, warn=False)


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
namespace.add_task(restore.drill, name="restore-drill")
namespace.add_task(failover.drill, name="failover-drill")
