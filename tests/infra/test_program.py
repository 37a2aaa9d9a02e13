"""What the program registers for each stack: inputs and options, property by property."""

import json
import runpy
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pulumi
import pytest

from infra.desired import DATABASE, INSTANCE, PASSWORD, SECRET, USER, Desired, collect, record
from infra.outputs import OutputName
from infra.settings import IamUser, load
from infra.settings.access import PASSWORD_RECIPES, VERSIONS_OF_A_RECIPE, PasswordRecipe
from infra.stackfile import ROOT, read_config

STACKS = ["local", "staging", "prod"]
CLOUD = ["staging", "prod"]
VERSION = "secretDataWoVersion"


@cache
def desired(stack: str) -> Desired:
    return collect(load(stack))


def instance(stack: str) -> Mapping[str, Any]:
    return desired(stack).named("instance").inputs


@pytest.mark.parametrize(
    ("stack", "name", "machine", "disk"),
    [
        ("local", "ai-square-db", ("db-custom-1-3840", "ZONAL"), (10, 50)),
        ("staging", "ai-square-db-staging", ("db-custom-1-3840", "ZONAL"), (20, 100)),
        ("prod", "ai-square-db-prod", ("db-custom-2-7680", "REGIONAL"), (100, 500)),
    ],
)
def test_the_instance(
    stack: str, name: str, machine: tuple[str, str], disk: tuple[int, int]
) -> None:
    declared = instance(stack)
    settings = declared["settings"]
    assert declared["name"] == name
    assert declared["region"] == "asia-east1"
    assert declared["databaseVersion"] == "POSTGRES_15"
    assert (settings["tier"], settings["availabilityType"]) == machine
    assert settings["edition"] == "ENTERPRISE"
    assert settings["activationPolicy"] == "ALWAYS"
    assert (settings["diskSize"], settings["diskAutoresizeLimit"]) == disk
    assert (settings["diskType"], settings["diskAutoresize"]) == ("PD_SSD", True)
    assert settings["userLabels"]["app"] == "ai-square"


@pytest.mark.parametrize("stack", STACKS)
def test_a_grown_disk_is_left_alone(stack: str) -> None:
    assert desired(stack).named("instance").ignore_changes == ("settings.diskSize",)


@pytest.mark.parametrize(("stack", "on"), [("local", False), ("staging", True), ("prod", True)])
def test_the_three_deletion_protections_go_together(stack: str, on: bool) -> None:  # noqa: FBT001 - a parameter of the table above
    declared = desired(stack).named("instance")
    assert declared.inputs["deletionProtection"] is on
    assert declared.inputs["settings"]["deletionProtectionEnabled"] is on
    assert declared.protect is on
    assert desired(stack).named("database").protect is on


@pytest.mark.parametrize("stack", STACKS)
def test_backups_are_kept_and_any_moment_can_be_restored(stack: str) -> None:
    location = {} if stack == "local" else {"location": "asia"}
    assert instance(stack)["settings"]["backupConfiguration"] == location | {
        "enabled": True,
        "startTime": "19:00",
        "pointInTimeRecoveryEnabled": True,
        "transactionLogRetentionDays": 7,
        "backupRetentionSettings": {"retainedBackups": 7, "retentionUnit": "COUNT"},
    }


def test_flags_are_compiled_to_the_apis_units() -> None:
    flags = {f["name"]: f["value"] for f in instance("prod")["settings"]["databaseFlags"]}
    assert flags == {
        "autovacuum_analyze_scale_factor": "0.02",
        "autovacuum_naptime": "30",
        "autovacuum_vacuum_scale_factor": "0.05",
        "cloudsql.enable_pgaudit": "on",
        "cloudsql.iam_authentication": "on",
        "effective_cache_size": "655360",
        "idle_in_transaction_session_timeout": "600000",
        "lock_timeout": "60000",
        "log_connections": "on",
        "log_disconnections": "on",
        "log_lock_waits": "on",
        "log_min_duration_statement": "500",
        "log_statement": "ddl",
        "log_temp_files": "0",
        "maintenance_work_mem": "491520",
        "max_connections": "100",
        "random_page_cost": "1.1",
        "shared_buffers": "327680",
        "work_mem": "8192",
    }


