"""Every remedy that drift prints, carried out as printed, and asked again."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.body import instance_body
from infra.desired import DATABASE, INSTANCE, USER, Desired, collect
from infra.drift.differences import Difference, Finding, Remedy, differences
from infra.drift.edits import Edit
from infra.drift.remedies import Stack, with_remedies
from infra.drift.report import Drift
from infra.live import LiveInstance
from infra.settings.keys import NAMESPACE
from infra.settings.validation import validate
from infra.stackfile import read_config
from ops.cloudsql import BUILT_IN, Account
from tests.infra.test_instance_keys import BARE, PLUS, told
from tests.remedies import edited, stack_file

PROJECT = "ai-square-463013"
# Cloud SQL tells a zone of every instance, whoever chose it.
ZONE = "asia-east1-b"


def values(**more: object) -> dict[str, object]:
    """Return prod's values without what lies beside the instance: it takes time to declare."""
    beside = re.compile(r":(alert|runner|export|evidence)")
    usual = {key: value for key, value in read_config("prod").items() if not beside.search(key)}
    return {**usual, **{f"{NAMESPACE}:{key}": value for key, value in more.items()}}


@cache
def usual() -> Desired:
    return collect(validate("prod", values()))


def there(desired: Desired) -> dict[str, LiveInstance]:
    """Return the instances that a declaration becomes, as the API tells of them."""
    users = {
        str(r.inputs["name"]): Account(str(r.inputs["name"]), str(r.inputs.get("type") or BUILT_IN))
        for r in desired.of_type(USER)
    }
    found: dict[str, LiveInstance] = {}
    for resource in desired.of_type(INSTANCE):
        body = told(instance_body(resource))
        body["settings"].setdefault("locationPreference", {"zone": ZONE})
        source = body.get("masterInstanceName")
        if source:
            body["masterInstanceName"] = f"{PROJECT}:{source}"
        name = str(body["name"])
        found[name] = LiveInstance(
            name=name,
            state="RUNNABLE",
            address="",
            connection_name=f"{PROJECT}:r:{name}",
            protected=True,
            body=body,
            databases=()
            if source
            else tuple(str(r.inputs["name"]) for r in desired.of_type(DATABASE)),
            accounts=() if source else tuple(users.values()),
        )
    for name, one in found.items():
        followers = [other for other, replica in found.items() if replica.source == name]
        if followers:
            found[name] = replace(one, body={**one.body, "replicaNames": followers})
    return found


def asked(stack: Mapping[str, object], live: Mapping[str, LiveInstance]) -> tuple[Difference, ...]:
    desired = collect(validate("prod", stack))
    differ = differences(desired, live, stack="prod")
    return with_remedies(differ, Stack("prod", stack, local=False), desired, live)


def identity(one: Difference) -> tuple[str, ...]:
    return one.kind, one.name, one.property, one.finding


def carried_out(
    stack: Mapping[str, object], live: Mapping[str, LiveInstance], folder: Path
) -> tuple[Difference, ...]:
    """Carry out each remedy that is an edit, on a file of its own; return all differences."""
    found = asked(stack, live)
    for number, one in enumerate(found):
        if not one.edits:
            assert "rite ai-square-db" not in one.resolve
            continue
        file = stack_file(folder / str(number), "prod", stack)
        after = differences(collect(edited(file, one.resolve)), live)
        assert identity(one) not in set(map(identity, after)), one.resolve
        assert set(map(identity, after)) < set(map(identity, found)), one.resolve
    return found


def changed(live: Mapping[str, LiveInstance], name: str, **body: Any) -> dict[str, LiveInstance]:  # noqa: ANN401 - JSON
    """Return the instances with settings of one changed by hand."""
    settings = {**live[name].body["settings"], **body.pop("settings", {})}
    return {
        **live,
        name: replace(live[name], body={**live[name].body, **body, "settings": settings}),
    }


