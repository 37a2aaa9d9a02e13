"""``roles.apply`` on routines, grants and owners that are not of the ordinary sort."""

from dataclasses import replace

import pytest

from ops.checks.result import State
from ops.db import statement
from ops.guard import UnansweredError
from ops.invocation import Invocation
from ops.roles.apply import apply, status
from ops.roles.report import Applied, Planned
from tests.integration.roles.conftest import APPLY, FREELY, PRUNE, Run

OWNER, APP, READER, MONITOR = (f"ai_square_{r}" for r in ("owner", "app", "readonly", "monitor"))
ROUTINES = (
    "CREATE FUNCTION odd.f(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql RETURN 1",
    "CREATE FUNCTION odd.f(a text) RETURNS int LANGUAGE sql RETURN 1",
    "CREATE FUNCTION odd.outs(IN a int, OUT b int, INOUT c int) LANGUAGE sql AS 'SELECT 1, 2'",
    "CREATE FUNCTION odd.f(a int[], b int) RETURNS int LANGUAGE sql RETURN 1",
    "CREATE FUNCTION odd.nothing() RETURNS void LANGUAGE sql AS ''",
    "CREATE FUNCTION odd.seen() RETURNS int WINDOW LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
    "CREATE FUNCTION odd.rest(VARIADIC a int[]) RETURNS int LANGUAGE sql RETURN 1",
    "CREATE FUNCTION odd.rows(a int) RETURNS TABLE (x int) LANGUAGE sql AS 'SELECT 1'",
    'CREATE FUNCTION odd."Say ""hi"", %s"("a b" int) RETURNS int LANGUAGE sql RETURN 1',
    "CREATE PROCEDURE odd.p(a int, OUT b int) LANGUAGE sql AS 'SELECT 1'",
    "CREATE PROCEDURE odd.p(OUT b text) LANGUAGE sql AS $$SELECT 'x'$$",
    "CREATE FUNCTION odd.on_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    'CREATE TYPE odd."My, Type" AS (x int)',
    'CREATE FUNCTION odd.of_type(a odd."My, Type"[]) RETURNS int LANGUAGE sql RETURN 1',
    'CREATE FUNCTION odd.eq(a odd."My, Type", b int) RETURNS bool LANGUAGE sql RETURN true',
    'CREATE OPERATOR odd.=== (FUNCTION = odd.eq, LEFTARG = odd."My, Type", RIGHTARG = int)',
    "CREATE AGGREGATE odd.median(ORDER BY float8) (SFUNC = array_append, STYPE = float8[])",
    "CREATE AGGREGATE odd.nth(int ORDER BY float8) (SFUNC = array_append, STYPE = float8[])",
    "CREATE FUNCTION odd.step(s int, VARIADIC a int[]) RETURNS int LANGUAGE sql RETURN 1",
    "CREATE AGGREGATE odd.many(VARIADIC int[]) (SFUNC = odd.step, STYPE = int)",
    "CREATE AGGREGATE odd.total(a int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')",
    "CREATE AGGREGATE odd.number(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0')",
)
RELATIONS = (
    "CREATE TABLE odd.parts (id int GENERATED ALWAYS AS IDENTITY, x int) PARTITION BY RANGE (x)",
    "CREATE TABLE odd.part PARTITION OF odd.parts FOR VALUES FROM (1) TO (9)",
    'CREATE VIEW odd."A View" AS SELECT 1 AS x',
    "CREATE MATERIALIZED VIEW odd.kept AS SELECT 1 AS x",
)


@pytest.fixture
def odd(sent: Run, run: Invocation) -> Run:
    """A schema of the owner with odd routines and relations, removed afterwards."""
    sent(OWNER, "DROP SCHEMA IF EXISTS odd CASCADE")
    for text in ("CREATE SCHEMA odd", *ROUTINES, *RELATIONS):
        sent(OWNER, text)
    assert isinstance(apply(run, APPLY), Applied)
    return sent


@pytest.fixture(autouse=True)
def _gone(run: Invocation) -> object:
    yield
    with run.database().connect(OWNER, budget=FREELY) as connection:
        connection.execute(statement("DROP SCHEMA IF EXISTS odd CASCADE"))


