"""Every key that reaches an instance is read back from it: declared, sent, taken again."""

import json
from typing import Any

import pytest

from infra.adopt.people import Asked
from infra.adopt.take import take
from infra.body import instance_body
from infra.changes import nothing
from infra.desired import INSTANCE, collect
from infra.live import LiveInstance
from infra.settings.backup import BackupKeys
from infra.settings.declared import Declared
from infra.settings.disk import DiskKeys
from infra.settings.flags import FlagKeys
from infra.settings.insights import InsightsKeys
from infra.settings.instance import InstanceKeys
from infra.settings.keys import key
from infra.settings.maintenance import MaintenanceKeys
from infra.settings.network import NetworkKeys
from infra.settings.protection import ProtectionKeys
from infra.settings.replicas import ReplicaKeys
from infra.settings.validation import validate
from ops.cloudsql import CloudSql

AREAS = (
    InstanceKeys,
    DiskKeys,
    FlagKeys,
    BackupKeys,
    MaintenanceKeys,
    InsightsKeys,
    ProtectionKeys,
    NetworkKeys,
    ReplicaKeys,
)
# Of networks the Cloud SQL API tells the name alone.
NOT_TOLD = {"network_range_address", "network_range_prefix", "subnet_range"}
RING = "projects/p/locations/asia-east1/keyRings/r/cryptoKeys/k"

PLACE = {"gcp:project": "p", "gcp:region": "asia-east1"}
ODD: dict[str, Any] = {
    "instance": "odd",
    "tier": "db-custom-4-15360",
    "zone": "asia-east1-b",
    "secondary_zone": "asia-east1-c",
    "kms_key": RING,
    "deletion_protection": False,
    "labels": {"team": "data"},
    "disk_size_gb": 250,
    "disk_autoresize_limit_gb": 900,
    "flags": {
        "max_connections": 100,
        "work_mem": "16MB",
        "log_lock_waits": "on",
        "random_page_cost": 1.1,
    },
    "backup_start_time": "04:30",
    "backup_retained": 30,
    "backup_location": "asia",
    "log_retention_days": 3,
    "final_backup_days": 90,
    "maintenance_day": "sun",
    "maintenance_hour": 0,
    "maintenance_track": "week5",
    "deny_maintenance_start": "12-01",
    "deny_maintenance_end": "01-15",
    "deny_maintenance_time": "06:00",
    "query_insights_text_bytes": 2048,
    "query_insights_plans_per_minute": 10,
    "query_insights_client_address": True,
    "query_insights_tags": False,
    "ssl_mode": "TRUSTED_CLIENT_CERTIFICATE_REQUIRED",
    "server_ca_mode": "CUSTOMER_MANAGED_CAS_CA",
    "server_ca_pool": "projects/p/locations/asia-east1/caPools/c",
    "connector_enforcement": True,
    "password_min_length": 20,
    "password_complexity": False,
    "password_without_user_name": False,
    "network_name": "vpc",
    "replicas": {
        "near": {"tier": "db-custom-8-30720", "flags": {"work_mem": "64MB"}},
        "far": {
            "source": "near",
            "region": "europe-west1",
            "availability": "REGIONAL",
            "kmsKey": RING.replace("asia-east1", "europe-west1"),
        },
    },
}
BARE: dict[str, Any] = {
    "instance": "bare",
    "availability": "ZONAL",
    "disk_type": "PD_HDD",
    "disk_autoresize": False,
    "disk_autoresize_limit_gb": 0,
    "backup_enabled": False,
    "point_in_time_recovery": False,
    "final_backup_days": 0,
    "retain_backups_on_delete": False,
    "maintenance_day": "",
    "query_insights": False,
    "password_min_length": 0,
    "iam_authentication": False,
    "network_name": "vpc",
    "network_mode": "PSC",
    "psc_consumer_projects": ["others"],
}
PLUS: dict[str, Any] = {
    "instance": "plus",
    "database_version": "POSTGRES_16",
    "edition": "ENTERPRISE_PLUS",
    "tier": "db-perf-optimized-N-2",
    "data_cache": True,
    "connection_pooling": True,
    "network_name": "vpc",
    "replicas": {"pool": {"nodes": 3}},
}
ASKED = Asked(network="vpc")  # with Private Service Connect its name is not told
SETS = {"odd": ODD, "bare": BARE, "plus": PLUS}


def told(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body as Google's API tells it: through its messages, without zero values."""
    message = CloudSql("p", "http://127.0.0.1:1")._message("DatabaseInstance", body)
    text = type(message).to_json(
        message, use_integers_for_enums=False, always_print_fields_with_no_presence=False
    )
    answer: dict[str, Any] = json.loads(text)
    assert not nothing(answer["name"])
    return answer


def live(body: dict[str, Any]) -> LiveInstance:
    answer = told(body)
    if "masterInstanceName" in answer:
        answer["masterInstanceName"] = f"p:{answer['masterInstanceName']}"
    return LiveInstance(answer["name"], "RUNNABLE", "", "", False, answer, (), ())  # noqa: FBT003 - protected


@pytest.mark.parametrize("name", SETS)
def test_what_was_declared_is_taken_again(name: str) -> None:
    given = {key(field): value for field, value in SETS[name].items()}
    desired = collect(validate("test", PLACE | given))
    there = {r.name: live(instance_body(r)) for r in desired.of_type(INSTANCE)}
    primary = there.pop("instance")
    taken = take("p", primary, tuple(there.values()), {}, ASKED, local=False)
    defaults = {str(f.alias): f.default for f in Declared.model_fields.values()}
    differing = {k: v for k, v in taken.values.items() if v != defaults.get(k)}
    assert differing == PLACE | given
    assert taken.cannot == ()
    assert collect(validate("test", dict(taken.values))) == desired


def test_every_key_of_an_instance_has_a_way_back() -> None:
    fields = {name for area in AREAS for name in area.model_fields} - NOT_TOLD
    defaults = {name: field.default for name, field in Declared.model_fields.items()}
    tried = {f for one in SETS.values() for f, value in one.items() if value != defaults[f]}
    assert fields - tried == set()
