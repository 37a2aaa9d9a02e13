"""The task that takes a live instance over."""

from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, STACK_HELP


@task(
    help={
        "stack": STACK_HELP + "; one without a file is made",
        "instance": "the live instance (else the stack's)",
        "project": "its project (else the stack's)",
        "endpoint": "another Admin API than Google's, as http://127.0.0.1:8765 (else the stack's)",
        "network": "the VPC's name, where the instance does not tell it",
        "database": "the application's database (else the stack's, else the only one)",
        "owner": "the user that owns the schema (else the stack's, else by its name)",
        "app": "the application's user (else the stack's, else by its name)",
        "readonly": "the user that reads tables (else the stack's, else by its name)",
        "monitor": "the user that reads statistics (else the stack's, else by its name)",
        "out": "the folder to write to (else the project's own)",
        "force": "overwrite what is there; a stack file keeps its comments and other keys",
        "format": FORMAT_HELP,
    }
)
def adopt(
    c: Context,
    stack: str = "",
    instance: str = "",
    project: str = "",
    endpoint: str = "",
    network: str = "",
    database: str = "",
    owner: str = "",
    app: str = "",
    readonly: str = "",
    monitor: str = "",
    out: str = "",
    force: bool = False,
    format: str = "table",
) -> None:
    """Write a stack file, an import list and a report from a live instance; changes nothing."""
    from pathlib import Path

    from infra.adopt.adopt import adopt as take_over
    from infra.adopt.people import Asked
    from infra.adopt.source import source
    from ops.console import Console, parse_format

    console = Console(parse_format(format))
    origin = source(stack, instance, project, endpoint)
    console.line(f"Stack {origin.stack}: {origin.instance} in {origin.project}")
    users = {"owner": owner, "app": app, "readonly": readonly, "monitor": monitor}
    typed = Asked(database, users, network)
    folder = Path(out) if out else None
    console.show(take_over(origin, typed, console.progress, out=folder, force=force))
