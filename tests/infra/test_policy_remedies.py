"""Every remedy of a policy, carried out on a stack file, and asked again."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.desired import collect
from infra.policies.check import declared
from infra.policies.review import ask
from infra.policies.rule import State
from infra.policies.rules import BY_ID, RULES
from infra.settings import Settings
from infra.settings.keys import NAMESPACE
from infra.settings.validation import validate
from infra.stackfile import read_config
from tests.remedies import edited, stack_file

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
Values = dict[str, Any]
BESIDE = re.compile(r":(alert|runner|export|evidence)")  # declaring them takes time
RING = "projects/p/locations/asia-east1/keyRings/r/cryptoKeys/k"


def flag(name: str, wrong: object, right: object) -> tuple[Values, Values]:
    return {"flags": {name: wrong}}, {"flags": {name: right}}


# What violates a rule, and what its remedy says to set.
CASES: Mapping[str, tuple[Values, Values]] = {
    "tls-required": (
        {"sslMode": "ALLOW_UNENCRYPTED_AND_ENCRYPTED"},
        {"sslMode": "ENCRYPTED_ONLY"},
    ),
    "client-certificates": ({}, {"sslMode": "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"}),
    "connectors-enforced": ({}, {"connectorEnforcement": True}),
    "iam-authentication": ({"iamAuthentication": False}, {"iamAuthentication": True}),
    "password-policy": ({"passwordMinLength": 0}, {"passwordMinLength": 12}),
    "password-complexity": (
        {"passwordMinLength": 8, "passwordComplexity": False},
        {"passwordMinLength": 12, "passwordComplexity": True},
    ),
    "automated-backups": (
        {"backupEnabled": False, "pointInTimeRecovery": False, "availability": "ZONAL"},
        {"backupEnabled": True},
    ),
    "point-in-time-recovery": ({"pointInTimeRecovery": False}, {"pointInTimeRecovery": True}),
    "retention": (
        {"backupRetained": 3, "logRetentionDays": 3},
        {"backupRetained": 7, "logRetentionDays": 7},
    ),
    "backup-location": ({"backupLocation": ""}, {"backupLocation": "asia"}),
    "backups-outlive-instance": (
        {"finalBackupDays": 0, "retainBackupsOnDelete": False},
        {"finalBackupDays": 30, "retainBackupsOnDelete": True},
    ),
    "deletion-protection": ({"deletionProtection": False}, {"deletionProtection": True}),
    "program-deletion-protection": ({"deletionProtection": False}, {"deletionProtection": True}),
    "regional-availability": ({"availability": "ZONAL"}, {"availability": "REGIONAL"}),
    "disk-autoresize": ({"diskAutoresize": False}, {"diskAutoresize": True}),
    "disk-limit": ({"diskAutoresizeLimitGb": 0}, {"diskAutoresizeLimitGb": 500}),
    "audit-extension": flag("cloudsql.enable_pgaudit", "off", "on"),
    "log-error-verbosity": flag("log_error_verbosity", "terse", "default"),
    "log-connections": flag("log_connections", "off", "on"),
    "log-disconnections": flag("log_disconnections", "off", "on"),
    "log-statement": flag("log_statement", "none", "ddl"),
    "log-min-messages": flag("log_min_messages", "panic", "warning"),
    "log-min-error-statement": flag("log_min_error_statement", "panic", "error"),
    "slow-statements-logged": flag("log_min_duration_statement", -1, "500ms"),
    "no-slow-statements-logged": flag("log_min_duration_statement", "500ms", -1),
    "log-checkpoints": flag("log_checkpoints", "off", "on"),
    "log-lock-waits": flag("log_lock_waits", "off", "on"),
    "log-temp-files": flag("log_temp_files", -1, 0),
    "log-hostname": flag("log_hostname", "off", "on"),
    "no-log-hostname": flag("log_hostname", "on", "off"),
    "log-duration": flag("log_duration", "off", "on"),
    "no-log-duration": flag("log_duration", "on", "off"),
    "no-log-executor-stats": flag("log_executor_stats", "on", "off"),
    "no-log-parser-stats": flag("log_parser_stats", "on", "off"),
    "no-log-planner-stats": flag("log_planner_stats", "on", "off"),
    "no-log-statement-stats": flag("log_statement_stats", "on", "off"),
    "idle-transactions-end": flag("idle_in_transaction_session_timeout", 0, "10min"),
    "lock-waits-end": flag("lock_timeout", 0, "1min"),
    "customer-managed-key": ({}, {"kmsKey": RING}),
    "labels": ({"labels": {}}, {"labels": {"app": "VALUE", "environment": "VALUE"}}),
    "allowed-region": ({"gcp:region": "asia-east2"}, {"gcp:region": "asia-east1"}),
    "allowed-machine": ({"tier": "db-custom-32-122880"}, {"tier": "db-custom-16-61440"}),
    "maintenance-window": (
        {"maintenanceDay": ""},
        {"maintenanceDay": "sat", "maintenanceHour": 18},
    ),
    "update-track": ({"maintenanceTrack": "canary"}, {"maintenanceTrack": "stable"}),
    "query-insights": (
        {"queryInsights": False},
        {"queryInsights": True, "queryInsightsTextBytes": 1024},
    ),
    "enough-connections": (
        {"poolMaxConnections": 150, "poolSize": 20},
        {"flags": {"max_connections": 153}},
    ),
}
# Where a remedy is no edit of a stack file, or no stack file can violate the rule.
ELSEWHERE: Mapping[str, str] = {
    "autovacuum-works": "takes flags out, and names no value",
    "declared-users": "only seen live: a user is declared, or deleted by gcloud",
    "instance-runs": "test_policy_audit: gcloud; the program says ALWAYS always",
    "allowed-bucket-place": "the program makes buckets in the stack's region",
    "no-open-network": "test_policy_audit: gcloud",
    "no-data-api": "test_policy_audit: instances.patch",
    "certificate-valid": "test_policy_audit: gcloud takes both commands",
    "restart-approved": "below: a label that the stack file takes",
    "latest-major": "below: waived, since no stack file can",
    "no-public-address": "a stack file without networkName is refused",
    "private-address": "a stack file without networkName is refused",
    "known-flags": "a stack file with such a flag is refused",
    "memory-budget": "a stack file past the tier's memory is refused",
    "no-duplicate-flags": "a stack file with such flags is refused",
    "replica-settings": "a stack file with such a replica is refused",
    "tier-grammar": "a stack file with such a tier is refused",
    "deny-period": "a stack file with such a period is refused",
    "explicit-edition": "the program says the edition always",
    "disk-size-ignored": "the program's own code",
    "statements-end": "the statements of sql/roles",
    "no-plain-secret": "the program's own code",
}
# By how much the values have to give way, so that nothing else is wrong.
ROOM: Mapping[str, Values] = {
    "allowed-machine": {"flags": {"shared_buffers": "16GB", "effective_cache_size": "32GB"}},
    "allowed-region": {},
}


def whole(values: Values) -> Values:
    return {key if ":" in key else f"{NAMESPACE}:{key}": value for key, value in values.items()}


def base(*more: Values) -> Values:
    """Return prod's values with others; flags one by one."""
    merged = {k: v for k, v in read_config("prod").items() if not BESIDE.search(k)}
    for values in map(whole, more):
        flags = {**merged[f"{NAMESPACE}:flags"], **values.pop(f"{NAMESPACE}:flags", {})}  # type: ignore[dict-item]  # YAML
        merged = {**merged, **values, f"{NAMESPACE}:flags": flags}
    return merged


