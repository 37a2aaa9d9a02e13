"""The instance and its replicas, property by property, as the program registers them."""

from typing import Any

import pytest

from infra.desired import INSTANCE, Desired, DesiredResource, collect
from infra.settings import load
from infra.settings.validation import validate
from infra.stackfile import read_config

KEY = "projects/p/locations/asia-east1/keyRings/r/cryptoKeys/k"


def declared(stack: str = "prod", /, **changed: object) -> Desired:
    values = {f"ai-square-db:{key}": value for key, value in changed.items()}
    return collect(validate(stack, {**read_config(stack), **values}))


def settings(stack: str = "prod", /, **changed: object) -> dict[str, Any]:
    found = declared(stack, **changed).named("instance").inputs["settings"]
    return {key: value for key, value in found.items() if key != "databaseFlags"}


def replica(**entry: object) -> DesiredResource:
    return declared(replicas={"r1": entry}).named("replica-r1")


def test_production_whole() -> None:
    assert settings() == {
        "activationPolicy": "ALWAYS",
        "availabilityType": "REGIONAL",
        "backupConfiguration": {
            "backupRetentionSettings": {"retainedBackups": 7, "retentionUnit": "COUNT"},
            "enabled": True,
            "location": "asia",
            "pointInTimeRecoveryEnabled": True,
            "startTime": "19:00",
            "transactionLogRetentionDays": 7,
        },
        "connectorEnforcement": "NOT_REQUIRED",
        "deletionProtectionEnabled": True,
        "diskAutoresize": True,
        "diskAutoresizeLimit": 500,
        "diskSize": 100,
        "diskType": "PD_SSD",
        "edition": "ENTERPRISE",
        "finalBackupConfig": {"enabled": True, "retentionDays": 30},
        "insightsConfig": {
            "queryInsightsEnabled": True,
            "queryPlansPerMinute": 5,
            "queryStringLength": 1024,
            "recordApplicationTags": True,
            "recordClientAddress": False,
        },
        "ipConfiguration": {
            "ipv4Enabled": False,
            "privateNetwork": "projects/ai-square-463013/global/networks/ai-square-db-prod",
            "serverCaMode": "GOOGLE_MANAGED_INTERNAL_CA",
            "sslMode": "ENCRYPTED_ONLY",
        },
        "maintenanceWindow": {"day": 6, "hour": 18, "updateTrack": "stable"},
        "passwordValidationPolicy": {
            "complexity": "COMPLEXITY_DEFAULT",
            "disallowUsernameSubstring": True,
            "enablePasswordPolicy": True,
            "minLength": 12,
        },
        "retainBackupsOnDelete": True,
        "tier": "db-custom-2-7680",
        "userLabels": {"app": "ai-square", "environment": "production"},
    }


def test_staging_differs_only_where_it_is_cheaper() -> None:
    prod, staging = settings("prod"), settings("staging")
    different = {key for key in prod.keys() | staging.keys() if prod.get(key) != staging.get(key)}
    assert different == {
        "availabilityType",
        "diskAutoresizeLimit",
        "diskSize",
        "ipConfiguration",
        "tier",
        "userLabels",
    }


def test_the_options_of_the_instance() -> None:
    instance = declared().named("instance")
    assert instance.protect
    assert instance.ignore_changes == ("settings.diskSize",)
    assert "services" in instance.depends_on