def test_odd_routines_stop_nothing(odd: Run, run: Invocation) -> None:
    names = odd(
        OWNER,
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'odd'::regnamespace",
    )
    assert len(names) == len([t for t in ROUTINES if "TYPE odd" not in t and "OPERATOR" not in t])
    callable_ = "SELECT bool_and(has_function_privilege({!r}, oid, 'EXECUTE')) FROM pg_proc WHERE"
    callable_ += " pronamespace = 'odd'::regnamespace"
    assert odd(OWNER, callable_.format(APP)) == odd(OWNER, callable_.format(READER)) == [(True,)]
    assert odd(OWNER, callable_.format(MONITOR)) == [(False,)]
    assert status(run).state is State.OK
    again = apply(run, APPLY)
    assert isinstance(again, Applied)
    assert (again.changes, again.state) == ((), State.OK)
    # taking is named the same way as giving
    odd(OWNER, f"GRANT EXECUTE ON ALL ROUTINES IN SCHEMA odd TO {MONITOR} WITH GRANT OPTION")
    odd(OWNER, f"GRANT SELECT ON ALL TABLES IN SCHEMA odd TO {MONITOR}")
    pruned = apply(run, PRUNE)
    assert isinstance(pruned, Applied)
    assert pruned.left.empty
    assert odd(OWNER, "SELECT proacl::text ~ 'monitor' FROM pg_proc WHERE proname = 'median'") == [
        (False,)
    ]


@pytest.mark.parametrize(
    ("right", "on"),
    [
        ("SELECT", "TABLE users"),
        ("UPDATE (locale)", "TABLE users"),
        ("USAGE", "SEQUENCE users_id_seq"),
        ("EXECUTE", "FUNCTION set_updated_at()"),
        ("USAGE", "SCHEMA public"),
        ("TEMPORARY", "DATABASE ai_square"),
    ],
)
def test_a_grant_that_was_passed_on_is_shown_and_taken(
    run: Invocation, sent: Run, right: str, on: str
) -> None:
    sent(OWNER, "DROP ROLE IF EXISTS intern")
    sent(OWNER, "CREATE ROLE intern")
    sent(OWNER, f"GRANT {right} ON {on} TO {MONITOR} WITH GRANT OPTION")
    sent(MONITOR, f"SET default_transaction_read_only = off; GRANT {right} ON {on} TO intern")
    planned = apply(run, replace(PRUNE, dry_run=True))
    assert isinstance(planned, Planned)
    assert [(p.grantor, p.grantee) for p in planned.passed_on] == [(MONITOR, "intern")]
    assert "GOES WITH IT, since it was passed on" in {
        block.title for block in planned.blocks() if not isinstance(block, str)
    }
    with pytest.raises(UnansweredError, match="with what they passed on to intern"):
        apply(run, replace(PRUNE, yes=False))
    pruned = apply(run, PRUNE)
    assert isinstance(pruned, Applied)
    assert (pruned.left.extra, pruned.state) == ((), State.OK)
    again = apply(run, PRUNE)
    assert isinstance(again, Applied)
    assert again.changes == ()
    sent(OWNER, "DROP ROLE intern")


def test_what_was_passed_on_twice_is_shown_and_taken(run: Invocation, sent: Run) -> None:
    sent(OWNER, "CREATE ROLE intern; CREATE ROLE guest")
    sent(OWNER, f"GRANT intern, guest TO {OWNER}")
    sent(OWNER, f"GRANT SELECT ON users TO {MONITOR} WITH GRANT OPTION")
    grant = "GRANT SELECT ON users TO"
    sent(MONITOR, f"SET default_transaction_read_only = off; {grant} intern WITH GRANT OPTION")
    sent(OWNER, "GRANT USAGE ON SCHEMA public TO intern")
    sent(OWNER, f"SET ROLE intern; {grant} guest")
    planned = apply(run, replace(PRUNE, dry_run=True))
    assert isinstance(planned, Planned)
    assert {(p.grantor, p.grantee) for p in planned.passed_on} == {
        (MONITOR, "intern"),
        ("intern", "guest"),
    }
    pruned = apply(run, PRUNE)
    assert isinstance(pruned, Applied)
    assert (pruned.left.extra, pruned.stuck) == ((), ())
    again = apply(run, PRUNE)
    assert isinstance(again, Applied)
    assert again.changes == ()
    sent(OWNER, "DROP ROLE intern, guest")


