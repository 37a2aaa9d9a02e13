"""Changes as SQL. Names are quoted here, words come from PostgreSQL's own list."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from psycopg import sql as psql

from ops.db import statement
from ops.roles.facts import GRANTABLE, PUBLIC, Kind
from ops.roles.plan import Action, Change

# fmt: off
_WORDS = frozenset({
    "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN",
    "USAGE", "CREATE", "CONNECT", "TEMPORARY", "EXECUTE",
    "CREATEROLE", "CREATEDB", "SUPERUSER", "REPLICATION", "BYPASSRLS",
})
# fmt: on
_SORTS = frozenset({"tables", "sequences", "routines", "types", "schemas"})


Signatures = Mapping[tuple[str, ...], str]  # of a routine's name with its arguments, for GRANT


def statements(
    change: Change, owner: str, signatures: Signatures = MappingProxyType({})
) -> tuple[psql.Composed, ...]:
    """Return the statements that make a change.

    Args:
        change: What to give or take.
        owner: Whose default privileges are meant.
        signatures: Input types of routines, as GRANT names them; without them the arguments
            of the routine's own name.
    """
    if change.kind is Kind.SETTING:
        return tuple(_setting(change, *name) for name in change.objects)
    if change.kind is Kind.ATTRIBUTE:
        no = "NO" if change.action is Action.TAKE else ""
        options = psql.SQL(" ").join(statement(f"{no}{_word(word)}") for word in change.words)
        return (psql.SQL("ALTER ROLE {} {}").format(psql.Identifier(change.role), options),)
    if change.kind is Kind.MEMBERSHIP:
        return tuple(
            psql.SQL("{} {}{}{}").format(
                _verb(change), psql.Identifier(group), _to(change), _role(change.role)
            )
            for (group,) in change.objects
        )
    plain = [word for word in change.words if not word.endswith(GRANTABLE)]
    grantable = [w.removesuffix(GRANTABLE) for w in change.words if w.endswith(GRANTABLE)]
    parts = [_privileges(change, owner, plain, signatures)] if plain else []
    # who loses the privilege loses its grant option with it
    if left := [word for word in grantable if word not in plain]:
        parts.append(_privileges(change, owner, left, signatures, option=True))
    return tuple(parts)


def _privileges(
    change: Change,
    owner: str,
    words: Iterable[str],
    signatures: Signatures,
    *,
    option: bool = False,
) -> psql.Composed:
    option_words = psql.SQL("GRANT OPTION FOR ") if option else psql.SQL("")
    if change.kind is Kind.COLUMN:
        ((schema, table, column),) = change.objects
        listed = psql.SQL(", ").join(
            psql.SQL("{} ({})").format(statement(_word(word)), psql.Identifier(column))
            for word in words
        )
        target: psql.Composable = psql.SQL("TABLE {}").format(psql.Identifier(schema, table))
    else:
        listed = psql.SQL(", ").join(statement(_word(word)) for word in words)
        target = _target(change, signatures)
    grant = psql.SQL("{} {}{} ON {}{}{}").format(
        _verb(change), option_words, listed, target, _to(change), _role(change.role)
    )
    if change.kind is not Kind.DEFAULT:
        # what the role passed on goes too; the plan shows it
        return grant + psql.SQL(" CASCADE") if change.action is Action.TAKE else grant
    ((schema, _),) = change.objects
    where = psql.SQL(" IN SCHEMA {}").format(psql.Identifier(schema)) if schema else psql.SQL("")
    return psql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {}{} {}").format(
        psql.Identifier(owner), where, grant
    )


def _target(change: Change, signatures: Signatures) -> psql.Composable:
    if change.kind is Kind.DEFAULT:
        ((_, sort),) = change.objects
        return statement(sort.upper() if sort in _SORTS else "")
    if change.kind is Kind.ROUTINE:
        # arguments are types as PostgreSQL itself writes them, quoted where they must be
        names = [
            psql.SQL("{}({})").format(
                psql.Identifier(*routine[:2]), statement(signatures.get(routine, routine[2]))
            )
            for routine in change.objects
        ]
        return psql.SQL("ROUTINE {}").format(psql.SQL(", ").join(names))
    listed = psql.SQL(", ").join(psql.Identifier(*name) for name in change.objects)
    return psql.SQL("{} {}").format(statement(change.kind.upper()), listed)


def _setting(change: Change, name: str, database: str = "") -> psql.Composed:
    subject = psql.SQL("ROLE {}").format(
        psql.SQL("ALL") if change.role == PUBLIC else psql.Identifier(change.role)
    )
    if database and change.role == PUBLIC:
        subject = psql.SQL("DATABASE {}").format(psql.Identifier(database))
    elif database:
        subject += psql.SQL(" IN DATABASE {}").format(psql.Identifier(database))
    # a name with a dot is one of a module, and its parts are quoted each
    what = psql.Identifier(*name.split("."))
    if change.action is Action.TAKE:
        return psql.SQL("ALTER {} RESET {}").format(subject, what)
    (value,) = change.words
    return psql.SQL("ALTER {} SET {} = {}").format(subject, what, psql.Literal(value))


def _verb(change: Change) -> psql.SQL:
    return psql.SQL("REVOKE") if change.action is Action.TAKE else psql.SQL("GRANT")


def _to(change: Change) -> psql.SQL:
    return psql.SQL(" FROM ") if change.action is Action.TAKE else psql.SQL(" TO ")


def _role(name: str) -> psql.Composable:
    return psql.SQL("PUBLIC") if name == PUBLIC else psql.Identifier(name)


def _word(word: str) -> str:
    if word not in _WORDS:
        raise UnknownWordError(word)
    return word


class UnknownWordError(Exception):
    """PostgreSQL has a privilege that is not in our list: a bug of ours."""
