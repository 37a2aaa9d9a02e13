"""What drift, flags.check and policy.audit know of settings of roles and databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from infra import rolesettings
from infra.drift.check import drift
from infra.drift.differences import Finding
from infra.flags.budget import Level
from infra.flags.check import check_stack
from infra.flags.running import Running, weigh
from infra.policies.audit import audit
from infra.policies.report import Report
from infra.policies.review import Result
from infra.policies.rule import State as Ruled
from infra.rolesettings import owner_of, reset
from ops.checks.result import State
from ops.console import Silent, Table
from ops.invocation import Invocation
from ops.roles.apply import apply
from ops.sessions import Setting
from ops.target import Target, password_folder
from tests.integration.roles.conftest import ADA, APPLY, PRUNE, Run

OWNER, APP, READER, MONITOR = (f"ai_square_{r}" for r in ("owner", "app", "readonly", "monitor"))
TODAY = date(2026, 11, 23)


def asked(target: Target) -> Running:
    declared = target.settings.instance
    return weigh(rolesettings.of_stack(target), declared.flags, declared.tier.memory_mb)


def audited(target: Target) -> Report:
    return audit(target, target.cloud(), everything=True, today=TODAY)


def statements_end(target: Target) -> Result:
    (review,) = audited(target).reviews
    (result,) = [one for one in review.results if one.rule == "statements-end"]
    return result


def test_all_are_good_where_nobody_set_anything(run: Invocation) -> None:
    target = run.target
    assert (drift(target).state, asked(target).state) == (State.OK, State.OK)
    ended = statements_end(target)
    assert not audited(target).reviews[0].of(Ruled.VIOLATED, Ruled.UNKNOWN)
    assert (ended.state, ended.found) == (Ruled.OK, "by the settings of roles and databases")


@pytest.mark.parametrize(
    ("text", "where", "name", "value"),
    [
        ("ALTER DATABASE ai_square SET work_mem = '1GB'", "database ai_square", "work_mem", "1GB"),
        (
            "ALTER DATABASE ai_square SET search_path = pg_temp, public",
            "database ai_square",
            "search_path",
            "pg_temp, public",
        ),
        ("ALTER DATABASE postgres SET jit = off", "database postgres", "jit", "off"),
        (f"ALTER ROLE {APP} SET statement_timeout = 0", f"role {APP}", "statement_timeout", "0"),
        (f"ALTER ROLE {OWNER} SET row_security = off", f"role {OWNER}", "row_security", "off"),
        (
            f"ALTER ROLE {READER} IN DATABASE ai_square SET temp_buffers = '512MB'",
            f"role {READER} in database ai_square",
            "temp_buffers",
            "512MB",
        ),
        (
            f'ALTER ROLE "{ADA.login}" SET work_mem = 65536',
            f"role {ADA.login}",
            "work_mem",
            "65536",
        ),
        ("ALTER ROLE postgres SET work_mem = '2GB'", "role postgres", "work_mem", "2GB"),
        (
            "ALTER ROLE intern SET application_name = 'a = b'",
            "role intern",
            "application_name",
            "a = b",
        ),
        (
            "ALTER ROLE cloudsqlhelper SET work_mem = '1GB'",
            "role cloudsqlhelper",
            "work_mem",
            "1GB",
        ),
    ],
)
def test_what_nobody_declared_is_drift_and_told_with_the_flags(
    run: Invocation, sent: Run, text: str, where: str, name: str, value: str
) -> None:
    sent(OWNER, "CREATE ROLE intern; CREATE ROLE cloudsqlhelper")
    sent(OWNER, text)
    found, checked = drift(run.target), asked(run.target)
    assert (found.state, checked.state) == (State.FINDING, State.FINDING)
    (undeclared,) = checked.settings.undeclared
    assert (undeclared.whose, undeclared.setting.name, undeclared.setting.value) == (
        where,
        name,
        value,
    )
    (difference,) = found.differences
    assert (difference.property.split(" in ")[0], difference.live) == (f"setting {name}", value)
    assert undeclared.undo in difference.resolve
    if undeclared.undo == rolesettings.APPLY:
        assert (difference.declared, difference.finding) == ("30s", Finding.DIFFERS)
        apply(run, APPLY)
    else:
        sent(OWNER, undeclared.undo)
    assert (drift(run.target).state, asked(run.target).state) == (State.OK, State.OK)
    sent(OWNER, "DROP ROLE intern, cloudsqlhelper")


@pytest.mark.parametrize(
    ("text", "whose_are_endless"),
    [
        (f"ALTER ROLE {APP} SET statement_timeout = 0", APP),
        (f"ALTER ROLE {READER} RESET statement_timeout", READER),
        (f"ALTER ROLE {READER} SET statement_timeout = '61min'", READER),
        (f"ALTER ROLE {MONITOR} IN DATABASE ai_square SET statement_timeout = 0", MONITOR),
        (f'ALTER ROLE "{ADA.login}" RESET statement_timeout', ADA.login),
    ],
)
def test_statements_that_nothing_ends_violate_the_policy(
    run: Invocation, sent: Run, text: str, whose_are_endless: str
) -> None:
    sent(OWNER, text)
    ended = statements_end(run.target)
    assert (ended.state, ended.found) == (Ruled.VIOLATED, f"none for {whose_are_endless}")
    apply(run, PRUNE)
    assert statements_end(run.target).state is Ruled.OK


@pytest.mark.parametrize(
    ("text", "timeout", "user"),
    [
        (f"ALTER ROLE {APP} SET lock_timeout = 0", "lock_timeout", APP),
        ("ALTER DATABASE ai_square SET lock_timeout = '11min'", "lock_timeout", OWNER),
        (
            f"ALTER ROLE {READER} SET idle_in_transaction_session_timeout = '61min'",
            "idle_in_transaction_session_timeout",
            READER,
        ),
    ],
)
def test_a_timeout_that_a_role_overrides_is_known_to_the_policies(
    run: Invocation, sent: Run, text: str, timeout: str, user: str
) -> None:
    assert rolesettings.of_stack(run.target).endless == {}
    sent(OWNER, text)
    assert user in rolesettings.of_stack(run.target).endless[timeout]
    sent(OWNER, "ALTER DATABASE ai_square RESET lock_timeout")
    apply(run, PRUNE)
    assert rolesettings.of_stack(run.target).endless == {}


def test_a_timeout_of_the_database_ends_what_the_role_does_not(run: Invocation, sent: Run) -> None:
    sent(OWNER, f"ALTER ROLE {APP} RESET statement_timeout")
    sent(OWNER, "ALTER DATABASE ai_square SET statement_timeout = '1min'")
    assert statements_end(run.target).state is Ruled.OK
    assert drift(run.target).state is State.FINDING  # nobody declared that one


def test_what_takes_memory_is_reckoned(run: Invocation, sent: Run) -> None:
    sent(OWNER, f"ALTER ROLE {APP} SET work_mem = '1GB'")
    sent(OWNER, f"ALTER ROLE {READER} SET work_mem = '64kB'")  # less than the flag
    sent(OWNER, f"ALTER ROLE {APP} SET hash_mem_multiplier = 2.5")
    checked = asked(run.target)
    assert checked.largest == {"work_mem": "1GB", "hash_mem_multiplier": "2.5"}
    assert checked.budget is not None
    assert checked.budget.level is Level.OVER
    said = [str(block) for block in checked.blocks() if not isinstance(block, Table)]
    assert said[-1].startswith("With hash_mem_multiplier 2.5, work_mem 1GB in every session: max_")


@pytest.fixture
def without_password(target: Target) -> Iterator[None]:
    assert target.local is not None
    file = password_folder(target.local, target.stack) / OWNER
    kept = file.read_text()
    file.unlink()
    yield
    file.write_text(kept)


@pytest.mark.usefixtures("without_password")
def test_a_password_that_is_not_at_hand_is_unknown(target: Target) -> None:
    found, checked, ended = drift(target), asked(target), statements_end(target)
    assert (found.state, checked.state, ended.state) == (
        State.UNKNOWN,
        State.UNKNOWN,
        Ruled.UNKNOWN,
    )
    for why in (found.unread[0].why, checked.settings.unread, ended.found):
        assert f"There is no password of {OWNER}" in why


def test_flags_are_proven_alone_where_nothing_runs(target: Target, tmp_path: Path) -> None:
    nowhere = replace(target, local=tmp_path)
    found = check_stack(nowhere, Silent())
    assert found.state is State.OK
    assert found.running is not None
    assert found.running.state is State.NOT_APPLICABLE
    assert "NOT LOOKED AT: Settings of roles and databases" in " ".join(map(str, found.blocks()))


@pytest.mark.parametrize(
    ("setting", "who", "statement"),
    [
        (Setting("a b", "", "x.y", "1"), "role a b", 'ALTER ROLE "a b" RESET "x"."y"'),
        (Setting("", "D", "jit", "off"), "database D", 'ALTER DATABASE "D" RESET "jit"'),
        (Setting("", "", "jit", "off"), "all roles", 'ALTER ROLE ALL RESET "jit"'),
    ],
)
def test_the_statement_that_resets_quotes_names(setting: Setting, who: str, statement: str) -> None:
    assert (owner_of(setting), reset(setting)) == (who, statement)
