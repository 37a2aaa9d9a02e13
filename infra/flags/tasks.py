"""Tasks of the database flags: what a flag is, and whether the stack's are proven."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from ops.invocation import FORMAT_HELP, STACK_HELP, begin


@task(help={"stack": STACK_HELP, "name": "the flag, as work_mem", "format": FORMAT_HELP})
def explain(c: Context, stack: str = "", format: str = "table", *, name: str) -> None:
    """Show what a flag is, what it may be on the stack's tier, and what the stack declares."""
    from infra.flags.explain import explain as tell

    run = begin(stack, format)
    run.show(tell(run.target.settings, name))


@task(help={"stack": STACK_HELP, "format": FORMAT_HELP})
def check(c: Context, stack: str = "", format: str = "table") -> None:
    """Start a scratch PostgreSQL with the stack's flags, and read every value back."""
    from infra.flags.check import check as prove

    run = begin(stack, format)
    run.show(prove(run.target.settings, run.progress))


namespace = Collection("flags", explain, check)
