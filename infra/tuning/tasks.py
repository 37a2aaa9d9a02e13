"""Tasks of the flags: what one is, whether the stack's are proven, which would be better.

They stand here since importing ``infra.flags`` loads the catalogue's code, and listing
the tasks must not.
"""

from invoke.collection import Collection
from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, STACK_HELP, begin


@task(help={"stack": STACK_HELP, "name": "the flag, as work_mem", "format": FORMAT_HELP})
def explain(c: Context, stack: str = "", format: str = "table", *, name: str) -> None:
    """Show what a flag is, what it may be on the stack's tier, and what the stack declares."""
    from infra.flags.explain import explain as tell

    run = begin(stack, format)
    run.show(tell(run.target.settings, name))


@task(help={"stack": STACK_HELP, "format": FORMAT_HELP})
def check(c: Context, stack: str = "", format: str = "table") -> None:
    """Prove the flags on a scratch PostgreSQL; show what roles of a running instance override."""
    from infra.flags.check import check_stack

    run = begin(stack, format)
    run.show(check_stack(run.target, run.progress))


@task(
    help={
        "stack": STACK_HELP,
        "workload": "web, oltp, dw or mixed",
        "connections": "how many to allow (else what the stack's pools need)",
        "formulas": "pgtune or timescaledb-tune",
        "write": "put the differences into the stack file",
        "format": FORMAT_HELP,
    }
)
def tune(
    c: Context,
    stack: str = "",
    workload: str = "web",
    connections: str = "",
    formulas: str = "pgtune",
    write: bool = False,
    format: str = "table",
) -> None:
    """Propose flags for the stack's machine and a workload, with the difference to the stack."""
    from infra.tuning.propose import tune as propose

    run = begin(stack, format)
    settings = run.target.settings
    run.show(propose(settings, workload, connections=connections, formulas=formulas, write=write))


flags = Collection("flags", explain, check)