@pytest.mark.parametrize("stack", CLOUD)
def test_the_instance_has_a_private_address_and_no_public_one(stack: str) -> None:
    settings = load(stack)
    assert settings.network is not None
    vpc = f"projects/{settings.project}/global/networks/{settings.network.name}"
    assert instance(stack)["settings"]["ipConfiguration"] == {
        "ipv4Enabled": False,
        "privateNetwork": vpc,
        "serverCaMode": "GOOGLE_MANAGED_INTERNAL_CA",
        "sslMode": "ENCRYPTED_ONLY",
    }
    network = desired(stack).named("network").inputs
    assert network["autoCreateSubnetworks"] is False
    services = desired(stack).named("services-range").inputs
    assert services["purpose"] == "VPC_PEERING"
    assert services["addressType"] == "INTERNAL"
    assert services["prefixLength"] == 20
    assert services["network"] == vpc
    peering = desired(stack).named("services").inputs
    assert peering["service"] == "servicenetworking.googleapis.com"
    assert peering["network"] == vpc
    assert peering["reservedPeeringRanges"] == [services["name"]]


@pytest.mark.parametrize("stack", CLOUD)
def test_the_peering_comes_before_the_instance(stack: str) -> None:
    assert desired(stack).named("instance").depends_on == ("network", "services")


def test_the_local_stack_declares_only_what_the_local_cloud_sql_serves() -> None:
    assert {r.type for r in desired("local").resources} == {INSTANCE, DATABASE, USER, PASSWORD}
    assert desired("local").named("instance").depends_on == ()


@pytest.mark.parametrize("stack", STACKS)
def test_the_database_and_the_users(stack: str) -> None:
    declared = desired(stack)
    (database,) = declared.of_type(DATABASE)
    assert database.inputs["name"] == "ai_square"
    assert database.inputs["instance"] == instance(stack)["name"]
    assert database.depends_on == ("instance",)
    assert database.deleted_with == "instance"
    users = {user.name: user for user in declared.of_type(USER)}
    roles = ("owner", "app", "readonly", "monitor")
    assert {user.inputs["name"] for user in users.values()} == {f"ai_square_{r}" for r in roles}
    for role in roles:
        user = users[f"{role}-user"]
        assert user.inputs["instance"] == instance(stack)["name"]
        assert set(user.depends_on) == {f"{role}-password", "instance"}
        assert user.deleted_with == "instance"
        assert not user.protect
        assert declared.named(f"{role}-password").inputs == {
            "length": 32,
            "overrideSpecial": "-_",
            "minLower": 1,
            "minUpper": 1,
            "minNumeric": 1,
            "minSpecial": 1,
            "keepers": {"version": "1"},
        }


@pytest.mark.parametrize("stack", STACKS)
def test_iam_users_have_a_type_and_no_password(stack: str) -> None:
    people = (IamUser("ada@example.com", "readonly"), IamUser("r@p.iam.gserviceaccount.com", "app"))
    declared = collect(replace(load(stack), iam_users=people))
    shared = {"instance": instance(stack)["name"], "project": load(stack).project}
    for email, name, kind in (
        ("ada@example.com", "ada@example.com", "CLOUD_IAM_USER"),
        ("r@p.iam.gserviceaccount.com", "r@p.iam", "CLOUD_IAM_SERVICE_ACCOUNT"),
    ):
        user = declared.named(f"iam-{email}")
        assert user.inputs == {"name": name, "type": kind, **shared}
        assert (user.depends_on, user.deleted_with) == (("instance",), "instance")


@pytest.mark.parametrize("stack", STACKS)
def test_a_password_is_nowhere_in_plain(stack: str) -> None:
    declared = desired(stack)
    users = declared.of_type(USER)
    assert len(users) == 4
    assert {(u.inputs["passwordWo"], u.inputs["passwordWoVersion"]) for u in users} == {(SECRET, 1)}
    assert not any("password" in user.inputs for user in users)
    assert "generated for" not in repr(declared)  # the recorder's own stand-in for a password
    assert SECRET not in declared.outputs.values()


