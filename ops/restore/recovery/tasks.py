"""What people type: `invoke restore.to-new`, `restore.pitr`, `restore.in-place`."""

from invoke.context import Context

from ops.command import task
from ops.invocation import FORMAT_HELP, STACK_HELP, begin

WAIT_HELP = "minutes to wait for the cloud (else 90); what is cut is taken up by the next call"
_RESTORE_HELP = {
    "stack": STACK_HELP,
    "format": FORMAT_HELP,
    "dry-run": "show the plan only",
    "yes": "really do it, where the stack or the restore asks for that",
    "confirm": "the name of the stack's instance, with --yes",
    "amcheck": "look at every index and page of it, as a drill does; --no-amcheck is faster",
    "wait": WAIT_HELP,
    "abandon": "give up one that did not end, and remove what it made",
}


@task(
    name="to-new",
    help={
        **_RESTORE_HELP,
        "backup": "the backup run (else the newest successful one)",
        "name": "of the new instance (else the source's with the date)",
        "zonal": "without a standby, which costs half",
    },
)
def to_new(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    backup: str = "",
    name: str = "",
    zonal: bool = False,
    dry_run: bool = False,
    yes: bool = False,
    confirm: str = "",
    amcheck: bool = True,
    wait: str = "",
    abandon: bool = False,
) -> None:
    """Restore a backup run into a new instance; the source is not touched."""
    from ops.restore.recovery import perform as restores

    run = begin(stack, format)
    request = restores.Request(restores.Task.TO_NEW, backup=backup, name=name, zonal=zonal)
    options = restores.options(yes, confirm, wait, dry_run, abandon, amcheck)
    run.show(restores.restore(run, request, options))


@task(
    help={
        **_RESTORE_HELP,
        "to": "a time with its zone, '5 minutes ago', 'before migration 0042', 'marker DRILL', "
        "or latest",
        "name": "of the new instance (else the source's with the date)",
        "zonal": "without a standby, which costs half",
    },
)
def pitr(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    to: str = "",
    name: str = "",
    zonal: bool = False,
    dry_run: bool = False,
    yes: bool = False,
    confirm: str = "",
    amcheck: bool = True,
    wait: str = "",
    abandon: bool = False,
) -> None:
    """Clone the instance as it was at a moment; the source is not touched."""
    from ops.restore.recovery import perform as restores

    run = begin(stack, format)
    request = restores.Request(restores.Task.PITR, to=to, name=name, zonal=zonal)
    options = restores.options(yes, confirm, wait, dry_run, abandon, amcheck)
    run.show(restores.restore(run, request, options))


@task(
    name="in-place",
    help={
        **_RESTORE_HELP,
        "backup": "the backup run that replaces everything",
        "delete-replicas": "delete the read replicas, which stand in the way",
        "no-backup-first": "why what is there now is not backed up first",
        "to": "refused: restore.pitr goes to a moment, in a new instance",
    },
)
def in_place(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    backup: str = "",
    dry_run: bool = False,
    delete_replicas: bool = False,
    no_backup_first: str = "",
    to: str = "",
    yes: bool = False,
    confirm: str = "",
    amcheck: bool = True,
    wait: str = "",
    abandon: bool = False,
) -> None:
    """Replace everything in the instance by a backup run, after backing it up."""
    from ops.restore.recovery import perform as restores

    run = begin(stack, format)
    request = restores.Request(
        restores.Task.IN_PLACE,
        backup=backup,
        to=to,
        delete_replicas=delete_replicas,
        no_backup_first=no_backup_first.strip(),
    )
    options = restores.options(yes, confirm, wait, dry_run, abandon, amcheck)
    run.show(restores.restore(run, request, options))
