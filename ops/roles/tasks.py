"""What people type: ``invoke roles.status / apply``."""

from invoke.collection import Collection
from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, STACK_HELP, begin


@task(help={"stack": STACK_HELP, "format": FORMAT_HELP})
def status(c: Context, stack: str = "", format: str = "table") -> None:
    """Compare roles and grants with what sql/roles declares; a difference is a finding."""
    from ops.roles import apply as roles

    run = begin(stack, format)
    run.show(roles.status(run))


@task(
    help={
        "stack": STACK_HELP,
        "prune": "also take away what nobody declared",
        "dry-run": "show the plan, change nothing",
        "yes": "do not ask before --prune takes away; on production: really do it",
        "confirm": "on production: the instance's name",
        "format": FORMAT_HELP,
    }
)
def apply(
    c: Context,
    stack: str = "",
    format: str = "table",
    *,
    prune: bool = False,
    dry_run: bool = False,
    yes: bool = False,
    confirm: str = "",
) -> None:
    """Make roles and grants what sql/roles declares, in one transaction."""
    from ops.roles import apply as roles

    run = begin(stack, format)
    request = roles.Request(prune=prune, dry_run=dry_run, yes=yes, confirm=confirm)
    run.show(roles.apply(run, request))


namespace = Collection("roles", status, apply)
