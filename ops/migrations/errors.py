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

    def __init__(self, file: str, line: int) -> None:
        super().__init__(f"{file}:{line}: the file is not UTF-8 text. Save it as UTF-8.")


class WideTextError(BadInputError):
    """A file is UTF-16, as some tools of Windows write it."""

    def __init__(self, file: str) -> None:
        super().__init__(
            f"{file}:1: the file is UTF-16 text, as Windows PowerShell's `>` writes it. Save it as "
            "UTF-8 without a byte order mark."
        )


class ByteOrderMarkError(BadInputError):
    """A byte order mark stands where SQL is expected."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__(
            f"{file}:{line}: there is a byte order mark (BOM, U+FEFF), which some editors of "
            "Windows write at the beginning of a file and PostgreSQL takes for a name. Save the "
            f"file as UTF-8 without BOM: `sed -i '{line}s/\\xEF\\xBB\\xBF//' {file}`."
        )


class CantReadError(BadInputError):
    """The system refuses to read a file."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}:1: can't be read: {reason}. Make it a file that you may read.")


class NulByteError(BadInputError):
    """A file holds a NUL byte."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__(
            f"{file}:{line}: there is a NUL byte (U+0000). PostgreSQL ends reading there, so "
            "everything after it would be lost. Remove it, or save the file as UTF-8 if it is "
            "UTF-16."
        )


class LostTextError(BadInputError):
    """The parser did not see all of a text."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__(
            f"{file}:{line}: the parser skipped a part of the text from this line on. Write the "
            "statement differently, or split the file there."
        )


class NestedTooDeeplyError(BadInputError):
    """A statement is nested more deeply than PostgreSQL accepts."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__(
            f"{file}:{line}: the statement is nested too deeply to be analysed, and deeper than "
            "PostgreSQL's max_stack_depth allows. Split its expression, for example with "
            "concat_ws() or a list of VALUES."
        )


class AlmostMarkError(BadInputError):
    """A comment is almost the line that begins a section."""

    def __init__(self, file: str, line: int, comment: str) -> None:
        self.place = f"{file}:{line}"
        self.comment = comment
        super().__init__(
            f"{self.place}: the comment {comment!r} is almost a section's mark. Read as a comment, "
            "it makes what follows a part of the section above. Write exactly `-- migrate:up` or "
            "`-- migrate:down`, or begin the comment with other words."
        )

    @property
    def applied(self) -> str:
        """Return what it means in a file that is applied."""
        return (
            f"{self.place}: the comment {self.comment!r} is almost a section's mark. It was read "
            "as a comment: what follows it ran as a part of the section above. Check what that "
            "changed, repair it with a new migration (`invoke migrate.new NAME`), then begin the "
            "comment with other words (comments don't count as a change)."
        )


class PsqlCommandError(BadInputError):
    """A file has a command of psql's own."""

    def __init__(self, file: str, line: int, command: str) -> None:
        pair = "\\restrict and \\unrestrict" if "restrict" in command else ""
        super().__init__(
            f"{file}:{line}: {command} is a command of psql, not of PostgreSQL's server. "
            + (
                f"pg_dump writes the pair {pair} for psql only: remove both lines."
                if pair
                else "Remove that line, or write what it does in SQL."
            )
        )


class CopiedRowsError(BadInputError):
    """COPY FROM STDIN is followed by its rows."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__(
            f"{file}:{line}: COPY ... FROM stdin is followed by its rows, as pg_dump writes them; "
            "only psql reads those. Write the rows as INSERT (`pg_dump --rows-per-insert=1000`), "
            "or load a large table with `invoke backup.import`."
        )


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
        reason = (
            "it exchanges rows with the client, and the runner has none. Use INSERT for rows "
            "(`pg_dump --rows-per-insert=1000`), `invoke backup.export` or `backup.import` for "
            "whole tables."
        )
        if command.upper().startswith("DISCARD"):
            reason = "it forgets the runner's lock. Use RESET for single settings."
        super().__init__(f"{file}:{line}: {command} can't be part of a migration: {reason}")


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
