"""Each check alone: silent on what is healthy, loud on what is broken, unknown without a right."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from ops.checks.crew import Crew, Login
from ops.checks.questions import amcheck, application, orphans
from ops.checks.questions import sequence_reach as reach
from ops.checks.result import State
from ops.db import CHANGE, VERIFY, Connection
from ops.restore.faults import cluster
from ops.restore.proof import checks
from ops.restore.source import Source
from ops.schema import content, tablecontent
from ops.schema import definitions as questions

Execute = Callable[[str], None]


@contextmanager
def _asked(source: Source) -> Iterator[Connection]:
    with source.database.connect(source.owner, budget=VERIFY) as connection:
        yield connection


@contextmanager
def _as_superuser(source: Source) -> Iterator[Connection]:
    database = cluster.peer(cluster.of_source(source), source.database.name)
    with database.connect(cluster.SUPERUSER, budget=CHANGE) as connection:
        yield connection


@dataclass(frozen=True, slots=True)
class OnePassword:
    def password(self, user: str) -> str:
        return f"secret of {user}"


@pytest.fixture
def plain(source: Source, execute: Execute) -> Iterator[Login]:
    """A role that was granted nothing."""
    execute("CREATE ROLE plain LOGIN PASSWORD 'secret of plain'")
    yield Login(replace(source.database, passwords=OnePassword()), "plain", VERIFY)
    execute("DROP ROLE plain")


def _answers(source: Source, question: str) -> questions.Answer:
    with _asked(source) as connection:
        return questions.ask(connection, question)


@pytest.mark.parametrize(
    ("made", "changed", "removed"),
    [
        (
            "CREATE STATISTICS kept ON what, id FROM event",
            "ALTER STATISTICS kept SET STATISTICS 7",
            "DROP STATISTICS kept",
        ),
        (
            "CREATE COLLATION kept (provider = icu, locale = 'de-u-co-phonebk')",
            "DROP COLLATION kept; CREATE COLLATION kept (provider = icu, locale = 'de')",
            "DROP COLLATION kept",
        ),
        (
            "CREATE OPERATOR === (function = int4eq, leftarg = int, rightarg = int)",
            "ALTER OPERATOR === (int, int) SET (restrict = eqsel)",
            "DROP OPERATOR === (int, int)",
        ),
        (
            "CREATE CAST (mood AS int) WITH INOUT",
            "DROP CAST (mood AS int); CREATE CAST (mood AS int) WITH INOUT AS ASSIGNMENT",
            "DROP CAST (mood AS int)",
        ),
        (
            "CREATE TEXT SEARCH CONFIGURATION kept (copy = simple)",
            "ALTER TEXT SEARCH CONFIGURATION kept DROP MAPPING FOR word",
            "DROP TEXT SEARCH CONFIGURATION kept",
        ),
        (
            "CREATE TEXT SEARCH DICTIONARY kept (template = simple)",
            "ALTER TEXT SEARCH DICTIONARY kept (accept = false)",
            "DROP TEXT SEARCH DICTIONARY kept",
        ),
    ],
)
def test_other_objects_are_seen(
    source: Source, execute: Execute, made: str, changed: str, removed: str
) -> None:
    before = _answers(source, "other_objects")
    execute(made)
    try:
        first = _answers(source, "other_objects")
        execute(changed)
        second = _answers(source, "other_objects")
    finally:
        execute(removed)
    assert len(first) == len(second) == len(before) + 1
    assert first.keys() == second.keys()
    assert first != second
    assert _answers(source, "other_objects") == before


def test_large_objects_are_seen_with_what_they_hold(
    source: Source, execute: Execute, plain: Login
) -> None:
    execute("SELECT lo_create(4711), lo_put(4711, 9000000, 'end'), lo_create(4712)")
    try:
        first = _answers(source, "large_objects")
        execute("SELECT lo_put(4711, 8999999, 'x')")
        second = _answers(source, "large_objects")
        with Crew().connect(plain) as connection:
            of_others = questions.ask(connection, "large_objects")
    finally:
        execute("SELECT lo_unlink(4711), lo_unlink(4712)")
    assert first.keys() == {"large object 4711", "large object 4712"} == of_others.keys()
    assert first["large object 4711"] != second["large object 4711"]
    assert first["large object 4712"] == second["large object 4712"]
    assert "holds" in first["large object 4712"]
    assert "holds" not in of_others["large object 4711"]


def test_orphans_are_found_behind_a_valid_foreign_key(source: Source, execute: Execute) -> None:
    execute(
        "CREATE TABLE mother (a int, b int, PRIMARY KEY (a, b));"
        "CREATE TABLE child (x int, y int, FOREIGN KEY (x, y) REFERENCES mother);"
        "INSERT INTO mother VALUES (1, 1), (2, 2);"
        "INSERT INTO child VALUES (1, 1), (2, 2), (2, 2), (NULL, 7)"
    )
    try:
        with _asked(source) as connection:
            healthy = orphans.check(connection)
        with _as_superuser(source) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("DELETE FROM mother WHERE a = 2")
        with _asked(source) as connection:
            broken = orphans.check(connection)
    finally:
        execute("DROP TABLE child, mother")
    assert healthy.state is State.OK
    assert broken.state is State.FINDING
    assert broken.differences == ("public.child child_x_y_fkey: 2 of 4 rows",)


def test_what_no_constraint_forbids_is_no_orphan(source: Source, execute: Execute) -> None:
    execute(
        "CREATE TABLE mother (a int PRIMARY KEY); CREATE TABLE child (x int);"
        "INSERT INTO child VALUES (1);"
        "ALTER TABLE child ADD FOREIGN KEY (x) REFERENCES mother NOT VALID"
    )
    try:
        with _asked(source) as connection:
            found = orphans.check(connection)
    finally:
        execute("DROP TABLE child, mother")
    assert found.state in (State.OK, State.NOT_APPLICABLE)
    assert found.differences == ()


def test_a_sequence_behind_its_column_is_found(source: Source, execute: Execute) -> None:
    execute("CREATE TABLE kept (id serial); INSERT INTO kept DEFAULT VALUES")
    try:
        with _asked(source) as connection:
            healthy = reach.check(connection)
        execute("INSERT INTO kept VALUES (9)")
        with _asked(source) as connection:
            broken = reach.check(connection)
    finally:
        execute("DROP TABLE kept")
    assert healthy.state is State.OK
    assert broken.differences == ("public.kept_id_seq: is at 1; kept.id has 9",)


def test_migrations_lost_or_begun_are_found(source: Source, execute: Execute) -> None:
    def found() -> State:
        with _asked(source) as connection:
            return checks.migrations(Crew(), source, connection, datetime.now(UTC)).state

    healthy = found()
    execute("INSERT INTO ops.schema_migration_steps (version, step) VALUES ('0002', 1)")
    broken = found()
    execute("TRUNCATE ops.schema_migration_steps")
    assert (healthy, broken) == (State.OK, State.FINDING)


def test_the_application_reads_what_is_granted_to_it(source: Source, plain: Login) -> None:
    app = Login(source.database, source.app, VERIFY)
    granted = application.check(Crew(), app, app)
    bare = application.check(Crew(), plain, plain)
    assert (granted.state, bare.state) == (State.OK, State.OK)
    assert "reads from all 2 tables" in granted.detail
    assert granted.remedy == ""
    assert bare.detail == "plain connects; no table is granted to it, none was read"
    assert "GRANT SELECT" in bare.remedy
    assert (bare.examined, bare.total) == (1, 1)


def test_without_the_right_to_call_it_amcheck_is_unknown(plain: Login) -> None:
    found = amcheck.check(Crew(), plain)
    assert found.state is State.UNKNOWN
    assert "GRANT EXECUTE" in found.remedy


def test_without_the_right_to_read_it_content_is_unknown(source: Source, plain: Login) -> None:
    with _asked(source) as connection:
        shapes = [one for one in tablecontent.shapes(connection) if one.label == "public.account"]
    trouble = content.read(Crew(), plain, shapes)["public.account"].trouble
    assert trouble is not None
    assert trouble.state is State.UNKNOWN


def test_rows_that_a_policy_hides_are_no_silent_loss(
    source: Source, execute: Execute, plain: Login
) -> None:
    execute("GRANT SELECT ON event TO plain")
    try:
        with _asked(source) as connection:
            shapes = [one for one in tablecontent.shapes(connection) if one.label == "public.event"]
        found = content.read(Crew(), plain, shapes)["public.event"]
    finally:
        execute("REVOKE SELECT ON event FROM plain")
    assert found.trouble is not None
    assert found.trouble.state is State.UNKNOWN


def test_damage_in_a_table_is_found(source: Source, execute: Execute) -> None:
    login = source.login(VERIFY)
    healthy = amcheck.check(Crew(), login)
    execute("CREATE TABLE kept (x int); INSERT INTO kept VALUES (1), (2)")
    try:
        with _as_superuser(source) as connection:
            connection.execute("DELETE FROM pg_attribute WHERE attrelid = 'kept'::regclass")
            connection.execute("UPDATE pg_class SET relnatts = 0 WHERE relname = 'kept'")
        broken = amcheck.check(Crew(), login)
    finally:
        with _as_superuser(source) as connection:
            connection.execute("UPDATE pg_class SET relnatts = 0 WHERE relname = 'kept'")
            connection.execute("DROP TABLE kept")
    assert healthy.state is State.OK
    assert broken.state is State.FINDING
    assert broken.differences[0].startswith("kept: block 0")
