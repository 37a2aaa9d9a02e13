"""The task that proposes flags."""

from invoke.context import Context
from invoke.tasks import task

from ops.invocation import FORMAT_HELP, STACK_HELP, begin


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
