"""Single changes of the production stack: what each does, by the documentation.

Verdict, number of restarts and price difference of one changed setting at a time; where the
consequence is documented stands in the last column, and has to be what the product cites.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import pytest

from infra.desired import collect
from infra.preview.review import compared
from infra.preview.revision import Side
from infra.preview.verdict import StackPreview, Verdict
from infra.settings.validation import validate
from infra.stackfile import read_config

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NO, SAFE, RESTARTS = Verdict.NO_CHANGE, Verdict.SAFE, Verdict.RESTARTS
REPLACES, BLOCKED, UNKNOWN = Verdict.REPLACES, Verdict.BLOCKED, Verdict.UNKNOWN
LOSES, INTERRUPTS = Verdict.LOSES, Verdict.INTERRUPTS
PLUS = {"edition": "ENTERPRISE_PLUS", "tier": "db-perf-optimized-N-2"}


def side(**changed: Any) -> Side:  # noqa: ANN401 - values of stack files
    values = dict(read_config("prod"))
    flags = changed.pop("flag", {})
    gone = changed.pop("without", "")
    for key, value in changed.items():
        values[f"ai-square-db:{key}" if key != "region" else "gcp:region"] = value
    merged: dict[str, Any] = {**values["ai-square-db:flags"], **flags}  # type: ignore[dict-item]  # YAML
    values["ai-square-db:flags"] = {k: v for k, v in merged.items() if k != gone}
    settings = validate("prod", values)
    return Side(
        collect(settings),
        production=settings.production,
        pool_connections=settings.pool.max_connections,
    )


@cache
def base() -> Side:
    return side()


def preview(before: Side, after: Side) -> StackPreview:
    return compared("prod", before, after, secrets=(), window=None, target=None, now=NOW)


class Case(NamedTuple):
    """One change and what it has to come to."""

    changed: dict[str, Any]
    verdict: Verdict
    restarts: int
    price: str
    documented: str


CASES = {
    "nothing": Case({}, NO, 0, "", ""),
    "tier up": Case({"tier": "db-custom-4-15360"}, RESTARTS, 1, "+197.24", "availability"),
    "region": Case({"region": "asia-northeast1"}, BLOCKED, 0, "not known", "forces a new resource"),
    "disk up": Case({"diskSizeGb": 200}, NO, 0, "", "instance-settings"),
    "disk down": Case({"diskSizeGb": 50}, NO, 0, "", "gcp provider"),
    "disk limit": Case({"diskAutoresizeLimitGb": 800}, SAFE, 0, "", "instance-settings"),
    "kind of disk": Case({"diskType": "PD_HDD"}, UNKNOWN, 0, "not known", "instance-settings"),
    "a flag that restarts": Case(
        {"flag": {"shared_buffers": "3GB"}}, RESTARTS, 1, "", "flags#shared_buffers"
    ),
    "connections": Case(
        {"flag": {"max_connections": 120}}, RESTARTS, 1, "", "flags#max_connections"
    ),
    "two flags that restart": Case(
        {"flag": {"shared_buffers": "3GB", "max_connections": 120}}, RESTARTS, 1, "", "flags#"
    ),
    "a flag that does not restart": Case(
        {"flag": {"work_mem": "6MB"}}, SAFE, 0, "", "flags#work_mem"
    ),
    "a fraction": Case(
        {"flag": {"autovacuum_vacuum_scale_factor": 0.1}}, SAFE, 0, "", "flags#autovacuum"
    ),
    "a duration": Case({"flag": {"autovacuum_naptime": "1min"}}, SAFE, 0, "", "flags#autovac"),
    "a new flag that restarts": Case(
        {"flag": {"autovacuum_max_workers": 4}}, RESTARTS, 1, "", "flags#autovacuum_max_workers"
    ),
    "a flag that goes": Case({"without": "random_page_cost"}, SAFE, 0, "", "flags#random_page"),
    "auditing off": Case(
        {"without": "cloudsql.enable_pgaudit"}, RESTARTS, 1, "", "flags#cloudsql.enable_pgaudit"
    ),
    "high availability off": Case(
        {"availability": "ZONAL"}, BLOCKED, 0, "-115.62", "gcloud sql instances patch"
    ),
    "backups and recovery off": Case(
        {"backupEnabled": False, "pointInTimeRecovery": False, "availability": "ZONAL"},
        BLOCKED,
        0,
        "-115.62",
        "backing-up",
    ),
    "point-in-time recovery off": Case(
        {"pointInTimeRecovery": False}, BLOCKED, 0, "", "configure-pitr"
    ),
    "fewer days of log": Case({"logRetentionDays": 3}, BLOCKED, 0, "", "pitr"),
    "more backups": Case({"backupRetained": 14}, SAFE, 0, "+0.00", "backups"),
    "time of backups": Case({"backupStartTime": "17:00"}, SAFE, 0, "", "backups"),
    "place of backups": Case({"backupLocation": "asia-east1"}, SAFE, 0, "", "backups"),
    "no final backup": Case({"finalBackupDays": 0}, SAFE, 0, "", "backups"),
    "a major version": Case(
        {"databaseVersion": "POSTGRES_17"}, RESTARTS, 1, "", "upgrade-major-db-version"
    ),
    "edition and tier": Case(PLUS, RESTARTS, 1, "not known", "availability"),
    "version, machine and a flag": Case(
        {
            "databaseVersion": "POSTGRES_16",
            "tier": "db-custom-4-15360",
            "flag": {"max_connections": 120},
        },
        RESTARTS,
        3,
        "+197.24",
        "upgrade-major-db-version",
    ),
    "another network": Case({"networkName": "other"}, RESTARTS, 1, "", "configure-private-ip"),
    "deletion protection off": Case(
        {"deletionProtection": False}, BLOCKED, 0, "", "deletion-protection"
    ),
    "a label": Case({"labels": {"app": "ai-square", "team": "data"}}, SAFE, 0, "", "label"),
    "maintenance window": Case({"maintenanceDay": "sun"}, SAFE, 0, "", "maintenance"),
    "days without maintenance": Case(
        {"denyMaintenanceStart": "12-20", "denyMaintenanceEnd": "01-10"}, SAFE, 0, "", "maintenance"
    ),
    "zone": Case({"zone": "asia-east1-a"}, RESTARTS, 1, "", "gcloud sql instances patch"),
    "length of query texts": Case(
        {"queryInsightsTextBytes": 4500}, RESTARTS, 1, "", "using-query-insights"
    ),
    "plans a minute": Case(
        {"queryInsightsPlansPerMinute": 10}, SAFE, 0, "", "using-query-insights"
    ),
    "connectors alone": Case(
        {"connectorEnforcement": True}, INTERRUPTS, 0, "", "instance-settings"
    ),
    "TLS no longer asked for": Case(
        {"sslMode": "ALLOW_UNENCRYPTED_AND_ENCRYPTED"}, BLOCKED, 0, "", "configure-ssl"
    ),
    "who signs the certificate": Case(
        {"serverCaMode": "GOOGLE_MANAGED_CAS_CA"}, UNKNOWN, 0, "", ""
    ),
    "encryption key": Case(
        {"kmsKey": "projects/p/locations/asia-east1/keyRings/r/cryptoKeys/k"},
        REPLACES,
        0,
        "+0.00",
        "forces a new resource",
    ),
    "instance renamed": Case({"instance": "ai-square-db-new"}, REPLACES, 0, "", "forces a new"),
    "database renamed": Case({"database": "other"}, REPLACES, 0, "", "gcp provider"),
    "a user renamed": Case({"appUser": "app2"}, INTERRUPTS, 0, "", "gcp provider"),
    "all passwords": Case({"passwordVersion": 2}, INTERRUPTS, 0, "", "gcp provider"),
    "range of the peering": Case({"networkRangePrefix": 16}, INTERRUPTS, 0, "", "forces a new"),
    "address of the peering": Case(
        {"networkRangeAddress": "10.9.0.0"}, INTERRUPTS, 0, "", "forces a new"
    ),
    "a smaller subnet": Case({"subnetRange": "10.64.0.0/25"}, INTERRUPTS, 0, "", "forces a new"),
    "another subnet": Case({"subnetRange": "10.65.0.0/24"}, INTERRUPTS, 0, "", "forces a new"),
    "a larger subnet": Case({"subnetRange": "10.64.0.0/23"}, SAFE, 0, "", "gcp provider"),
    "exports no longer locked": Case({"exportLockedDays": 0}, REPLACES, 0, "", "forces a new"),
    "exports locked for longer": Case({"exportLockedDays": 8}, SAFE, 0, "", "gcp provider"),
    "exports locked for less": Case({"exportLockedDays": 6}, UNKNOWN, 0, "", "gcp provider"),
    "exports kept for less": Case({"exportRetentionDays": 8}, LOSES, 0, "", "gcp provider"),
    "exports kept for longer": Case({"exportRetentionDays": 60}, SAFE, 0, "", "gcp provider"),
    "fewer backups": Case(
        {"backupRetained": 5, "logRetentionDays": 5}, BLOCKED, 0, "+0.00", "backups"
    ),
    "an IAM user": Case({"iamUsers": {"a@b.com": "readonly"}}, SAFE, 0, "", ""),
    "a replica": Case({"replicas": {"r1": {}}}, SAFE, 0, "+115.63", ""),
    "password policy": Case({"passwordMinLength": 16}, SAFE, 0, "", "built-in-authentication"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_single_change(name: str) -> None:
    case = CASES[name]
    found = preview(base(), side(**case.changed))
    assert found.verdict is case.verdict, (found.changes, found.policy)
    assert len(found.restarts) == case.restarts, found.restarts
    assert _price(found) == case.price
    sources = [
        change.consequence.source
        for one in found.changes
        for change in one.changes
        if change.consequence is not None
    ]
    assert any(case.documented in source for source in sources) or not case.documented, sources


def _price(found: StackPreview) -> str:
    if found.money is None:
        return ""
    return "not known" if found.money.change is None else f"{found.money.change:+,.2f}"


def test_there_are_enough_of_them() -> None:
    assert len(CASES) > 30


def test_version_machine_and_the_rest_restart_one_after_the_other() -> None:
    case = CASES["version, machine and a flag"]
    stages = [one.stage for one in preview(base(), side(**case.changed)).restarts]
    assert stages == sorted(stages)
    assert len(set(stages)) == 3
