"""What people type: `invoke failover-drill`, `failover.drill`."""

from invoke.collection import Collection
from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, STACK_HELP, begin


@task(
    help={
        "stack": STACK_HELP,
        "format": FORMAT_HELP,
        "writers": "clients that write through the pool (8)",
        "rate": "writes a second, of all of them together (200)",
        "limit": "minutes to wait for an operation, and for the standby (15)",
        "failback": "fail over a second time, back to where it was",
        "lose-transactions": "go on although open transactions will be lost",
        "dry-run": "look, and show the plan; change nothing",
        "yes": "on production: really do it",
        "confirm": "on production: the instance's name",
    }
)
def drill(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    writers: str = "",
    rate: str = "",
    limit: str = "",
    failback: bool = False,
    lose_transactions: bool = False,
    dry_run: bool = False,
    yes: bool = False,
    confirm: str = "",
) -> None:
    """Fail over while clients write: how long nobody could, and whether anything was lost."""
    from ops.failover import perform as drills
    from ops.failover import plan

    run = begin(stack, format)
    options = plan.options(
        writers,
        rate,
        limit,
        failback=failback,
        lose=lose_transactions,
        dry_run=dry_run,
        yes=yes,
        confirm=confirm,
    )
    run.show(drills.drill(run, options))


namespace = Collection("failover", drill)
