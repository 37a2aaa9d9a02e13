"""The life of an instance: stopped and started, its disk, its settings, its passwords."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.local.server import (
    PASSWORD,
    Json,
    LocalServer,
    clone_body,
    instance_body,
    running,
)

GIB = 1024**3
LIMIT_S = 30


@pytest.fixture(scope="module")
def living() -> Iterator[LocalServer]:
    with running() as server:
        server.create("living", backupConfiguration={"enabled": True})
        yield server


def settings(server: LocalServer) -> Json:
    return server.get("/instances/living")["settings"]


def patch(server: LocalServer, **change: object) -> Json:
    return server.do("PATCH", "/instances/living", {"settings": change})


def started(server: LocalServer) -> object:
    with server.connect("living") as connection:
        row = connection.execute("SELECT pg_postmaster_start_time()").fetchone()
    return row and row[0]


def test_a_stopped_instance_is_runnable_and_refuses_as_the_api_does(living: LocalServer) -> None:
    patch(living, activationPolicy="NEVER")
    # The API goes on saying RUNNABLE; gcloud makes STOPPED of it by the policy.
    assert living.get("/instances/living")["state"] == "RUNNABLE"
    for verb, path, body in (
        ("GET", "/instances/living/users", None),
        ("GET", "/instances/living/databases", None),
        ("POST", "/instances/living/users", {"name": "u", "password": "p"}),
        ("POST", "/instances/living/restart", None),
        ("POST", "/instances/living/backupRuns", {}),
        ("POST", "/instances/living/clone", clone_body("never")),
    ):
        refused = living.ask(verb, path, body)
        assert (refused.status, refused.reason) == (400, "invalid"), path
        words = "Invalid request: Invalid request since instance is not running."
        assert refused.body["error"]["message"] == words
    living.kill_and_start()
    assert living.ask("GET", "/instances/living/users").status == 400
    patch(living, userLabels={"state": "stopped"})

    patch(living, activationPolicy="ALWAYS")

    assert started(living)
    assert settings(living)["userLabels"] == {"state": "stopped"}


def test_a_flag_restarts_or_not_and_a_wrong_set_is_taken_back(living: LocalServer) -> None:
    begun = started(living)
    patch(living, databaseFlags=[{"name": "work_mem", "value": "8192"}])
    assert started(living) == begun
    patch(living, databaseFlags=[{"name": "max_connections", "value": "60"}])
    again = started(living)
    assert again != begun

    # PostgreSQL judges these two together, and only at a start.
    wrong = [
        {"name": "max_connections", "value": "60"},
        {"name": "max_wal_senders", "value": "59"},
        {"name": "superuser_reserved_connections", "value": "60"},
    ]
    before = settings(living)
    answer = living.ask("PATCH", "/instances/living", {"settings": {"databaseFlags": wrong}})
    if answer.status == 200:
        assert "error" in living.done(answer.body)
    assert settings(living) == before
    with living.connect("living") as connection:
        assert connection.execute("SHOW max_connections").fetchone() == ("60",)
    assert started(living) == again


def test_a_disk_only_grows(living: LocalServer) -> None:
    patch(living, dataDiskSizeGb="12")

    refused = living.ask("PATCH", "/instances/living", {"settings": {"dataDiskSizeGb": "11"}})
    assert (refused.status, refused.reason) == (400, "invalid")
    assert "can't be decreased" in refused.body["error"]["message"]
    # An update without a size leaves the disk as it is.
    living.do("PUT", "/instances/living", {"settings": {"tier": "db-custom-2-7680"}})
    assert settings(living)["dataDiskSizeGb"] == "12"


def test_a_disk_that_is_nearly_full_grows_by_itself_up_to_its_limit(living: LocalServer) -> None:
    data = Path(living.status("living")["home"])
    patch(living, storageAutoResize=True, storageAutoResizeLimit="20", dataDiskSizeGb="12")
    version = int(settings(living)["settingsVersion"])
    # A file with a hole; where base backups don't look, and PostgreSQL does not at all.
    ballast = data / "base" / "pgsql_tmp"
    ballast.mkdir(exist_ok=True)
    hole = ballast / "ballast"
    with hole.open("wb") as file:
        file.truncate(8 * GIB)
    try:
        grown(living, "17")
        with hole.open("r+b") as file:
            file.truncate(19 * GIB)
        grown(living, "20")  # not 22: that is the limit
    finally:
        hole.unlink()
    assert int(settings(living)["settingsVersion"]) == version + 2
    kinds = [one["operationType"] for one in living.get("/operations?instance=living")["items"]]
    assert kinds[:2] == ["UPDATE", "UPDATE"]
    version_before = settings(living)["settingsVersion"]
    living.begin("POST", "/local/v1/clock", {"forward_s": 31})
    patch(living, storageAutoResize=False)
    assert settings(living)["settingsVersion"] == str(int(version_before) + 1)


def grown(server: LocalServer, size: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while settings(server)["dataDiskSizeGb"] != size:
        assert time.monotonic() < deadline, settings(server)
        server.begin("POST", "/local/v1/clock", {"forward_s": 31})
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataDiskSizeGb": "5"}, "between 10 and 65536"),
        ({"storageAutoResizeLimit": "11"}, "storageAutoResizeLimit 11"),
        ({"backupConfiguration": {"startTime": "25:00"}}, "HH:MM"),
        (
            {"backupConfiguration": {"backupRetentionSettings": {"retainedBackups": 366}}},
            "retained backups must be between 1 and 365",
        ),
        (
            {
                "backupConfiguration": {
                    "pointInTimeRecoveryEnabled": True,
                    "enabled": True,
                    "transactionLogRetentionDays": 8,
                }
            },
            "must be between 1 and 7",
        ),
        (
            {
                "backupConfiguration": {
                    "pointInTimeRecoveryEnabled": True,
                    "enabled": True,
                    "backupRetentionSettings": {"retainedBackups": 3},
                }
            },
            "backup retention should be > transaction log retention",
        ),
        ({"finalBackupConfig": {"enabled": True, "retentionDays": 366}}, "retentionDays 366"),
        ({"maintenanceWindow": {"day": 8}}, "maintenanceWindow.day 8"),
        ({"maintenanceWindow": {"day": 1, "hour": 24}}, "maintenanceWindow.hour 24"),
        (
            {"denyMaintenancePeriods": [{"startDate": "2026-13-01", "endDate": "2026-12-05"}]},
            "yyyy-mm-dd",
        ),
        (
            {"denyMaintenancePeriods": [{"startDate": "2026-01-01", "endDate": "2026-06-01"}]},
            "between 1 and 90 days",
        ),
        (
            {
                "denyMaintenancePeriods": [
                    {"startDate": "11-01", "endDate": "12-01", "time": "noon"}
                ]
            },
            "HH:MM:SS",
        ),
        ({"userLabels": {"Team": "data"}}, "lower-case"),
        ({"userLabels": {"team": "d" * 64}}, "lower-case"),
        (
            {"passwordValidationPolicy": {"enablePasswordPolicy": True, "minLength": -1}},
            "minLength",
        ),
    ],
)
def test_settings_that_can_not_be_are_refused(
    living: LocalServer, change: Json, words: str
) -> None:
    before = settings(living)

    refused = living.ask("PATCH", "/instances/living", {"settings": change})

    assert (refused.status, refused.reason) == (400, "invalid"), refused.body
    assert words in refused.body["error"]["message"]
    assert settings(living) == before


def test_maintenance_is_kept_as_it_is_given(living: LocalServer) -> None:
    window = {"day": 7, "hour": 4, "updateTrack": "stable"}
    periods = [{"startDate": "11-20", "endDate": "01-10", "time": "00:00:00"}]

    patch(living, maintenanceWindow=window, denyMaintenancePeriods=periods)

    found = settings(living)
    assert window.items() <= found["maintenanceWindow"].items()
    assert periods[0].items() <= found["denyMaintenancePeriods"][0].items()


def test_passwords_meet_the_policy_and_are_told_to_nobody(living: LocalServer) -> None:
    policy = {
        "enablePasswordPolicy": True,
        "minLength": 10,
        "complexity": "COMPLEXITY_DEFAULT",
        "disallowUsernameSubstring": True,
    }
    patch(living, passwordValidationPolicy=policy)
    for password, words in (
        ("Sh0rt!", "at least 10 characters"),
        ("all-lower-case-1", "an upper-case letter"),
        ("NoDigitsAtAll!", "a digit"),
        ("OnlyLetters123", "neither letter nor digit"),
        ("Is-Buyer-123456", "the user's name"),
    ):
        body = {"name": "buyer", "password": password}
        refused = living.ask("POST", "/instances/living/users", body)
        assert (refused.status, refused.reason) == (400, "invalid")
        assert words in refused.body["error"]["message"]
        assert password not in refused.body["error"]["message"]
    living.do("POST", "/instances/living/users", {"name": "buyer", "password": "Good-Enough-1"})
    worse = {"name": "buyer", "password": "worse"}
    assert living.ask("PUT", "/instances/living/users?name=buyer", worse).status == 400
    made = living.ask("POST", "/instances", instance_body("never", passwordValidationPolicy=policy))
    assert "postgres does not meet" in made.body["error"]["message"]
    assert PASSWORD not in made.body["error"]["message"]

    again = {**policy, "reuseInterval": 3}
    refused = living.ask(
        "PATCH", "/instances/living", {"settings": {"passwordValidationPolicy": again}}
    )
    assert (refused.status, refused.reason) == (501, "notImplemented")
    patch(living, passwordValidationPolicy={"enablePasswordPolicy": False})
    living.do("PUT", "/instances/living/users?name=buyer", worse)


def test_a_protected_instance_stays(living: LocalServer) -> None:
    patch(living, deletionProtectionEnabled=True)

    refused = living.ask("DELETE", "/instances/living")

    assert refused.status == 400
    assert "protected" in refused.body["error"]["message"]
    patch(living, deletionProtectionEnabled=False)
    assert living.names()["living"] == "RUNNABLE"
