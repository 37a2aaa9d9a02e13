"""What people type first: ``./inv demo``."""

from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, STACK_HELP, begin


@task(help={"stack": STACK_HELP, "format": FORMAT_HELP})
def demo(c: Context, stack: str = "", format: str = "table") -> None:
    """Show the main job on this machine: provision, migrate, fill, back up, restore, prove."""
    from ops.demo.story import tell

    run = begin(stack, format)
    run.show(tell(run))
