"""What is said where files, ledger and an interrupted run don't agree."""

from collections.abc import Sequence

from ops.errors import BadInputError, OpsError
from ops.migrations.answers import how_to_answer
from ops.migrations.files import Migration
from ops.migrations.ledger import Applied, StepRow
from ops.migrations.steps import Direction, Step


class ChangedError(OpsError):
    """A file is not what was applied."""

    def __init__(self, file: str, what: str) -> None:
        super().__init__(
            f"{file} was changed after {what}. Restore the file as it was (`git log -p {file}`) "
            "and put the change into a new one: `invoke migrate.new NAME`."
        )


class DownChangedError(OpsError):
    """The way back of a file is not what it was when the file was applied."""

    def __init__(self, file: str, row: Applied) -> None:
        super().__init__(
            f"{file}: its down section was changed after it was applied on "
            f"{row.applied_at:%Y-%m-%d %H:%M}. Restore it as it was (`git log -p {file}`); if the "
            "new one is right, take the migration back with it (`invoke migrate.down`) and apply "
            "it again."
        )


class UnverifiableError(OpsError):
    """Whether an applied file was changed can't be told."""

    def __init__(self, migration: Migration) -> None:
        super().__init__(
            f"{migration.problem} The file is applied, so whether it was changed since is unknown "
            "until it can be read."
        )


class AppliedFileMissingError(OpsError):
    """What is applied has no file here, so what is pending may be wrong."""

    def __init__(self, rows: Sequence[Applied]) -> None:
        names = ", ".join(f"{row.version}_{row.name}" for row in rows)
        super().__init__(
            f"The database has {names}, without a file here. Check out the revision that has it; "
            "if it is another branch's and not wanted here, take it back from there (`invoke "
            "migrate.down`)."
        )


class StoppedError(OpsError):
    """A pending file must not run; what comes before it was applied."""

    def __init__(self, migration: Migration, applied: Sequence[str]) -> None:
        before = f"Applied before it: {', '.join(applied)}." if applied else "Nothing was applied."
        super().__init__(f"{migration.problem} {before}")


class RenumberedError(OpsError):
    """A file that is applied got another number."""

    def __init__(self, file: str, applied: Applied) -> None:
        super().__init__(
            f"{file} is applied already, as {applied.version}_{applied.name}. Give it that number "
            "again."
        )


class OutOfOrderError(OpsError):
    """Files are pending below the highest number that is applied."""

    def __init__(self, pending: Sequence[Migration], highest: str) -> None:
        names = ", ".join(migration.file for migration in pending)
        super().__init__(
            f"{names}: not applied, but {highest} is, which comes later. Renumber above it, or "
            "apply out of order with `invoke migrate.up --allow-out-of-order`."
        )


class UnknownVersionError(BadInputError):
    """``--to`` names no migration."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"There is no migration {version!r}. `invoke migrate.status` lists the versions."
        )


class HalfDoneError(OpsError):
    """A migration was interrupted in the other direction."""

    def __init__(self, version: str, direction: Direction) -> None:
        half = "applied" if direction is Direction.UP else "taken back"
        super().__init__(
            f"Migration {version} is half {half}: an earlier run was interrupted. Let "
            f"`invoke migrate.{direction}` finish it first."
        )


class UnfinishedStepError(OpsError):
    """A step that commits by itself was begun, and its end is not recorded."""

    def __init__(self, row: StepRow, migration: Migration | None, step: Step | None) -> None:
        began = f" on {row.started_at:%Y-%m-%d %H:%M:%S}" if row.started_at else ""
        if row.statement:
            what = f"`{row.statement}`"
        else:
            what = f"`{step.statements[0].summary}`" if step else "a statement"
        if migration is None:
            super().__init__(
                f"Step {row.step} of migration {row.version}, {what}, commits by itself. A run "
                f"began it{began} and did not record its end, and the migration has no file here. "
                f"Restore its file under the number {row.version}, then run "
                f"`invoke migrate.{row.direction} --dry-run`, which says what to decide."
            )
            return
        changed = step is None or step.checksum != row.checksum
        place = migration.file if changed or step is None else step.place
        total = f" of {step.total}" if step and not changed else ""
        answer = how_to_answer(row.version, row.step, row.direction)
        if changed:
            answer = (
                "The file was changed since, at this step: restore it as it was "
                f"(`git log -p {migration.file}`). {answer}"
            )
        super().__init__(
            f"{place}: step {row.step}{total}, {what}, commits by itself. A run began it{began} "
            "and did not record its end. It is not repeated unasked: what it committed would be "
            f"done twice. {answer}"
        )


class HalfFileMissingError(OpsError):
    """A migration that is half applied has no file."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"Migration {version} is half applied and has no file here. Restore its file under "
            "that number: under another one its first steps would run again. If you undid it by "
            "hand, delete its rows from ops.schema_migration_steps instead."
        )


class IrreversibleError(OpsError):
    """A migration can't be taken back."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(
            f"{file} can't be taken back: {reason}. Nothing was taken back: write a new migration "
            "that goes forward, or restore a backup."
        )


class FileMissingError(OpsError):
    """What is to be taken back has no file here."""

    def __init__(self, applied: Applied) -> None:
        super().__init__(
            f"Migration {applied.version}_{applied.name} has no file here, so how to take it back "
            "is unknown. Check out the revision that has it."
        )