NAME = "ai-square-db-prod"
FLAGS = [{"name": "work_mem", "value": "8192"}, {"name": "log_temp_files", "value": "0"}]
BY_HAND: dict[str, tuple[dict[str, Any], set[str]]] = {
    "maintenance": (
        {"settings": {"maintenanceWindow": {"day": 2, "hour": 3, "updateTrack": "canary"}}},
        {"write ai-square-db:maintenanceDay: tue", "write ai-square-db:maintenanceHour: 3"},
    ),
    "no maintenance window": (
        {"settings": {"maintenanceWindow": {}}},
        {"write ai-square-db:maintenanceDay: ''"},
    ),
    "one flag of many": (
        {"settings": {"databaseFlags": FLAGS}},
        {"write ai-square-db:iamAuthentication: false", "take lock_timeout out of"},
    ),
    "days without maintenance": (
        {
            "settings": {
                "denyMaintenancePeriods": [
                    {"startDate": "2026-12-20", "endDate": "2027-01-10", "time": "06:00:00"}
                ]
            }
        },
        {"denyMaintenanceStart: '2026-12-20' and write ai-square-db:denyMaintenanceEnd"},
    ),
    "no backups": (
        {"settings": {"backupConfiguration": {"enabled": False}, "availabilityType": "ZONAL"}},
        {"write ai-square-db:backupEnabled: false and", "write ai-square-db:availability: ZONAL"},
    ),
    "no query insights": (
        {"settings": {"insightsConfig": {}}},
        {"write ai-square-db:queryInsights: false"},
    ),
    "no password policy": (
        {"settings": {"passwordValidationPolicy": {}}},
        {"write ai-square-db:passwordMinLength: 0"},
    ),
    "no final backup": (
        {"settings": {"finalBackupConfig": {}}},
        {"write ai-square-db:finalBackupDays: 0"},
    ),
    "machine": (
        {"settings": {"tier": "db-custom-4-15360"}},
        {"write ai-square-db:tier: db-custom-4-15360"},
    ),
    "edition": (
        {"settings": {"edition": "ENTERPRISE_PLUS", "tier": "db-perf-optimized-N-2"}},
        {"edition: ENTERPRISE_PLUS and write ai-square-db:tier: db-perf-optimized-N-2"},
    ),
    "labels": (
        {"settings": {"userLabels": {"team": "data", "app": "ai-square"}}},
        {"write ai-square-db:labels.team: data", "take environment out of ai-square-db:labels"},
    ),
    "label that no stack file takes": ({"settings": {"userLabels": {"équipe": "x"}}}, {"Deploy."}),
    "protection": (
        {"settings": {"deletionProtectionEnabled": False, "connectorEnforcement": "REQUIRED"}},
        {"deletionProtection: false", "connectorEnforcement: true"},
    ),
    "newer major version": (
        {"databaseVersion": "POSTGRES_17"},
        {"rite ai-square-db:databaseVersion: POSTGRES_17"},
    ),
    "version that no stack file takes": ({"databaseVersion": "POSTGRES_14"}, {"eploy"}),
    "disk": (
        {"settings": {"dataDiskSizeGb": "50", "storageAutoResizeLimit": "0"}},
        {"invoke disk.grow -s prod --to-gb 100", "diskAutoresizeLimitGb: 0"},
    ),
    "stopped": ({"settings": {"activationPolicy": "NEVER"}}, {"Deploy."}),
    "encryption key": (
        {
            "diskEncryptionConfiguration": {
                "kmsKeyName": "projects/p/locations/asia-east1/keyRings/r/cryptoKeys/k"
            }
        },
        {"Write ai-square-db:kmsKey: projects/p/locations/asia-east1/", "Only a new instance"},
    ),
    "another network": (
        {
            "settings": {
                "ipConfiguration": {
                    "sslMode": "ALLOW_UNENCRYPTED_AND_ENCRYPTED",
                    "privateNetwork": f"projects/{PROJECT}/global/networks/other",
                    "ipv4Enabled": True,
                }
            }
        },
        {"write ai-square-db:networkName: other", "sslMode: ALLOW_UNENCRYPTED_AND_ENCRYPTED"},
    ),
}


@pytest.mark.parametrize("what", BY_HAND)
def test_edit_takes_a_difference_away(tmp_path: Path, what: str) -> None:
    body, expected = BY_HAND[what]
    live = there(usual())
    assert asked(values(), live) == ()
    found = carried_out(values(), changed(live, NAME, **body), tmp_path)
    said = "\n".join(one.resolve for one in found)
    assert found
    for part in expected:
        assert part in said, said
    assert all(one.remedy in Remedy for one in found)


