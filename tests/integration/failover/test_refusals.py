"""What stands in the way of a failover, on a real instance: each makes the drill refuse."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from infra.settings import Pool
from ops import target
from ops.cloudsql import ApiError
from ops.console import Console, Format, Phase, Silent
from ops.db import CHANGE, PasswordFolder
from ops.failover import survey
from ops.failover.execute import NotWritingError
from ops.failover.perform import Plan, drill, perform
from ops.failover.plan import Options
from ops.failover.prechecks import NotReadyError
from ops.failover.source import Source
from ops.failover.writers import Writers
from ops.invocation import Invocation
from tests.integration.failover.drilled import SHORT, Site, settled

# The pool's only connection is held by whoever gets it first.
SLOW = """
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.writer < 2 THEN PERFORM pg_sleep(3); END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER slow BEFORE INSERT ON ops.failover_write
        FOR EACH ROW EXECUTE FUNCTION slow();
"""


def _execute(source: Source, text: str) -> None:
    with source.database.connect(source.owner, budget=CHANGE) as connection:
        connection.execute(text.encode())


@contextmanager
def _without_the_table(source: Source) -> Iterator[Source]:
    _execute(source, "ALTER TABLE ops.failover_write RENAME TO other")
    yield source
    _execute(source, "ALTER TABLE ops.other RENAME TO failover_write")


@contextmanager
def _that_may_not_be_written(source: Source) -> Iterator[Source]:
    _execute(source, f"REVOKE DELETE ON ops.failover_write FROM {source.owner}")
    yield source
    _execute(source, f"GRANT DELETE ON ops.failover_write TO {source.owner}")


@contextmanager
def _with_an_open_transaction(source: Source) -> Iterator[Source]:
    with (
        pytest.MonkeyPatch.context() as patch,
        source.database.connect(source.owner, budget=CHANGE, autocommit=False) as held,
    ):
        patch.setattr(survey, "LONG_S", 0.0)
        held.execute("SELECT 1")
        yield source


@contextmanager
def _with_few_connections_left(source: Source) -> Iterator[Source]:
    with ExitStack() as opened:
        for _ in range(48):
            opened.enter_context(source.database.connect(source.owner, budget=CHANGE))
        yield source


@contextmanager
def _with_the_wrong_password(source: Source) -> Iterator[Source]:
    wrong = Path(str(source.store.where("wrong")))
    wrong.mkdir()
    (wrong / source.owner).write_text("another\n")
    yield replace(source, database=replace(source.database, passwords=PasswordFolder(wrong)))


@contextmanager
def _without_a_standby(source: Source) -> Iterator[Source]:
    with pytest.MonkeyPatch.context() as patch:
        # it is brought back within a second: not long enough to be seen by chance
        from ops.failover import standing

        whole = standing.standing
        patch.setattr(survey, "standing", lambda one: replace(whole(one), standby=False))
        yield source


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (_without_the_table, "Run `invoke migrate.up`"),
        (_that_may_not_be_written, "Grant it SELECT, INSERT and DELETE"),
        (_with_an_open_transaction, "--lose-transactions"),
        (_with_few_connections_left, "fewer --writers"),
        (_with_the_wrong_password, "password authentication failed"),
        (_without_a_standby, "is not available"),
    ],
)
def test_what_stands_in_the_way_refuses_the_drill(
    source: Source,
    silent: Silent,
    broken: Callable[[Source], AbstractContextManager[Source]],
    said: str,
) -> None:
    before = source.store.keys("evidence")
    with broken(source) as spoiled, pytest.raises(NotReadyError) as refused:
        perform(spoiled, SHORT, silent)
    assert said in str(refused.value)
    assert source.store.keys("evidence") == before
    assert source.store.keys("journal") == ()


def test_clients_that_get_no_connection_fail_nothing_over(
    source: Source, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.failover.execute.WARM_S", 0.5)
    _execute(source, SLOW)
    try:
        one = Pool(max_connections=100, size=1, idle_timeout_s=600, lifetime_s=3600)
        with pytest.raises(NotWritingError, match="larger pool"):
            perform(replace(source, pool=one), SHORT, silent)
    finally:
        _execute(source, "DROP FUNCTION slow CASCADE")
    assert not [one for one in source.cloud.operations(source.instance) if one.status != "DONE"]


def test_a_standby_that_dies_at_the_last_moment_costs_no_commit(
    source: Source, site: Site, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ops.failover import execute

    def kill() -> None:
        home = site.server.instance(source.instance)
        assert home is not None
        (other,) = (one for one in home.home.parent.glob("data*") if one != home.home)
        os.kill(int((other / "postmaster.pid").read_text().split("\n", 1)[0]), signal.SIGKILL)

    warm = execute._warm

    def warm_and_kill(writers: Writers, options: Options, phase: Phase) -> None:
        warm(writers, options, phase)
        kill()

    monkeypatch.setattr(execute, "_warm", warm_and_kill)
    with suppress(ApiError):  # it is being made anew already: another operation is under way
        report = perform(source, SHORT, silent)
        assert report.document()["lost"] == 0
    settled(source)


def test_production_is_only_looked_at_without_a_yes(
    site: Site, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_CLOUDSQL_DIR", str(site.server.data))
    stack = target.load("local")
    guarded = replace(stack, settings=replace(stack.settings, production=True))
    shown = drill(Invocation(guarded, Console(Format.JSON)), Options())
    assert isinstance(shown, Plan)
    assert f"--yes --confirm {source.instance}" in str(shown.blocks())
