"""Answers against the API's own messages: no unknown field, and nothing missing of what it has."""

import re

import pytest
from google.cloud import sqladmin_v1beta4 as sqladmin
from google.protobuf import json_format  # type: ignore[import-untyped]  # it ships no types

from tests.integration.local.server import Json, LocalServer, instance_body

# What the real service fills in for an instance of which a name, a version, a region and a tier
# are told.
INSTANCE = {
    "kind", "name", "project", "state", "databaseVersion", "databaseInstalledVersion", "region",
    "gceZone", "settings", "etag", "backendType", "instanceType", "connectionName", "ipAddresses",
    "selfLink", "serviceAccountEmailAddress", "createTime", "maintenanceVersion",
    "upgradableDatabaseVersions", "sqlNetworkArchitecture", "satisfiesPzi", "geminiConfig",
    "includeReplicasForMajorVersionUpgrade",
}  # fmt: skip
SETTINGS = {
    "activationPolicy": "ALWAYS",
    "availabilityType": "ZONAL",
    "connectorEnforcement": "NOT_REQUIRED",
    "dataDiskSizeGb": "10",
    "dataDiskType": "PD_SSD",
    "deletionProtectionEnabled": False,
    "edition": "ENTERPRISE",
    "kind": "sql#settings",
    "pricingPlan": "PER_USE",
    "replicationLagMaxSeconds": 31536000,
    "replicationType": "SYNCHRONOUS",
    "settingsVersion": "1",
    "storageAutoResize": True,
    "storageAutoResizeLimit": "0",
    "tier": "db-f1-micro",
    "backupConfiguration": {
        "backupRetentionSettings": {"retainedBackups": 7, "retentionUnit": "COUNT"},
        "backupTier": "STANDARD",
        "enabled": False,
        "kind": "sql#backupConfiguration",
        "startTime": "03:00",
        "transactionLogRetentionDays": 7,
        "transactionalLogStorageState": "TRANSACTIONAL_LOG_STORAGE_STATE_UNSPECIFIED",
    },
    "ipConfiguration": {
        "ipv4Enabled": True,
        "requireSsl": False,
        "serverCaMode": "GOOGLE_MANAGED_INTERNAL_CA",
        "serverCertificateRotationMode": "SERVER_CERTIFICATE_ROTATION_MODE_UNSPECIFIED",
        "sslMode": "ALLOW_UNENCRYPTED_AND_ENCRYPTED",
    },
    "locationPreference": {"kind": "sql#locationPreference", "zone": "asia-east1-b"},
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NUMBER_64 = ("settingsVersion", "dataDiskSizeGb", "storageAutoResizeLimit")


def parsed(message: str, body: Json) -> Json:
    """Parse an answer strictly; what is no field of the message fails."""
    return json_format.ParseDict(body, getattr(sqladmin, message).pb()())


def test_an_instance_has_all_that_cloud_sql_fills_in(local: LocalServer) -> None:
    body = {
        "name": "plain",
        "databaseVersion": "POSTGRES_15",
        "region": "asia-east1",
        "settings": {"tier": "db-f1-micro"},
    }
    begun = local.begin("POST", "/instances", body)
    parsed("Operation", begun)
    created = local.done(begun)
    parsed("Operation", created)

    found = local.get("/instances/plain")

    message = parsed("DatabaseInstance", found)
    assert set(found) >= INSTANCE
    assert found["settings"] == SETTINGS
    assert message.settings.data_disk_size_gb.value == 10
    assert TIME.fullmatch(found["createTime"])
    assert re.fullmatch(r"p\d{12}-[0-9a-f]{6}@gcp-sa-cloud-sql\..*", found[
        "serviceAccountEmailAddress"
    ])  # fmt: skip
    assert found["databaseInstalledVersion"].startswith("POSTGRES_1")
    assert [one["name"] for one in found["upgradableDatabaseVersions"]] == [
        "POSTGRES_16",
        "POSTGRES_17",
        "POSTGRES_18",
    ]
    assert found["ipAddresses"] == [
        {"type": "PRIMARY", "ipAddress": found["ipAddresses"][0]["ipAddress"]}
    ]
    assert set(created) == {
        "kind", "name", "operationType", "status", "user", "insertTime", "startTime", "endTime",
        "targetId", "targetProject", "targetLink", "selfLink",
    }  # fmt: skip
    assert created["targetLink"] == found["selfLink"]
    for time in ("insertTime", "startTime", "endTime"):
        assert TIME.fullmatch(created[time])
    local.do("PATCH", "/instances/plain", change_of_network())
    both = local.get("/instances/plain")
    assert [one["type"] for one in both["ipAddresses"]] == ["PRIMARY", "PRIVATE"]
    assert both["etag"] != found["etag"]
    assert both["settings"]["ipConfiguration"]["requireSsl"] is True
    assert both["settings"]["ipConfiguration"]["sslMode"] == "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
    local.delete("plain")


def change_of_network() -> Json:
    network = {"privateNetwork": "projects/demo/global/networks/default", "requireSsl": True}
    return {"settings": {"ipConfiguration": network}}


def test_every_resource_is_one_of_the_apis_messages(local: LocalServer) -> None:
    operation = local.do("POST", "/instances/main/backupRuns", {"description": "shape"})
    context = operation["backupContext"]
    name = f"projects/demo/backups/{context['backupId']}"
    assert context == {
        "kind": "sql#backupContext",
        "backupId": context["backupId"],
        "name": name,
    }
    run = local.get(f"/instances/main/backupRuns/{context['backupId']}")
    parsed("BackupRun", run)
    assert set(run) >= {
        "kind", "id", "instance", "status", "type", "description", "enqueuedTime", "startTime",
        "endTime", "windowStartTime", "backupKind", "location", "databaseVersion", "selfLink",
    }  # fmt: skip
    assert (run["location"], run["backupKind"]) == ("asia", "SNAPSHOT")

    for path, message in (
        ("/instances", "InstancesListResponse"),
        ("/operations", "OperationsListResponse"),
        ("/instances/main/backupRuns", "BackupRunsListResponse"),
        ("/instances/main/databases", "DatabasesListResponse"),
        ("/instances/main/users", "UsersListResponse"),
        ("/v1/flags", "FlagsListResponse"),
        ("/tiers", "TiersListResponse"),
    ):
        found = local.get(path)
        assert parsed(message, found).items, path
        assert found["kind"].startswith("sql#"), path
        assert all(one["kind"].startswith("sql#") for one in found["items"]), path
    database = local.get("/instances/main/databases/postgres")
    assert database["selfLink"].endswith("/instances/main/databases/postgres")
    user = local.get("/instances/main/users/postgres")
    assert (user["type"], user["host"], user["instance"]) == ("BUILT_IN", "", "main")


def test_answers_come_in_parts_and_pages_and_filtered(local: LocalServer) -> None:
    assert local.get("/instances/main?fields=settings/tier,name") == {
        "name": "main",
        "settings": {"tier": "db-custom-2-7680"},
    }
    wanted = "/instances?filter=name:main%20state:RUNNABLE&fields=items(name,state),nextPageToken"
    assert local.get(wanted) == {"items": [{"name": "main", "state": "RUNNABLE"}]}
    assert local.get("/instances?filter=state:FAILED") == {"kind": "sql#instancesList"}
    seen: list[str] = []
    token = ""
    while True:
        path = f"/operations?maxResults=3&pageToken={token}&fields=items/name,nextPageToken"
        answer = local.get(path)
        seen += [one["name"] for one in answer["items"]]
        token = answer.get("nextPageToken", "")
        if not token:
            break
        assert len(answer["items"]) == 3
    assert seen == [one["name"] for one in local.get("/operations")["items"]]
    for path in ("/instances?pageToken=x", "/operations?pageToken=YWJj", "/instances?filter=state"):
        assert local.ask("GET", path).reason == "invalid", path
    unknown = local.ask("GET", "/instances/main?fields=colour")
    assert "path 'colour'" in unknown.body["error"]["details"][0]["fieldViolations"][0][
        "description"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"region": "asia-east9"}, "invalid", "Invalid region (asia-east9)"),
        ({"databaseVersion": "MYSQL_8_0"}, "invalid", "MYSQL_8_0"),
        ({"settings": {}}, "required", "settings.tier"),
        ({"settings": {"tier": "db-n1-standard-1"}}, "invalid", "for (ENTERPRISE) Edition"),
        ({"settings": {"tier": "db-custom-3-7680"}}, "invalid", "vCPUs are 1, or an even number"),
        ({"settings": {"tier": "db-custom-2-99999"}}, "invalid", "3840 to 13312 MB"),
        (
            {"databaseVersion": "POSTGRES_17"},
            "invalid",
            "Invalid Tier (db-custom-2-7680) for (ENTERPRISE_PLUS) Edition. Use a predefined",
        ),
        (
            {"settings": {"tier": "db-f1-micro", "ipConfiguration": {"ipv4Enabled": False}}},
            "invalid",
            "At least one of Public IP or Private IP or PSC connectivity must be enabled.",
        ),
        (
            {"settings": {"tier": "db-f1-micro", "locationPreference": {"zone": "us-east1-b"}}},
            "errorUnrecognizedGceZone",
            "unrecognized GCE zone",
        ),
        (
            {
                "settings": {
                    "tier": "db-f1-micro",
                    "databaseFlags": [{"name": "max_connections", "value": "many"}],
                }
            },
            "invalidFlagValue",
            "Value requested is not valid. Failed to set max_connections",
        ),
        ({"name": "main"}, "instanceAlreadyExists", "already exists"),
        ({"name": "Main"}, "invalidInstanceName", "lower-case"),
    ],
)
def test_what_cloud_sql_refuses_is_refused(
    local: LocalServer, change: Json, reason: str, words: str
) -> None:
    refused = local.ask("POST", "/instances", {**instance_body("refused"), **change})

    assert refused.status == (409 if reason == "instanceAlreadyExists" else 400)
    assert refused.reason == reason
    assert words in refused.body["error"]["message"]
    assert "refused" not in local.names()


def test_what_is_not_there_is_told_with_the_apis_reason(local: LocalServer) -> None:
    for path in ("", "/databases", "/users", "/backupRuns", "/databases/x", "/users/x"):
        refused = local.ask("GET", f"/instances/nowhere{path}")
        assert (refused.status, refused.reason) == (404, "instanceDoesNotExist"), path
    for path in (
        "/instances/main/databases/nothing",
        "/instances/main/users/nobody",
        "/instances/main/backupRuns/99999999999999999999",
        "/operations/none",
    ):
        assert local.ask("GET", path).reason == "notFound", path
