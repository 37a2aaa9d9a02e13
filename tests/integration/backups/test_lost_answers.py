"""Changes that the Admin API carries out and whose answers are lost: each is done once."""

from collections.abc import Callable, Iterator
from itertools import cycle

import pytest

from ops.backups import asking, create, exporting, importerrors, importing
from ops.backups.exporting import Reading
from ops.backups.transfer import ExportOptions, ImportOptions
from ops.checks.result import State
from ops.cloudsql import ApiError, CloudSql, Operation, OperationFailedError, UnreachableError, once
from ops.db import CHANGE
from ops.errors import ExitCode
from ops.guard import NO_CONSENT
from ops.invocation import Invocation
from ops.journal import Journal, unfinished
from ops.shortlived import copy_body
from tests.integration.backups.losing import Losing, Loss, losing

NAME = "lost-answers"


@pytest.fixture(scope="module")
def proxy(run: Invocation) -> Iterator[Losing]:
    with losing(run.target.server().url) as found:
        yield found
    cloud, instance = run.target.cloud(), run.target.instance
    for backup in cloud.backup_runs(instance):  # the next file's story begins without any
        cloud.wait(cloud.delete_backup(instance, backup.id))


@pytest.fixture
def cloud(run: Invocation, proxy: Losing, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudSql]:
    """The Admin API behind the proxy; it answers again afterwards."""
    monkeypatch.setattr(once, "ON_ITS_WAY_S", 0.2)
    monkeypatch.setattr(once, "ROOM_S", 0.2)
    monkeypatch.setattr(once, "LOOK_S", 0.3)
    monkeypatch.setattr(once, "LOOK_PAUSE_S", 0.05)
    yield CloudSql(run.target.project, proxy.url)
    proxy.heal()


@pytest.fixture
def behind(run: Invocation, cloud: CloudSql) -> Invocation:
    """Tasks that call it."""
    invocation = Invocation(run.target, run.console)
    invocation.__dict__["cloud"] = cloud
    return invocation


def _backups(run: Invocation, description: str) -> int:
    runs = run.target.cloud().backup_runs(run.target.instance)
    return sum(one.description == description for one in runs)


def _carry_out(
    cloud: CloudSql, proxy: Losing, loss: Loss, instance: str, ask: Callable[[], Operation]
) -> Operation:
    """Make a call whose answer is lost; see that it is carried out once, and which it is."""
    before = {one.id for one in cloud.operations(instance)}
    proxy.heal()
    proxy.loss = loss
    asked = ask()
    done = cloud.wait(asked)
    assert not proxy.is_armed, "the call was not made"
    assert proxy.changes == 1, (loss, done.type)
    (new,) = (one for one in cloud.operations(instance) if one.id not in before)
    assert done.id == new.id
    return done


@pytest.mark.parametrize("loss", Loss)
def test_a_lost_answer_is_found_whatever_loses_it(
    run: Invocation, cloud: CloudSql, proxy: Losing, loss: Loss
) -> None:
    instance = run.target.instance
    taken = _carry_out(cloud, proxy, loss, instance, lambda: cloud.create_backup(instance, loss))
    assert _backups(run, loss) == 1
    _carry_out(cloud, proxy, loss, instance, lambda: cloud.delete_backup(instance, taken.backup_id))


def test_changes_of_databases_users_and_files_are_made_once(
    run: Invocation, cloud: CloudSql, proxy: Losing
) -> None:
    instance, losses = run.target.instance, cycle(Loss)
    query = {"selectQuery": "SELECT 1"}
    files = iter(("gs://exports/lost-1.csv", "gs://exports/lost-2.csv"))
    export = {"fileType": "CSV", "databases": ["lost"], "csvExportOptions": query}
    calls: tuple[Callable[[], Operation], ...] = (
        lambda: cloud.insert_database(instance, "lost"),
        lambda: cloud.export(instance, {**export, "uri": next(files)}),
        lambda: cloud.insert_user(instance, "lost_user", "a-long-Passw0rd"),
        lambda: cloud.delete_user(instance, "lost_user"),
        lambda: cloud.insert_iam_user(instance, "ann@example.com", "CLOUD_IAM_USER"),
        lambda: cloud.delete_user(instance, "ann@example.com"),
        lambda: cloud.patch(instance, {"settings": {"userLabels": {"lost": "once"}}}),
        lambda: cloud.delete_database(instance, "lost"),
    )
    for _ in range(2):  # each with two kinds of loss
        for call in calls:
            _carry_out(cloud, proxy, next(losses), instance, call)
    # nothing shows whose a change of a password is: it is made again, to the same end
    cloud.wait(cloud.insert_user(instance, "lost_user", "a-long-Passw0rd"))
    proxy.heal()
    proxy.loss = Loss.CUT
    cloud.wait(cloud.update_user(instance, "lost_user", "another-Passw0rd"))
    assert proxy.changes == 2
    cloud.wait(cloud.delete_user(instance, "lost_user"))


