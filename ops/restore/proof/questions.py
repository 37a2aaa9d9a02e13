"""The questions that source and clone must answer alike.

A new one is a file in ``sql/restore`` and a line here. Each returns an object and its
definition; what differs is reported by object.
"""

from collections.abc import Mapping

from ops import sql
from ops.db import Connection, statement

Answer = Mapping[str, str]  # object -> definition

EQUAL = (
    "tables",
    "columns",
    "constraints",
    "indexes",
    "triggers",
    "functions",
    "views",
    "types",
    "policies",
    "roles",
    "grants",
    "extensions",
    "settings",
    "publications",
    "comments",
    "sequence_definitions",
    "other_objects",
    "large_objects",
)


def ask(connection: Connection, question: str) -> Answer:
    """Return a question's answer, by object."""
    rows = connection.execute(statement(sql.load(f"restore/{question}")))
    return {str(row[0]): str(row[1] or "") for row in rows}


def ask_all(connection: Connection) -> Mapping[str, Answer]:
    """Return the answers to all questions, by question."""
    return {question: ask(connection, question) for question in EQUAL}
