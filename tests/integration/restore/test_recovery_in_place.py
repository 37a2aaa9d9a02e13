"""An instance made by restore.to-new, and written over by restore.in-place."""

import json
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from ops.console import to_json
from ops.db import DIAGNOSTIC
from ops.guard import Consent, NotConfirmedError
from ops.journal import unfinished
from ops.restore.drill.sweep import sweep
from ops.restore.recovery import refusals
from ops.restore.recovery.giving_up import CantAbandonError
from ops.restore.recovery.order import ROOM, RUN_LABEL, Request, Task
from ops.restore.recovery.perform import Options, RestoreFailedError, restore
from ops.restore.recovery.plan import Plan
from ops.restore.recovery.report import Recovered
from ops.restore.source import Source
from tests.integration.restore.conftest import Site
from tests.integration.restore.desk import Desk, Killed, desk, killing

EVENTS = "SELECT count(*) FROM event WHERE what = 'bad deployment'"


@pytest.fixture(scope="module")
def victim(site: Site, prepared: Source) -> Iterator[Desk]:
    """An instance to be written over: the source's backup, restored into a new one."""
    at_source = desk(site, prepared)
    made = at_source(Request(Task.TO_NEW, name="victim"), Options(amcheck=True))
    _as_the_source(prepared, made)
    assert "Create victim" in at_source.said.getvalue()
    yield desk(site, prepared, "victim")
    at_source.remove("victim")


def _as_the_source(source: Source, made: Recovered) -> None:
    like, new = source.cloud.instance(source.instance), source.cloud.instance("victim")
    own, wanted = dict(new.body["settings"]), dict(like.body["settings"])
    assert own.pop("userLabels") == {**wanted.pop("userLabels", {}), RUN_LABEL: made.run}
    assert {**own, "settingsVersion": ""} == {**wanted, "settingsVersion": ""}
    assert new.deletion_protection
    checked = {one.check for one in made.checks}
    assert checked >= {"settings", "restored", "application", "migrations", "orphans", "amcheck"}
    told = json.loads(to_json(made))
    assert (told["done"], told["verdict"], told["instance"]) == (True, "pass", "victim")
    assert told["address"] == new.address
    assert any("invoke adopt -s local --instance victim" in step for step in told["next"])
    stored = source.store.get(f"evidence/{ROOM}/{made.run}.json")
    assert stored is not None
    assert json.loads(stored.content)["drill"]["instance"] == "victim"
    assert unfinished(source.store, ROOM) == ()


def test_a_name_that_is_taken_is_left_alone(site: Site, victim: Desk, prepared: Source) -> None:
    at_source = desk(site, prepared)
    with pytest.raises(refusals.NameTakenError, match="victim"):
        at_source(Request(Task.TO_NEW, name="victim"))
    assert sweep(at_source.run).removed == ()
    assert victim.source.cloud.find("victim") is not None


def test_in_place_replaces_everything_after_a_backup(victim: Desk) -> None:
    cloud, name = victim.source.cloud, victim.source.instance
    sure = Options(Consent(yes=True, confirm=name))
    operation = cloud.wait(cloud.create_backup(name, "good"))
    victim.execute("INSERT INTO event (what) VALUES ('bad deployment')")
    request = Request(Task.IN_PLACE, backup=operation.backup_id)
    _replicate(victim)
    with pytest.raises(refusals.ReplicasError, match="victim-replica"):
        restore(victim.run, request, Options())
    request = replace(request, delete_replicas=True)
    with pytest.raises(NotConfirmedError, match=f"--yes --confirm {name}"):
        restore(victim.run, request, Options())

    with victim.source.database.connect(victim.source.app, budget=DIAGNOSTIC) as connection:
        plan = restore(victim.run, request, Options(dry_run=True))
        assert isinstance(plan, Plan)
        assert any("dropped (1 now)" in cost for cost in plan.costs)
        with killing("create_backup", "after the call"), pytest.raises(Killed):
            restore(victim.run, request, sure)
        made = victim(Request(Task.IN_PLACE), sure)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")

    assert victim.execute(EVENTS) == [(0,)]
    assert cloud.find("victim-replica") is None
    taken = [run.id for run in cloud.backup_runs(name) if made.run in run.description]
    assert taken == [made.safety]
    assert any(made.safety in step for step in made.next_steps)


def test_what_was_there_before_comes_back_also_after_a_kill(victim: Desk) -> None:
    cloud, name = victim.source.cloud, victim.source.instance
    sure = Consent(yes=True, confirm=name)
    safety = next(run.id for run in cloud.backup_runs(name) if "in-place" in run.description)
    request = Request(Task.IN_PLACE, backup=safety, no_backup_first="of a test")
    with killing("restore_backup", "after the call"), pytest.raises(Killed):
        restore(victim.run, request, Options(sure))
    with pytest.raises(CantAbandonError, match="can't be taken back"):
        restore(victim.run, Request(Task.IN_PLACE), Options(sure, abandon=True))
    with pytest.raises(NotConfirmedError):
        restore(victim.run, Request(Task.IN_PLACE))
    made = victim(Request(Task.IN_PLACE), Options(sure))
    assert made.document()["no_backup_first"] == "of a test"
    assert victim.execute(EVENTS) == [(1,)]
    assert [one.type for one in cloud.operations(name)].count("RESTORE_VOLUME") == 3


def _replicate(at: Desk) -> None:
    cloud = at.source.cloud
    body = {
        "name": "victim-replica",
        "region": "asia-east1",
        "masterInstanceName": at.source.instance,
        "settings": {"tier": "db-custom-1-3840"},
    }
    cloud.wait(cloud.insert(body))


def test_a_moment_in_place_is_told_where_to_go(victim: Desk) -> None:
    with pytest.raises(refusals.InPlaceToTimeError, match=r"restore\.pitr -s local --to 'latest'"):
        restore(victim.run, Request(Task.IN_PLACE, backup="1", to="latest"))


def test_an_in_place_restore_that_fails_tells_where_the_old_content_is(victim: Desk) -> None:
    cloud, name = victim.source.cloud, victim.source.instance
    good = next(run.id for run in cloud.backup_runs(name) if run.description == "good")
    request = Request(Task.IN_PLACE, backup=good)
    victim.fault("operation-fails", match="RESTORE_VOLUME", count=1)
    try:
        with pytest.raises(RestoreFailedError, match="What was there before is in backup run") as e:
            restore(victim.run, request, Options(Consent(yes=True, confirm=name)))
    finally:
        victim.fault("clear")
    assert cloud.backup_runs(name)[0].id in str(e.value)
    assert unfinished(victim.source.store, ROOM) == ()
    assert victim.execute("SELECT 1") == [(1,)]
    victim.fault("operation-fails", match="BACKUP_VOLUME", count=1)
    try:
        with pytest.raises(RestoreFailedError, match=r"Nothing was replaced.*--no-backup-first"):
            restore(victim.run, request, Options(Consent(yes=True, confirm=name)))
    finally:
        victim.fault("clear")
    assert unfinished(victim.source.store, ROOM) == ()
