"""What people type: `invoke restore-drill`, `restore.drill`, `restore.sweep`."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from ops.invocation import FORMAT_HELP, STACK_HELP, begin


@task(
    help={
        "stack": STACK_HELP,
        "format": FORMAT_HELP,
        "backup": "restore this backup run (else the newest successful one)",
        "seed": "restore one older run too, drawn at random from this number",
        "inject": "put a fault in on purpose; an unknown name lists them",
        "before-verify": "shell command to run against each copy, libpq's variables set",
    }
)
def drill(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    backup: str = "",
    seed: str = "",
    inject: str = "",
    before_verify: str = "",
) -> None:
    """Restore a backup and clone to a marker, prove both, time them, and clean up."""
    from ops.restore.drill import perform as drills

    run = begin(stack, format)
    options = drills.options(backup, seed, inject, before_verify)
    run.show(drills.drill(run, options))


@task(help={"stack": STACK_HELP, "format": FORMAT_HELP})
def sweep(context: Context, stack: str = "", format: str = "table") -> None:
    """Remove what killed drills left behind."""
    from ops.restore.drill.sweep import sweep as sweep_all

    run = begin(stack, format)
    run.show(sweep_all(run))


namespace = Collection("restore", drill, sweep)
