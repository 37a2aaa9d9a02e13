"""Why nothing is imported: sentences with what to do about it."""

from collections.abc import Sequence

from ops.backups.asking import Earlier
from ops.backups.script import Script
from ops.backups.transfer import ImportPlan
from ops.checks.report import SHOWN
from ops.cloudsql import Operation, OperationFailedError
from ops.errors import BadInputError, OpsError


class DamagedFileError(BadInputError):
    """The file can't be read to its end."""

    def __init__(self, plan: ImportPlan, damage: str) -> None:
        super().__init__(
            f"{plan.uri} is not whole: {damage}. Nothing was imported; export it again."
        )


class ChangedFileError(BadInputError):
    """The file is not the one that backup.export wrote."""

    def __init__(self, plan: ImportPlan) -> None:
        super().__init__(
            f"{plan.uri} is not the file that `invoke backup.export` wrote there: its MD5 is "
            "another. Nothing was imported; export again, or give --trust-file where it was "
            "replaced on purpose."
        )


class ForeignStatementsError(BadInputError):
    """The file does more than to make and fill its own objects."""

    def __init__(self, plan: ImportPlan, script: Script) -> None:
        objections = script.objections
        count = len(objections) + script.more
        listed = "".join(f"\n  - {objection}" for objection in objections[:SHOWN])
        rest = f"\n  - and {count - SHOWN} more" if count > SHOWN else ""
        remedies = sorted({objection.remedy for objection in objections} - {""})
        hints = "".join(f" To make a file without: {remedy}." for remedy in remedies)
        statements = "a statement that does" if count == 1 else f"{count} statements that do"
        super().__init__(
            f"{plan.uri} has {statements} more than to make and fill its own objects. Nothing was "
            f"imported.{hints} Give --trust-file to import it all the same.{listed}{rest}"
        )


class TablesThereError(BadInputError):
    """The file makes tables, views or sequences that the database has already."""

    def __init__(self, plan: ImportPlan, tables: Sequence[str]) -> None:
        listed = ", ".join(tables[:5])
        super().__init__(
            f"Database {plan.database} has {len(tables)} of the schemas, tables, views and "
            f"sequences that {plan.uri} makes already ({listed}), so the import would stop half "
            "way. Give an empty one with --database, which is made where it is missing."
        )


class NoSuchTableError(BadInputError):
    """A CSV file needs a table to go to."""

    def __init__(self, plan: ImportPlan) -> None:
        super().__init__(
            f"Database {plan.database} has no table {plan.table!r}. Give --table as SCHEMA.TABLE."
        )


class ImportFailedError(OperationFailedError):
    """The import ended with an error; what it did before stays."""

    def __init__(self, operation: Operation, plan: ImportPlan, *, created: bool) -> None:
        super().__init__(operation)
        if plan.table:  # one statement
            return
        stays = f"{self} What {plan.uri} did before the error stays in {plan.database}"
        remedy = (
            ", which was made for it: drop that database before you import again."
            if created
            else " and was not compared: look at it, or restore, before you import again."
        )
        self.args = (stays + remedy,)


class ImportedAlreadyError(OpsError):
    """The same file was imported by a command that did not see the end."""

    def __init__(self, earlier: Earlier) -> None:
        operation, facts = earlier.operation, earlier.entry.facts
        into = f"The import of {facts['uri']} into {facts['database']} that an earlier command"
        if operation.status != "DONE":
            super().__init__(
                f"{into} asked for still runs. Follow it with `gcloud sql operations wait "
                f"{operation.id}`; a second one would bring the rows in twice."
            )
            return
        super().__init__(
            f"{into} did not see the end of is done (operation {operation.id}). What it did was "
            "not compared with the file, which was not imported again: look whether its rows are "
            "there. To import it a second time, drop what it made and run this again."
        )