@pytest.mark.parametrize(
    ("changed", "sent"),
    [
        ({"zone": "asia-east1-a"}, {"locationPreference": {"zone": "asia-east1-a"}}),
        (
            {"zone": "asia-east1-a", "secondaryZone": "asia-east1-b"},
            {"locationPreference": {"zone": "asia-east1-a", "secondaryZone": "asia-east1-b"}},
        ),
        ({"finalBackupDays": 0}, {"finalBackupConfig": {"enabled": False}}),
        ({"retainBackupsOnDelete": False}, {"retainBackupsOnDelete": False}),
        ({"queryInsights": False}, {"insightsConfig": {"queryInsightsEnabled": False}}),
        ({"connectorEnforcement": True}, {"connectorEnforcement": "REQUIRED"}),
        (
            {"denyMaintenanceStart": "12-20", "denyMaintenanceEnd": "01-10"},
            {
                "denyMaintenancePeriod": {
                    "startDate": "12-20",
                    "endDate": "01-10",
                    "time": "00:00:00",
                }
            },
        ),
        (
            {"edition": "ENTERPRISE_PLUS", "tier": "db-perf-optimized-N-2", "dataCache": True},
            {"dataCacheConfig": {"dataCacheEnabled": True}, "edition": "ENTERPRISE_PLUS"},
        ),
        (
            {
                "edition": "ENTERPRISE_PLUS",
                "tier": "db-perf-optimized-N-2",
                "connectionPooling": True,
            },
            {"connectionPoolConfigs": [{"connectionPoolingEnabled": True}]},
        ),
        (
            {"edition": "ENTERPRISE_PLUS", "tier": "db-perf-optimized-N-2"},
            {
                "dataCacheConfig": {"dataCacheEnabled": False},
                "connectionPoolConfigs": [{"connectionPoolingEnabled": False}],
            },
        ),
    ],
)
def test_a_setting_arrives(changed: dict[str, object], sent: dict[str, object]) -> None:
    found = settings("prod", **changed)
    assert {key: found[key] for key in sent} == sent


@pytest.mark.parametrize(
    ("changed", "absent"),
    [
        ({}, "locationPreference"),
        ({}, "denyMaintenancePeriod"),
        ({}, "dataCacheConfig"),
        ({}, "connectionPoolConfigs"),
        ({"maintenanceDay": ""}, "maintenanceWindow"),
        ({"passwordMinLength": 0}, "passwordValidationPolicy"),
    ],
)
def test_what_is_not_set_is_not_sent(changed: dict[str, object], absent: str) -> None:
    assert absent not in settings("prod", **changed)


def test_an_encryption_key_is_sent_only_where_one_is_named() -> None:
    assert "encryptionKeyName" not in declared().named("instance").inputs
    assert declared(kmsKey=KEY).named("instance").inputs["encryptionKeyName"] == KEY


def test_with_private_service_connect_there_is_no_private_network() -> None:
    found = settings(networkMode="PSC", pscConsumerProjects=["other"])["ipConfiguration"]
    assert found["pscConfigs"] == [
        {"pscEnabled": True, "allowedConsumerProjects": ["ai-square-463013", "other"]}
    ]
    assert "privateNetwork" not in found
    assert found["ipv4Enabled"] is False


def test_a_replica_follows_the_primary() -> None:
    found = replica(tier="db-custom-4-15360", flags={"work_mem": "16MB"})
    assert found.type == INSTANCE
    assert found.inputs["name"] == "ai-square-db-prod-r1"
    assert found.inputs["masterInstanceName"] == "ai-square-db-prod"
    assert found.inputs["instanceType"] == "READ_REPLICA_INSTANCE"
    assert found.inputs["region"] == "asia-east1"
    assert found.inputs["settings"]["tier"] == "db-custom-4-15360"
    assert found.inputs["settings"]["availabilityType"] == "ZONAL"
    flags = {flag["name"]: flag["value"] for flag in found.inputs["settings"]["databaseFlags"]}
    primary = declared().named("instance").inputs["settings"]["databaseFlags"]
    assert flags == {flag["name"]: flag["value"] for flag in primary} | {"work_mem": "16384"}
    assert "instance" in found.depends_on
    assert found.protect
    assert found.ignore_changes == ("settings.diskSize",)


@pytest.mark.parametrize("absent", ["backupConfiguration", "diskSize", "maintenanceWindow"])
def test_a_replica_leaves_out_what_is_the_primarys(absent: str) -> None:
    assert absent not in replica().inputs["settings"]


def test_a_cascading_replica_follows_another() -> None:
    found = declared(replicas={"a": {"source": "b"}, "b": {}})
    assert found.named("replica-a").inputs["masterInstanceName"] == "ai-square-db-prod-b"
    assert "replica-b" in found.named("replica-a").depends_on


def test_a_read_pool_has_nodes() -> None:
    plus = {"edition": "ENTERPRISE_PLUS", "tier": "db-perf-optimized-N-2"}
    pool = declared(replicas={"pool": {"nodes": 3}}, **plus).named("replica-pool")
    assert pool.inputs["instanceType"] == "READ_POOL_INSTANCE"
    assert pool.inputs["nodeCount"] == 3


def test_the_stacks_have_no_replicas_yet() -> None:
    assert [load(stack).replicas for stack in ("local", "staging", "prod")] == [(), (), ()]
