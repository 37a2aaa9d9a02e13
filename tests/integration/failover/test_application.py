"""For whom a drill speaks: its writes begin as the application's sessions do, at every level."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ops.checks.result import State
from ops.console import Silent
from ops.db import CHANGE, Budget, PasswordFolder
from ops.failover import survey
from ops.failover.application import AS_ITSELF, Application, judge
from ops.failover.perform import perform
from ops.failover.report import Report
from ops.failover.source import Source
from ops.failover.writers import writing
from tests.integration.failover.drilled import SHORT

# FAILOVER_ROUNDS=100 looks for a commit that waited and is lost all the same.
ROUNDS = int(os.environ.get("FAILOVER_ROUNDS", "1"))
EVERYTHING = {"application": State.OK, "commits": State.OK}
READ = Budget(statement_s=5.0, lock_s=1.0, read_only=None)


def _look(source: Source) -> Application:
    instance = source.cloud.instance(source.instance)
    application = survey.look(source, instance).application
    assert application is not None
    return application


def _states(source: Source) -> dict[str, State]:
    return {check.check: check.state for check in judge(_look(source))}


@contextmanager
def _altered(source: Source, *statements: str) -> Iterator[None]:
    """Set something for the block: each statement with SET, taken back with RESET."""
    with source.database.connect(source.owner, budget=CHANGE) as connection:
        for text in statements:
            connection.execute(text.encode())
    try:
        yield
    finally:
        with source.database.connect(source.owner, budget=CHANGE) as connection:
            for text in statements:
                head, _, rest = text.partition(" SET ")
                connection.execute(f"{head} RESET {rest.split(' ')[0]}".encode())


@pytest.fixture(params=["role", "database", "role in database"])
def level(request: pytest.FixtureRequest, source: Source) -> str:
    database, app = source.database.name, source.app
    return {
        "role": f"ALTER ROLE {app}",
        "database": f"ALTER DATABASE {database}",
        "role in database": f"ALTER ROLE {app} IN DATABASE {database}",
    }[str(request.param)]


@pytest.mark.parametrize("value", ["off", "local", "remote_write", "0"])
def test_commits_that_do_not_wait_are_found_at_every_level(
    source: Source, level: str, value: str
) -> None:
    assert _states(source) == EVERYTHING
    with _altered(source, f"{level} SET synchronous_commit = '{value}'"):
        application = _look(source)
    (commits,) = (check for check in judge(application) if check.check == "commits")
    assert commits.state is State.FINDING
    assert any(line.startswith(f"{source.app}: ") for line in commits.differences)
    assert application.values["synchronous_commit"] == value.replace("0", "off")
    assert _states(source) == EVERYTHING


def test_the_nearest_setting_decides(source: Source) -> None:
    app, database = source.app, source.database.name
    with _altered(
        source,
        f"ALTER DATABASE {database} SET synchronous_commit = 'off'",
        f"ALTER ROLE {app} SET synchronous_commit = 'local'",
        f"ALTER ROLE {app} IN DATABASE {database} SET synchronous_commit = 'on'",
    ):
        application = _look(source)
        assert application.values["synchronous_commit"] == "on"
        unsafe = {entry.role: entry.level for entry in application.unsafe}
        assert app not in unsafe
        assert unsafe[source.owner] == "database"  # migrations may lose commits, too
    with _altered(source, f"ALTER ROLE {app} IN DATABASE postgres SET synchronous_commit = 'off'"):
        assert _states(source) == EVERYTHING  # another database's


def test_an_instance_whose_flag_does_not_wait_is_found(source: Source) -> None:
    application = replace(_look(source), server="off")
    (commits,) = (check for check in judge(application) if check.check == "commits")
    assert commits.differences == (
        "every other role: synchronous_commit off (set for the instance)",
    )


def test_read_only_sessions_of_the_application_are_found(source: Source) -> None:
    with _altered(source, f"ALTER ROLE {source.app} SET default_transaction_read_only = on"):
        application = _look(source)
    assert application.writer.user == source.owner
    assert {c.check: c.state for c in judge(application)}["application"] is State.FINDING


def _without(source: Source, *users: str) -> Source:
    """Return a source that knows other passwords of these users."""
    known = source.database.passwords
    folder = Path(str(source.store.where("others")))
    folder.mkdir(parents=True, exist_ok=True)
    for user in (source.owner, source.app):
        password = "another" if user in users else str(known.password(user))
        (folder / user).write_text(password)
    return replace(source, database=replace(source.database, passwords=PasswordFolder(folder)))


def test_without_the_applications_password_the_owner_speaks_with_its_settings(
    source: Source, level: str
) -> None:
    blind = _without(source, source.app)
    assert _states(blind) == {"application": State.UNKNOWN, "commits": State.OK}
    with _altered(source, f"{level} SET synchronous_commit = 'off'"):
        application = _look(blind)
        assert _states(blind)["commits"] is State.FINDING
        assert application.writer.user == source.owner
        assert application.writer.settings["synchronous_commit"] == "off"
        assert "nobody logged in as" in application.writer.words


def test_the_owners_sessions_begin_as_the_applications(source: Source) -> None:
    with source.database.connect(source.owner, budget=CHANGE) as connection:
        connection.execute(f"REVOKE INSERT ON ops.failover_write FROM {source.app}".encode())
    try:
        with _altered(
            source,
            f"ALTER ROLE {source.app} SET synchronous_commit = 'local'",
            f"ALTER ROLE {source.app} SET statement_timeout = '7s'",
            f"ALTER ROLE {source.owner} SET synchronous_commit = 'off'",
        ):
            application = _look(source)
            assert application.writer.user == source.owner
            with source.database.connect(source.owner, budget=READ) as connection:
                application.writer.begin(connection)
                shown = [
                    connection.execute(f"SHOW {name}".encode()).fetchone()
                    for name in ("synchronous_commit", "statement_timeout")
                ]
            assert shown == [("local",), ("7s",)]
        assert _states(source) == EVERYTHING
        assert f"are those of {source.owner}, with settings of" in _look(source).writer.words
    finally:
        with source.database.connect(source.owner, budget=CHANGE) as connection:
            connection.execute(f"GRANT INSERT ON ops.failover_write TO {source.app}".encode())


def test_the_clients_write_as_the_application(source: Source) -> None:
    asked = "SELECT DISTINCT usename FROM pg_stat_activity WHERE query ~ 'failover_write'"
    ready = replace(source, writer=_look(source).writer)
    with writing(ready, "who", 2, 100.0) as writers:
        while not writers.all_wrote_since(0.0):
            pass
        with source.database.connect(source.app, budget=AS_ITSELF) as connection:
            users = connection.execute(f"{asked} AND pid <> pg_backend_pid()".encode()).fetchall()
    assert users == [(source.app,)]


def _drilled(source: Source, silent: Silent) -> tuple[Report, dict[str, State], int]:
    """Fail over; return the report, the state of its checks, and how many writes are lost."""
    report = perform(source, SHORT, silent)
    states = {f"{check.copy}.{check.result.check}": check.result.state for check in report.checks}
    (leg,) = report.legs
    assert leg.read_back is not None
    return report, states, len(leg.read_back.lost)


def test_the_drill_loses_what_an_application_that_does_not_wait_loses(
    source: Source, silent: Silent, level: str
) -> None:
    with _altered(source, f"{level} SET synchronous_commit = 'off'"):
        report, states, lost = _drilled(source, silent)
    assert lost > 0
    assert states["failover.lost"] is states["before.commits"] is State.FINDING
    assert report.verdict == "fail"
    assert f"The writes are those of {source.app}" in report.summary()


def test_the_owner_in_its_place_loses_as_much(source: Source, silent: Silent) -> None:
    with _altered(source, f"ALTER ROLE {source.app} SET synchronous_commit = 'off'"):
        report, states, lost = _drilled(_without(source, source.app), silent)
    assert lost > 0
    assert states["failover.lost"] is State.FINDING
    assert states["before.application"] is State.UNKNOWN
    assert f"and not of {source.app}" in report.summary()


def test_nothing_is_lost_where_the_nearest_setting_waits(source: Source, silent: Silent) -> None:
    app, database = source.app, source.database.name
    with _altered(
        source,
        f"ALTER ROLE {app} SET synchronous_commit = 'off'",
        f"ALTER ROLE {app} IN DATABASE {database} SET synchronous_commit = 'on'",
    ):
        for _ in range(ROUNDS):
            report, states, lost = _drilled(source, silent)
            assert (lost, states["failover.lost"], report.verdict) == (0, State.OK, "pass")