def test_another_password_version_makes_and_hands_over_another_password() -> None:
    settings = load("prod")
    turned = replace(settings, users=replace(settings.users, password_version=2))
    declared = collect(turned)
    assert declared.named("owner-password").inputs["keepers"] == {"version": "2"}
    assert declared.named("owner-user").inputs["passwordWoVersion"] == 2


def test_another_recipe_hands_over_what_it_makes() -> None:
    # Whoever changes this one instead of adding another makes passwords that nobody receives.
    assert PASSWORD_RECIPES[0] == PasswordRecipe(length=32, special="-_", least=1)
    settings = load("prod")
    longer = PasswordRecipe(length=40, special="-_+", least=2)
    recipes = (*PASSWORD_RECIPES, longer)
    before = collect(settings)
    after = collect(replace(settings, users=replace(settings.users, recipes=recipes)))
    for role in ("owner", "app", "readonly", "monitor"):
        made = after.named(f"{role}-password").inputs
        assert made["length"] == 40
        assert made["keepers"] != before.named(f"{role}-password").inputs["keepers"]
        for handed, version in (("user", "passwordWoVersion"), ("secret-version", VERSION)):
            was, now = (side.named(f"{role}-{handed}").inputs[version] for side in (before, after))
            assert int(now) > int(was)
    last = replace(settings.users, password_version=VERSIONS_OF_A_RECIPE - 1)
    assert last.handed_version < replace(settings.users, recipes=recipes).handed_version


def test_all_that_makes_a_password_is_its_recipe_or_its_version() -> None:
    recipe = {"length", "overrideSpecial", "minLower", "minUpper", "minNumeric", "minSpecial"}
    (inputs,) = {tuple(one.inputs) for one in desired("prod").of_type(PASSWORD)}
    assert set(inputs) == recipe | {"keepers"}


@pytest.mark.parametrize("stack", STACKS)
def test_the_outputs_are_those_that_operations_know(stack: str) -> None:
    outputs = desired(stack).outputs
    settings = load(stack)
    assert set(OutputName) <= set(outputs)
    assert outputs[OutputName.CONNECTION_NAME] == (
        f"{settings.project}:{settings.region}:{settings.instance.name}"
    )
    assert outputs[OutputName.INSTANCE] == settings.instance.name


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_is_in_the_stacks_project(stack: str) -> None:
    project = load(stack).project
    for resource in desired(stack).resources:
        assert resource.inputs.get("project", project) == project


def test_the_program_is_the_same_under_the_engines_configuration() -> None:
    for stack in STACKS:
        assert _as_the_cli_runs_it(stack) == desired(stack)


def test_bad_configuration_reaches_the_cli_as_a_message() -> None:
    with pytest.raises(pulumi.RunError, match="ai-square-db:tier: there is no tier db-huge"):
        _as_the_cli_runs_it("prod", {"ai-square-db:tier": "db-huge"})


def _as_the_cli_runs_it(stack: str, changed: Mapping[str, object] | None = None) -> Desired:
    handed = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in {**read_config(stack), **(changed or {})}.items()
    }

    def program() -> None:
        pulumi.runtime.set_all_config(handed)
        runpy.run_path(str(ROOT / "infra"), run_name="__main__")

    return record(stack, program)


def test_a_recording_repeats() -> None:
    assert collect(load("prod")) == desired("prod")


def test_an_error_in_a_program_comes_through() -> None:
    def program() -> None:
        message = "broken"
        raise LookupError(message)

    with pytest.raises(LookupError, match="broken"):
        record("test", program)


def test_no_module_hides_one_of_pythons_own() -> None:
    # With `main: infra/` the engine's Python looks there first: `import secrets` would find ours.
    modules = {path.stem for path in (ROOT / "infra").iterdir() if path.suffix in {"", ".py"}}
    assert not modules & sys.stdlib_module_names