def state(rule: str, settings: Settings) -> State:
    subjects = declared(settings, collect(settings), NOW)
    (answer,) = (ask(BY_ID[rule], subject).state for subject in subjects)
    return answer


def sentence(edits: Values) -> str:
    """Return edits as a person reads them off a remedy, for the file's editor."""
    parts = []
    for key, value in whole(edits).items():
        entries = value.items() if isinstance(value, dict) else [("", value)]
        for name, item in entries:
            text = {True: "true", False: "false", "VALUE": "x", "on": "'on'", "off": "'off'"}
            said = text.get(item, item) if isinstance(item, str | bool) else item
            parts.append(f"write {key}{f'.{name}' if name else ''}: {said}")
    return " and ".join(parts)


def test_every_remedy_has_its_case() -> None:
    assert CASES.keys() | ELSEWHERE.keys() == {rule.id for rule in RULES}
    assert not CASES.keys() & ELSEWHERE.keys()


@pytest.mark.parametrize("rule", CASES)
def test_remedy_takes_the_finding_away(tmp_path: Path, rule: str) -> None:
    wrong, edits = CASES[rule]
    remedy = BY_ID[rule].remedy
    for key, value in edits.items():
        assert key in remedy
        for name, item in value.items() if isinstance(value, dict) else [(key, value)]:
            word = (
                {True: "true", False: "false"}.get(item, item) if isinstance(item, bool) else item
            )
            free = item in {RING, "asia-east1", "db-custom-16-61440", 153}
            assert free or f"{name}: {word}" in remedy, remedy
    values = base(ROOM.get(rule, {}), wrong)
    assert state(rule, validate("prod", values)) is State.VIOLATED
    file = stack_file(tmp_path, "prod", values)
    assert state(rule, edited(file, sentence(edits))) is State.OK


def test_label_that_approves_a_restart_is_taken(tmp_path: Path) -> None:
    assert "labels: restart-approved: YYYY-MM-DD" in BY_ID["restart-approved"].remedy
    file = stack_file(tmp_path, "prod", base())
    settings = edited(file, f"write {NAMESPACE}:labels.restart-approved: '2026-11-23'")
    assert settings.instance.labels["restart-approved"] == "2026-11-23"


def test_newest_major_that_the_program_takes_is_not_the_latest() -> None:
    remedy = BY_ID["latest-major"].remedy
    versions = re.findall(r"POSTGRES_\d+", remedy)
    assert versions
    for version in versions:
        validate("prod", base({"databaseVersion": version}))
    last = validate("prod", base({"databaseVersion": versions[-1]}))
    # once it is OK, the remedy is to raise it: then this test and the remedy change
    assert state("latest-major", last) is State.VIOLATED
    assert remedy.startswith("Waive it")
