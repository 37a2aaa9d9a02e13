"""Checks that one statement answers: silent on what is healthy, and loud on what is not."""

import pytest

from ops.checks.result import Level, ObjectId, State
from ops.checks.sqlcheck import SqlCheck
from ops.db import CHANGE, QueryFailedError
from ops.restore.proof.copychecks import STATEMENTS
from tests.clusters import OWNER, SUPERUSER, Cluster
from tests.sql.conftest import Product

CHECKS = {check.name: check for check in STATEMENTS}
HEALTHY = """
    CREATE SCHEMA "Odd %s";
    CREATE TABLE "Odd %s".parent (id int PRIMARY KEY);
    CREATE TABLE "Odd %s"."child {x}" (id int CONSTRAINT "to parent" REFERENCES "Odd %s".parent);
    INSERT INTO "Odd %s".parent VALUES (1);
"""
CHILD = ObjectId("foreign key", "child {x}", "Odd %s", "to parent")
BROKEN = {
    "unproven_keys": (
        """
        ALTER TABLE "Odd %s"."child {x}" DROP CONSTRAINT "to parent";
        ALTER TABLE "Odd %s"."child {x}" ADD CONSTRAINT "to parent" FOREIGN KEY (id)
            REFERENCES "Odd %s".parent NOT VALID;
        """,
        CHILD,
    ),
    "invalid_indexes": (
        """
        UPDATE pg_index SET indisvalid = false
         WHERE indexrelid = '"Odd %s".parent_pkey'::regclass
        """,
        ObjectId("index", "parent_pkey", "Odd %s"),
    ),
}


@pytest.fixture
def cluster(product: Product) -> Cluster:
    return product.cluster


def ask(cluster: Cluster, name: str, *texts: str) -> tuple[State, list[tuple[ObjectId, Level]]]:
    """Return what a check says of a database, and after its own remedy."""
    database = cluster.create()
    try:
        for user, text in zip((OWNER, SUPERUSER), texts, strict=False):
            with database.connect(user, budget=CHANGE) as connection:
                connection.execute(text.encode())
        with database.connect(OWNER, budget=CHANGE) as connection:
            result = CHECKS[name].ask(connection)
            for finding in result.findings:
                assert finding.remedy is not None
                connection.execute(finding.remedy.sql.encode())
            assert not CHECKS[name].ask(connection).findings
    finally:
        cluster.drop(database)
    return result.state, [(finding.object, finding.level) for finding in result.findings]


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_not_there_does_not_apply_and_what_is_healthy_is_ok(
    cluster: Cluster, name: str
) -> None:
    assert ask(cluster, name) == (State.NOT_APPLICABLE, [])
    assert ask(cluster, name, HEALTHY) == (State.OK, [])


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_not_healthy_is_shown_and_its_own_remedy_mends_it(
    cluster: Cluster, name: str
) -> None:
    text, about = BROKEN[name]
    assert ask(cluster, name, HEALTHY, text) == (State.OK, [(about, Level.WARNING)])


def test_a_statement_that_fails_is_no_answer(cluster: Cluster) -> None:
    wrong = SqlCheck("checks/statement_limit", "", "", "")
    with (
        pytest.raises(QueryFailedError),
        cluster.database().connect(OWNER, budget=CHANGE) as connection,
    ):
        wrong.ask(connection)
