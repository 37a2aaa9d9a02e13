"""The task that compares what is live with what is declared."""

from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, STACK_HELP, begin


@task(help={"stack": STACK_HELP, "format": FORMAT_HELP})
def drift(c: Context, stack: str = "", format: str = "table") -> None:
    """Compare the live instances with what the stack declares; changes nothing."""
    from infra.drift.check import drift as look

    run = begin(stack, format)
    run.show(look(run.target))
