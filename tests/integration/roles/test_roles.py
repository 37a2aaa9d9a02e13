"""Roles on a real local Cloud SQL: deployed, migrated, granted; then each role tries."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from invoke.exceptions import Exit

from infra.deploy.apply import UserHasObjectsError, deploy
from ops import sql
from ops.checks.result import State
from ops.cloudsql import NoSuchInstanceError
from ops.console import Console, Format, Silent
from ops.db import CannotConnectError, Connection, QueryFailedError, statement
from ops.guard import NotConfirmedError, UnansweredError
from ops.invocation import Invocation
from ops.roles.apply import LOCK_KEY, BusyError, apply, status
from ops.roles.catalog import RoleMissingError
from ops.roles.facts import Kind
from ops.roles.plan import Change
from ops.roles.report import Applied, Planned, Status
from ops.target import Target, password_folder
from tests.integration.local.server import Json
from tests.integration.roles.attack import (
    CASES,
    STRANGERS,
    TRY,
    WORLD,
    Stand,
    failures,
    probes,
    standing,
)
from tests.integration.roles.conftest import (
    ADA,
    APPLY,
    EVE,
    FREELY,
    PRUNE,
    ROBOT,
    Run,
    invocation,
    with_iam,
)
from tests.integration.roles.kinds import HARMLESS, UNKNOWN, WAYS
from tests.integration.roles.logins import copies


def kinds(changes: tuple[Change, ...]) -> set[tuple[str, Kind, str]]:
    return {(one.role, one.kind, word) for one in changes for word in one.words}


@pytest.fixture
def stand(target: Target) -> Iterator[Stand]:
    with standing(target) as made:
        yield made


@pytest.mark.timeout(300 + 2 * CASES)
def test_the_verdict_agrees_with_what_roles_can_do(target: Target, stand: Stand) -> None:
    healthy = stand.judged()
    assert (healthy.empty, healthy.reach.unknown) == (True, ())
    assert healthy.reach.harmless == STRANGERS
    with copies(target, WORLD, tuple(probes()), TRY) as made:
        wrong = failures(stand, made)
    assert not wrong, "\n".join([f"{len(wrong)} cases", *wrong[:20]])


def test_every_way_to_a_right_is_told_and_harmless_ones_are_not(stand: Stand) -> None:
    missed, alarms = [], []
    for way in WAYS:
        with stand.after(way.text) as difference:
            if not any(
                right.role == way.role and way.may in right.may and way.through in right.through
                for right in difference.reach.rights
            ):
                missed.append((way.name, difference.reach))
    for text in HARMLESS:
        with stand.after(text) as difference:
            if not difference.empty or difference.reach.unknown:
                alarms.append((text, difference))
    assert (missed, alarms) == ([], [])


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_can_not_be_told_is_unknown(stand: Stand, text: str) -> None:
    with stand.after(text) as difference:
        assert difference.empty
        assert len(difference.reach.unknown) == 1
        assert Status("s", "d", (), difference).state is State.UNKNOWN


def test_a_second_run_changes_nothing(run: Invocation) -> None:
    done = apply(run, APPLY)
    assert isinstance(done, Applied)
    assert (done.changes, done.state) == ((), State.OK)
    assert status(run).state is State.OK


def test_the_application_reads_and_writes_rows_and_no_more(
    sent: Run, refused: Callable[[str, str], None]
) -> None:
    app = "ai_square_app"
    insert = "INSERT INTO users (email, display_name) VALUES ('a@b.c', 'A') RETURNING id > 0"
    assert sent(app, insert) == [(True,)]
    sent(app, "UPDATE users SET locale = 'de' WHERE email = 'a@b.c'")
    assert sent(app, "SELECT locale FROM users WHERE email = 'a@b.c'") == [("de",)]
    sent(app, "DELETE FROM users WHERE email = 'a@b.c'")
    sent(app, "CREATE TEMPORARY TABLE t (x int)")
    for text in (
        "ALTER TABLE users ADD COLUMN x int",
        "DROP TABLE users",
        "TRUNCATE users CASCADE",
        "CREATE TABLE public.t (x int)",
        "CREATE SCHEMA s",
        "CREATE ROLE r",
        "GRANT cloudsqlsuperuser TO ai_square_app",
        "SELECT setval('users_id_seq', 1)",
        "SELECT * FROM ops.drill_heartbeat",
        "SET ROLE ai_square_owner",
    ):
        refused(app, text)


def test_sessions_begin_with_what_their_role_says(target: Target, sent: Run) -> None:
    del target
    asked = "SELECT setting FROM pg_settings WHERE name IN ('idle_in_transaction_session_timeout',"
    assert sent("ai_square_app", f"{asked} 'jit') ORDER BY name") == [("60000",), ("off",)]
    assert sent("ai_square_readonly", f"{asked} 'nothing')") == [("300000",)]


def test_readers_read_what_later_migrations_make_and_write_nothing(
    sent: Run, refused: Callable[[str, str], None]
) -> None:
    reader = "ai_square_readonly"
    sent("ai_square_owner", "CREATE TABLE later (id bigserial, x int)")
    try:
        assert sent(reader, "SELECT count(*) FROM later") == [(0,)]
        assert sent(reader, "SELECT count(*) > 0 FROM ops.drill_heartbeat") == [(True,)]
        sent("ai_square_app", "INSERT INTO later (x) VALUES (1)")
        for text in (
            "INSERT INTO later (x) VALUES (1)",
            "UPDATE users SET locale = 'de'",
            "DELETE FROM users",
            "CREATE TEMPORARY TABLE t (x int)",
            "CREATE TABLE t (x int)",
            "SELECT nextval('later_id_seq')",
        ):
            refused(reader, text)
    finally:
        sent("ai_square_owner", "DROP TABLE later")


def test_monitoring_sees_others_statements_and_no_rows(
    run: Invocation, sent: Run, refused: Callable[[str, str], None]
) -> None:
    with run.database().connect("ai_square_app", budget=FREELY, name="seen") as connection:
        connection.execute(statement("SELECT 'a secret plan'"))
        asked = "SELECT query FROM pg_stat_activity WHERE application_name = 'seen'"
        assert sent("ai_square_monitor", asked) == [("SELECT 'a secret plan'",)]
        assert sent("ai_square_readonly", asked) == [("<insufficient privilege>",)]
    refused("ai_square_monitor", "SELECT count(*) FROM users")
    refused("ai_square_monitor", "SELECT count(*) FROM ops.drill_heartbeat")


def test_an_iam_user_has_the_rights_of_its_role(
    as_iam: Callable[..., list[Json]], sent: Run
) -> None:
    assert as_iam(ADA.login, "SELECT current_user::text, count(*) FROM users") == [(ADA.login, 0)]
    with pytest.raises(Exception, match="permission denied"):
        as_iam(ADA.login, "SET TRANSACTION READ WRITE", "DELETE FROM users")
    assert as_iam(ROBOT.login, "DELETE FROM users RETURNING id") == []
    with pytest.raises(Exception, match="permission denied"):
        as_iam(ROBOT.login, "CREATE TABLE t (x int)")
    # what a person makes with the owner's rights is the owner's
    assert as_iam(EVE.login, "CREATE TABLE made (x int)", "SELECT session_user::text") == [
        (EVE.login,)
    ]
    owner = "SELECT tableowner::text FROM pg_tables WHERE tablename = 'made'"
    assert sent("ai_square_owner", owner) == [("ai_square_owner",)]
    assert sent("ai_square_readonly", "SELECT * FROM made") == []
    sent("ai_square_owner", "DROP TABLE made")


def test_everybodys_right_to_create_is_found_and_taken(run: Invocation, sent: Run) -> None:
    assert sent("ai_square_app", "SELECT has_schema_privilege('public', 'CREATE')") == [(False,)]
    sent("ai_square_owner", "GRANT CREATE ON SCHEMA public TO PUBLIC")
    found = status(run)
    assert found.state is State.FINDING
    assert kinds(found.difference.changes) == {("PUBLIC", Kind.SCHEMA, "CREATE")}
    done = apply(run, APPLY)
    assert isinstance(done, Applied)
    assert kinds(done.changes) == {("PUBLIC", Kind.SCHEMA, "CREATE")}
    assert sent("ai_square_app", "SELECT has_schema_privilege('public', 'CREATE')") == [(False,)]


def test_what_was_granted_by_hand_is_found_and_taken_only_with_prune(
    run: Invocation, sent: Run, refused: Callable[[str, str], None]
) -> None:
    owner = "ai_square_owner"
    for text in (
        "GRANT SELECT ON users TO ai_square_monitor",
        "GRANT UPDATE (locale) ON users TO ai_square_readonly",
        "GRANT INSERT ON users TO ai_square_app WITH GRANT OPTION",
        "GRANT EXECUTE ON FUNCTION set_updated_at() TO ai_square_monitor",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ai_square_monitor",
        "GRANT ai_square_app TO ai_square_monitor",
        "GRANT pg_read_all_data TO ai_square_app",
        "ALTER ROLE ai_square_app SET work_mem = '64MB'",
        "ALTER ROLE ai_square_monitor CREATEDB",
        "CREATE ROLE intern IN ROLE ai_square_readonly",
        "GRANT SELECT ON programs TO intern",
    ):
        sent(owner, text)
    found = status(run).difference
    assert kinds(found.changes) == {("ai_square_monitor", Kind.ATTRIBUTE, "CREATEDB")}
    assert kinds(found.extra) == {
        ("ai_square_monitor", Kind.TABLE, "SELECT"),
        ("ai_square_readonly", Kind.COLUMN, "UPDATE"),
        ("ai_square_app", Kind.TABLE, "INSERT WITH GRANT OPTION"),
        ("ai_square_monitor", Kind.ROUTINE, "EXECUTE"),
        ("ai_square_monitor", Kind.DEFAULT, "SELECT"),
        ("ai_square_monitor", Kind.MEMBERSHIP, ""),
        ("ai_square_app", Kind.MEMBERSHIP, ""),
        ("ai_square_app", Kind.SETTING, "64MB"),
        ("intern", Kind.MEMBERSHIP, ""),
        ("intern", Kind.TABLE, "SELECT"),
    }
    kept = apply(run, APPLY)
    assert isinstance(kept, Applied)
    assert kept.state is State.OK
    assert kept.left.extra == found.extra
    assert sent("ai_square_monitor", "SELECT count(*) FROM users") == [(0,)]
    with pytest.raises(UnansweredError, match=r"take away from .* what nobody declared"):
        apply(run, replace(PRUNE, yes=False))
    pruned = apply(run, PRUNE)
    assert isinstance(pruned, Applied)
    assert pruned.left.empty
    refused("ai_square_monitor", "SELECT count(*) FROM users")
    sent("ai_square_app", "DELETE FROM users")
    sent(owner, "DROP ROLE intern")


def test_a_statement_that_fails_leaves_everything_as_it_was(run: Invocation, sent: Run) -> None:
    sent("ai_square_owner", "GRANT SELECT ON users TO ai_square_monitor")
    sent("ai_square_owner", "ALTER ROLE ai_square_app RESET jit")
    before = status(run).difference
    with run.database().connect(run.target.owner, budget=FREELY, autocommit=False) as connection:
        connection.execute(statement("GRANT UPDATE ON users TO ai_square_monitor"))
        with pytest.raises(QueryFailedError, match="lock timeout"):
            apply(run, PRUNE)
        connection.rollback()
    assert status(run).difference == before


def test_an_iam_user_goes_with_its_line_in_the_stack_file(
    target: Target, run: Invocation, as_iam: Callable[..., list[Json]], sent: Run
) -> None:
    without = with_iam(target, ADA, EVE)
    sent("ai_square_owner", f'GRANT CREATE ON SCHEMA public TO "{ROBOT.login}"')
    as_iam(ROBOT.login, "CREATE TABLE mine (x int)")
    found = status(run)
    assert [(one.name, one.owner) for one in found.difference.foreign] == [
        (("public", "mine"), ROBOT.login)
    ]
    assert found.state is State.FINDING
    with pytest.raises(UserHasObjectsError) as told:
        deploy(without, Silent(), yes=True)
    remedy = str(told.value).partition(f"in {target.database}: ")[2].partition("; then")[0]
    with run.database().connect(target.owner, budget=FREELY) as connection:
        for text in remedy.split("; "):
            connection.execute(statement(text))
    gone = deploy(without, Silent(), yes=True)
    assert (gone.state, [step.name for step in gone.plan.steps]) == (State.OK, [ROBOT.login])
    assert ROBOT.login not in run.cloud.users(target.instance)
    owner = sent(
        "ai_square_owner", "SELECT tableowner::text FROM pg_tables WHERE tablename = 'mine'"
    )
    assert owner == [("ai_square_owner",)]
    sent("ai_square_owner", "DROP TABLE mine")
    assert status(invocation(without)).state is State.OK
    # and it comes back with it; nothing of it was left but what is declared
    assert deploy(target, Silent()).state is State.OK
    assert status(run).state is State.FINDING


def test_two_runs_do_not_meet(run: Invocation) -> None:
    def hold(connection: Connection) -> None:
        connection.execute(statement(sql.load("roles/apply_lock")), {"key": LOCK_KEY})

    with run.database().connect(run.target.owner, budget=FREELY, autocommit=False) as connection:
        hold(connection)
        with pytest.raises(BusyError, match="Another run"):
            apply(run, APPLY)


def test_what_is_not_there_is_told(target: Target, run: Invocation, folder: Path) -> None:
    users = replace(target.settings.users, monitor="nobody_yet")
    renamed = replace(target, settings=replace(target.settings, users=users))
    with pytest.raises(RoleMissingError, match=r"nobody_yet is declared.*Deploy first"):
        status(invocation(renamed))
    instance = replace(target.settings.instance, name="elsewhere")
    missing = replace(target, settings=replace(target.settings, instance=instance))
    with pytest.raises(NoSuchInstanceError, match="elsewhere"):
        status(invocation(missing))
    file = password_folder(folder, target.stack) / target.owner
    kept = file.read_text()
    file.write_text("wrong")
    try:
        with pytest.raises(CannotConnectError, match="password authentication failed"):
            apply(run, APPLY)
    finally:
        file.write_text(kept)


def test_production_is_dry_unless_confirmed_by_name(run: Invocation, sent: Run) -> None:
    settings = replace(run.target.settings, production=True, change_window=None)
    guarded = invocation(replace(run.target, settings=settings))
    sent("ai_square_owner", "ALTER ROLE ai_square_app RESET jit")
    for request in (APPLY, replace(APPLY, dry_run=True, yes=True)):
        planned = apply(guarded, request)
        assert isinstance(planned, Planned)
        assert [change.words for change in planned.difference.changes] == [("off",)]
    with pytest.raises(NotConfirmedError):
        apply(guarded, replace(APPLY, yes=True, confirm="other"))
    done = apply(guarded, replace(APPLY, yes=True, confirm=run.target.instance))
    assert isinstance(done, Applied)
    assert [change.words for change in done.changes] == [("off",)]


def test_a_finding_ends_with_3_and_is_told_as_json(target: Target, run: Invocation) -> None:
    del run
    # without IAM users in the stack file, those of these tests are members unasked
    out = io.StringIO()
    without = Invocation(with_iam(target), Console(Format.JSON, out, io.StringIO()))
    with pytest.raises(Exit) as ended:
        without.show(status(without))
    assert ended.value.code == 3
    told = json.loads(out.getvalue())
    assert {one["role"] for one in told["difference"]["extra"]} == {
        person.login for person in (ADA, EVE, ROBOT)
    }
    assert told["difference"]["changes"] == []
