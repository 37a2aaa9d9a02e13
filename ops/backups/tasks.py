"""What people type: `invoke backup.create`, `backup.list`."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from ops.invocation import FORMAT_HELP, STACK_HELP, begin


@task(
    help={
        "stack": STACK_HELP,
        "format": FORMAT_HELP,
        "description": "why it is taken; shown by backup.list",
        "yes": "on production: really do it",
        "confirm": "on production: the instance's name",
    }
)
def create(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    description: str = "taken by invoke backup.create",
    yes: bool = False,
    confirm: str = "",
) -> None:
    """Take a backup now, and wait until it is done."""
    from ops.backups import create as backups
    from ops.backups.consent import Consent

    run = begin(stack, format)
    run.show(backups.create(run, description, Consent(yes, confirm)))


@task(name="list", help={"stack": STACK_HELP, "format": FORMAT_HELP})
def list_(context: Context, stack: str = "", format: str = "table") -> None:
    """List the backup runs, the newest first."""
    from ops.backups.listing import listing

    run = begin(stack, format)
    run.show(listing(run))


@task(help={"stack": STACK_HELP, "format": FORMAT_HELP})
def verify(context: Context, stack: str = "", format: str = "table") -> None:
    """Hold every backup and the recovery window against what should be there."""
    from ops.backups.verify import verify as verify_all

    run = begin(stack, format)
    run.show(verify_all(run))


@task(help={"stack": STACK_HELP, "format": FORMAT_HELP, "backup": "the run's number"})
def describe(context: Context, stack: str = "", format: str = "table", *, backup: str) -> None:
    """Show all of one backup run."""
    from ops.backups.describing import describe as describe_run

    run = begin(stack, format)
    run.show(describe_run(run, backup))


@task(
    help={
        "stack": STACK_HELP,
        "format": FORMAT_HELP,
        "backup": "the run's number",
        "yes": "on production: really do it",
        "confirm": "on production: the instance's name",
    }
)
def delete(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    backup: str,
    yes: bool = False,
    confirm: str = "",
) -> None:
    """Delete a backup run; the only successful one is refused."""
    from ops.backups.consent import Consent
    from ops.backups.describing import delete as delete_run

    run = begin(stack, format)
    run.show(delete_run(run, backup, Consent(yes, confirm)))


namespace = Collection("backup", create, list_, describe, delete, verify)