def test_changes_of_instances_are_made_once(
    run: Invocation, cloud: CloudSql, proxy: Losing
) -> None:
    source, losses = run.target.instance, cycle(Loss)
    body = copy_body(cloud.instance(source), NAME, {"made-by": "tests"})
    body = {**body, "settings": {**body["settings"], "availabilityType": "REGIONAL"}}

    def fail_over() -> Operation:
        return cloud.failover(NAME, cloud.instance(NAME).settings_version)

    def update() -> Operation:
        return cloud.update(NAME, {**body, "settings": {**body["settings"], "userLabels": {}}})

    backup = cloud.wait(cloud.create_backup(source, "to restore")).backup_id
    calls: tuple[tuple[str, Callable[[], Operation]], ...] = (
        (NAME, lambda: cloud.insert(body)),
        (NAME, update),
        (NAME, lambda: cloud.restart(NAME)),
        (NAME, fail_over),
        (NAME, lambda: cloud.restore_backup(source, backup, NAME)),
        (NAME, lambda: cloud.delete(NAME)),
        (f"{NAME}-clone", lambda: cloud.clone(source, f"{NAME}-clone")),
        (f"{NAME}-clone", lambda: cloud.delete(f"{NAME}-clone")),
    )
    for instance, call in calls:
        _carry_out(cloud, proxy, next(losses), instance, call)


@pytest.mark.parametrize("loss", [Loss.CUT, Loss.BAD_GATEWAY])
def test_a_call_that_never_arrived_is_no_success(
    run: Invocation, cloud: CloudSql, proxy: Losing, loss: Loss
) -> None:
    proxy.before, proxy.loss = True, loss
    with pytest.raises((ApiError, UnreachableError)):
        cloud.create_backup(run.target.instance, "never arrived")
    assert _backups(run, "never arrived") == 0


def test_a_call_that_an_overloaded_api_had_no_room_for_is_made_again(
    run: Invocation, cloud: CloudSql, proxy: Losing
) -> None:
    proxy.before, proxy.loss = True, Loss.OVERLOADED
    cloud.wait(cloud.create_backup(run.target.instance, "no room"))
    assert _backups(run, "no room") == 1


def test_a_call_is_not_repeated_while_nobody_can_tell_whether_it_was_carried_out(
    run: Invocation, cloud: CloudSql, proxy: Losing
) -> None:
    proxy.loss, proxy.away = Loss.OVERLOADED, True
    with pytest.raises(ApiError, match="503") as caught:
        cloud.create_backup(run.target.instance, "once")
    assert once.is_doubtful(caught.value)
    assert (_backups(run, "once"), proxy.changes) == (1, 1)


def test_somebody_elses_change_is_not_taken_for_ours(
    run: Invocation, cloud: CloudSql, proxy: Losing
) -> None:
    instance = run.target.instance
    before = once.newest(cloud, instance)
    cloud.wait(cloud.create_backup(instance, "theirs"))
    assert once.find(cloud, once.backup_call(cloud, instance, "ours"), before) is None
    change = {"settings": {"userLabels": {"whose": "ours"}}}
    cloud.wait(cloud.patch(instance, {"settings": {"userLabels": {"whose": "theirs"}}}))
    assert not once.is_part(change, cloud.instance(instance).body)
    assert proxy.loss is None


def test_a_backup_whose_api_goes_away_is_gone_on_with(behind: Invocation, proxy: Losing) -> None:
    proxy.loss, proxy.away = Loss.CUT, True
    with pytest.raises(asking.LostAnswerError, match="Run the same command again") as caught:
        create.create(behind, "away")
    assert caught.value.exit_code is ExitCode.UNKNOWN
    store = behind.target.store
    (journal,) = unfinished(store, create.ROOM)
    assert [entry.operation for entry in journal.entries()] == [""]
    proxy.heal()
    backup = create.create(behind, "away")
    assert _backups(behind, "away") == 1
    assert store.get(f"backups/{backup.id}.json") is not None
    assert unfinished(store, create.ROOM) == ()
    assert create.create(behind, "away").id != backup.id  # that was one retry, not all of them


