"""What only a stack with a cloud declares: endpoints, secrets, buckets, outputs."""

import subprocess
import sys
from collections.abc import Mapping
from functools import cache

import pytest

from infra.desired import SECRET, UNKNOWN_UNTIL_DEPLOYED, Desired, collect
from infra.names import fitting
from infra.outputs import CloudOutputName, OutputName
from infra.settings import load
from infra.settings.validation import validate
from infra.stackfile import ROOT, read_config

PSC = {"networkMode": "PSC", "pscConsumerProjects": ["other"]}
VPC = "projects/ai-square-463013/global/networks/ai-square-db-prod"
LABELS = {"app": "ai-square", "environment": "production"}
ROLES = ["app", "monitor", "owner", "readonly"]


@cache
def desired(stack: str) -> Desired:
    return collect(load(stack))


def changed(stack: str = "prod", /, **values: object) -> Desired:
    ours = {f"ai-square-db:{key}": value for key, value in values.items()}
    return collect(validate(stack, {**read_config(stack), **ours}))


def unset(value: object, path: str) -> list[str]:
    """Return the paths of inputs that are sent without a value: null, or an empty text."""
    if isinstance(value, Mapping):
        return [p for key, item in value.items() for p in unset(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [p for item in value for p in unset(item, f"{path}[]")]
    return [path] if value is None or value == "" else []


# --- the local stack


def test_the_local_stack_loads_nothing_of_a_cloud() -> None:
    program = """
import sys
from infra.desired import collect
from infra.settings import load
collect(load("local"))
parts = {name.split(".")[1] for name in sys.modules if name.startswith("pulumi_gcp.")
         and name.count(".") > 1}
print(sorted(parts), "infra.cloud" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["['sql']", "False"]


# --- Private Service Connect


@pytest.fixture(scope="module")
def endpoint() -> Desired:
    return changed(**PSC, replicas={"r1": {}})


def test_an_endpoint_gives_the_instance_an_address_of_the_subnet(endpoint: Desired) -> None:
    here = {"name": "ai-square-db-prod-psc", "project": "ai-square-463013", "region": "asia-east1"}
    address = endpoint.named("endpoint-address")
    assert address.inputs == {
        **here,
        "addressType": "INTERNAL",
        "subnetwork": "subnet",
        "labels": LABELS,
    }
    rule = endpoint.named("endpoint")
    assert rule.inputs == {
        **here,
        "network": VPC,
        "ipAddress": "endpoint-address",
        "target": UNKNOWN_UNTIL_DEPLOYED,
        "loadBalancingScheme": "",  # what a service attachment asks for
        "allowPscGlobalAccess": True,
        "labels": LABELS,
    }
    assert set(rule.depends_on) == {"endpoint-address", "instance", "network"}


def test_the_instances_own_name_leads_to_its_endpoint(endpoint: Desired) -> None:
    zone = endpoint.named("endpoint-zone")
    assert zone.inputs["visibility"] == "private"
    assert zone.inputs["dnsName"] == UNKNOWN_UNTIL_DEPLOYED
    assert zone.inputs["privateVisibilityConfig"] == {"networks": [{"networkUrl": VPC}]}
    record = endpoint.named("endpoint-record")
    assert record.inputs == {
        "name": UNKNOWN_UNTIL_DEPLOYED,
        "project": "ai-square-463013",
        "managedZone": "ai-square-db-prod-psc",
        "type": "A",
        "ttl": 300,
        "rrdatas": [UNKNOWN_UNTIL_DEPLOYED],
    }
    assert set(record.depends_on) == {"endpoint-address", "endpoint-zone", "instance"}


def test_every_replica_has_an_endpoint_too(endpoint: Desired) -> None:
    rule = endpoint.named("replica-r1-endpoint")
    assert rule.inputs["name"] == "ai-square-db-prod-r1-psc"
    assert "replica-r1" in rule.depends_on


def test_with_an_endpoint_there_is_no_peering_and_the_outputs_lead_to_it(
    endpoint: Desired,
) -> None:
    names = {resource.name for resource in endpoint.resources}
    assert not names & {"services", "services-range"}
    addresses = endpoint.named("instance").inputs["settings"]["ipConfiguration"]
    assert addresses["pscConfigs"] == [
        {"pscEnabled": True, "allowedConsumerProjects": ["ai-square-463013", "other"]}
    ]
    assert "privateNetwork" not in addresses
    assert CloudOutputName.DNS_NAME in endpoint.outputs
    assert endpoint.outputs[OutputName.ADDRESS] == UNKNOWN_UNTIL_DEPLOYED


def test_with_peering_there_is_no_endpoint() -> None:
    types = {resource.type for resource in desired("prod").resources}
    assert not {kind for kind in types if "ForwardingRule" in kind or ":dns/" in kind}
    assert CloudOutputName.DNS_NAME not in desired("prod").outputs


# --- secrets


@pytest.mark.parametrize("stack", ["staging", "prod"])
@pytest.mark.parametrize("role", ROLES)
def test_each_password_is_a_secret_of_the_region(stack: str, role: str) -> None:
    instance = load(stack).instance
    secret = desired(stack).named(f"{role}-secret")
    assert secret.inputs == {
        "secretId": f"{instance.name}-{role}-password",
        "project": "ai-square-463013",
        "labels": {**instance.labels, "role": role},
        "replication": {"userManaged": {"replicas": [{"location": "asia-east1"}]}},
        "deletionProtection": True,
    }
    assert secret.protect
    version = desired(stack).named(f"{role}-secret-version")
    assert version.inputs == {
        "secret": f"{role}-secret",
        "secretDataWo": SECRET,
        "secretDataWoVersion": "1",
    }
    assert version.depends_on == (f"{role}-password", f"{role}-secret")


def test_a_secrets_version_goes_with_the_passwords() -> None:
    turned = changed(passwordVersion=2)
    assert turned.named("owner-secret-version").inputs["secretDataWoVersion"] == "2"
    assert turned.named("owner-user").inputs["passwordWoVersion"] == 2


# --- buckets


def test_the_exports_bucket() -> None:
    bucket = desired("prod").named("exports-bucket")
    assert bucket.inputs == {
        "name": "ai-square-463013-db-prod-exports",
        "project": "ai-square-463013",
        "location": "ASIA-EAST1",
        "uniformBucketLevelAccess": True,
        "publicAccessPrevention": "enforced",
        "forceDestroy": False,
        "versioning": {"enabled": False},
        "retentionPolicy": {"isLocked": True, "retentionPeriod": str(7 * 86400)},
        "softDeletePolicy": {"retentionDurationSeconds": 7 * 86400},
        "lifecycleRules": [
            {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 1}},
            {"action": {"type": "Delete"}, "condition": {"age": 30}},
        ],
        "labels": LABELS,
    }
    assert bucket.protect


def test_exports_that_are_not_locked_keep_versions_instead() -> None:
    bucket = changed(exportLockedDays=0).named("exports-bucket").inputs
    assert bucket["versioning"] == {"enabled": True}
    assert "retentionPolicy" not in bucket
    assert bucket["lifecycleRules"][2] == {
        "action": {"type": "Delete"},
        "condition": {"daysSinceNoncurrentTime": 30, "withState": "ARCHIVED"},
    }


def test_the_instance_may_write_exports_and_nothing_else() -> None:
    grant = desired("prod").named("exports-writer")
    assert grant.inputs == {
        "bucket": "ai-square-463013-db-prod-exports",
        "role": "roles/storage.objectCreator",
        "member": f"serviceAccount:{UNKNOWN_UNTIL_DEPLOYED}",
    }
    assert set(grant.depends_on) == {"exports-bucket", "instance"}


def test_evidence_is_never_deleted_by_age() -> None:
    bucket = desired("prod").named("evidence-bucket")
    assert bucket.protect
    assert bucket.inputs["versioning"] == {"enabled": True}
    rules = bucket.inputs["lifecycleRules"]
    assert [r["condition"] for r in rules if r["action"]["type"] == "Delete"] == [
        {"daysSinceNoncurrentTime": 30, "withState": "ARCHIVED"}
    ]


# --- all of it


@pytest.mark.parametrize("stack", ["local", "staging"])
def test_a_stack_without_them_declares_no_buckets_alerts_or_jobs(stack: str) -> None:
    types = {resource.type for resource in desired(stack).resources}
    assert not {
        kind
        for kind in types
        if kind.startswith(("gcp:storage", "gcp:monitoring", "gcp:logging", "gcp:cloud"))
    }


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_no_optional_is_sent_unset(stack: str) -> None:
    assert not [path for r in desired(stack).resources for path in unset(r.inputs, r.name)]


def test_no_optional_is_sent_unset_in_other_shapes(endpoint: Desired) -> None:
    meant = ["endpoint.loadBalancingScheme", "replica-r1-endpoint.loadBalancingScheme"]
    assert [path for r in endpoint.resources for path in unset(r.inputs, r.name)] == meant


def test_the_outputs_of_a_cloud_name_what_operations_need() -> None:
    outputs = desired("prod").outputs
    assert set(outputs) == {*OutputName, *CloudOutputName} - {CloudOutputName.DNS_NAME}
    assert outputs[CloudOutputName.SUBNET] == "ai-square-db-prod-asia-east1"
    assert outputs[CloudOutputName.PASSWORD_SECRETS]["owner"] == "ai-square-db-prod-owner-password"
    assert outputs[CloudOutputName.EVIDENCE_BUCKET] == "ai-square-463013-db-prod-evidence"
    assert set(outputs[CloudOutputName.JOB_ACCOUNTS]) == {"drill", "report", "verify"}
    assert set(desired("local").outputs) == set(OutputName)


def test_long_names_are_cut_and_stay_apart() -> None:
    assert fitting("ai-square-db", "drill", 30) == "ai-square-db-drill"
    one, other = (fitting("a" * 60 + last, "scheduler", 30) for last in "bc")
    assert one != other
    assert len(one) == len(other) == 30
    assert one.endswith("-scheduler")