def test_edits_between_whole_instances_never_mislead(tmp_path: Path) -> None:
    declared, made = "bare", "plus"
    place = {"gcp:project": PROJECT, "gcp:region": "asia-east1", f"{NAMESPACE}:instance": "db"}
    sets = {"bare": BARE, "plus": PLUS}
    of = {
        name: {**{f"{NAMESPACE}:{_camel(k)}": v for k, v in keys.items()}, **place}
        for name, keys in sets.items()
    }
    live = there(collect(validate("prod", of[made])))
    found = carried_out(of[declared], live, tmp_path)
    assert any(one.edits for one in found)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return "".join((first, *(word.title() for word in rest)))


REPLICAS = {"a": {"flags": {"work_mem": "16MB"}}, "b": {"tier": "db-custom-4-15360"}}


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("a", {"settings": {"tier": "db-custom-4-15360"}}, "replicas.a.tier: db-custom-4-15360"),
        ("b", {"settings": {"availabilityType": "REGIONAL"}}, "replicas.b.availability: REGIONAL"),
        ("a", {"settings": {"userLabels": {}}}, "Deploy."),
        ("a", {"settings": {"storageAutoResizeLimit": "900"}}, "Deploy."),
        ("a", {"masterInstanceName": f"{PROJECT}:{NAME}-b"}, "replicas.a.source: b"),
    ],
)
def test_edit_of_a_replica_leaves_its_primary_alone(
    tmp_path: Path, name: str, body: dict[str, Any], said: str
) -> None:
    stack = values(replicas=REPLICAS)
    live = changed(there(collect(validate("prod", stack))), f"{NAME}-{name}", **body)
    found = carried_out(stack, live, tmp_path)
    assert said.lower() in "\n".join(one.resolve for one in found).lower()


def test_promoted_replica_leaves_the_stack(tmp_path: Path) -> None:
    stack = values(replicas={"a": {}})
    live = changed(there(collect(validate("prod", stack))), f"{NAME}-a", masterInstanceName="")
    live = changed(live, NAME, replicaNames=[])
    found = carried_out(stack, live, tmp_path)
    assert "Take a out of ai-square-db:replicas. Deploying replaces it" in found[0].resolve


def test_replica_flag_has_its_place_in_the_entry(tmp_path: Path) -> None:
    stack = values(replicas=REPLICAS)
    live = there(collect(validate("prod", stack)))
    flags = [dict(flag) for flag in live[f"{NAME}-b"].body["settings"]["databaseFlags"]]
    for flag in flags:
        flag["value"] = "32768" if flag["name"] == "work_mem" else flag["value"]
    live = changed(live, f"{NAME}-b", settings={"databaseFlags": flags})
    (one,) = carried_out(stack, live, tmp_path)
    assert "write ai-square-db:replicas.b.flags.work_mem: 32MB" in one.resolve


def test_replica_that_is_missing_or_not_declared(tmp_path: Path) -> None:
    both = there(collect(validate("prod", values(replicas=REPLICAS))))
    (gone,) = carried_out(values(replicas={**REPLICAS, "c": {}}), both, tmp_path / "1")
    assert gone.resolve == "Deploy, or take c out of ai-square-db:replicas."
    (made,) = carried_out(values(replicas={"b": REPLICAS["b"]}), both, tmp_path / "2")
    assert (made.finding, made.name) == (Finding.UNDECLARED, f"{NAME}-a")
    assert "write ai-square-db:replicas.a: {flags: {work_mem: 16MB}}" in made.resolve
    assert f"gcloud sql instances delete {NAME}-a --project={PROJECT}" in made.resolve
    other = replace(
        both[f"{NAME}-a"], name="elsewhere", body={**both[f"{NAME}-a"].body, "name": "elsewhere"}
    )
    body = {**both[NAME].body, "replicaNames": ["elsewhere"]}
    found = carried_out(
        values(), {NAME: replace(both[NAME], body=body), "elsewhere": other}, tmp_path / "3"
    )
    assert [one.edits for one in found] == [()]


