"""What people type: `invoke restore-drill`, `restore.drill / sweep / history / evidence`."""

from invoke.collection import Collection
from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, STACK_HELP, begin
from ops.restore.recovery.tasks import in_place, pitr, to_new


@task(
    help={
        "stack": STACK_HELP,
        "format": FORMAT_HELP,
        "backup": "restore this backup run and the clone (default: the newest and an older one)",
        "latest": "restore only the newest successful backup run, and the clone",
        "seed": "draw the older run by this number again; each drill tells its own",
        "side-by-side": "how many copies there are at once (else 2)",
        "dry-run": "say what would be restored and what it costs; touch nothing",
        "cost-cap": "most that the copies may cost, in USD (else the stack's drillCostCapUsd)",
        "time-limit": "stop and clean up after so long, as 45m (else drillTimeLimitMinutes)",
        "verify-limit": "verify each copy for so long at most, as 20m (else without a limit)",
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
    latest: bool = False,
    seed: str = "",
    side_by_side: str = "",
    dry_run: bool = False,
    cost_cap: str = "",
    time_limit: str = "",
    verify_limit: str = "",
    inject: str = "",
    before_verify: str = "",
) -> None:
    """Restore backups and clone to a marker, prove all, time them, and clean up."""
    from ops.restore.drill import perform as drills

    run = begin(stack, format)
    options = drills.options(
        backup=backup,
        latest=latest,
        seed=seed,
        side_by_side=side_by_side,
        dry_run=dry_run,
        cost_cap=cost_cap,
        time_limit=time_limit,
        verify_limit=verify_limit,
        inject=inject,
        before_verify=before_verify,
    )
    run.show(drills.answer(run, options))


@task(help={"stack": STACK_HELP, "format": FORMAT_HELP})
def sweep(context: Context, stack: str = "", format: str = "table") -> None:
    """Remove what killed drills left behind."""
    from ops.restore.drill.sweep import sweep as sweep_all

    run = begin(stack, format)
    run.show(sweep_all(run))


@task(
    help={
        "stack": STACK_HELP,
        "format": FORMAT_HELP,
        "last": "how many of the newest (else 20)",
        "kind": "which drills, such as failover-drill",
        "days": "age of the newest pass that is too old (else the stack's alertDrillDays)",
    }
)
def history(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    last: str = "",
    kind: str = "restore-drill",
    days: str = "",
) -> None:
    """Show earlier drills, and whether they take longer or are too old."""
    from ops.restore import records

    run = begin(stack, format)
    run.show(records.history(run, kind=kind, last=last, days=days))


@task(
    help={
        "stack": STACK_HELP,
        "format": FORMAT_HELP,
        "run": "the drill, as restore.history names it (else the newest)",
        "kind": "which drills, such as failover-drill",
        "verify": "check that no record was changed, removed or added",
        "html": "write the page for auditors to this file",
        "yes": "do not ask before --html overwrites a file that is no such page",
    },
)
def evidence(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    run: str = "",
    kind: str = "restore-drill",
    verify: bool = False,
    html: str = "",
    yes: bool = False,
) -> None:
    """Show what a drill left, check the chain of all records, write a page of it."""
    from ops.restore import records

    invocation = begin(stack, format)
    invocation.show(
        records.evidence(invocation, drill=run, kind=kind, verify=verify, html=html, yes=yes)
    )


@task(
    help={
        "stack": STACK_HELP,
        "format": FORMAT_HELP,
        "run": "the drill, as restore.history names it (else the newest)",
        "kind": "which drills, such as failover-drill",
        "template": "file with a Jinja template of the body (else the stack's)",
        "dry-run": "show the body, send nothing",
    }
)
def notify(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    run: str = "",
    kind: str = "restore-drill",
    template: str = "",
    dry_run: bool = False,
) -> None:
    """Tell the webhook of a drill again: tries its address and its template."""
    from ops.restore import records

    invocation = begin(stack, format)
    invocation.show(
        records.notification(invocation, drill=run, kind=kind, template=template, dry_run=dry_run)
    )


@task(
    help={
        "stack": STACK_HELP,
        "format": FORMAT_HELP,
        "only": "the faults to put in, with commas between (else all)",
        "workload": "how many clients write to the rehearsal source meanwhile",
    }
)
def selftest(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    only: str = "",
    workload: str = "",
) -> None:
    """Put every known fault into a copy, and see that the drill goes red; healthy ones pass."""
    from ops.restore.selftest import perform as selftests
    from ops.restore.selftest.plan import options

    run = begin(stack, format)
    run.show(selftests.selftest(run, options(only, workload)))


namespace = Collection(
    "restore", drill, sweep, history, evidence, to_new, pitr, in_place, notify, selftest
)
