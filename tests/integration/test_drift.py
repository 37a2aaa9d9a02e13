"""Drift and disk.grow on a real local Cloud SQL: changes made by hand are found, all of them."""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from invoke.parser import Parser

from infra.deploy.apply import deploy, destroy
from infra.disk.grow import ChangedMeanwhileError, PastLimitError, ShrinkError, grow
from infra.drift.check import drift
from infra.drift.differences import Finding, Remedy
from infra.drift.report import Drift
from infra.policies.audit import audit
from infra.preview.difference import Action
from infra.preview.live import against_live
from infra.preview.verdict import FAIL_ON, Verdict, fail_on
from infra.settings import load
from infra.settings.validation import validate
from infra.stackfile import read_config
from ops.checks.result import State
from ops.cloudsql import CloudSql
from ops.console import Console, Format, Silent, to_json
from ops.errors import ExitCode
from ops.guard import NotConfirmedError
from ops.invocation import Invocation
from ops.roles.apply import RolesUnreadError, status
from ops.target import Target
from tasks import namespace
from tests.integration.local.gcloud import Gcloud
from tests.places import local_cloud
from tests.remedies import edited, stack_file

NAME = "ai-square-db"
FAILING = fail_on(FAIL_ON)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with local_cloud("asdb") as server:
        target = Target("local", load("local"), server.data / "ops", server.data)
        deploy(target, Silent())
        yield target
        destroy(target, Silent(), yes=True)


@pytest.fixture
def cloud(target: Target) -> CloudSql:
    return target.cloud()


def patched(cloud: CloudSql, **settings: object) -> None:
    cloud.wait(cloud.patch(NAME, {"settings": settings}))


def told(found: Drift) -> list[tuple[object, ...]]:
    return [(one.kind, one.name, one.property, one.declared, one.live) for one in found.differences]


def flags(cloud: CloudSql) -> list[dict[str, str]]:
    return [dict(flag) for flag in cloud.instance(NAME).body["settings"]["databaseFlags"]]


def test_what_was_just_deployed_does_not_drift(target: Target) -> None:
    found = drift(target)
    assert found.state is State.OK
    (said,) = found.blocks()
    assert str(said).startswith(f"No drift: {NAME} as local declares, and no setting of a role")


def test_a_preview_against_live_says_what_deploying_would_do(
    target: Target, cloud: CloudSql
) -> None:
    assert against_live(target, FAILING).verdict is Verdict.NO_CHANGE
    patched(cloud, tier="db-custom-2-3840")
    (local,) = against_live(target, FAILING).stacks
    assert local.verdict is Verdict.RESTARTS
    (restart,) = local.restarts
    assert (restart.instance, restart.because) == (NAME, ("settings.tier",))
    assert "restore drill" in local.drill
    patched(cloud, tier="db-custom-1-3840")
    cloud.wait(cloud.insert_database(NAME, "by_hand"))
    cloud.wait(cloud.delete_database(NAME, "ai_square"))
    (local,) = against_live(target, FAILING).stacks
    assert [(one.name, one.action) for one in local.changes] == [("database", Action.CREATE)]
    cloud.wait(cloud.insert_database(NAME, "ai_square"))
    cloud.wait(cloud.delete_database(NAME, "by_hand"))


def by_hand(cloud: CloudSql, what: str) -> Callable[[], None]:
    """Change one thing as somebody would with gcloud; return how to undo it."""
    before: dict[str, Any] = dict(cloud.instance(NAME).body["settings"])
    if what == "flag":
        wrong = [f | {"value": "8192"} if f["name"] == "work_mem" else f for f in flags(cloud)]
        patched(cloud, databaseFlags=wrong)
    elif what == "missing flag":
        patched(cloud, databaseFlags=[f for f in flags(cloud) if f["name"] != "log_lock_waits"])
    elif what == "tier":
        patched(cloud, tier="db-custom-2-3840")
    elif what == "protection":
        patched(cloud, deletionProtectionEnabled=True)
    elif what == "network":
        addresses = {"authorizedNetworks": [{"value": "192.0.2.0/24", "name": "office"}]}
        patched(cloud, ipConfiguration=addresses)
    elif what == "user":
        cloud.wait(cloud.insert_user(NAME, "somebody", "Geheim-geheim-1"))
        return lambda: void(cloud.wait(cloud.delete_user(NAME, "somebody")))
    elif what == "database":
        cloud.wait(cloud.insert_database(NAME, "scratch"))
        return lambda: void(cloud.wait(cloud.delete_database(NAME, "scratch")))
    del before["settingsVersion"]
    return lambda: void(cloud.wait(cloud.update(NAME, {"settings": before})))


