"""Every rule silent on the good instance, and loud, alone, on the one that violates it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.desired import UNKNOWN_UNTIL_DEPLOYED
from infra.policies import roles
from infra.policies.review import ask
from infra.policies.rule import Seen, State
from infra.policies.rules import BY_ID, LEFT_OUT, ROWS, RULES
from infra.policies.subject import Origin, Subject
from infra.settings.declared import descriptions
from tests.unit.policies.bodies import (
    DECLARATION,
    GOOD,
    GOOD_FLAGS,
    NOW,
    OTHER_SIDES,
    declared,
    flagged,
    live,
    spoiled,
)

TWICE = [{"name": n, "value": v} for n, v in GOOD_FLAGS.items()] * 2
REPLICA = {"masterInstanceName": "good", "name": "good-replica"}


def body(*changes: tuple[str, Any], drop: tuple[str, ...] = ()) -> Subject:
    return declared(spoiled(*changes, drop=drop))


def flags(**given: str | None) -> Subject:
    return declared(flagged(**given))


def machine(tier: str, edition: str) -> Subject:
    roomy = flagged(shared_buffers=None)  # ten times the memory, or more
    roomy["settings"] |= {"tier": tier, "edition": edition}
    return declared(roomy)


IP = "settings.ipConfiguration"
BACKUPS = "settings.backupConfiguration"
POLICY = "settings.passwordValidationPolicy"

VIOLATIONS: dict[str, list[Subject]] = {
    "tls-required": [
        body((f"{IP}.sslMode", "ALLOW_UNENCRYPTED_AND_ENCRYPTED")),
        body(drop=(f"{IP}.sslMode",)),
    ],
    "client-certificates": [body((f"{IP}.sslMode", "ENCRYPTED_ONLY"))],
    "no-open-network": [
        body((f"{IP}.authorizedNetworks", [{"value": "0.0.0.0/0"}])),
        body((f"{IP}.authorizedNetworks", [{"value": "192.0.2.1/32"}, {"value": "::/0"}])),
    ],
    "no-public-address": [
        body((f"{IP}.ipv4Enabled", True)),
        body(drop=(f"{IP}.ipv4Enabled",)),  # the API gives one to who does not say
    ],
    "private-address": [body(drop=(f"{IP}.privateNetwork",))],
    "automated-backups": [body((f"{BACKUPS}.enabled", False))],
    "point-in-time-recovery": [body((f"{BACKUPS}.pointInTimeRecoveryEnabled", False))],
    "iam-authentication": [
        flags(cloudsql__iam_authentication="off"),
        flags(cloudsql__iam_authentication=None),
    ],
    "deletion-protection": [body(("settings.deletionProtectionEnabled", False))],
    "regional-availability": [
        body(("settings.availabilityType", "ZONAL")),
        body(drop=("settings.availabilityType",)),
        live(spoiled(("failoverReplica", {"available": False}))),
    ],
    "customer-managed-key": [body(drop=("diskEncryptionConfiguration",))],
    "password-complexity": [
        body((f"{POLICY}.minLength", 11)),
        body((f"{POLICY}.complexity", "COMPLEXITY_UNSPECIFIED")),
    ],
    "password-policy": [
        body((f"{POLICY}.minLength", 0)),
        body((f"{POLICY}.enablePasswordPolicy", False)),
        body(drop=(POLICY,)),
    ],
    "audit-extension": [flags(cloudsql__enable_pgaudit=None)],
    "log-error-verbosity": [flags(log_error_verbosity="terse")],
    "log-connections": [flags(log_connections=None)],
    "log-disconnections": [flags(log_disconnections="off")],
    "log-statement": [flags(log_statement="none"), flags(log_statement=None)],
    "log-min-messages": [flags(log_min_messages="error"), flags(log_min_messages="log")],
    "log-min-error-statement": [flags(log_min_error_statement="panic")],
    "slow-statements-logged": [
        flags(log_min_duration_statement="-1"),
        flags(log_min_duration_statement=None),
    ],
    "no-slow-statements-logged": [declared()],
    "log-checkpoints": [flags(log_checkpoints="off")],
    "log-lock-waits": [flags(log_lock_waits=None), flags(deadlock_timeout="2147483647")],
    "log-temp-files": [flags(log_temp_files="-1"), flags(log_temp_files="1024")],
    "log-hostname": [declared()],
    "no-log-hostname": [flags(log_hostname="on"), flags(log_hostname="t")],
    "log-duration": [declared()],
    "no-log-duration": [flags(log_duration="on")],
    "no-log-executor-stats": [flags(log_executor_stats="on")],
    "no-log-parser-stats": [flags(log_parser_stats="on")],
    "no-log-planner-stats": [flags(log_planner_stats="on")],
    "no-log-statement-stats": [flags(log_statement_stats="on")],
    "latest-major": [body(("databaseVersion", "POSTGRES_15"))],
    "enough-connections": [flags(max_connections="102"), declared(pool_connections=101)],
    "disk-autoresize": [
        body(("settings.storageAutoResize", False)),
        body(("settings.storageAutoResizeLimit", "100")),  # its own size
        body(("settings.storageAutoResizeLimit", "108")),  # less than the 9 GB of one step
        live(spoiled(("settings.dataDiskSizeGb", "500"))),  # it grew up to its limit
        declared(
            {**spoiled(drop=("settings.dataDiskSizeGb",)), **REPLICA},
            primary=body(("settings.dataDiskSizeGb", "500")),
        ),
    ],
    "instance-runs": [
        body(("settings.activationPolicy", "NEVER")),
        body(("settings.activationPolicy", "ON_DEMAND")),
        live(spoiled(("settings.activationPolicy", "NEVER"))),
        live(spoiled(("state", "SUSPENDED"))),
        live(spoiled(("state", "FAILED"))),
    ],
    "allowed-bucket-place": [
        declared(buckets={"exports": "us"}),
        declared(buckets={"exports": "asia-east1", "evidence": "asia"}),
    ],
    "labels": [body(("settings.userLabels", {"app": "x"})), body(drop=("settings.userLabels",))],
    "certificate-valid": [
        live(spoiled(("serverCaCert.expirationTime", "2027-01-22T11:00:00Z"))),
        replace(live(), now=NOW + timedelta(days=306)),
        replace(live(), now=NOW + timedelta(days=400)),
    ],
    "maintenance-window": [
        body(drop=("settings.maintenanceWindow",)),
        body(("settings.maintenanceWindow.day", 0)),
    ],
    "allowed-region": [
        body(("region", "us-central1")),
        body((f"{BACKUPS}.location", "us")),
        live(spoiled((f"{BACKUPS}.location", "us-central1"))),
        live(backup_places=("asia", "us")),  # taken before the place was changed
    ],
    "allowed-machine": [
        body(("settings.tier", "db-f1-micro")),
        machine("db-custom-32-122880", "ENTERPRISE"),
        machine("db-perf-optimized-N-32", "ENTERPRISE_PLUS"),
    ],
    "connectors-enforced": [
        body(("settings.connectorEnforcement", "NOT_REQUIRED")),
        body(drop=("settings.connectorEnforcement",)),
    ],
    "explicit-edition": [body(drop=("settings.edition",))],
    "retention": [
        body((f"{BACKUPS}.backupRetentionSettings.retainedBackups", 6)),
        body((f"{BACKUPS}.transactionLogRetentionDays", 6)),
    ],
    "backup-location": [body(drop=(f"{BACKUPS}.location",))],
    "backups-outlive-instance": [
        body(("settings.finalBackupConfig.enabled", False)),
        body(drop=("settings.retainBackupsOnDelete",)),
    ],
    "program-deletion-protection": [
        declared(declaration=replace(DECLARATION, protect=False)),
        declared(declaration=replace(DECLARATION, deletion_protection=False)),
    ],
    "disk-limit": [
        body(("settings.storageAutoResizeLimit", "0")),
        body(drop=("settings.storageAutoResizeLimit",)),
        body(("settings.storageAutoResizeLimit", "65536")),  # the largest disk that there is
    ],
    "disk-size-ignored": [declared(declaration=replace(DECLARATION, ignore_changes=()))],
    "tier-grammar": [
        body(("settings.tier", "db-custom-3-7680")),
        body(("settings.tier", "db-perf-optimized-N-2")),  # of the other edition
    ],
    "known-flags": [
        flags(wrok_mem="8192"),
        flags(statement_timeout="60000"),
        flags(log_min_duration_statement="500", autovacuum_naptime="soon"),
        flags(effective_cache_size="900000"),  # more than 70 % of the tier's memory
    ],
    "memory-budget": [
        flags(work_mem="65536"),
        flags(autovacuum_max_workers="12"),
        flags(temp_buffers="131072"),
        flags(max_parallel_workers="512", max_worker_processes="512"),
        flags(max_prepared_transactions="100000"),
        flags(work_mem="64MB"),  # in a unit that the API does not write
    ],
    "autovacuum-works": [
        flags(autovacuum="off"),
        flags(track_counts="off"),
        flags(autovacuum_vacuum_scale_factor="100"),
        flags(autovacuum_naptime="86400"),
    ],
    "restart-approved": [
        live(restarts=("max_connections",)),
        live(restarts=("shared_buffers",), approval="2026-11-01"),
        live(restarts=("shared_buffers",), approval="2026-12-24"),
        live(restarts=("shared_buffers",), approval="yes"),
    ],
    "idle-transactions-end": [
        flags(idle_in_transaction_session_timeout=None),
        flags(idle_in_transaction_session_timeout="2147483647"),  # 24 days
        flags(idle_in_transaction_session_timeout="3600001"),
        live(endless_roles={"idle_in_transaction_session_timeout": ("ai_square_app",)}),
    ],
    "statements-end": [
        declared(endless_roles={"statement_timeout": ("app",)}),
        live(endless_roles={"statement_timeout": ("ai_square_app",)}),
    ],
    "lock-waits-end": [
        flags(lock_timeout="0"),
        flags(lock_timeout="2147483647"),
        live(endless_roles={"lock_timeout": ("ai_square_app",)}),
    ],
    "deny-period": [
        body(
            (
                "settings.denyMaintenancePeriods",
                [{"startDate": "2026-11-01", "endDate": "2027-01-30"}],
            )
        ),
    ],
    "update-track": [body(("settings.maintenanceWindow.updateTrack", "canary"))],
    "no-data-api": [body(("settings.dataApiAccess", "ALLOW_DATA_API"))],
    "no-plain-secret": [
        declared(declaration=replace(DECLARATION, plain_secrets=("instance.rootPassword",)))
    ],
    "declared-users": [live(undeclared_users=("cloudsqlhelper", "eve@example.com"))],
    "replica-settings": [
        declared(
            {**flagged(max_connections="103"), **REPLICA},
            primary=declared(flagged(max_connections="104")),
        ),
        declared(  # 10 by PostgreSQL's default
            {**GOOD, **REPLICA},
            primary=declared(flagged(max_wal_senders="11")),
        ),
    ],
    "no-duplicate-flags": [body(("settings.databaseFlags", TWICE))],
    "query-insights": [
        body(("settings.insightsConfig.queryInsightsEnabled", False)),
        body(("settings.insightsConfig.queryStringLength", 256)),
        body(drop=("settings.insightsConfig",)),
    ],
}
BRINGS = {"tls-required": {"client-certificates"}}  # a plain connection shows no certificate
CASES = [(rule, subject) for rule, subjects in VIOLATIONS.items() for subject in subjects]


def violated(subject: Subject) -> set[str]:
    return {rule.id for rule in RULES if ask(rule, subject).state is State.VIOLATED}


@pytest.mark.parametrize("subject", [declared(), live()], ids=["declared", "live"])
def test_the_good_instance_violates_only_the_other_sides(subject: Subject) -> None:
    assert violated(subject) == OTHER_SIDES
    assert not [rule.id for rule in RULES if ask(rule, subject).state is State.UNKNOWN]


@pytest.mark.parametrize(
    ("rule", "subject"), CASES, ids=[f"{rule}-{i}" for i, (rule, _) in enumerate(CASES)]
)
def test_a_violation_is_found_and_no_other(rule: str, subject: Subject) -> None:
    expected = OTHER_SIDES | {rule} | BRINGS.get(rule, set())
    assert violated(subject) == expected - {BY_ID[rule].opposes}
    assert ask(BY_ID[rule], subject).found


def test_slower_than_slow_contents_neither_side() -> None:
    subject = flags(log_min_duration_statement="5001")
    assert violated(subject) == OTHER_SIDES | {"slow-statements-logged"}


def test_requiressl_of_old_counts_as_client_certificates() -> None:
    old = spoiled((f"{IP}.requireSsl", True), drop=(f"{IP}.sslMode",))
    assert violated(declared(old)) == OTHER_SIDES


def test_every_rule_has_a_violation_of_its_own() -> None:
    assert {rule for rule, subjects in VIOLATIONS.items() if subjects} == set(BY_ID)


def test_every_row_of_the_table_has_a_rule() -> None:
    assert {rule.row for rule in RULES} == set(ROWS)
    assert len(BY_ID) == len(RULES)
    ids = {one for rule in RULES for ids in rule.ids.by_scanner().values() for one in ids}
    assert not ids & set(LEFT_OUT)


def test_published_rows_have_ids_and_ours_have_none() -> None:
    for row in ROWS:
        published = any(rule.ids.by_scanner() for rule in RULES if rule.row == row)
        assert published is (row < 38), row


def test_names_are_kebab_case_and_opposites_know_each_other() -> None:
    for rule in RULES:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
        assert rule.title[0] == rule.title[0].upper()
        assert not rule.title.endswith(".")
        if rule.opposes:
            other = BY_ID[rule.opposes]
            assert other.opposes == rule.id
            assert other.row == rule.row


def test_every_remedy_names_a_key_or_a_command() -> None:
    named = {key.partition(":")[2] for key in descriptions()} | {"gcp:region"}
    for rule in RULES:
        words = set(re.findall(r"[\w:.]+", rule.remedy.replace(": ", " ")))
        words |= {word.rstrip(":.") for word in words}
        assert words & named or "`" in rule.remedy, rule.id
        assert rule.remedy.endswith(".")


def test_a_fact_that_nobody_gave_is_unknown_and_never_ok() -> None:
    blank = Subject("prod", Origin.DECLARED, GOOD, NOW)
    unknown = {rule.id for rule in RULES if ask(rule, blank).state is State.UNKNOWN}
    assert unknown == {
        "allowed-bucket-place",
        "disk-size-ignored",
        "enough-connections",
        "idle-transactions-end",
        "lock-waits-end",
        "no-plain-secret",
        "program-deletion-protection",
        "statements-end",
        "update-track",
    }
    there = replace(blank, origin=Origin.LIVE)
    assert ask(BY_ID["restart-approved"], there).state is State.UNKNOWN
    replica = declared(spoiled(*REPLICA.items()))
    assert ask(BY_ID["replica-settings"], replica).state is State.UNKNOWN
    blind = declared(declaration=replace(DECLARATION, plain_secrets=None))
    assert ask(BY_ID["no-plain-secret"], blind).state is State.UNKNOWN
    no_certificate = live(spoiled(drop=("serverCaCert",)))
    assert ask(BY_ID["certificate-valid"], no_certificate).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("path", "rules"),
    [
        ("settings", {"no-open-network", "known-flags", "deny-period", "disk-autoresize"}),
        (IP, {"no-open-network", "tls-required", "private-address"}),
        (BACKUPS, {"automated-backups", "retention", "backup-location"}),
        ("state", {"instance-runs"}),
        ("settings.activationPolicy", {"instance-runs"}),
        ("settings.storageAutoResize", {"disk-autoresize"}),
        ("settings.dataDiskSizeGb", {"disk-autoresize"}),
        (f"{BACKUPS}.backupRetentionSettings", {"retention"}),
        (f"{BACKUPS}.transactionLogRetentionDays", {"retention"}),
        ("settings.insightsConfig.queryStringLength", {"query-insights"}),
    ],
)
def test_what_the_api_did_not_tell_is_unknown_to_the_audit(path: str, rules: set[str]) -> None:
    seen = live(spoiled(drop=(path,)))
    assert {ask(BY_ID[rule], seen).state for rule in rules} == {State.UNKNOWN}


@pytest.mark.parametrize(
    ("rule", "subject"),
    [
        ("no-data-api", body(("settings.dataApiAccess", "ALLOW_SOMETHING_NEW"))),
        ("update-track", body(("settings.maintenanceWindow.updateTrack", "nightly"))),
        ("allowed-region", live(backup_places=None)),
        ("replica-settings", declared(REPLICA | {"settings": {}}, primary=declared())),
        ("declared-users", live(spoiled(("settings.activationPolicy", "NEVER")))),
    ],
)
def test_what_is_not_known_is_not_called_good(rule: str, subject: Subject) -> None:
    assert ask(BY_ID[rule], subject).state is State.UNKNOWN


def test_an_instance_in_maintenance_is_not_judged() -> None:
    moving = live(spoiled(("state", "MAINTENANCE")))
    assert ask(BY_ID["instance-runs"], moving).state is State.UNKNOWN


@pytest.mark.parametrize("place", ["", "asia", "asia-east1"])
def test_backups_in_an_allowed_place_are_silent(place: str) -> None:
    seen = body((f"{BACKUPS}.location", place))  # none is the nearest multi-region
    assert ask(BY_ID["allowed-region"], seen).state is State.OK


def test_a_region_whose_multi_region_is_not_known_is_unknown() -> None:
    seen = body(("region", "me-west1"), drop=(f"{BACKUPS}.location",))
    assert ask(BY_ID["allowed-region"], seen).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("value", "ends"),
    [("30s", True), ("5min", True), ("1h", True), ("0", False), ("24d", False), ("2h", False)],
)
def test_a_statement_timeout_of_days_is_none(value: str, ends: bool) -> None:  # noqa: FBT001 - expected
    assert roles.ends(f"ALTER ROLE x SET statement_timeout = '{value}';") is ends


def test_a_value_that_only_a_deployment_knows_is_unknown() -> None:
    subject = body(("settings.tier", UNKNOWN_UNTIL_DEPLOYED))
    assert ask(BY_ID["allowed-machine"], subject).state is State.UNKNOWN
    # a network that is made in the same deployment is a network
    private = body((f"{IP}.privateNetwork", UNKNOWN_UNTIL_DEPLOYED))
    assert ask(BY_ID["private-address"], private).state is State.OK


def test_what_cant_be_read_is_unknown() -> None:
    for rule, path, value in (
        ("no-open-network", f"{IP}.authorizedNetworks", [{"value": "everywhere"}]),
        ("deny-period", "settings.denyMaintenancePeriods", [{"startDate": "soon"}]),
        ("retention", f"{BACKUPS}.transactionLogRetentionDays", "many"),
    ):
        answer = ask(BY_ID[rule], body((path, value)))
        assert answer.state is State.UNKNOWN, rule
        assert "can't be read" in answer.found


def test_what_is_seen_elsewhere_is_not_asked() -> None:
    for rule in RULES:
        asked = {
            origin
            for origin, subject in ((Origin.DECLARED, declared()), (Origin.LIVE, live()))
            if ask(rule, subject).state is not State.NOT_ASKED
        }
        expected = {
            Seen.ANYWHERE: {Origin.DECLARED, Origin.LIVE},
            Seen.DECLARED: {Origin.DECLARED},
            Seen.LIVE: {Origin.LIVE},
        }[rule.seen]
        assert asked == expected


def test_a_replica_is_not_asked_for_what_its_primary_has() -> None:
    bare = spoiled(
        *REPLICA.items(),
        ("settings.availabilityType", "ZONAL"),
        drop=("settings.backupConfiguration", "settings.maintenanceWindow"),
    )
    assert violated(declared(bare, primary=declared())) == OTHER_SIDES


def test_an_approved_restart_passes_for_a_week() -> None:
    approved = live(restarts=("shared_buffers",), approval="2026-11-16")
    rule = BY_ID["restart-approved"]
    assert ask(rule, approved).state is State.OK
    later = replace(approved, now=NOW + timedelta(days=1))
    assert ask(rule, later).state is State.VIOLATED
    staging = live(production=False, restarts=("shared_buffers",))
    assert ask(rule, staging).state is State.NOT_APPLICABLE


def test_without_max_connections_the_tier_decides() -> None:
    rule = BY_ID["enough-connections"]
    unset = flagged(max_connections=None)
    assert ask(rule, declared(unset, pool_connections=397)).state is State.OK
    assert ask(rule, declared(unset, pool_connections=398)).state is State.VIOLATED
    unset["settings"]["tier"] = "db-f1-micro"
    assert ask(rule, declared(unset)).state is State.UNKNOWN


def test_a_replica_s_connections_follow_its_tier_too() -> None:
    unset = {**flagged(max_connections=None), **REPLICA}
    for most, state in (("400", State.OK), ("401", State.VIOLATED)):
        replica = declared(unset, primary=declared(flagged(max_connections=most)))
        assert ask(BY_ID["replica-settings"], replica).state is state


def test_a_yearly_deny_period_goes_over_new_year() -> None:
    rule = BY_ID["deny-period"]
    assert ask(rule, declared()).found.startswith("22 days")
    ninety = [{"startDate": "2026-11-01", "endDate": "2027-01-29"}]
    assert ask(rule, body(("settings.denyMaintenancePeriods", ninety))).state is State.OK
    none = body(drop=("settings.denyMaintenancePeriods",))
    assert ask(rule, none).state is State.NOT_APPLICABLE


def test_the_private_way_may_be_private_service_connect() -> None:
    psc = body((f"{IP}.pscConfig", {"pscEnabled": True}), drop=(f"{IP}.privateNetwork",))
    assert violated(psc) == OTHER_SIDES


def test_a_role_without_a_budget_is_seen_in_its_sql() -> None:
    assert roles.endless() == {}
    assert roles.ends("ALTER ROLE {{ login|ident }} SET statement_timeout = '30s';")
    assert not roles.ends("ALTER ROLE {{ login|ident }} SET statement_timeout = '0';")
    lock_timeout = "ALTER ROLE {{ login|ident }} SET lock_timeout = '%s';"
    assert not roles.ends(lock_timeout % "5s")  # it has no statement_timeout
    assert roles.ends(lock_timeout % "5s", roles.LOCK)
    assert not roles.ends(lock_timeout % "0", roles.LOCK)
    assert not roles.ends(lock_timeout % "11min", roles.LOCK)
    assert roles.ends("", roles.IDLE)  # the instance's flag counts


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)


def paths(node: object, path: str = "") -> Iterator[str]:
    """Yield every place in a body, inner ones of lists too."""
    if path:
        yield path
    if isinstance(node, dict):
        for key, item in node.items():
            yield from paths(item, f"{path}.{key}" if path else key)


@given(path=st.sampled_from(sorted(paths(dict(GOOD)))), value=JSON)
@settings(max_examples=100, deadline=None)
def test_whatever_the_api_says_is_an_answer(path: str, value: object) -> None:
    subject = live(spoiled((path, value)))
    assert all(isinstance(ask(rule, subject).state, State) for rule in RULES)
