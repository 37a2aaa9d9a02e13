"""What people type: ``invoke migrate.new / status / up / down``."""

from invoke.collection import Collection
from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, STACK_HELP, begin

_COMMON = {"stack": STACK_HELP, "format": FORMAT_HELP}
_CHANGING = {
    **_COMMON,
    "dry-run": "show the plan, change nothing",
    "yes": "on production: really do it",
    "confirm": "on production: the instance's name",
    "wait": "seconds to wait for another run to end",
    "step-done": "an unfinished step that is complete, as 0009:1: record it and do not run it",
    "rerun-step": "an unfinished step to run again from its beginning, as 0009:1",
}


@task(help={**_COMMON, "name": "what the migration does, as in add_task_due_date"})
def new(c: Context, stack: str = "", format: str = "table", *, name: str) -> None:
    """Make the file of a new migration, with the next free number."""
    from ops.migrations import files, results

    run = begin(stack, format)
    path = files.create(name)
    run.show(results.created(path))


@task(help=_COMMON)
def status(c: Context, stack: str = "", format: str = "table") -> None:
    """Show which migrations are applied, pending, half done or changed."""
    from ops.migrations import change

    run = begin(stack, format)
    run.show(change.status(run))


@task(
    help={
        **_CHANGING,
        "to": "the last version to apply (all, if not given)",
        "allow-out-of-order": "also apply files below the highest applied number",
    }
)
def up(
    c: Context,
    stack: str = "",
    format: str = "table",
    *,
    to: str = "",
    allow_out_of_order: bool = False,
    dry_run: bool = False,
    yes: bool = False,
    confirm: str = "",
    wait: str = "30",
    step_done: str = "",
    rerun_step: str = "",
) -> None:
    """Apply the pending migrations, going on from wherever an earlier run stopped."""
    from ops.migrations import change
    from ops.migrations.answers import read_answers

    run = begin(stack, format)
    answers = read_answers(rerun=rerun_step, done=step_done)
    request = change.Request(to, dry_run, yes, confirm, change.seconds(wait), answers)
    run.show(change.up(run, request, allow_out_of_order=allow_out_of_order))


@task(
    help={
        **_CHANGING,
        "to": "the version that stays, 0 for none (else: one step back)",
        "yes": "do not ask; production wants it",
    }
)
def down(
    c: Context,
    stack: str = "",
    format: str = "table",
    *,
    to: str = "",
    dry_run: bool = False,
    yes: bool = False,
    confirm: str = "",
    wait: str = "30",
    step_done: str = "",
    rerun_step: str = "",
) -> None:
    """Take back the last applied migration, or all above a version."""
    from ops.migrations import change
    from ops.migrations.answers import read_answers

    run = begin(stack, format)
    answers = read_answers(rerun=rerun_step, done=step_done)
    request = change.Request(to, dry_run, yes, confirm, change.seconds(wait), answers)
    run.show(change.down(run, request))


namespace = Collection("migrate", new, status, up, down)
