"""The deployer's decisions: pure, from declared, live and recorded."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from infra.body import UnmappedInputError, instance_body, update_body
from infra.changes import Change, compare
from infra.consequences import Effect
from infra.deploy.plan import plan, resources
from infra.deploy.record import Record, Recorded
from infra.deploy.report import Deployment
from infra.deploy.steps import (
    Action,
    ProtectedError,
    ReplacementRefusedError,
    Step,
    check,
)
from infra.desired import DATABASE, INSTANCE, SECRET, USER, Desired, DesiredResource
from infra.live import Kind, LiveInstance, why_closed
from ops.checks.result import State
from ops.cloudsql import Account

INPUTS: dict[str, Any] = {
    "name": "db",
    "project": "p",
    "region": "asia-east1",
    "databaseVersion": "POSTGRES_15",
    "deletionProtection": False,
    "settings": {
        "tier": "db-custom-1-3840",
        "availabilityType": "ZONAL",
        "diskSize": 10,
        "diskAutoresizeLimit": 50,
        "deletionProtectionEnabled": False,
        "databaseFlags": [
            {"name": "shared_buffers", "value": "49152"},
            {"name": "work_mem", "value": "4096"},
        ],
        "userLabels": {"app": "x"},
        "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True},
    },
}
USERS = frozenset({"app"})


def resource(kind: str, logical: str, /, **inputs: object) -> DesiredResource:
    ignored = ("settings.diskSize",) if kind == INSTANCE else ()
    return DesiredResource(kind, logical, MappingProxyType(inputs), False, ignored, (), "")  # noqa: FBT003 - protect


def desired(instance: dict[str, Any] | None = None, *, database: str = "d") -> Desired:
    inputs = INPUTS if instance is None else instance
    return Desired(
        (
            resource(DATABASE, "database", name=database, instance=inputs["name"]),
            resource(INSTANCE, "instance", **inputs),
            resource(USER, "app-user", name="app", instance=inputs["name"], password=SECRET),
        ),
        MappingProxyType({}),
    )


def live(
    body: dict[str, Any] | None = None,
    *,
    name: str = "db",
    state: str = "RUNNABLE",
    protected: bool = False,
    databases: tuple[str, ...] = ("d", "postgres"),
    users: tuple[str, ...] = ("app", "postgres"),
) -> dict[str, LiveInstance]:
    told = instance_body(resource(INSTANCE, "instance", **INPUTS)) if body is None else body
    return {
        name: LiveInstance(
            name,
            state,
            "127.0.0.2",
            f"p:r:{name}",
            protected,
            told,
            databases,
            tuple(map(Account, users)),
        )
    }


def told(**settings: object) -> dict[str, Any]:
    body = instance_body(resource(INSTANCE, "instance", **INPUTS))
    return body | {"settings": body["settings"] | settings}


def recorded(declared: Desired) -> Record:
    return Record(resources(declared))


def told_of(change: Change) -> tuple[str, str, str, Effect]:
    return change.property, change.before, change.after, change.effect


def test_nothing_there_creates_instances_then_databases_then_users() -> None:
    steps = plan(desired(), {}, Record()).steps
    assert [(s.action, s.kind, s.name) for s in steps] == [
        (Action.CREATE, Kind.INSTANCE, "db"),
        (Action.CREATE, Kind.DATABASE, "d"),
        (Action.CREATE, Kind.USER, "app"),
    ]
    assert steps[0].body is not None
    assert steps[0].body["settings"]["dataDiskSizeGb"] == "10"
    assert "deletionProtection" not in steps[0].body
    assert steps[0].why == "POSTGRES_15, db-custom-1-3840, ZONAL, 10 GB, 2 flags"
    assert SECRET not in repr(steps)


def test_everything_there_does_nothing() -> None:
    assert plan(desired(), live(), recorded(desired()), USERS).steps == ()


def test_what_a_killed_deployment_left_out_is_made() -> None:
    there = live(databases=("postgres",), users=("postgres",))
    steps = plan(desired(), there, recorded(desired())).steps
    assert [(s.action, s.kind) for s in steps] == [
        (Action.CREATE, Kind.DATABASE),
        (Action.CREATE, Kind.USER),
    ]


def test_a_flag_change_sends_the_whole_set() -> None:
    flags = [{"name": "shared_buffers", "value": "49152"}, {"name": "jit", "value": "off"}]
    (step,) = plan(
        desired(), live(told(databaseFlags=flags, settingsVersion="3")), Record(), USERS
    ).steps
    assert step.action is Action.CHANGE
    assert [told_of(change) for change in step.changes] == [
        ("settings.databaseFlags.jit", "off", "", Effect.UNKNOWN),
        ("settings.databaseFlags.work_mem", "", "4 MB", Effect.UPDATE),
    ]
    assert step.body is not None
    sent = step.body["settings"]
    assert sent["databaseFlags"] == INPUTS["settings"]["databaseFlags"]
    assert sent["settingsVersion"] == "3"


@pytest.mark.parametrize(
    ("settings", "prop", "effect"),
    [
        ({"tier": "db-custom-2-7680"}, "settings.tier", Effect.RESTART),
        ({"userLabels": {"app": "y"}}, "settings.userLabels.app", Effect.UPDATE),
        (
            {
                "databaseFlags": [
                    {"name": "shared_buffers", "value": "1"},
                    {"name": "work_mem", "value": "4096"},
                ]
            },
            "settings.databaseFlags.shared_buffers",
            Effect.RESTART,
        ),
        (
            {"backupConfiguration": {"enabled": True}},
            "settings.backupConfiguration.pointInTimeRecoveryEnabled",
            Effect.RESTART,
        ),
    ],
)
def test_a_change_says_what_it_does(settings: dict[str, object], prop: str, effect: Effect) -> None:
    (step,) = plan(desired(), live(told(**settings)), Record(), USERS).steps
    (change,) = step.changes
    assert (change.property, change.effect) == (prop, effect)


@pytest.mark.parametrize(
    ("flag", "declared", "order"),
    [
        ("max_connections", "200", ["db-a", "db"]),
        ("max_connections", "50", ["db", "db-a"]),
        ("work_mem", "8192", ["db-a", "db"]),
    ],
)
def test_a_standby_never_has_less_than_its_primary(
    flag: str, declared: str, order: list[str]
) -> None:
    def with_flag(value: str, **more: object) -> dict[str, Any]:
        flags = [{"name": flag, "value": value}]
        return INPUTS | {"settings": INPUTS["settings"] | {"databaseFlags": flags}} | more

    replica = {"name": "db-a", "masterInstanceName": "db"}
    there = {
        name: live(instance_body(resource(INSTANCE, "x", **with_flag("100", **more))), name=name)[
            name
        ]
        for name, more in (("db", {}), ("db-a", replica))
    }
    wanted = Desired(
        (
            resource(INSTANCE, "instance", **with_flag(declared)),
            resource(INSTANCE, "replica-a", **with_flag(declared, **replica)),
        ),
        MappingProxyType({}),
    )
    steps = plan(wanted, there, Record()).steps
    assert [(s.action, s.name) for s in steps] == [(Action.CHANGE, name) for name in order]


def test_a_grown_disk_is_left_alone_and_told() -> None:
    decided = plan(desired(), live(told(dataDiskSizeGb="30")), Record(), USERS)
    assert decided.steps == ()
    assert [told_of(change) for change in decided.ignored] == [
        ("settings.dataDiskSizeGb", "30", "10", Effect.IGNORED)
    ]


def test_a_disk_that_is_not_ignored_shrinks_by_replacement_or_not_at_all() -> None:
    declared = instance_body(resource(INSTANCE, "instance", **INPUTS))
    (change,) = compare(declared, told(dataDiskSizeGb="30"))
    assert change.effect is Effect.STAY  # the provider drops it while the disk grows by itself
    declared["settings"]["storageAutoResize"] = False
    effects = {one.property: one.effect for one in compare(declared, told(dataDiskSizeGb="30"))}
    assert effects["settings.dataDiskSizeGb"] is Effect.REPLACE


def test_zero_values_that_the_api_leaves_out_are_no_difference() -> None:
    body = told()
    del body["settings"]["deletionProtectionEnabled"]
    assert plan(desired(), live(body), Record(), USERS).steps == ()


def test_another_region_is_refused_unless_asked() -> None:
    decided = plan(desired(INPUTS | {"region": "europe-west1"}), live(), Record(), USERS)
    assert [(s.action, s.kind) for s in decided.steps] == [
        (Action.REPLACE, Kind.INSTANCE),
        (Action.CREATE, Kind.DATABASE),
        (Action.CREATE, Kind.USER),
    ]
    with pytest.raises(ReplacementRefusedError, match="region changes from asia-east1 to europe"):
        check(decided, replace=False)
    check(decided, replace=True)


def test_a_renamed_instance_is_a_replacement() -> None:
    declared = desired(INPUTS | {"name": "new"})
    decided = plan(declared, live(), recorded(desired()), USERS)
    step = decided.steps[0]
    assert (step.action, step.name, step.replaces) == (Action.REPLACE, "new", "db")
    assert [s.action for s in decided.steps] == [Action.REPLACE, Action.CREATE, Action.CREATE]
    with pytest.raises(ReplacementRefusedError, match="db would be deleted"):
        check(decided, replace=False)


def test_a_failed_instance_is_replaced_only_if_asked() -> None:
    decided = plan(desired(), live(state="FAILED"), Record(), USERS)
    with pytest.raises(ReplacementRefusedError, match="its data may be whole"):
        check(decided, replace=False)


@pytest.mark.parametrize(
    ("body", "closed"),
    [
        ({"settings": {"activationPolicy": "NEVER"}, "state": "RUNNABLE"}, True),
        ({"settings": {"activationPolicy": "ALWAYS"}, "state": "SUSPENDED"}, True),
        ({"settings": {"activationPolicy": "ALWAYS"}, "state": "RUNNABLE"}, False),
        ({}, False),
    ],
)
def test_what_is_in_an_instance_that_does_not_run_is_not_planned(
    body: dict[str, Any],
    closed: bool,  # noqa: FBT001 - expected
) -> None:
    why = why_closed(body)
    assert bool(why) is closed
    there = replace(live(databases=(), users=())["db"], closed=why)
    decided = plan(desired(), {"db": there}, recorded(desired()))
    assert bool(decided.unread) is closed
    assert bool(decided.steps) is not closed  # else both would be made
    state = Deployment("s", applied=False, plan=decided).state
    assert state is (State.UNKNOWN if closed else State.OK)


def test_a_protected_instance_is_not_even_replaced_on_demand() -> None:
    changed = desired(INPUTS | {"region": "europe-west1"})
    with pytest.raises(ProtectedError, match="deletionProtection to false"):
        check(plan(changed, live(protected=True), Record(), USERS), replace=True)


def test_a_renamed_database_is_a_replacement() -> None:
    decided = plan(desired(database="e"), live(), recorded(desired()), USERS)
    (step,) = decided.steps
    assert (step.action, step.kind, step.replaces) == (Action.REPLACE, Kind.DATABASE, "d")
    with pytest.raises(ReplacementRefusedError):
        check(decided, replace=False)


def test_what_is_no_longer_declared_goes_databases_before_users() -> None:
    extra = (
        Recorded("user", "old-user", "old", "db", protect=False),
        Recorded("database", "old", "old_d", "db", protect=False),
    )
    there = live(databases=("d", "old_d", "mine"), users=("app", "old", "me"))
    steps = plan(desired(), there, Record((*resources(desired()), *extra)), USERS).steps
    assert [(s.action, s.kind, s.name) for s in steps] == [
        (Action.DELETE, Kind.DATABASE, "old_d"),
        (Action.DELETE, Kind.USER, "old"),
    ]


def test_an_undeclared_instance_goes_with_what_lies_in_it() -> None:
    extra = (
        Recorded("instance", "replica", "rep", "rep", protect=False),
        Recorded("database", "rd", "d", "rep", protect=False),
    )
    there = live() | live(name="rep")
    steps = plan(desired(), there, Record((*resources(desired()), *extra)), USERS).steps
    assert [(s.action, s.kind, s.name) for s in steps] == [(Action.DELETE, Kind.INSTANCE, "rep")]


def test_a_protected_database_does_not_go() -> None:
    extra = Recorded("database", "old", "old_d", "db", protect=True)
    there = live(databases=("d", "old_d"))
    decided = plan(desired(), there, Record((*resources(desired()), extra)), USERS)
    with pytest.raises(ProtectedError, match="database old_d"):
        check(decided, replace=True)


def test_what_others_made_stays() -> None:
    there = live(databases=("d", "theirs"), users=("app", "theirs"))
    assert plan(desired(), there, recorded(desired()), USERS).steps == ()


def test_a_user_without_a_known_password_gets_a_new_one() -> None:
    (step,) = plan(desired(), live(), recorded(desired()), frozenset()).steps
    assert (step.action, step.kind, step.name) == (Action.CHANGE, Kind.USER, "app")


def test_an_input_without_a_place_in_the_api_body_is_refused() -> None:
    settings = INPUTS["settings"] | {"activeDirectoryConfig": {"domain": "x"}}
    strange = resource(INSTANCE, "instance", **(INPUTS | {"settings": settings}))
    with pytest.raises(UnmappedInputError, match="activeDirectoryConfig"):
        instance_body(strange)


def test_an_update_empties_sets_keeps_what_is_not_declared_and_leaves_the_disk() -> None:
    declared = instance_body(resource(INSTANCE, "instance", **INPUTS))
    declared["settings"] |= {"dataDiskSizeGb": "10"}
    there = {
        "settings": {
            "settingsVersion": "7",
            "dataDiskSizeGb": "25",
            "pricingPlan": "PER_USE",
            "userLabels": {"team": "none declares it"},
            "backupConfiguration": {"enabled": False, "startTime": "04:00"},
        }
    }
    settings = update_body(declared, there, ["settings.dataDiskSizeGb"])["settings"]
    assert settings["settingsVersion"] == "7"
    assert settings["dataDiskSizeGb"] == "25"
    assert settings["pricingPlan"] == "PER_USE"
    assert settings.get("userLabels", {}) == declared["settings"].get("userLabels", {})
    assert settings["backupConfiguration"] == {
        "startTime": "04:00",
        **declared["settings"]["backupConfiguration"],
    }


def test_steps_compare_by_value() -> None:
    step = Step(Action.CREATE, Kind.USER, "a", "db")
    assert replace(step, name="a") == step
