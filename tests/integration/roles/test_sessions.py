"""Settings at every level and log-in: what sessions of the declared users really get."""

from dataclasses import replace

import pytest

from infra.deploy.apply import deploy
from infra.drift.check import drift
from ops import sessions
from ops.checks.result import State
from ops.console import Silent
from ops.db import CannotConnectError, LibpqPasswords
from ops.invocation import Invocation
from ops.roles.apply import apply, status
from ops.roles.report import Applied, Status
from ops.target import Target, password_folder
from tests.integration.roles.conftest import APPLY, FREELY, PRUNE, Run

OWNER, APP, READER, MONITOR = (f"ai_square_{r}" for r in ("owner", "app", "readonly", "monitor"))
PASSWORDS = {OWNER, APP, READER, MONITOR}


def gets(found: Status, name: str) -> set[str]:
    return {e.user for e in found.sessions.excess if e.name == name}


@pytest.mark.parametrize(
    ("text", "name", "who"),
    [
        ("ALTER DATABASE ai_square SET work_mem = '1GB'", "work_mem", PASSWORDS),
        ("ALTER DATABASE ai_square SET search_path = pg_temp, public", "search_path", PASSWORDS),
        ("ALTER DATABASE ai_square SET row_security = off", "row_security", PASSWORDS),
        ("ALTER DATABASE ai_square SET statement_timeout = 0", "statement_timeout", {OWNER}),
        (
            "ALTER DATABASE ai_square SET default_transaction_read_only = on",
            "default_transaction_read_only",
            {OWNER, APP},
        ),
        (
            f"ALTER ROLE {APP} SET local_preload_libraries = 'missing'",
            "local_preload_libraries",
            {APP},
        ),
        ("ALTER DATABASE ai_square SET timezone = 'Asia/Tokyo'", "TimeZone", PASSWORDS),
        (f"ALTER ROLE {OWNER} SET search_path = pg_temp, public", "search_path", {OWNER}),
        (f"ALTER ROLE {OWNER} SET check_function_bodies = off", "check_function_bodies", {OWNER}),
        (f"ALTER ROLE {APP} SET synchronous_commit = off", "synchronous_commit", {APP}),
        (
            f"ALTER ROLE {APP} IN DATABASE ai_square SET client_min_messages = error",
            "client_min_messages",
            {APP},
        ),
        (
            f"ALTER ROLE {APP} IN DATABASE ai_square SET statement_timeout = 0",
            "statement_timeout",
            {APP},
        ),
        (f"ALTER ROLE {READER} IN DATABASE postgres SET work_mem = '1GB'", "work_mem", {READER}),
    ],
)
def test_a_setting_that_nobody_declared_is_found_with_who_gets_it(
    run: Invocation, sent: Run, text: str, name: str, who: set[str]
) -> None:
    sent(OWNER, text)
    found = status(run)
    assert found.state is State.FINDING
    assert gets(found, name) & PASSWORDS == who
    states = {check.check: check.state for check in found.checks}
    assert states["session settings"] is State.FINDING
    pruned = apply(run, PRUNE)
    assert isinstance(pruned, Applied)
    assert pruned.left.empty
    assert status(run).state is State.OK


def test_what_wins_over_a_declared_setting_goes_without_prune(run: Invocation, sent: Run) -> None:
    sent(OWNER, f"ALTER ROLE {APP} IN DATABASE ai_square SET statement_timeout = 0")
    (excess,) = status(run).sessions.excess
    assert (excess.value, excess.declared) == ("0", "30s")
    done = apply(run, APPLY)
    assert isinstance(done, Applied)
    assert done.left.empty
    assert sent(APP, "SELECT source FROM pg_settings WHERE name = 'jit'") == [("user",)]


@pytest.mark.parametrize(
    ("broken", "whole", "why"),
    [
        ("ALTER ROLE {} NOLOGIN", "ALTER ROLE {} LOGIN", "NOLOGIN"),
        (
            "ALTER ROLE {} VALID UNTIL '2020-01-01'",
            "ALTER ROLE {} VALID UNTIL 'infinity'",
            "expired",
        ),
        (
            "ALTER ROLE {} VALID UNTIL '2099-01-01'",
            "ALTER ROLE {} VALID UNTIL 'infinity'",
            "expires",
        ),
        ("ALTER ROLE {} CONNECTION LIMIT 1", "ALTER ROLE {} CONNECTION LIMIT -1", "limited to 1"),
        ("ALTER ROLE {} NOINHERIT", "ALTER ROLE {} INHERIT", "NOINHERIT"),
    ],
)
@pytest.mark.parametrize("user", [APP, MONITOR])
def test_who_cannot_log_in_and_work_is_found(
    run: Invocation, sent: Run, user: str, broken: str, whole: str, why: str
) -> None:
    sent(OWNER, broken.format(user))
    found = status(run)
    sent(OWNER, whole.format(user))
    assert found.state is State.FINDING
    (log_in,) = [one for one in found.sessions.log_ins if one.user == user]
    assert (log_in.state, why in log_in.detail) == (State.FINDING, True)
    assert log_in.remedy.rstrip(".") == whole.format(user)


