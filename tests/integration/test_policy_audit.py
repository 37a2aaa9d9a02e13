"""The audit of a live instance: silent on a good one, and each violation on purpose found."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from infra.policies.audit import audit
from infra.policies.report import Report
from infra.policies.rule import State
from infra.settings import load
from ops.cloudsql import CloudSql, NoSuchInstanceError
from ops.results import State as Verdict
from ops.target import Target
from tests.integration.local.server import PROJECT, LocalServer, running
from tests.unit.policies.bodies import GOOD, GOOD_FLAGS

TIER = "db-custom-1-3840"
# Those of the good instance, small, and without the library that this machine may not have.
FLAGS = {
    **GOOD_FLAGS,
    "maintenance_work_mem": "65536",
    "shared_buffers": "49152",
}
FLAGS.pop("cloudsql.enable_pgaudit")
# One zone: a standby takes as long as all of the rest here.
SETTINGS: dict[str, Any] = {**GOOD["settings"], "tier": TIER, "availabilityType": "ZONAL"}


def listed(**flags: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in {**FLAGS, **flags}.items()]


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with running() as one:
        body = {**GOOD, "databaseVersion": "POSTGRES_15", "rootPassword": "Geheim-geheim-1"}
        body["settings"] = {**SETTINGS, "databaseFlags": listed()}
        body.pop("serverCaCert")
        one.do("POST", "/instances", body)
        yield one


def audited(server: LocalServer, stack: str) -> Report:
    """Audit the instance as if the stack had made it."""
    settings = load(stack)
    settings = replace(settings, instance=replace(settings.instance, name="good"))
    target = Target(stack, settings, server.data / "ops", server.data)
    return audit(target, CloudSql(PROJECT, server.url), everything=False)


def violated(report: Report) -> set[str]:
    (seen,) = report.reviews
    assert not seen.of(State.UNKNOWN)
    return {result.rule for result in seen.of(State.VIOLATED)}


def put(server: LocalServer, **settings: object) -> None:
    """Replace the settings whole, as the provider does."""
    version = server.get("/instances/good")["settings"]["settingsVersion"]
    body = {"settings": {"tier": TIER, "settingsVersion": version, **settings}}
    server.do("PUT", "/instances/good", body)


def test_the_good_instance_has_nothing_that_is_not_waived(server: LocalServer) -> None:
    report = audited(server, "local")
    assert violated(report) == set()
    assert report.state is Verdict.OK
    (seen,) = report.reviews
    assert {result.rule for result in seen.of(State.WAIVED)} == {
        "audit-extension",
        "latest-major",
        "log-duration",
        "log-hostname",
        "no-slow-statements-logged",
        "regional-availability",
    }
    assert {result.rule for result in seen.of(State.NOT_ASKED)} == {
        "disk-size-ignored",
        "explicit-edition",
        "no-plain-secret",
        "program-deletion-protection",
        "statements-end",
    }


def test_a_restart_that_waits_for_production_needs_approval(server: LocalServer) -> None:
    report = audited(server, "prod")  # which declares more memory, and pgaudit
    assert violated(report) == {"audit-extension", "regional-availability", "restart-approved"}
    assert report.state is Verdict.FINDING
    (found,) = [r for r in report.reviews[0].results if r.rule == "restart-approved"]
    assert found.found == (
        "cloudsql.enable_pgaudit, shared_buffers would restart it, without approval"
    )


BARE = {
    "audit-extension",
    "automated-backups",
    "backup-location",
    "backups-outlive-instance",
    "deletion-protection",
    "disk-limit",
    "iam-authentication",
    "idle-transactions-end",
    "labels",
    "lock-waits-end",
    "log-connections",
    "log-disconnections",
    "log-lock-waits",
    "log-statement",
    "log-temp-files",
    "maintenance-window",
    "no-open-network",
    "no-public-address",
    "password-policy",
    "point-in-time-recovery",
    "private-address",
    "query-insights",
    "regional-availability",
    "restart-approved",
    "slow-statements-logged",
    "tls-required",
}


def test_what_the_api_leaves_open_is_found(server: LocalServer) -> None:
    open_to_all = {"ipv4Enabled": True, "authorizedNetworks": [{"value": "0.0.0.0/0"}]}
    put(server, ipConfiguration=open_to_all)
    report = audited(server, "prod")
    assert violated(report) == BARE


WRONG = {
    "audit-extension",
    "deletion-protection",
    "disk-autoresize",
    "enough-connections",
    "log-checkpoints",
    "log-error-verbosity",
    "log-min-error-statement",
    "log-min-messages",
    "memory-budget",
    "no-data-api",
    "no-log-duration",
    "no-log-executor-stats",
    "no-log-hostname",
    "no-log-parser-stats",
    "no-log-planner-stats",
    "password-complexity",
    "query-insights",
    "regional-availability",
    "restart-approved",
    "retention",
    "update-track",
}


def test_what_is_set_wrong_is_found(server: LocalServer) -> None:
    settings = {
        **SETTINGS,
        "storageAutoResize": False,
        "deletionProtectionEnabled": False,
        "dataApiAccess": "ALLOW_DATA_API",
        "insightsConfig": {"queryInsightsEnabled": True, "queryStringLength": 256},
        "maintenanceWindow": {"day": 1, "hour": 3, "updateTrack": "canary"},
        "passwordValidationPolicy": {"enablePasswordPolicy": True, "minLength": 8},
        "backupConfiguration": {
            **SETTINGS["backupConfiguration"],
            "backupRetentionSettings": {"retainedBackups": 3, "retentionUnit": "COUNT"},
            "transactionLogRetentionDays": 2,
        },
        "databaseFlags": listed(
            log_checkpoints="off",
            log_duration="on",
            log_error_verbosity="terse",
            log_executor_stats="on",
            log_hostname="on",
            log_min_error_statement="fatal",
            log_min_messages="error",
            log_parser_stats="on",
            log_planner_stats="on",
            max_connections="90",
            work_mem="65536",
        ),
    }
    put(server, **settings)
    assert violated(audited(server, "prod")) == WRONG


def test_a_certificate_ages_by_the_instances_own_clock(server: LocalServer) -> None:
    put(server)  # no backup falls due on the way
    assert "certificate-valid" not in violated(audited(server, "prod"))
    server.ask("POST", "/local/v1/clock", {"forward_s": 3620 * 86400})
    report = audited(server, "prod")
    assert "certificate-valid" in violated(report)
    (found,) = [r for r in report.reviews[0].results if r.rule == "certificate-valid"]
    assert found.found.startswith("29 days left")


def test_what_is_not_deployed_can_not_be_audited(server: LocalServer) -> None:
    settings = load("local")
    target = Target("local", settings, server.data / "ops", server.data)
    with pytest.raises(NoSuchInstanceError):
        audit(target, CloudSql(PROJECT, server.url), everything=False)
