"""What an export or an import is to do: decided from the options, before anything is asked."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ops.cloudsql import Body
from ops.errors import BadInputError
from ops.objects import Uri, parse

if TYPE_CHECKING:  # pydantic is loaded only when a task runs: `invoke --list` stays fast
    from infra.settings import Settings


class NoBucketDeclaredError(BadInputError):
    """Nothing says where to export to."""

    def __init__(self, stack: str) -> None:
        super().__init__(
            f"Stack {stack} declares no exportBucket. Say where to: --to gs://bucket/name.sql.gz"
            " (`invoke local.bucket` makes a bucket of a rehearsal)."
        )


class BadNameError(BadInputError):
    """A file's name does not say what it holds."""

    def __init__(self, uri: Uri, expected: str) -> None:
        super().__init__(f"{uri} does not tell its format by its name. Call it NAME{expected}.")


class ConflictError(BadInputError):
    """Two options that can't both be meant."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second} exclude each other. Give one of them.")


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the caller of an export chose; see ``invoke --help backup.export``.

    Attributes:
        to: an object's address; empty makes a name in the stack's exports' bucket.
        database: the database; empty for the application's.
        tables: only these; empty for all.
        query: export what this finds, as CSV.
        schema_only: no rows.
        offload: by an instance of its own, which Cloud SQL makes and takes money for.
    """

    to: str = ""
    database: str = ""
    tables: tuple[str, ...] = ()
    query: str = ""
    schema_only: bool = False
    offload: bool = False


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """One export.

    Attributes:
        uri: where to.
        database: from which database.
        whole: whether it has every table of the database, with its rows.
        context: the API's ExportContext.
    """

    uri: Uri
    database: str
    whole: bool
    context: Body


def plan(settings: "Settings", options: ExportOptions, now: datetime) -> ExportPlan:
    """Return the export that the options mean.

    Raises:
        NoBucketDeclaredError: nothing says where to.
        BadNameError: the name says another format than what is asked for.
        ConflictError: a query beside tables or ``schema_only``.
        ops.objects.BadUriError: ``to`` is no address.
    """
    for option, name in ((options.tables, "--tables"), (options.schema_only, "--schema-only")):
        if options.query and option:
            raise ConflictError("--query", name)
    ending = ".csv" if options.query else ".sql"
    database = options.database or settings.database
    uri = parse(options.to) if options.to else _named(settings, database, ending, now)
    if not uri.name.removesuffix(".gz").endswith(ending):
        raise BadNameError(uri, f"{ending} or NAME{ending}.gz")
    context: dict[str, object] = {
        "uri": str(uri),
        "fileType": "CSV" if options.query else "SQL",
        "databases": [database],
        "offload": options.offload,
    }
    if options.query:
        context["csvExportOptions"] = {"selectQuery": options.query}
    else:
        context["sqlExportOptions"] = {
            "schemaOnly": options.schema_only,
            **({"tables": list(options.tables)} if options.tables else {}),
        }
    is_whole = not (options.query or options.tables or options.schema_only)
    return ExportPlan(uri, database, is_whole, context)


def _named(settings: "Settings", database: str, ending: str, now: datetime) -> Uri:
    bucket = settings.storage.exports
    if bucket is None:
        raise NoBucketDeclaredError(settings.stack)
    moment = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return Uri(bucket, f"{settings.instance.name}/{database}-{moment}{ending}.gz")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the caller of an import chose; see ``invoke --help backup.import``.

    Attributes:
        uri: the file's address.
        database: into which database; empty for the application's.
        user: as whom, who then owns what comes in; empty for the stack's owner.
        table: of a CSV file: its table.
        columns: of a CSV file: its columns, in its order; empty for the table's.
    """

    uri: str
    database: str = ""
    user: str = ""
    table: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """One import.

    Attributes:
        uri: where from.
        database: into which database.
        table: of a CSV file: its table; else empty.
        context: the API's ImportContext.
    """

    uri: Uri
    database: str
    table: str
    context: Body


def import_plan(settings: "Settings", options: ImportOptions) -> ImportPlan:
    """Return the import that the options mean.

    Raises:
        BadNameError: the name says neither SQL nor CSV, or not what the options say.
        ops.objects.BadUriError: ``uri`` is no address.
    """
    uri, database = parse(options.uri), options.database or settings.database
    ending = ".csv" if options.table else ".sql"
    if not uri.name.removesuffix(".gz").endswith(ending):
        raise BadNameError(uri, ".sql[.gz], or NAME.csv[.gz] with --table")
    context: dict[str, object] = {
        "uri": str(uri),
        "fileType": "CSV" if options.table else "SQL",
        "database": database,
        "importUser": options.user or settings.users.owner,
    }
    if options.table:
        context["csvImportOptions"] = {
            "table": options.table,
            **({"columns": list(options.columns)} if options.columns else {}),
        }
    return ImportPlan(uri, database, options.table, context)
