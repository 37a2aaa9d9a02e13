"""The task that says what a change of the configuration will really do."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from ops.invocation import FORMAT_HELP, show


@task(
    help={
        "stack": "one stack (else INVOKE_STACK, else all)",
        "base": "the revision to compare the working tree with (else origin/main, else main)",
        "against": "live: compare what the stack declares with the live instance",
        "between": "two stacks, as staging,prod: how they differ",
        "fail-on": "verdicts that end with 3: restart, replace, blocked, change; or never",
        "engine": "ask `pulumi preview` too (needs the CLI and a backend)",
        "out": "a folder for report.json, report.md and report.html",
        "format": FORMAT_HELP,
    }
)
def preview(
    c: Context,
    stack: str = "",
    base: str = "",
    against: str = "",
    between: str = "",
    fail_on: str = "",
    engine: bool = False,
    out: str = "",
    format: str = "table",
) -> None:
    """Say what a change of the configuration does: restarts, replacements, money, policies."""
    from infra.preview.ask import Asked, answer
    from ops.console import Console, parse_format

    console = Console(parse_format(format))
    asked = Asked(stack, base, against, between, fail_on, engine, out)
    show(console, answer(asked, console.progress))


namespace = Collection("preview")
namespace.add_task(preview, default=True)
