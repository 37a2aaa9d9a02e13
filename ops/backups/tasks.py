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

    run = begin(stack, format)
    run.show(backups.create(run, description, backups.Consent(yes, confirm)))


@task(name="list", help={"stack": STACK_HELP, "format": FORMAT_HELP})
def list_(context: Context, stack: str = "", format: str = "table") -> None:
    """List the backup runs, the newest first."""
    from ops.backups.listing import listing

    run = begin(stack, format)
    run.show(listing(run))


namespace = Collection("backup", create, list_)