def test_a_database_that_limits_connections_is_found(run: Invocation, sent: Run) -> None:
    sent(OWNER, "ALTER DATABASE ai_square CONNECTION LIMIT 50")
    found = status(run)
    sent(OWNER, "ALTER DATABASE ai_square CONNECTION LIMIT -1")
    assert {o.user for o in found.sessions.log_ins if "limited to 50" in o.detail} >= PASSWORDS


def test_a_database_that_takes_no_connections_is_refused_with_the_reason(
    run: Invocation, superuser: Run
) -> None:
    superuser("postgres", "ALTER DATABASE ai_square ALLOW_CONNECTIONS false")
    try:
        with pytest.raises(CannotConnectError, match="not currently accepting connections"):
            status(run)
        assert drift(run.target).state is State.UNKNOWN
    finally:
        superuser("postgres", "ALTER DATABASE ai_square ALLOW_CONNECTIONS true")


def test_a_right_to_connect_that_was_taken_is_found_and_given_back(
    run: Invocation, sent: Run
) -> None:
    sent(OWNER, f"REVOKE CONNECT ON DATABASE ai_square FROM PUBLIC, {APP}, {READER}, {MONITOR}")
    found = status(run)
    hindered = {one.user for one in found.sessions.log_ins if one.state is State.FINDING}
    done = apply(run, APPLY)
    assert found.state is State.FINDING
    assert hindered >= {APP, READER, MONITOR}
    assert any("no right to CONNECT to ai_square" in one.detail for one in found.sessions.log_ins)
    assert isinstance(done, Applied)
    assert done.state is State.OK
    assert sent(APP, "SELECT 1") == [(1,)]


def test_the_owners_changed_password_is_deployed_again(
    target: Target, run: Invocation, sent: Run
) -> None:
    sent(OWNER, f"ALTER ROLE {OWNER} PASSWORD 'another'")
    with pytest.raises(CannotConnectError, match="password authentication failed"):
        status(run)
    assert drift(target).state is State.UNKNOWN
    assert [step.name for step in deploy(target, Silent()).plan.steps] == [OWNER]
    assert status(run).state is State.OK


def test_a_changed_password_is_found_and_deployed_again(
    target: Target, run: Invocation, sent: Run
) -> None:
    sent(OWNER, f"ALTER ROLE {READER} PASSWORD 'another'")
    found = status(run)
    assert found.state is State.FINDING
    (log_in,) = [one for one in found.sessions.log_ins if one.state is State.FINDING]
    assert (log_in.user, "local.deploy" in log_in.remedy) == (READER, True)
    done = deploy(target, Silent())
    assert [(step.name, step.changes[0].property) for step in done.plan.steps] == [
        (READER, "password")
    ]
    assert done.state is State.OK
    assert status(run).state is State.OK
    assert deploy(target, Silent()).plan.steps == ()


def test_what_a_new_password_does_not_mend_is_told(target: Target, sent: Run) -> None:
    sent(OWNER, f"ALTER ROLE {READER} VALID UNTIL '2020-01-01'")
    done = deploy(target, Silent())
    sent(OWNER, f"ALTER ROLE {READER} VALID UNTIL 'infinity'")
    assert done.state is State.FINDING
    assert [one.name for one in done.left] == [READER]


def test_a_password_that_is_not_at_hand_is_unknown(
    target: Target, run: Invocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert target.local is not None
    file = password_folder(target.local, target.stack) / READER
    kept = file.read_text()
    file.unlink()
    try:
        found = status(run)
    finally:
        file.write_text(kept)
    assert found.state is State.UNKNOWN
    assert [o.user for o in found.sessions.log_ins if o.state is State.UNKNOWN] == [READER]
    # and in the cloud, where one password in the environment is nobody else's
    database = run.database()
    with database.connect(OWNER, budget=FREELY) as connection:
        monkeypatch.setenv("PGPASSWORD", database.passwords.password(OWNER) or "")
        theirs = replace(database, passwords=LibpqPasswords())
        people = sessions.users(target.settings)
        looked = sessions.look(connection, theirs, people, OWNER)
        states = {o.user: o.state for o in looked.log_ins}
        assert looked.state is State.UNKNOWN
        assert states[OWNER] is State.OK
        assert states[APP] is State.UNKNOWN
        monkeypatch.delenv("PGPASSWORD")
        monkeypatch.setenv("PGPASSFILE", "/dev/null")
        looked = sessions.look(connection, theirs, people, OWNER)
        assert {o.state for o in looked.log_ins if o.user in PASSWORDS} == {State.UNKNOWN}