def test_foreign_tables_are_granted_and_taken_like_others(
    odd: Run, run: Invocation, superuser: Run
) -> None:
    superuser(
        "ai_square", "CREATE FOREIGN DATA WRAPPER away; CREATE SERVER far FOREIGN DATA WRAPPER away"
    )
    superuser("ai_square", "CREATE FOREIGN TABLE odd.far (x int) SERVER far")
    superuser("ai_square", f"ALTER FOREIGN TABLE odd.far OWNER TO {OWNER}")
    try:
        lacks = {(c.role, c.words) for c in status(run).difference.changes}
        done = apply(run, APPLY)
        state = status(run).state
        odd(OWNER, f"GRANT SELECT, UPDATE (x) ON odd.far TO {MONITOR}")
        pruned = apply(run, PRUNE)
    finally:
        superuser("ai_square", "DROP FOREIGN DATA WRAPPER away CASCADE")
    assert lacks == {(READER, ("SELECT",)), (APP, ("DELETE", "INSERT", "SELECT", "UPDATE"))}
    assert isinstance(done, Applied)
    assert (done.state, state) == (State.OK, State.OK)
    assert isinstance(pruned, Applied)
    assert (pruned.left.empty, {c.role for c in pruned.changes}) == (True, {MONITOR})


def test_routines_of_an_extension_stop_nothing(run: Invocation, sent: Run) -> None:
    sent(OWNER, "CREATE EXTENSION pg_trgm")
    try:
        assert status(run).state is State.OK
        again = apply(run, PRUNE)
    finally:
        sent(OWNER, "DROP EXTENSION pg_trgm")
    assert isinstance(again, Applied)
    assert (again.changes, again.state) == ((), State.OK)


def test_what_is_declared_comes_back_when_who_passed_it_on_loses_it(
    run: Invocation, sent: Run
) -> None:
    sent(OWNER, f"GRANT SELECT ON users TO {MONITOR} WITH GRANT OPTION")
    sent(OWNER, "REVOKE SELECT ON users FROM ai_square_readonly")
    sent(MONITOR, f"GRANT SELECT ON users TO {READER}")
    assert status(run).difference.changes == ()  # the reader has it, from another hand
    pruned = apply(run, PRUNE)
    assert isinstance(pruned, Applied)
    assert pruned.left.empty
    assert sent(READER, "SELECT count(*) >= 0 FROM users") == [(True,)]


def test_what_a_system_role_granted_goes_too(run: Invocation, sent: Run) -> None:
    sent(OWNER, "GRANT SELECT ON users TO cloudsqlsuperuser WITH GRANT OPTION")
    sent(OWNER, f"SET ROLE cloudsqlsuperuser; GRANT SELECT ON users TO {MONITOR}")
    pruned = apply(run, PRUNE)
    assert isinstance(pruned, Applied)
    assert (pruned.left.empty, pruned.stuck) == (True, ())


def test_an_owner_is_not_said_to_lack_rights(run: Invocation, sent: Run) -> None:
    sent(OWNER, f"GRANT {APP} TO {OWNER}")
    sent(OWNER, f"ALTER DATABASE ai_square OWNER TO {APP}")
    changes = status(run).difference.changes
    sent(OWNER, "ALTER DATABASE ai_square OWNER TO cloudsqlsuperuser")
    sent(OWNER, f"REVOKE {APP} FROM {OWNER}")
    assert [c for c in changes if c.role == APP] == []


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ("TABLE users", "SELECT"),
        ("SEQUENCE users_id_seq", "USAGE"),
        ("FUNCTION set_updated_at()", "EXECUTE"),
        ("SCHEMA ops", "USAGE"),
        ("TABLE ops.drill_heartbeat", "TRUNCATE"),
    ],
)
def test_an_owner_who_lost_its_own_rights_gets_them_back(
    run: Invocation, sent: Run, on: str, words: str
) -> None:
    sent(OWNER, f"REVOKE {words} ON {on} FROM {OWNER}")
    found = status(run)
    assert [(c.role, c.words) for c in found.difference.changes] == [(OWNER, (words,))]
    assert found.state is State.FINDING
    done = apply(run, APPLY)
    assert isinstance(done, Applied)
    assert done.state is State.OK
    assert apply(run, APPLY).state is State.OK  # type: ignore[union-attr]  # not a plan