def void(_: object) -> None:
    """Undo's answer is not needed."""


@pytest.mark.parametrize(
    ("what", "expected", "resolve"),
    [
        (
            "flag",
            ("instance", NAME, "settings.databaseFlags.work_mem", "4 MB", "8 MB"),
            "ai-square-db:flags.work_mem: 8MB",
        ),
        (
            "missing flag",
            ("instance", NAME, "settings.databaseFlags.log_lock_waits", "on", ""),
            "take log_lock_waits out of ai-square-db:flags",
        ),
        (
            "tier",
            ("instance", NAME, "settings.tier", "db-custom-1-3840", "db-custom-2-3840"),
            "ai-square-db:tier: db-custom-2-3840",
        ),
        (
            "protection",
            ("instance", NAME, "settings.deletionProtectionEnabled", "false", "true"),
            "ai-square-db:deletionProtection: true",
        ),
        (
            "network",
            (
                "instance",
                NAME,
                "settings.ipConfiguration.authorizedNetworks.192.0.2.0/24",
                "",
                "office",
            ),
            "Deploy.",
        ),
        ("user", ("user", "somebody", "", "", "BUILT_IN"), "`gcloud sql users delete somebody"),
        ("database", ("database", "scratch", "", "", "there"), "`gcloud sql databases delete"),
    ],
)
def test_a_change_by_hand_is_found_and_its_remedies_take_it_away(
    target: Target,
    cloud: CloudSql,
    tmp_path: Path,
    what: str,
    expected: tuple[str, ...],
    resolve: str,
) -> None:
    by_hand(cloud, what)
    found = drift(target)
    assert found.state is State.FINDING
    assert told(found) == [expected]
    (one,) = found.differences
    assert resolve in one.resolve
    assert expected[1] in to_json(found)
    if one.edits:  # the other remedy first: nothing live is changed by it
        file = stack_file(tmp_path, "local", read_config("local"))
        settings = edited(file, one.resolve)
        assert drift(replace(target, settings=settings)).state is State.OK
    if one.remedy is Remedy.DEPLOY:
        deploy(target, Silent())
    else:
        command = shlex.split(one.resolve.split("`")[1])
        assert command[:2] == ["gcloud", "sql"]
        Gcloud(tmp_path, target.server().url)(*command[2:])
    assert drift(target).state is State.OK


def test_user_of_another_type_is_deleted_and_deployed(
    target: Target, cloud: CloudSql, tmp_path: Path
) -> None:
    email = "ann@example.com"
    values = {**read_config("local"), "ai-square-db:iamUsers": {email: "readonly"}}
    settings = validate("local", values)
    cloud.wait(cloud.insert_user(NAME, email, "Geheim-geheim-1"))
    changed = replace(target, settings=settings)
    (one,) = drift(changed).differences
    assert one.remedy is Remedy.DELETE_AND_DEPLOY
    command = shlex.split(one.resolve.split("`")[1])
    Gcloud(tmp_path, target.server().url)(*command[2:])
    deploy(changed, Silent())
    assert drift(changed).state is State.OK
    deploy(target, Silent(), yes=True)


def test_deploying_takes_back_what_differs_and_leaves_what_others_made(
    target: Target, cloud: CloudSql
) -> None:
    by_hand(cloud, "network")
    by_hand(cloud, "missing flag")
    undo = by_hand(cloud, "user")
    try:
        done = deploy(target, Silent())
        assert done.state is State.OK
        assert [one.name for one in done.found] == ["somebody"]
        assert any("user somebody" in str(block) for block in done.blocks())
        assert [one.finding for one in drift(target).differences] == [Finding.UNDECLARED]
    finally:
        undo()


def test_what_cannot_be_read_is_unknown(target: Target) -> None:
    elsewhere = replace(target.settings.instance, name="not-there")
    missing = drift(replace(target, settings=replace(target.settings, instance=elsewhere)))
    assert missing.state is State.UNKNOWN
    assert any("no instance 'not-there'" in str(block) for block in missing.blocks())

    nowhere = drift(replace(target, local=Path("/nonexistent")))
    assert nowhere.state is State.UNKNOWN
    assert nowhere.instances == ()


