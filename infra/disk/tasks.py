"""The task that grows a disk."""

from invoke.collection import Collection
from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, STACK_HELP, begin


@task(
    help={
        "stack": STACK_HELP,
        "to-gb": "the new size in GB",
        "plan": "show what would be done and stop",
        "yes": "on production: do it",
        "confirm": "on production: the instance's name",
        "format": FORMAT_HELP,
    }
)
def grow(
    c: Context,
    stack: str = "",
    to_gb: str = "",
    plan: bool = False,
    yes: bool = False,
    confirm: str = "",
    format: str = "table",
) -> None:
    """Grow the instance's disk, without a restart; it never shrinks again."""
    from infra.disk import grow as growing

    run = begin(stack, format)
    size = growing.parse(to_gb)
    run.show(growing.grow(run.target, size, run.progress, plan_only=plan, yes=yes, confirm=confirm))


namespace = Collection("disk", grow)
