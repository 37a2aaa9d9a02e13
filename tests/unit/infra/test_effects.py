"""The providers' effects: the table, its conditions, and what a change takes away."""

import pytest

from infra.consequences import Effect
from infra.effects.conditions import (
    BUCKET,
    CONDITIONS,
    FORWARDING_RULE,
    METRIC,
    PASSWORD,
    RECORD_SET,
    REPOSITORY,
    SUBNET,
)
from infra.effects.judge import judge
from infra.effects.leaves import leaves, with_defaults
from infra.effects.losses import PEERING, SECRET, SECRET_VERSION, TAKEN, USER, ZONE
from infra.effects.table import ProviderEffect, find_row, rows, types
from infra.standins import (
    ACCOUNT,
    ADDRESS,
    CUSTOM_ROLE,
    INSTANCE,
    NETWORK,
    UNKNOWN_UNTIL_DEPLOYED,
)

ATTACHMENT = "projects/p/regions/r/serviceAttachments/{}"
REPLACE, UPDATE, UNKNOWN = Effect.REPLACE, Effect.UPDATE, Effect.UNKNOWN
INTERRUPT, LOSE, STAY = Effect.INTERRUPT, Effect.LOSE, Effect.STAY
Inputs = dict[str, object]


def effect(kind: str, before: Inputs, after: Inputs) -> Effect:
    """Return the effect of the only leaf that differs, with the provider's defaults."""
    old, new = with_defaults(kind, dict(leaves(before)), dict(leaves(after)))
    (path,) = [p for p in {**old, **new} if old.get(p, "") != new.get(p, "")]
    return judge(kind, path, old, new).effect


def retention(**fields: object) -> Inputs:
    return {"retentionPolicy": {"retentionPeriod": "1", **fields}}


def addresses(**fields: object) -> Inputs:
    return {"settings": {"ipConfiguration": {"ipv4Enabled": False, **fields}}}


def disk(size: int, **settings: object) -> Inputs:
    return {"settings": {"diskSize": size, **settings}}


