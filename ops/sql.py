"""Loads statements from ``sql/<room>/<name>.sql`` and renders the few that vary in structure.

Values are parameters of the statement, never text of it. Jinja decides structure
only, and every expression must pass ``|ident``, ``|literal`` or ``|operator``: anything
else is refused, so that a value can't slip in as text.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ops.errors import OpsError

if TYPE_CHECKING:
    from jinja2 import Template

ROOT = Path(__file__).resolve().parent.parent / "sql"


class NoSuchStatementError(OpsError):
    """A file of ``sql/`` is missing: the checkout is not whole."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no sql/{name}.sql. The checkout is not whole: `git status` tells."
        )


class NulInNameError(OpsError):
    """A name holds a NUL byte."""

    def __init__(self, name: object) -> None:
        super().__init__(
            f"The name {name!r} holds a NUL byte, which no name in PostgreSQL can. Correct it "
            "where it is written, for example in the stack's configuration."
        )


class UnsafeExpressionError(OpsError):
    """A template prints something that went through neither filter."""

    def __init__(self, value: object) -> None:
        super().__init__(
            f"A statement's template prints {value!r} without |ident or |literal. "
            "Name the filter, or make it a parameter."
        )


# The characters of operators: https://www.postgresql.org/docs/15/sql-syntax-lexical.html
_OPERATOR = re.compile(r"[-+*/<>=~!@#%^&|`?]{1,63}")


class _Sql(str):
    """Text that one of the filters made."""

    __slots__ = ()


# A condition that many statements share, such as which schemas are the application's.
_FRAGMENT = re.compile(r"/\* include (\w+) \*/")


@cache
def load(name: str) -> str:
    """Return the statement of ``sql/<name>.sql`` without its comment lines.

    psycopg reads ``%`` even in comments, so whole-line comments don't reach it. ``/* include NAME
    */`` stands for what ``sql/fragments/NAME.sql`` says.

    Raises:
        NoSuchStatementError: there is no such file.
    """
    try:
        text = (ROOT / f"{name}.sql").read_text(encoding="utf-8")
    except OSError:
        raise NoSuchStatementError(name) from None
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return _FRAGMENT.sub(lambda match: load(f"fragments/{match[1]}"), "\n".join(lines).strip())


def render(name: str, structure: Mapping[str, object]) -> str:
    """Return a statement whose structure (names, lists of names) is filled in.

    Raises:
        NoSuchStatementError: there is no such file.
        UnsafeExpressionError: the template prints something unfiltered.
    """
    return _template(name).render(structure)


@cache
def _template(name: str) -> "Template":
    from jinja2 import Environment, StrictUndefined

    # autoescape is for HTML; finalize refuses whatever is not SQL made by a filter
    environment = Environment(
        undefined=StrictUndefined,
        finalize=_refuse_unfiltered,
        autoescape=False,  # noqa: S701 - SQL, not HTML
    )
    environment.filters["ident"] = _ident
    environment.filters["literal"] = _literal
    environment.filters["operator"] = _operator
    return environment.from_string(load(name))


def _refuse_unfiltered(value: object) -> object:
    if not isinstance(value, _Sql):
        raise UnsafeExpressionError(value)
    return value


def _ident(value: str | Sequence[str]) -> _Sql:
    """Quote a name: text is cut at its dots, a sequence has its parts already cut."""
    from psycopg import sql as psql

    parts = value.split(".") if isinstance(value, str) else value
    if any("\0" in part for part in parts):  # the server would not see the rest of the statement
        raise NulInNameError(value)
    return _Sql(psql.Identifier(*parts).as_string(None))


def _literal(value: object) -> _Sql:
    from psycopg import sql as psql

    return _Sql(psql.Literal(value).as_string(None))


def _operator(value: Sequence[str]) -> _Sql:
    """Write an operator with its schema: a sequence of both."""
    schema, name = value
    if not _OPERATOR.fullmatch(name):
        raise UnsafeExpressionError(name)
    return _Sql(f"OPERATOR({_ident([schema])}.{name})")
