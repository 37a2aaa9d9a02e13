"""The audit of a live instance: silent on a good one, and each violation on purpose found."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.policies.audit import audit
from infra.policies.report import Report
from infra.policies.rule import State
from infra.policies.rules import BY_ID
from infra.settings import load
from ops.checks.result import State as Verdict
from ops.cloudsql import CloudSql, NoSuchInstanceError
from ops.target import Target
from tests.integration.local.gcloud import Gcloud
from tests.integration.local.server import PROJECT, LocalServer, running
from tests.unit.policies.bodies import GOOD, GOOD_FLAGS, OTHER_SIDES

TIER = "db-custom-1-3840"
TODAY = date(2026, 11, 23)  # waivers count on it, whenever the tests run
# No instance follows both sides of a question; PostgreSQL 18 and pgaudit may not be here.
ALWAYS = OTHER_SIDES | {"audit-extension", "latest-major", "regional-availability"}
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


def audited(server: LocalServer, stack: str, waived_as: str | None = None) -> Report:
    """Audit the instance as if the stack had made it; no waiver is another stack's."""
    settings = load(stack)
    settings = replace(settings, instance=replace(settings.instance, name="good"))
    target = Target(waived_as or stack, settings, server.data / "ops", server.data)
    return audit(target, CloudSql(PROJECT, server.url), everything=False, today=TODAY)


def bare(server: LocalServer) -> set[str]:
    """Return what production's rules find, were nothing waived."""
    return violated(audited(server, "prod", waived_as="nobody"))


def violated(report: Report) -> set[str]:
    (seen,) = report.reviews
    # the instance has no owner of a stack, whom PostgreSQL could be asked as
    asked_in_sql = {"statements-end", "lock-waits-end", "idle-transactions-end"}
    assert {result.rule for result in seen.of(State.UNKNOWN)} <= asked_in_sql
    return {result.rule for result in seen.of(State.VIOLATED)}


def put(server: LocalServer, **settings: object) -> None:
    """Replace the settings whole, as the provider does."""
    version = server.get("/instances/good")["settings"]["settingsVersion"]
    body = {
        "settings": {"tier": TIER, "settingsVersion": version, **settings},
        "diskEncryptionConfiguration": GOOD["diskEncryptionConfiguration"],
    }
    server.do("PUT", "/instances/good", body)


def test_the_good_instance_has_nothing_that_is_not_waived(server: LocalServer) -> None:
    report = audited(server, "local")
    assert violated(report) == set()
    assert report.state is Verdict.UNKNOWN  # nobody to ask PostgreSQL as; else it is ok
    (seen,) = report.reviews
    assert {result.rule for result in seen.of(State.WAIVED)} == ALWAYS
    assert {result.rule for result in seen.of(State.NOT_ASKED)} == {
        "allowed-bucket-place",
        "disk-size-ignored",
        "explicit-edition",
        "no-plain-secret",
        "program-deletion-protection",
    }


def test_a_restart_that_waits_for_production_needs_approval(server: LocalServer) -> None:
    report = audited(server, "prod")  # which declares more memory, and pgaudit
    assert violated(report) == {"audit-extension", "regional-availability", "restart-approved"}
    assert report.state is Verdict.FINDING
    (found,) = [r for r in report.reviews[0].results if r.rule == "restart-approved"]
    assert found.found == (
        "cloudsql.enable_pgaudit, max_connections, shared_buffers would restart it, without"
        " approval"
    )


BARE = (ALWAYS - {"no-slow-statements-logged"}) | {
    "automated-backups",
    "backup-location",
    "backups-outlive-instance",
    "client-certificates",
    "connectors-enforced",
    "deletion-protection",
    "disk-limit",
    "enough-connections",
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
    "restart-approved",
    "slow-statements-logged",
    "tls-required",
}


def test_what_the_api_leaves_open_is_found(server: LocalServer) -> None:
    open_to_all = {"ipv4Enabled": True, "authorizedNetworks": [{"value": "0.0.0.0/0"}]}
    put(server, ipConfiguration=open_to_all)
    assert bare(server) == BARE


WRONG = (ALWAYS - {"log-duration", "log-hostname"}) | {
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
    assert bare(server) == WRONG


def test_a_machine_that_shares_its_cores_is_found(server: LocalServer) -> None:
    connections = [{"name": "max_connections", "value": "100"}]  # else the tier decides
    put(server, tier="db-f1-micro", databaseFlags=connections)
    (seen,) = audited(server, "prod", waived_as="nobody").reviews
    assert "allowed-machine" in {result.rule for result in seen.of(State.VIOLATED)}
    # whether it fits a memory that nobody knows
    assert "memory-budget" in {result.rule for result in seen.of(State.UNKNOWN)}


def test_a_user_that_nobody_declared_is_found_whatever_it_is_called(server: LocalServer) -> None:
    put(server)
    assert "declared-users" not in violated(audited(server, "prod"))
    user = {"name": "cloudsqlhelper", "password": "Geheim-geheim-1"}
    server.do("POST", "/instances/good/users", user)
    report = audited(server, "prod")
    (found,) = [r for r in report.reviews[0].results if r.rule == "declared-users"]
    assert (found.state, found.found) == (State.VIOLATED, "not declared: cloudsqlhelper")
    server.do("DELETE", "/instances/good/users?name=cloudsqlhelper")


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


def commands(rule: str) -> list[list[str]]:
    """Return what a remedy says to type, for the instance of these tests."""
    texts = re.findall(r"`(gcloud sql [^`]+)`", BY_ID[rule].remedy)
    return [shlex.split(text.replace("NAME", "good"))[2:] for text in texts]


def test_remedies_that_are_commands_take_the_finding_away(
    server: LocalServer, tmp_path: Path
) -> None:
    gcloud = Gcloud(tmp_path, server.url)
    addresses = {**GOOD["settings"]["ipConfiguration"]}
    addresses["authorizedNetworks"] = [{"value": "0.0.0.0/0"}]
    wrong = {"ipConfiguration": addresses, "dataApiAccess": "ALLOW_DATA_API"}
    put(server, **{**SETTINGS, "databaseFlags": listed(), **wrong})
    assert {"no-open-network", "no-data-api"} <= bare(server)
    (clear,) = commands("no-open-network")
    gcloud(*clear)
    assert "no-open-network" not in bare(server)
    (body, method) = re.findall(r"`([^`]+)`", BY_ID["no-data-api"].remedy)
    assert method == "instances.patch"
    server.do("PATCH", "/instances/good", json.loads(body))
    assert "no-data-api" not in bare(server)
    before = server.get("/instances/good")["serverCaCert"]["sha1Fingerprint"]
    create, rotate = commands("certificate-valid")
    gcloud(*create)
    gcloud(*rotate)
    assert server.get("/instances/good")["serverCaCert"]["sha1Fingerprint"] != before
