"""What catalogs show of every role of the instance, and of the ways to rights besides grants."""

from collections.abc import Mapping
from typing import Any

import psycopg

from ops import sql
from ops.cloudsqlroles import MARKS, SYSTEM
from ops.db import Connection, statement
from ops.roles.facts import PUBLIC, Cast, Definer, Everyone, Fact, Kind, Rewritten, Role

_PARAMETERS_SINCE = 150000  # GRANT SET ON PARAMETER
_PUBLIC_HERE = "public"  # what PostgreSQL's has_..._privilege functions call PUBLIC


def read(
    connection: Connection,
    cast: Cast,
    roles: Mapping[str, Role],
    members: tuple[tuple[str, str, bool], ...],
) -> Everyone:
    """Return what there is; a question that is refused is among ``unread``.

    Args:
        connection: To the application's database, inside a transaction.
        cast: Who there is to be.
        roles: All roles, by name.
        members: All memberships.
    """
    unread: list[tuple[str, str]] = []

    def rows(question: str, **values: object) -> tuple[tuple[Any, ...], ...]:
        text = sql.load(f"roles/{question}")
        if question == "other_grants":
            new = connection.info.server_version >= _PARAMETERS_SINCE
            text = sql.render(f"roles/{question}", {"with_parameters": new})
        try:
            with connection.transaction():
                return tuple(connection.execute(statement(text), values).fetchall())
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.QueryCanceled) as error:
            unread.append((question, error.diag.message_primary or str(error)))
            return ()

    system = [name for name in SYSTEM if name not in cast.names]
    effective: dict[str, set[Fact]] = {}
    for role, kind, name, word in rows("effective", skipped=[cast.owner, *system]):
        who = PUBLIC if role == _PUBLIC_HERE else role
        effective.setdefault(who, set()).add(Fact(who, Kind(kind), tuple(name), word))
    return Everyone(
        roles=roles,
        members=members,
        effective={role: frozenset(facts) for role, facts in effective.items()},
        grants=rows("other_grants"),
        owned=rows("owned", skipped=[cast.owner, *(n for n in system if n not in MARKS)]),
        rewritten=tuple(
            Rewritten((vs, v), word, (rs, r), use, by)
            for vs, v, word, rs, r, use, by in rows("rewritten")
        ),
        definers=tuple(
            Definer((s, n, arguments), owner, language, body, pinned, tuple(map(tuple, tables)))
            for s, n, arguments, owner, language, body, pinned, tables in rows("definers")
        ),
        triggers=rows("triggers"),
        closed=rows("row_security", roles=list(cast.names)),
        mappings=rows("user_mappings"),
        defaults=rows("others_defaults", owner=cast.owner),
        unread=tuple(unread),
    )
