"""Tasks of the Pulumi program: the local stack without the Pulumi CLI."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from ops.invocation import FORMAT_HELP, STACK_HELP, begin


@task(
    help={
        "stack": STACK_HELP,
        "plan": "show what would be done and stop",
        "replace": "allow what has to be deleted and made anew",
        "format": FORMAT_HELP,
    }
)
def deploy(
    c: Context, stack: str = "", plan: bool = False, replace: bool = False, format: str = "table"
) -> None:
    """Make the local Cloud SQL what the stack declares, without the Pulumi CLI."""
    from infra.deploy.apply import deploy as apply

    run = begin(stack, format)
    run.show(apply(run.target, run.progress, replace=replace, plan_only=plan))


@task(help={"stack": STACK_HELP, "format": FORMAT_HELP})
def destroy(c: Context, stack: str = "", format: str = "table") -> None:
    """Delete from the local Cloud SQL what was deployed there."""
    from infra.deploy.apply import destroy as apply

    run = begin(stack, format)
    run.show(apply(run.target, run.progress))


local = Collection("local", deploy, destroy)