def test_a_lost_backup_is_recorded_by_a_later_one_of_other_words(
    behind: Invocation, proxy: Losing
) -> None:
    proxy.loss, proxy.away = Loss.GATEWAY_TIMEOUT, True
    with pytest.raises(asking.LostAnswerError):
        create.create(behind, "first")
    proxy.heal()
    second = create.create(behind, "second")
    create.settle(behind.target.store, behind.cloud)  # the first may have run until then
    (first,) = (
        one
        for one in behind.cloud.backup_runs(behind.target.instance)
        if one.description == "first"
    )
    assert first.id != second.id
    assert behind.target.store.get(f"backups/{first.id}.json") is not None
    assert unfinished(behind.target.store, create.ROOM) == ()


def test_a_backup_of_a_killed_process_is_recorded(behind: Invocation) -> None:
    cloud, instance, store = behind.cloud, behind.target.instance, behind.target.store
    facts = {"description": "killed", once.AFTER: once.newest(cloud, instance)}
    Journal(store, create.ROOM, "killed").intend("backup", instance, **facts)
    run_id = cloud.wait(cloud.create_backup(instance, "killed")).backup_id
    create.settle(store, cloud)
    assert store.get(f"backups/{run_id}.json") is not None
    Journal(store, create.ROOM, "killed-before").intend("backup", instance, **facts)
    create.settle(store, cloud)  # it finds the same run: words and time are all that there is
    assert unfinished(store, create.ROOM) == ()


def test_an_export_whose_api_goes_away_is_gone_on_with(behind: Invocation, proxy: Losing) -> None:
    options = ExportOptions("gs://exports/away.csv", query="SELECT 1")
    proxy.loss, proxy.away = Loss.HALF, True
    with pytest.raises(asking.LostAnswerError):
        exporting.export(behind, options, Reading(), NO_CONSENT)
    proxy.heal()
    (first, *_) = behind.cloud.operations(behind.target.instance)
    exported = exporting.export(behind, options, Reading(), NO_CONSENT)
    assert (exported.operation, exported.state) == (first.id, State.OK)
    assert unfinished(behind.target.store, exporting.ROOM) == ()
    with pytest.raises(OperationFailedError, match="already exists"):  # that was its one retry
        exporting.export(behind, options, Reading(), NO_CONSENT)


def test_rows_are_not_imported_twice(run: Invocation, behind: Invocation, proxy: Losing) -> None:
    instance = run.target.instance
    with run.database().connect(run.target.owner, budget=CHANGE) as connection:
        connection.execute("CREATE TABLE public.lost_rows (n bigint)")
    try:
        query = ExportOptions("gs://exports/rows.csv", query="SELECT generate_series(1, 5)")
        exporting.export(run, query, Reading(), NO_CONSENT)
        options = ImportOptions("gs://exports/rows.csv", table="public.lost_rows")
        proxy.loss, proxy.away = Loss.CUT, True
        with pytest.raises(asking.LostAnswerError):
            importing.bring_in(behind, options, NO_CONSENT)
        proxy.heal()
        (last, *_) = run.cloud.operations(instance)
        run.cloud.wait(last)
        with pytest.raises(importerrors.ImportedAlreadyError, match=last.id):
            importing.bring_in(behind, options, NO_CONSENT)
        with run.database().connect(run.target.owner, budget=CHANGE) as connection:
            assert connection.execute("SELECT count(*) FROM lost_rows").fetchone() == (5,)
        importing.bring_in(behind, options, NO_CONSENT)  # asked for once more
    finally:
        with run.database().connect(run.target.owner, budget=CHANGE) as connection:
            connection.execute("DROP TABLE public.lost_rows")


def test_a_lost_call_that_failed_says_why(run: Invocation, cloud: CloudSql, proxy: Losing) -> None:
    context = {"uri": "gs://exports/nothing.csv", "fileType": "SQL"}
    proxy.loss = Loss.CUT
    with pytest.raises(OperationFailedError, match="does not exist"):
        cloud.wait(cloud.import_(run.target.instance, {**context, "database": run.target.database}))


def test_a_refusal_begins_nothing_and_is_told_as_it_is(cloud: CloudSql) -> None:
    with pytest.raises(ApiError, match="does not exist") as caught:
        cloud.create_backup("nowhere", "x")
    assert once.is_refused(caught.value)
