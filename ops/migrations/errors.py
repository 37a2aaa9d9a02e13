"""What can be wrong with a migration's file, before any database is asked."""

from ops.errors import BadInputError


class NoFolderError(BadInputError):
    """The folder of migrations is missing."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"There is no folder {folder}. Run this in a whole checkout, or make the first file "
            "with `invoke migrate.new NAME`."
        )


class BadFileNameError(BadInputError):
    """A file's name does not begin with a number."""

    def __init__(self, file: str) -> None:
        super().__init__(
            f"{file} is not named NNNN_name.sql, so its place in the order is unknown. Rename it, "
            "or make it anew with `invoke migrate.new NAME`."
        )


class BadNameError(BadInputError):
    """A new migration's name can't be part of a file's name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} can't name a migration. Use letters, digits and underscores, as in "
            "`invoke migrate.new add_task_due_date`."
        )


class DuplicateNumberError(BadInputError):
    """Two files carry the same number."""

    def __init__(self, first: str, second: str, free: str) -> None:
        super().__init__(
            f"{first} and {second} carry the same number. Give the one that is not applied yet "
            f"(`invoke migrate.status`) the next free number, {free}."
        )


class NotTextError(BadInputError):
    """A file is not UTF-8."""

    def __init__(self, file: str) -> None:
        super().__init__(f"{file} is not UTF-8 text. Save it as UTF-8.")


class NoUpError(BadInputError):
    """A file has no section to apply."""

    def __init__(self, file: str) -> None:
        super().__init__(
            f"{file} has no statement under a line `-- migrate:up`. Write the change there, and "
            "how to take it back under `-- migrate:down`."
        )


class StrayTextError(BadInputError):
    """Statements stand above the first section, or a section comes twice."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(
            f"{file}:{line}: {reason}. A file is one `-- migrate:up` section, then at most one "
            "`-- migrate:down` section."
        )


class UnknownOptionError(BadInputError):
    """A section's line has an option that we don't know, or a value that can't be."""

    def __init__(self, file: str, line: int, option: str) -> None:
        super().__init__(
            f"{file}:{line}: {option!r} is not an option of a section. Use transaction:false, "
            "timeout:30s (ms, s, min, h), phase:expand|backfill|contract, or on the down line "
            'irreversible:"reason".'
        )


class AloneInTransactionError(BadInputError):
    """A statement that can't run in a transaction stands between BEGIN and COMMIT."""

    def __init__(self, file: str, line: int, command: str) -> None:
        super().__init__(
            f"{file}:{line}: {command} stands between BEGIN and COMMIT, and PostgreSQL refuses it "
            "there. Remove BEGIN and COMMIT: the runner puts it outside the transactions, and "
            "what stands before and after it into transactions of their own."
        )


class ValueUsedTooSoonError(BadInputError):
    """A new enum value is used in the transaction that adds it."""

    def __init__(self, file: str, line: int, value: str) -> None:
        super().__init__(
            f"{file}:{line}: the new value {value!r} is used between the same BEGIN and COMMIT, "
            "and PostgreSQL refuses a value that is not committed. Remove BEGIN and COMMIT: the "
            "runner commits the value first."
        )


class StrayTransactionError(BadInputError):
    """Transaction control that does not fit."""

    def __init__(self, file: str, line: int, command: str, reason: str) -> None:
        super().__init__(
            f"{file}:{line}: {command} {reason}. Remove it: the runner opens and commits the "
            "transactions, together with its ledger's rows."
        )


class UnnamedIndexError(BadInputError):
    """CREATE INDEX CONCURRENTLY without a name."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__(
            f"{file}:{line}: CREATE INDEX CONCURRENTLY needs a name here. Name the index, so that "
            "what an interrupted build leaves behind can be found and rebuilt."
        )


class ClientCommandError(BadInputError):
    """A statement that works in psql or a bare session only."""

    def __init__(self, file: str, line: int, command: str) -> None:
        super().__init__(
            f"{file}:{line}: {command} can't be part of a migration: it needs the client's input "
            "or forgets the runner's lock. Use INSERT for rows, and RESET for single settings."
        )


class LostStateError(BadInputError):
    """A statement needs what the session of an earlier step held."""

    def __init__(self, file: str, line: int, made_line: int, what: str) -> None:
        super().__init__(
            f"{file}:{line}: this statement runs in another step than line {made_line}, and every "
            f"step begins in a new session: {what} of line {made_line} is gone by then. Put both "
            "lines between one BEGIN and COMMIT, or use what lasts: SET for a setting, a table "
            "that a later line drops."
        )


class UnclearSettingError(BadInputError):
    """What set_config sets is known only when it runs, and later steps need it."""

    def __init__(self, file: str, line: int, later_line: int) -> None:
        super().__init__(
            f"{file}:{line}: set_config here has arguments or a place from which its effect is not "
            f"known before it runs, so line {later_line}, which begins in a new session, can't get "
            "the setting again. Write SET, or SELECT set_config('name', 'value', false) alone."
        )