def test_names_of_databases_and_users(tmp_path: Path) -> None:
    live = there(usual())
    named = replace(
        live[NAME],
        databases=("shop",),
        accounts=(
            *(one for one in live[NAME].accounts if one.name != "ai_square_app"),
            Account("web"),
            Account("ann@example.com", "CLOUD_IAM_USER"),
            Account("job@p.iam", "CLOUD_IAM_SERVICE_ACCOUNT"),
            Account("team@example.com", "CLOUD_IAM_GROUP"),
        ),
    )
    found = {one.name: one for one in carried_out(values(), {NAME: named}, tmp_path)}
    assert "write ai-square-db:database: shop" in found["shop"].resolve
    assert "write ai-square-db:appUser: web" in found["web"].resolve
    assert "iamUsers.ann@example.com: readonly" in found["ann@example.com"].resolve
    assert "iamUsers.job@p.iam.gserviceaccount.com: readonly" in found["job@p.iam"].resolve
    assert found["team@example.com"].edits == ()
    assert found["ai_square_app"].remedy is Remedy.DEPLOY
    stack = values(iamUsers={"bob@example.com": "app"})
    (bob,) = carried_out(stack, live, tmp_path / "iam")
    assert bob.resolve == "Deploy, or take bob@example.com out of ai-square-db:iamUsers."


def test_user_of_another_type_is_deleted_first() -> None:
    live = there(usual())
    accounts = tuple(
        Account(one.name, "CLOUD_IAM_USER") if one.name == "ai_square_app" else one
        for one in live[NAME].accounts
    )
    (one,) = asked(values(), {NAME: replace(live[NAME], accounts=accounts)})
    assert one.remedy is Remedy.DELETE_AND_DEPLOY
    assert f"gcloud sql users delete ai_square_app --instance={NAME}" in one.resolve


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "10.0.0.0/4", "anything"])
def test_door_to_the_internet_is_the_first_line(network: str) -> None:
    addresses = {"ipv4Enabled": True, "authorizedNetworks": [{"value": network, "name": "office"}]}
    live = changed(there(usual()), NAME, settings={"ipConfiguration": addresses})
    drift = Drift("prod", (NAME,), asked(values(), live))
    first = str(drift.blocks()[0])
    assert first.startswith("DANGER: ")
    assert network in first
    assert first.endswith("Deploy.")
    office = {"ipv4Enabled": False, "authorizedNetworks": [{"value": "192.0.2.0/24"}]}
    quiet = Drift(
        "prod",
        (NAME,),
        asked(values(), changed(there(usual()), NAME, settings={"ipConfiguration": office})),
    )
    assert not str(quiet.blocks()[0]).startswith("DANGER")


def test_destroying_is_never_the_first_remedy() -> None:
    live = changed(there(usual()), NAME, region="asia-east2")
    (one,) = (d for d in asked(values(), live) if d.property == "region")
    assert one.deploying == "replace"
    assert "what it holds is lost" in one.resolve
    assert not one.resolve.startswith("Deploy,")


def test_every_remedy_is_carried_out_somewhere() -> None:
    """What drift can print; who adds a remedy adds where it is carried out."""
    assert {
        Remedy.DEPLOY: "test_drift: deployed to the local Cloud SQL; here its edits",
        Remedy.REPLACES: "here: its edits; nobody is to deploy it",
        Remedy.LOSES: "here: its edits; nobody is to deploy it",
        Remedy.UNKNOWN: "here: its edits; `pulumi preview` needs a cloud",
        Remedy.GROWN: "nothing is to be done",
        Remedy.GROW: "test_drift: parsed by the task's own parser, and grown",
        Remedy.NEW_INSTANCE: "here: its edit",
        Remedy.DELETE: "test_drift: run by gcloud; here its edits",
        Remedy.DELETE_AND_DEPLOY: "test_drift: run by gcloud",
        Remedy.TAKE_ROLES: "test_drift_attack: the API's call of that command",
        Remedy.TAKE_BACK: "test_drift_attack: sent to the local Cloud SQL, for each setting",
        Remedy.BY_HAND: "names nothing to carry out",
        Remedy.FAILED_OVER: "nothing is to be done",
        Remedy.RESET: "roles/test_role_settings: sent to PostgreSQL",
        Remedy.APPLY_ROLES: "roles/test_role_settings: roles.apply, and drift again",
        Remedy.NEW_DATABASE: "names nothing to carry out",
    }.keys() == set(Remedy)


def test_edit_is_written_as_yaml() -> None:
    edit = Edit("ai-square-db:maintenanceDay", (), "")
    assert edit.sentence == "write ai-square-db:maintenanceDay: ''"
    on = Edit("ai-square-db:flags", ("log_lock_waits",), "on")
    assert re.search(r"log_lock_waits: '?on'?$", on.sentence)
    assert edit.applied({}) == {"ai-square-db:maintenanceDay": ""}
