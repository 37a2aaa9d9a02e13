"""Whatever a restore could lose of the objects: lose it on purpose, and a question tells.

Each case is made and spoiled within one transaction that is rolled back, and asked about as
the owner, who is no superuser.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from ops.checks.result import State
from ops.checks.trouble import Trouble
from ops.db import Connection
from ops.restore.source import Source
from ops.schema import catalogs
from ops.schema import definitions as questions
from ops.schema.definitions import Answer
from ops.schema.transactions import Window
from tests.integration.restore.spoiled import SPOILED

CASES = [(question, *case) for question, cases in SPOILED.items() for case in cases]


@contextmanager
def _as_owner(superuser: Connection, source: Source) -> Iterator[Connection]:
    superuser.execute(psycopg.sql.SQL("SET ROLE {}").format(psycopg.sql.Identifier(source.owner)))
    yield superuser
    superuser.execute("RESET ROLE")


def _answer(superuser: Connection, source: Source, question: str) -> Answer:
    with _as_owner(superuser, source) as connection:
        found = questions.answer(connection, question)
    assert not isinstance(found, Trouble), found
    return found


@pytest.mark.parametrize(("question", "made", "spoiled"), CASES)
def test_what_is_lost_of_an_object_is_seen(
    superuser: Connection, prepared: Source, question: str, made: str, spoiled: str
) -> None:
    with superuser.transaction(force_rollback=True):
        superuser.execute(made.encode())
        before = _answer(superuser, prepared, question)
        again = _answer(superuser, prepared, question)
        superuser.execute(spoiled.format(database=prepared.database.name).encode())
        after = _answer(superuser, prepared, question)
    assert before == again != after


@pytest.mark.parametrize(
    "spoiled",
    [
        "UPDATE pg_proc SET prosrc = 'BEGIN RETURN OLD; END' WHERE proname = 'note_it'",
        "DELETE FROM pg_depend WHERE refobjid = 'account'::regclass AND deptype = 'a'",
        "UPDATE pg_attribute SET attbyval = NOT attbyval WHERE attrelid = 'scratch'::regclass",
    ],
)
def test_what_no_question_asks_for_is_seen_in_the_catalogs(
    superuser: Connection, prepared: Source, spoiled: str
) -> None:
    with superuser.transaction(force_rollback=True):
        with _as_owner(superuser, prepared) as connection:
            connection.execute("CREATE TEMP TABLE before (a serial PRIMARY KEY, t text)")
            before = catalogs.read(connection)
            connection.execute("CREATE TEMP TABLE after (a serial PRIMARY KEY, t text)")
            again = catalogs.read(connection)
        changed = superuser.execute(spoiled.encode()).rowcount
        with _as_owner(superuser, prepared) as connection:
            after = catalogs.read(connection)
    healthy = catalogs.check(before, before, again, Window(), ())
    broken = catalogs.check(before, before, after, Window(), ())
    named = catalogs.check(before, before, after, Window(), [replace(broken, check="functions")])
    moving = catalogs.check(before, after, after, Window(), ())
    assert healthy.state is State.OK, healthy.differences
    assert changed
    assert broken.state is State.FINDING
    assert [one.state for one in (named, moving)] == [State.NOT_APPLICABLE] * 2
    assert healthy.evidence["not_seen"] == ("pg_authid", "pg_subscription", "pg_user_mapping")
