"""What people type: `invoke policy.check`, `policy.audit`, `policy.list`."""

from invoke.collection import Collection
from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, STACK_HELP, begin

_ALL_RULES = "show every rule, and not problems alone"


@task(
    help={
        "stack": STACK_HELP,
        "all": "every stack that has a file",
        "all-rules": _ALL_RULES,
        "format": FORMAT_HELP,
    }
)
def check(
    c: Context,
    stack: str = "",
    all: bool = False,
    all_rules: bool = False,
    format: str = "table",
) -> None:
    """Ask every policy about what the stack declares, offline; 3 when one is violated."""
    from infra.policies import check as policies

    run = begin(stack, format)
    names = policies.chosen(run.target.stack, all_=all)
    run.show(policies.check(names, everything=all_rules))


@task(help={"stack": STACK_HELP, "all-rules": _ALL_RULES, "format": FORMAT_HELP})
def audit(c: Context, stack: str = "", all_rules: bool = False, format: str = "table") -> None:
    """Ask every policy about the live instance: the Admin API, and PostgreSQL for settings."""
    from infra.policies import audit as policies

    run = begin(stack, format)
    run.show(policies.audit(run.target, run.cloud, everything=all_rules))


@task(name="list", help={"stack": STACK_HELP, "format": FORMAT_HELP})
def list_(c: Context, stack: str = "", format: str = "table") -> None:
    """List the policies with their ids, and what published scanners call them."""
    from infra.policies.report import Listing
    from infra.policies.rules import RULES

    begin(stack, format).show(Listing(RULES))


namespace = Collection("policy", check, audit, list_)