def test_a_stopped_instance_is_a_finding_and_what_is_in_it_is_unknown(
    target: Target, cloud: CloudSql
) -> None:
    cloud.wait(cloud.delete_database(NAME, "ai_square"))
    patched(cloud, activationPolicy="NEVER")
    try:
        found = drift(target)
        assert found.state is State.FINDING
        assert told(found) == [("instance", NAME, "settings.activationPolicy", "ALWAYS", "NEVER")]
        assert {one.kind for one in found.unread} == {"database", "user"}
        assert all("it is stopped" in one.why for one in found.unread[:2])

        planned = deploy(target, Silent(), plan_only=True)
        assert planned.state is State.UNKNOWN
        assert [(step.action, step.name) for step in planned.plan.steps] == [("change", NAME)]
        assert "--activation-policy=ALWAYS" in planned.plan.unread[0]
        assert "Nothing to change" not in str(planned.blocks())

        (previewed,) = against_live(target, frozenset()).stacks
        assert [(one.name, one.action) for one in previewed.changes] == [
            ("instance", Action.CHANGE)
        ]
        assert Verdict.UNKNOWN in previewed.holding

        with pytest.raises(RolesUnreadError, match="are not known") as unread:
            status(Invocation(target, Console(Format.JSON)))
        assert unread.value.exit_code is ExitCode.UNKNOWN

        report = audit(target, cloud, everything=True)
        results = {result.rule: result for result in report.reviews[0].results}
        assert results["instance-runs"].state == "violated"
        assert results["declared-users"].state == "unknown"
        assert "it is stopped" in results["declared-users"].found
    finally:
        started = deploy(target, Silent())
    assert started.state is State.OK
    steps = [(step.action, step.name) for step in started.plan.steps]
    assert steps == [("change", NAME), ("create", "ai_square")]
    assert drift(target).state is State.OK


def test_a_disk_grows_once_and_drift_takes_note(target: Target, cloud: CloudSql) -> None:
    planned = grow(target, 12, Silent(), plan_only=True)
    assert (planned.before_gb, planned.after_gb, planned.applied) == (10, 12, False)
    assert cloud.instance(NAME).body["settings"]["dataDiskSizeGb"] == "10"

    done = grow(target, 12, Silent())
    assert done.applied
    assert cloud.instance(NAME).body["settings"]["dataDiskSizeGb"] == "12"
    assert "diskSizeGb: 12" in str(done.blocks()[-1])
    again = grow(target, 12, Silent())
    assert not again.applied
    assert "Nothing to do" in str(again.blocks()[0])

    with pytest.raises(ShrinkError, match="can't shrink to 11"):
        grow(target, 11, Silent())
    with pytest.raises(PastLimitError, match="diskAutoresizeLimitGb"):
        grow(target, 51, Silent())

    found = drift(target)
    assert found.state is State.OK
    assert [one.finding for one in found.differences] == [Finding.NOTE]

    disk = replace(target.settings.instance.disk, size_gb=14)
    instance = replace(target.settings.instance, disk=disk)
    wanted = drift(replace(target, settings=replace(target.settings, instance=instance)))
    assert wanted.state is State.FINDING
    (one,) = wanted.differences
    assert one.remedy is Remedy.GROW
    (parsed,) = Parser(contexts=namespace.to_contexts()).parse_argv(
        shlex.split(one.resolve.split("`")[1])[1:]
    )
    assert (parsed.name, parsed.args["stack"].value) == ("disk.grow", "local")
    assert grow(target, int(parsed.args["to-gb"].value), Silent()).applied
    larger = drift(replace(target, settings=replace(target.settings, instance=instance)))
    assert larger.state is State.OK


def test_production_s_disk_grows_only_by_name(target: Target, cloud: CloudSql) -> None:
    guarded = replace(target, settings=replace(target.settings, production=True))
    before = cloud.instance(NAME).body["settings"]["dataDiskSizeGb"]
    assert not grow(guarded, 20, Silent()).applied
    with pytest.raises(NotConfirmedError):
        grow(guarded, 20, Silent(), yes=True, confirm="another")
    assert cloud.instance(NAME).body["settings"]["dataDiskSizeGb"] == before


def test_a_change_meanwhile_is_not_overwritten(
    target: Target, cloud: CloudSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = CloudSql.instance

    def look_and_be_overtaken(self: CloudSql, name: str) -> Any:  # noqa: ANN401 - as the method's
        found = look(self, name)
        patched(cloud, userLabels={"overtaken": "yes"})
        return found

    monkeypatch.setattr(CloudSql, "instance", look_and_be_overtaken)
    with pytest.raises(ChangedMeanwhileError):
        grow(target, 30, Silent())
    monkeypatch.undo()
    assert cloud.instance(NAME).body["settings"]["dataDiskSizeGb"] != "30"


def test_the_table_fits(
    target: Target, cloud: CloudSql, capsys: pytest.CaptureFixture[str]
) -> None:
    undo = by_hand(cloud, "network")
    try:
        Console(Format.TABLE).show(drift(target))
    finally:
        undo()
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines[: lines.index("instances:")])) <= 100
