"""Rows as CSV: out of a query, into a table, by PostgreSQL's own COPY."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

import psycopg
from psycopg import sql

from infra.local.engine.courier import Login
from infra.local.engine.process import Runner
from infra.local.errors import EngineError

_CHUNK_BYTES = 1 << 18


class QueryRefusedError(EngineError):
    """PostgreSQL refused a query, a table or a row."""

    code = "ERROR_RDBMS"

    def __init__(self, error: psycopg.Error) -> None:
        super().__init__(f"exit status 1\n\nstderr:\nERROR:  {str(error).strip()}")


@dataclass(frozen=True, slots=True)
class Format:
    """The characters of a CSV file; each empty for PostgreSQL's default.

    Attributes:
        delimiter: Between columns; a comma.
        quote: Around values; a double quote.
        escape: Before a quote inside a value; the quote itself.
    """

    delimiter: str = ""
    quote: str = ""
    escape: str = ""

    def clause(self) -> sql.Composed:
        """Return COPY's options."""
        clauses = (
            (sql.SQL("DELIMITER {}"), self.delimiter),
            (sql.SQL("QUOTE {}"), self.quote),
            (sql.SQL("ESCAPE {}"), self.escape),
        )
        options = [form.format(sql.Literal(value)) for form, value in clauses if value]
        options.insert(0, sql.SQL("{}").format(sql.SQL("FORMAT csv")))
        return sql.SQL("({})").format(sql.SQL(", ").join(options))


def write(runner: Runner, login: Login, query: str, form: Format, sink: BinaryIO) -> None:
    """Write a query's rows.

    Args:
        runner: Knows when the server stops.
        login: Whose powers the query has.
        query: One SELECT.
        form: The file's characters.
        sink: Where they go.

    Raises:
        QueryRefusedError: With PostgreSQL's words.
    """
    # The line break ends a comment at the query's end.
    text = sql.SQL("COPY ({}\n) TO STDOUT {}").format(_raw(query), form.clause())
    with _session(runner, login) as connection, connection.cursor().copy(text) as copy:
        sink.writelines(copy)


def read(
    runner: Runner,
    login: Login,
    table: str,
    columns: tuple[str, ...],
    form: Format,
    source: BinaryIO,
) -> None:
    """Add a file's rows to a table: all of them, or none.

    Args:
        runner: Knows when the server stops.
        login: Whose powers it has.
        table: The table, with its schema or without, as SQL writes it.
        columns: Its columns, as SQL writes them; none for all.
        form: The file's characters.
        source: The file.

    Raises:
        QueryRefusedError: With PostgreSQL's words.
    """
    with _session(runner, login) as connection:
        names = sql.SQL(", ").join(_identifier(connection, column) for column in columns)
        text = sql.SQL("COPY {}{} FROM STDIN {}").format(
            _identifier(connection, table),
            sql.SQL(" ({})").format(names) if columns else sql.SQL(""),
            form.clause(),
        )
        with connection.cursor().copy(text) as copy:
            while chunk := source.read(_CHUNK_BYTES):
                copy.write(chunk)


@contextmanager
def _session(runner: Runner, login: Login) -> Iterator[psycopg.Connection]:
    try:
        with login.connect() as connection, runner.ended_at_stop(lambda: _cancel(connection)):
            yield connection
    except psycopg.Error as error:
        raise QueryRefusedError(error) from error


def _cancel(connection: psycopg.Connection) -> None:
    with suppress(psycopg.Error):
        connection.cancel()


def _identifier(connection: psycopg.Connection, text: str) -> sql.Identifier:
    """Return a name as PostgreSQL reads it: folded unless it is quoted."""
    row = connection.execute("SELECT parse_ident(%s)", (text,)).fetchone()
    return sql.Identifier(*(row[0] if row else (text,)))


def _raw(query: str) -> sql.SQL:
    """Return the user's own query: it has the powers of its login and no others."""
    return sql.SQL(query.strip().rstrip(";"))
