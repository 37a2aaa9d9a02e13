"""The questions that source and clone must answer alike.

A new one is a file in ``sql/schema`` and a line here. Each returns an object and its
definition; what differs is reported by object.
"""

from collections.abc import Mapping

import psycopg

from ops import sql
from ops.checks import limit as limits
from ops.checks import trouble
from ops.checks.limit import Limit
from ops.checks.reading import TRIES, released
from ops.checks.trouble import Trouble
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

# Drawn from rows of the system catalogs that not everybody may read, or from what is no row there.
OF_OTHERS = frozenset({"roles", "large_objects"})

# Drawn from rows that everybody may read, and nothing else: where they are alike, so are these.
OF_CATALOGS = (
    frozenset(EQUAL)
    - OF_OTHERS
    - {
        "extensions",
        "settings",
        "publications",
        "other_objects",
    }
)

# Answered by what the snapshot sees, but for the names of roles.
OF_SNAPSHOT = frozenset({"settings", "large_objects"})

# What a definition ends with where its content may not be read.
UNSEEN = "(not seen)"

# Kept from everybody but superusers, so a restore could lose it unseen: said, not hidden.
# question -> how the objects' names begin, what is not seen of them
SECRET = {
    "roles": ("role ", "passwords"),
    "publications": ("subscription ", "the connections of subscriptions"),
    "other_objects": ("user mapping ", "the options of user mappings"),
}


def ask(connection: Connection, question: str) -> Answer:
    """Return a question's answer, by object; keeps no lock."""
    with released(connection):
        rows = connection.execute(statement(sql.load(f"schema/{question}"))).fetchall()
    return {str(row[0]): str(row[1] or "") for row in rows}


def answer(connection: Connection, question: str, limit: Limit = limits.NONE) -> Answer | Trouble:
    """Return a question's answer, or why there is none."""
    reason = limits.LATE
    for _ in range(TRIES):
        if limit.passed:
            return limits.LATE
        try:
            limit.hold(connection)
            return ask(connection, question)
        except psycopg.Error as error:
            if connection.broken:
                raise
            reason = limit.trouble(trouble.of(error))
    return reason


def ask_all(connection: Connection) -> Mapping[str, Answer | Trouble]:
    """Return the answers to all questions, by question."""
    return {question: answer(connection, question) for question in EQUAL}


def differing(source: Answer, copy: Answer) -> frozenset[str]:
    """Return the objects whose definition is not the same."""
    names = source.keys() | copy.keys()
    return frozenset(name for name in names if source.get(name) != copy.get(name))


def not_seen(question: str, answer: Answer) -> str:
    """Return what a question does not see of the objects that were found, or nothing."""
    prefix, words = SECRET.get(question, ("", ""))
    return words if words and any(name.startswith(prefix) for name in answer) else ""


def moving(*answers: Answer | Trouble) -> frozenset[str]:
    """Return the objects whose definition is not the same in all answers."""
    known = [answer for answer in answers if not isinstance(answer, Trouble)]
    names = frozenset(name for answer in known for name in answer)
    return frozenset(name for name in names if len({answer.get(name) for answer in known}) > 1)
