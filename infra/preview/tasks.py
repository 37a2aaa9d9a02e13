"""The task that says what a change of the configuration will really do."""

from invoke.collection import Collection
from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, show


@task(
    help={
        "stack": "one stack (else INVOKE_STACK, else all)",
        "base": "the revision to compare the working tree with (else origin/main, else main)",
        "against": "live: compare what the stack declares with the live instance",
        "between": "two stacks, as staging,prod: how they differ",
        "fail-on": "verdicts that end with 3: interrupt, restart, replace, blocked,"
        " change; or never",
        "engine": "ask `pulumi preview` too (needs the CLI and a backend)",
        "out": "a folder for report.json, report.md and report.html",
        "yes": "do not ask before --out overwrites files that no preview made",
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
    yes: bool = False,
    format: str = "table",
) -> None:
    """Say what a change of the configuration does: restarts, replacements, money, policies."""
    from infra.preview.ask import Asked, answer
    from ops.console import Console, parse_format

    console = Console(parse_format(format))
    typed = Asked(stack, base, against, between, fail_on, engine, out, yes)
    show(console, answer(typed, console.progress))


@task(
    help={
        "stack": "whose comment it is, where each stack has its own (else the one of all)",
        "report": "report.json, as `invoke preview --out` writes it",
        "markdown": "Markdown of your own instead, posted as it is",
        "repo": "OWNER/NAME (else GITHUB_REPOSITORY)",
        "pr": "the pull request's number; with --head it chooses of the branch's",
        "head": "OWNER/NAME:BRANCH of the pull request: GitHub is asked for its number",
        "commit": "the commit that was previewed, its whole id",
        "run": "NUMBER.ATTEMPT of the workflow run, so that a later one's comment stays",
        "run-url": "the run's address, for the whole report",
        "author": "login that our comments are by (else the token's own)",
        "format": FORMAT_HELP,
    }
)
def comment(
    c: Context,
    stack: str = "",
    report: str = "",
    markdown: str = "",
    repo: str = "",
    pr: str = "",
    head: str = "",
    commit: str = "",
    run: str = "",
    run_url: str = "",
    author: str = "",
    format: str = "table",
) -> None:
    """Post a report as the one comment of a pull request, with the token in GITHUB_TOKEN."""
    from infra.preview.publish import Typed, publish
    from ops.console import Console, parse_format

    console = Console(parse_format(format))
    typed = Typed(stack, report, markdown, repo, pr, head, commit, run, run_url, author)
    show(console, publish(typed))


namespace = Collection("preview", comment)
namespace.add_task(preview, default=True)
