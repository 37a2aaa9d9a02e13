"""Tasks of the Pulumi program: the local Cloud SQL, and the local stack without Pulumi's CLI."""

from invoke.collection import Collection
from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, STACK_HELP, begin


@task(
    help={
        "stack": STACK_HELP,
        "plan": "show what would be done and stop",
        "replace": "allow what has to be deleted and made anew",
        "yes": "do not ask before something is deleted",
        "format": FORMAT_HELP,
    }
)
def deploy(
    c: Context,
    stack: str = "",
    plan: bool = False,
    replace: bool = False,
    yes: bool = False,
    format: str = "table",
) -> None:
    """Make the local Cloud SQL what the stack declares, without the Pulumi CLI."""
    from infra.deploy.apply import deploy as apply

    run = begin(stack, format)
    run.show(apply(run.target, run.progress, replace=replace, plan_only=plan, yes=yes))


@task(help={"stack": STACK_HELP, "yes": "do not ask", "format": FORMAT_HELP})
def destroy(c: Context, stack: str = "", yes: bool = False, format: str = "table") -> None:
    """Delete from the local Cloud SQL what was deployed there, with its backups."""
    from infra.deploy.apply import destroy as apply

    run = begin(stack, format)
    run.show(apply(run.target, run.progress, yes=yes))


_DATA = "its folder (else LOCAL_CLOUDSQL_DIR, else the user's own)"


@task(
    help={
        "stack": STACK_HELP,
        "data": _DATA,
        "port": "of the Admin API (else LOCAL_CLOUDSQL_PORT, else 8765); 0 takes a free one",
        "pg-port": "of PostgreSQL (else LOCAL_CLOUDSQL_PG_PORT, else 5432)",
        "disk-mb": "as root: keep the folder on a file system in memory of this size",
        "set-aside": "move what its state does not know out of the way, where it refuses to start",
        "format": FORMAT_HELP,
    }
)
def up(
    c: Context,
    stack: str = "",
    data: str = "",
    port: str = "",
    pg_port: str = "",
    disk_mb: str = "",
    set_aside: bool = False,
    format: str = "table",
) -> None:
    """Start the local Cloud SQL in the background; one that runs is found running."""
    from infra import rehearsal

    run = begin(stack, format)
    run.show(rehearsal.up(run.target, data, port, pg_port, disk_mb, set_aside=set_aside))


@task(
    help={
        "stack": STACK_HELP,
        "data": _DATA,
        "wipe": "remove it too: every instance and backup, and the evidence of drills",
        "yes": "do not ask before --wipe removes it",
        "format": FORMAT_HELP,
    }
)
def down(
    c: Context,
    stack: str = "",
    data: str = "",
    wipe: bool = False,
    yes: bool = False,
    format: str = "table",
) -> None:
    """Stop the local Cloud SQL and its clusters."""
    from infra import rehearsal

    run = begin(stack, format)
    run.show(rehearsal.down(run.target, data, wipe=wipe, yes=yes))


@task(help={"stack": STACK_HELP, "data": _DATA, "format": FORMAT_HELP})
def status(c: Context, stack: str = "", data: str = "", format: str = "table") -> None:
    """Show the local Cloud SQL and its instances."""
    from infra import rehearsal

    run = begin(stack, format)
    run.show(rehearsal.status(run.target, data))


@task(help={"stack": STACK_HELP, "data": _DATA, "format": FORMAT_HELP})
def env(c: Context, stack: str = "", data: str = "", format: str = "table") -> None:
    """Print what the shell needs: eval "$(invoke local.env)"."""
    from infra import rehearsal

    run = begin(stack, format)
    run.show(rehearsal.environment(run.target, data))


@task(
    help={
        "stack": STACK_HELP,
        "data": _DATA,
        "name": "the bucket's name, as in gs://NAME/object",
        "format": FORMAT_HELP,
    }
)
def bucket(
    c: Context, stack: str = "", data: str = "", name: str = "", format: str = "table"
) -> None:
    """Make a bucket of the local Cloud SQL: a folder that exports go to and imports come from."""
    from infra import rehearsal

    run = begin(stack, format)
    run.show(rehearsal.bucket(run.target, data, name))


@task(
    help={
        "stack": STACK_HELP,
        "data": _DATA,
        "forward": "by how much, as 90m, 26h or 3d",
        "to": "to which time, in RFC 3339, as 2026-02-01T03:00:00Z",
        "yes": "do not ask before it is set",
        "format": FORMAT_HELP,
    }
)
def clock(
    c: Context,
    stack: str = "",
    data: str = "",
    forward: str = "",
    to: str = "",
    yes: bool = False,
    format: str = "table",
) -> None:
    """Show the local Cloud SQL's clock, or set it forward: backups fall due, old ones go."""
    from infra import rehearsal

    run = begin(stack, format)
    run.show(rehearsal.clock(run.target, data, forward, to, yes=yes))


@task(
    help={
        "stack": STACK_HELP,
        "data": _DATA,
        "add": "the fault: unavailable, rate-limit, busy, slow (requests); operation-fails, "
        "operation-hangs, operation-slow; lost-wal, corrupt-wal, lost-backup, corrupt-backup, "
        "killed-primary, full-disk",
        "clear": "lift all faults first, and make good what was spoiled",
        "match": "a pattern: of methods as 'instances.*', of operations as 'CLONE' (else all)",
        "instance": "the instance that it is about (else any)",
        "share": "how many of those that match it meets, 0 to 1 (else 1)",
        "count": "how many it meets at most (else no end)",
        "seconds": "how late an answer or an operation is, or Retry-After (else 1)",
        "code": "of the failed operation's error (else INTERNAL_ERROR)",
        "message": "of the failed operation's error",
        "which": "WAL segment: newest, oldest, its number from 1, or a time that it holds",
        "backup": "the backup run's id (else the newest)",
        "seed": "decides which ones a share meets, and which page is corrupt (else 0)",
        "free-mb": "what a full disk has left, in megabytes (else 0)",
        "format": FORMAT_HELP,
    }
)
def faults(
    c: Context,
    stack: str = "",
    data: str = "",
    add: str = "",
    clear: bool = False,
    match: str = "",
    instance: str = "",
    share: str = "",
    count: str = "",
    seconds: str = "",
    code: str = "",
    message: str = "",
    which: str = "",
    backup: str = "",
    seed: str = "",
    free_mb: str = "",
    format: str = "table",
) -> None:
    """Show the local Cloud SQL's faults on demand; put one in force, or lift them all."""
    from infra import rehearsal

    run = begin(stack, format)
    options = {
        "kind": add,
        "match": match,
        "instance": instance,
        "share": share,
        "count": count,
        "seconds": seconds,
        "code": code,
        "message": message,
        "which": which,
        "backup": backup,
        "seed": seed,
        "free_mb": free_mb,
    }
    run.show(rehearsal.faults(run.target, data, clear=clear, options=options))


local = Collection("local", faults, up, down, status, env, clock, bucket, deploy, destroy)
