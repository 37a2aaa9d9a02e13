"""The tree of what people type; each room's tasks stand in its own tasks module."""

import subprocess
import sys

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit

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
def test(context: Context) -> None:
    """Check format, lint and types, and run every test on real PostgreSQL clusters."""
    for check in CHECKS:
        print(f"python -m {check}", flush=True)  # noqa: T201 - what runs, before its own output
        # Not the context's run: on Ctrl-C that writes to an input which is closed already.
        process = subprocess.Popen([sys.executable, "-m", *check.split()])
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.wait()  # it got the signal too, and stops what it started
            raise
        if code != 0:
            raise Exit(code=code)


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
