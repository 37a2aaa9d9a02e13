"""Whether the session may do what a run needs: asked before anything runs."""

from typing import ClassVar

from psycopg.rows import scalar_row

from ops import sql
from ops.db import Connection, statement
from ops.errors import ExitCode, OpsError

# pg_settings.source: https://www.postgresql.org/docs/15/view-pg-settings.html
_RESETS = {
    "database": "ALTER DATABASE {database} RESET default_transaction_read_only",
    "user": "ALTER ROLE {user} RESET default_transaction_read_only",
    "database user": "ALTER ROLE {user} IN DATABASE {database} RESET default_transaction_read_only",
}


class StandbyError(OpsError):
    """The server is a standby."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"The server at {host}:{port} is a standby (a read replica), where nothing can be "
            "changed. Nothing was run: connect to the primary instance, which passes the change on "
            "to its standbys."
        )


class ReadOnlyError(OpsError):
    """The database is set to read only."""

    def __init__(self, database: str, user: str, source: str) -> None:
        reset = _RESETS.get(source, "set default_transaction_read_only to off on the server")
        super().__init__(
            f"Database {database} is read-only for {user}: default_transaction_read_only is on "
            f"(set by: {source}). Nothing was run. Somebody may have set it for a reason; if "
            f"changes are allowed again: {reset.format(database=database, user=user)}."
        )


class LedgerDeniedError(OpsError):
    """The ledger of migrations can't be used."""

    def __init__(self, database: str, user: str, grants: list[str]) -> None:
        super().__init__(
            f"{user} lacks privileges on the ledger of migrations (schema ops in {database}). "
            f"Nothing was run. Let the ledger's owner run: {'; '.join(grants)}."
        )


class LedgerHiddenError(LedgerDeniedError):
    """How migrations stand is unknown: the ledger can't be read."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNKNOWN


def refuse_unwritable(connection: Connection) -> None:
    """Refuse a session that can't change anything, or can't write the ledger.

    Raises:
        StandbyError: the server is a standby.
        ReadOnlyError: default_transaction_read_only is on.
        LedgerDeniedError: a privilege on the ledger is missing.
    """
    info = connection.info
    row = connection.execute(statement(sql.load("migrate/writable"))).fetchone()
    standby, read_only, source = row or (False, False, "")
    if standby:
        raise StandbyError(info.host, info.port)
    if read_only:
        raise ReadOnlyError(info.dbname, info.user, source)
    if grants := _lacking(connection, writing=True):
        raise LedgerDeniedError(info.dbname, info.user, grants)


def refuse_hidden(connection: Connection) -> None:
    """Refuse to say how migrations stand where the ledger can't be read; LedgerHiddenError."""
    if grants := _lacking(connection, writing=False):
        raise LedgerHiddenError(connection.info.dbname, connection.info.user, grants)


def _lacking(connection: Connection, *, writing: bool) -> list[str]:
    with connection.cursor(row_factory=scalar_row) as cursor:
        cursor.execute(statement(sql.load("migrate/ledger_grants")), {"writing": writing})
        return [str(grant) for grant in cursor]
