"""What people type: `invoke backup.create`, `backup.list`."""

from invoke.collection import Collection
from invoke.context import Context

from ops import dumptext
from ops.command import task
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
    from ops.guard import Consent

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
        "yes": "do not ask; production wants it",
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
    from ops.backups.describing import delete as delete_run
    from ops.guard import Consent

    run = begin(stack, format)
    run.show(delete_run(run, backup, Consent(yes, confirm)))


@task(
    name="export",
    help={
        "stack": STACK_HELP,
        "format": FORMAT_HELP,
        "to": "gs://bucket/name.sql.gz (else a new name in the stack's exportBucket)",
        "database": "the database (else the application's)",
        "tables": "only these, with commas between them",
        "query": "export what this SELECT finds, as CSV",
        "schema-only": "no rows",
        "offload": "let Cloud SQL make an instance of its own for it, which costs money",
        "read-whole": "read the file to its end, also where it is larger than 1 GiB",
        "test-import": "import it into an instance of its own, and count its rows there",
        "yes": "on production: really do it",
        "confirm": "on production: the instance's name",
    },
)
def export_(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    to: str = "",
    database: str = "",
    tables: str = "",
    query: str = "",
    schema_only: bool = False,
    offload: bool = False,
    read_whole: bool = False,
    test_import: bool = False,
    yes: bool = False,
    confirm: str = "",
) -> None:
    """Export a database to a bucket, and see that the file is whole."""
    from ops.backups import exporting
    from ops.backups.transfer import ExportOptions
    from ops.guard import Consent

    run = begin(stack, format)
    options = ExportOptions(to, database, dumptext.split(tables), query, schema_only, offload)
    reading = exporting.Reading(read_whole, test_import)
    run.show(exporting.export(run, options, reading, Consent(yes, confirm)))


@task(
    name="import",
    help={
        "stack": STACK_HELP,
        "format": FORMAT_HELP,
        "uri": "the file: gs://bucket/name.sql[.gz] or .csv[.gz]",
        "database": "into which database (else the application's); a missing one is made",
        "user": "as whom, who owns what comes in (else the stack's owner)",
        "table": "of a CSV file: its table, as SCHEMA.TABLE",
        "columns": "of a CSV file: its columns, with commas between them",
        "trust-file": "import a file that does more than to make and fill its own objects",
        "yes": "do not ask before SQL goes into a database that is there; production wants it",
        "confirm": "on production: the instance's name",
    },
)
def import_(
    context: Context,
    stack: str = "",
    format: str = "table",
    *,
    uri: str,
    database: str = "",
    user: str = "",
    table: str = "",
    columns: str = "",
    trust_file: bool = False,
    yes: bool = False,
    confirm: str = "",
) -> None:
    """Import a file into a database; compare it with the file and with what was there."""
    from ops.backups import importing
    from ops.backups.transfer import ImportOptions
    from ops.guard import Consent

    run = begin(stack, format)
    options = ImportOptions(uri, database, user, table, dumptext.split(columns))
    run.show(importing.bring_in(run, options, Consent(yes, confirm), trust_file=trust_file))


namespace = Collection("backup", create, list_, describe, delete, verify, export_, import_)