def lifecycle(*rules: tuple[str, dict[str, object]]) -> Inputs:
    listed = [{"action": {"type": name}, "condition": condition} for name, condition in rules]
    return {"lifecycleRules": listed}


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        (SUBNET, {"ipCidrRange": "10.0.0.0/24"}, {"ipCidrRange": "10.0.0.0/23"}, UPDATE),
        (SUBNET, {"ipCidrRange": "10.0.1.0/24"}, {"ipCidrRange": "10.0.0.0/23"}, UPDATE),
        (SUBNET, {"ipCidrRange": "10.0.0.0/24"}, {"ipCidrRange": "10.0.0.0/25"}, REPLACE),
        (SUBNET, {"ipCidrRange": "10.0.0.0/24"}, {"ipCidrRange": "10.1.0.0/24"}, REPLACE),
        (SUBNET, {"ipCidrRange": "10.0.0.0/24"}, {"ipCidrRange": "fd00::/64"}, REPLACE),
        (SUBNET, {"ipCidrRange": "10.0.0.0/24"}, {"ipCidrRange": "a network"}, UNKNOWN),
        (SUBNET, {"privateIpGoogleAccess": True}, {"privateIpGoogleAccess": False}, INTERRUPT),
        (SUBNET, {"privateIpGoogleAccess": False}, {"privateIpGoogleAccess": True}, UPDATE),
        (BUCKET, retention(isLocked=True), retention(isLocked=False), REPLACE),
        (BUCKET, retention(isLocked=True), retention(), REPLACE),
        (BUCKET, retention(), retention(isLocked=True), UPDATE),
        (
            BUCKET,
            {"publicAccessPrevention": "inherited"},
            {"publicAccessPrevention": "enforced"},
            INTERRUPT,
        ),
        (INSTANCE, disk(200), disk(100), STAY),
        (INSTANCE, disk(200, diskAutoresize=False), disk(100, diskAutoresize=False), REPLACE),
        (INSTANCE, disk(100, diskAutoresize=False), disk(200, diskAutoresize=False), UPDATE),
        (INSTANCE, {"masterInstanceName": "a"}, {"masterInstanceName": "b"}, REPLACE),
        (INSTANCE, {"masterInstanceName": "a"}, {}, STAY),
        (INSTANCE, {"encryptionKeyName": "k"}, {}, STAY),
        (INSTANCE, {"encryptionKeyName": "k"}, {"encryptionKeyName": "l"}, REPLACE),
        (
            INSTANCE,
            {"settings": {"x": 1, "dataCacheConfig": {"dataCacheEnabled": True}}},
            {"settings": {"x": 1}},
            STAY,
        ),
        (
            INSTANCE,
            {"settings": {"autoUpgradeEnabled": True}},
            {"settings": {"autoUpgradeEnabled": False}},
            REPLACE,
        ),
        (
            INSTANCE,
            {"settings": {"diskType": "PD_SSD"}},
            {"settings": {"diskType": "PD_HDD"}},
            UNKNOWN,
        ),
        (
            INSTANCE,
            {"settings": {"userLabels": {"a": "1", "b": "2"}}},
            {"settings": {"userLabels": {"a": "1"}}},
            UPDATE,
        ),
        (INSTANCE, {"backupdrBackup": "a"}, {"backupdrBackup": "b"}, LOSE),
        (INSTANCE, {"project": "p"}, {}, UNKNOWN),
        (INSTANCE, {}, {"encryptionConfidentialMode": "x"}, UNKNOWN),
        (INSTANCE, addresses(privateNetwork="n"), addresses(), REPLACE),
        (INSTANCE, addresses(privateNetwork="n"), addresses(privateNetwork="m"), UPDATE),
        (INSTANCE, addresses(), addresses(privateNetwork="n"), UPDATE),
        (
            FORWARDING_RULE,
            {"target": ATTACHMENT.format("a")},
            {"target": ATTACHMENT.format("b")},
            REPLACE,
        ),
        (
            FORWARDING_RULE,
            {"target": "a/targetHttpProxies/x"},
            {"target": "a/targetHttpProxies/y"},
            INTERRUPT,
        ),
        (FORWARDING_RULE, {"target": UNKNOWN_UNTIL_DEPLOYED}, {"target": "a/b/y"}, UNKNOWN),
        (FORWARDING_RULE, {"loadBalancingScheme": ""}, {}, REPLACE),
        (
            FORWARDING_RULE,
            {"allowGlobalAccess": True, "loadBalancingScheme": "INTERNAL_MANAGED"},
            {"loadBalancingScheme": "INTERNAL_MANAGED"},
            REPLACE,
        ),
        (PASSWORD, {"keepers": {"version": "1"}}, {"keepers": {"version": "2"}}, REPLACE),
        (PASSWORD, {"overrideSpecial": "-"}, {"overrideSpecial": "_"}, REPLACE),
        (PASSWORD, {"length": 32}, {"length": 33}, REPLACE),
        (PASSWORD, {"minLower": 0}, {"minLower": 1}, REPLACE),
        (
            SECRET,
            {"replication": {"userManaged": {"replicas": [{"location": "a"}]}}},
            {"replication": {"userManaged": {"replicas": [{"location": "b"}]}}},
            REPLACE,
        ),
        (SECRET, {"labels": {"a.b/c": "1"}}, {"labels": {"a.b/c": "2"}}, UPDATE),
        (SECRET, {}, {"ttl": "60s"}, LOSE),
        (SECRET, {}, {"secretType": "x"}, UNKNOWN),
        (SECRET_VERSION, {"secretDataWoVersion": "1"}, {"secretDataWoVersion": "2"}, REPLACE),
        (SECRET_VERSION, {}, {"enabled": False}, INTERRUPT),
        (USER, {"passwordWoVersion": 1}, {"passwordWoVersion": 2}, INTERRUPT),
        (CUSTOM_ROLE, {"permissions": ["a", "b"]}, {"permissions": ["a"]}, INTERRUPT),
        (CUSTOM_ROLE, {"permissions": ["a"]}, {"permissions": ["a", "b"]}, UPDATE),
        (CUSTOM_ROLE, {"stage": "GA"}, {"stage": "DISABLED"}, INTERRUPT),
        (ACCOUNT, {}, {"disabled": True}, INTERRUPT),
        (RECORD_SET, {"rrdatas": ["10.0.0.1"]}, {"rrdatas": ["10.0.0.2"]}, INTERRUPT),
        (RECORD_SET, {"rrdatas": ["10.0.0.1"]}, {"rrdatas": ["10.0.0.1", "10.0.0.2"]}, UPDATE),
        (PEERING, {"reservedPeeringRanges": ["a"]}, {"reservedPeeringRanges": ["b"]}, INTERRUPT),
        (ZONE, {"description": "a"}, {"description": "b"}, UPDATE),
        (NETWORK, {"description": "a"}, {"description": "b"}, REPLACE),
        (ADDRESS, {"labels": {"a": "1"}}, {"labels": {"a": "2"}}, UPDATE),
        (METRIC, {"name": "a"}, {"name": "b"}, UNKNOWN),
        (METRIC, {"metricDescriptor": {"unit": "1"}}, {"metricDescriptor": {"unit": "s"}}, UPDATE),
        (REPOSITORY, {"repositoryId": "a"}, {"repositoryId": "b"}, REPLACE),
        ("gcp:projects/iAMPolicy:IAMPolicy", {"policyData": "a"}, {"policyData": "b"}, UNKNOWN),
    ],
)
def test_a_change_has_its_effect(
    kind: str, before: Inputs, after: Inputs, expected: Effect
) -> None:
    assert effect(kind, before, after) is expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([("Delete", {"age": 30})], [("Delete", {"age": 31})], UPDATE),
        ([("Delete", {"age": 30})], [("Delete", {"age": 29})], LOSE),
        ([("SetStorageClass", {"age": 3})], [("Delete", {"age": 3})], LOSE),
        ([("Delete", {"age": 3})], [("SetStorageClass", {"age": 3})], UPDATE),
        (
            [("Delete", {"age": 3, "withState": "ARCHIVED"})],
            [("Delete", {"age": 3, "withState": "ANY"})],
            LOSE,
        ),
    ],
)
def test_a_rule_that_deletes_sooner_loses_objects(
    before: list[tuple[str, Inputs]], after: list[tuple[str, Inputs]], expected: Effect
) -> None:
    assert effect(BUCKET, lifecycle(*before), lifecycle(*after)) is expected


def test_every_condition_is_of_a_conditional_row_and_every_row_has_one() -> None:
    conditional = {key for key, row in rows().items() if row.effect is ProviderEffect.CONDITIONAL}
    assert CONDITIONS.keys() == conditional


def test_what_takes_something_is_in_the_table_and_in_place() -> None:
    effects = {key: rows()[key].effect for key in TAKEN}
    assert set(effects.values()) == {ProviderEffect.IN_PLACE}


def test_a_conditional_row_that_nobody_decides_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(CONDITIONS, (SUBNET, "ipCidrRange"))
    sides: list[Inputs] = [{"ipCidrRange": "10.0.0.0/24"}, {"ipCidrRange": "10.0.0.0/23"}]
    assert effect(SUBNET, *sides) is UNKNOWN


def test_a_block_is_no_map() -> None:
    assert find_row(SECRET, "labels.anything.at/all") is not None
    assert find_row(SECRET, "replication.auto.newer") is None
    assert find_row(INSTANCE, "settings.databaseFlags.work_mem") is not None


def test_the_table_has_every_type_once() -> None:
    assert len(types()) == 28
    assert len(rows()) == 1112
