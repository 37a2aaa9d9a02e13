"""The product's own checks: silent on its schema with sound rows, loud on each broken rule."""

from collections.abc import Iterator

import pytest

from ops import sql
from ops.checks.crew import Crew, Login
from ops.checks.judge import MEND_SOURCE
from ops.checks.limit import Limit
from ops.checks.questions import product
from ops.checks.reading import READ
from ops.checks.result import State
from ops.db import CHANGE, VERIFY, Connection, Database
from ops.restore.source import Source

SOUND = """
INSERT INTO users (email, display_name) VALUES ('a@example.org', 'A'), ('b@example.org', 'B');
INSERT INTO programs (slug, title, level, status, owner_id, published_at)
VALUES ('one', 'One', 'beginner', 'published', 1, now()),
       ('two', 'Two', 'beginner', 'draft', 1, NULL);
INSERT INTO tasks (program_id, position, kind, title, max_score)
VALUES (1, 1, 'quiz', 'First', 50), (2, 1, 'quiz', 'Other', 50);
INSERT INTO task_responses (task_id, user_id, status, submitted_at)
VALUES (1, 2, 'evaluated', now());
INSERT INTO evaluations (task_response_id, source, score) VALUES (1, 'model', 50);
INSERT INTO user_learning_paths (user_id, program_id, current_task_id) VALUES (2, 1, 1);
"""
BROKEN = {
    "published_with_tasks": "UPDATE programs SET status = 'published', published_at = now();"
    "DELETE FROM tasks WHERE program_id = 2",
    "scores_in_range": "UPDATE evaluations SET score = 51",
    "evaluated_have_evaluations": "DELETE FROM evaluations",
    "paths_lead_somewhere": "UPDATE user_learning_paths SET current_task_id = 2",
    "one_mailbox_one_user": "DROP INDEX users_email_key; UPDATE users SET email = 'A@example.org'",
}


@pytest.fixture(scope="module")
def shop(prepared: Source) -> Iterator[Database]:
    """A database with the product's own schema and a few sound rows."""
    with prepared.database.connect(prepared.owner, budget=CHANGE) as connection:
        connection.execute("CREATE DATABASE shop")
    database = prepared.database.named("shop")
    with database.connect(prepared.owner, budget=CHANGE) as connection:
        connection.execute("CREATE SCHEMA ops")
        for path in sorted((sql.ROOT / "migrations").glob("000[1-5]_*.sql")):
            connection.execute(path.read_text().partition("-- migrate:down")[0].encode())
        connection.execute(SOUND.encode())
        connection.execute(
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {prepared.app}".encode()
        )
    yield database
    with prepared.database.connect(prepared.owner, budget=CHANGE) as connection:
        connection.execute("DROP DATABASE shop")


@pytest.fixture
def owner(shop: Database, prepared: Source) -> Iterator[Connection]:
    with shop.connect(prepared.owner, budget=CHANGE) as connection:
        yield connection


def test_sound_rows_break_no_rule(owner: Connection) -> None:
    found = product.rules(owner)
    assert (found.state, found.examined, found.total) == (State.OK, len(BROKEN), len(BROKEN))
    assert set(product.names("rules")) == BROKEN.keys()


@pytest.mark.parametrize("rule", BROKEN)
def test_every_rule_tells_who_breaks_it(owner: Connection, rule: str) -> None:
    with owner.transaction(force_rollback=True):
        owner.execute(BROKEN[rule].encode())
        found = product.rules(owner)
    assert found.state is State.FINDING
    assert [line.split(":")[0] for line in found.differences] == [rule]


def test_rows_that_break_a_rule_on_the_source_too_came_with_the_data(
    shop: Database, prepared: Source, owner: Connection
) -> None:
    original = product.Original(Crew(), Login(shop, prepared.owner, READ))
    owner.execute("UPDATE evaluations SET score = 51")
    try:
        alike = product.rules(owner, original=original)
        with owner.transaction(force_rollback=True):
            owner.execute(BROKEN["published_with_tasks"].encode())
            other = product.rules(owner, original=original)
    finally:
        owner.execute("UPDATE evaluations SET score = 50")
    assert alike.state is State.OK
    assert alike.detail.startswith("1 of 5 rules are broken, on the source too")
    assert alike.differences[0].startswith("scores_in_range: on the source too: evaluation 1")
    assert alike.remedy == MEND_SOURCE
    assert other.state is State.FINDING
    assert [line.partition(": ")[0] for line in other.differences] == [
        "published_with_tasks",
        "scores_in_range",
    ]
    assert "on the source too" not in other.differences[0]


def test_a_statement_that_fails_on_the_source_too_says_nothing_of_the_copy(
    shop: Database, prepared: Source, owner: Connection
) -> None:
    login = Login(shop, prepared.app, VERIFY)
    owner.execute("ALTER TABLE programs RENAME slug TO away")
    try:
        smoke = product.smoke(Crew(), login, original=login)
        rules = product.rules(
            owner, original=product.Original(Crew(), Login(shop, prepared.owner, READ))
        )
    finally:
        owner.execute("ALTER TABLE programs RENAME away TO slug")
    for found, name in ((smoke, "smoke/catalogue"), (rules, "rules/published_with_tasks")):
        assert found.state is State.UNKNOWN
        assert any("on the source: " in line and "slug" in line for line in found.differences)
        assert name in found.remedy


def test_smoke_queries_run_as_the_application(
    shop: Database, prepared: Source, owner: Connection
) -> None:
    login = Login(shop, prepared.app, VERIFY)
    sound = product.smoke(Crew(), login)
    owner.execute("ALTER TABLE programs RENAME slug TO away")
    try:
        broken = product.smoke(Crew(), login)
    finally:
        owner.execute("ALTER TABLE programs RENAME away TO slug")
    assert sound.state is State.OK
    assert "catalogue: 1 rows" in sound.differences
    assert broken.state is State.FINDING
    assert any(line.startswith("catalogue: ") and "slug" in line for line in broken.differences)


def test_another_database_is_not_judged_by_them(prepared: Source) -> None:
    login = Login(prepared.database, prepared.app, VERIFY)
    smoke = product.smoke(Crew(), login)
    with prepared.database.connect(prepared.owner, budget=VERIFY) as connection:
        rules = product.rules(connection)
    assert (smoke.state, rules.state) == (State.NOT_APPLICABLE, State.NOT_APPLICABLE)


def test_without_time_they_are_unknown(shop: Database, prepared: Source) -> None:
    found = product.smoke(Crew(), Login(shop, prepared.app, VERIFY), Limit.after(0))
    assert found.state is State.UNKNOWN
    assert (found.examined, found.total) == (0, len(product.names("smoke")))
    assert "--verify-limit" in found.remedy


def test_a_role_without_grants_is_not_judged_by_them(shop: Database, prepared: Source) -> None:
    with shop.connect(prepared.owner, budget=CHANGE) as connection:
        connection.execute(
            f"REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM {prepared.app}".encode()  # noqa: S608 - the test's own
        )
    assert product.smoke(Crew(), Login(shop, prepared.app, VERIFY)).state is State.NOT_APPLICABLE
