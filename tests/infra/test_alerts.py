"""The alerts: what each looks at, when it speaks, and whom it reaches."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.alerts.log_metrics import VERDICT_PASS
from infra.desired import Desired
from infra.stackfile import ROOT
from ops.checks.result import Checked, CheckResult, State
from ops.console import to_json
from ops.restore.drill.report import Report
from tests.infra.registered import changed, prod

POLICY = "gcp:monitoring/alertPolicy:AlertPolicy"
HERE = '{monitored_resource="cloudsql_database",database_id=~"ai-square-463013:ai-square-db-prod"}'
SQL = "cloudsql_googleapis_com:database_"
LOGGED = "logging_googleapis_com:user_ai_square_db_prod_"


def condition(declared: Desired, name: str) -> Mapping[str, Any]:
    (found,) = declared.named(f"alert-{name}").inputs["conditions"]
    inner: Mapping[str, Any] = found["conditionPrometheusQueryLanguage"]
    return inner


@pytest.mark.parametrize(
    ("name", "query", "severity"),
    [
        ("cpu", f"avg_over_time({SQL}cpu_utilization{HERE}[15m]) * 100 > 85", "WARNING"),
        ("memory", f"avg_over_time({SQL}memory_utilization{HERE}[15m]) * 100 > 90", "WARNING"),
        ("disk", f"{SQL}disk_utilization{HERE} * 100 > 85", "ERROR"),
        (
            "disk-days",
            f"predict_linear({SQL}disk_bytes_used{HERE}[1d], {14 * 86400}) > {500 * 1024**3}",
            "WARNING",
        ),
        (
            "connections",
            f"(sum by (database_id) ({SQL}postgresql_num_backends{HERE}) / 100 * 100) > 80",
            "ERROR",
        ),
        (
            "transaction-ids",
            f"{SQL}postgresql_transaction_id_utilization{HERE} * 100 > 50",
            "CRITICAL",
        ),
        (
            "down",
            f"(max_over_time({SQL}up{HERE}[5m]) < 1) or absent_over_time({SQL}up{HERE}[15m])",
            "CRITICAL",
        ),
        ("failover", f"increase({SQL}auto_failover_request_count{HERE}[10m]) > 0", "ERROR"),
        ("no-standby", f"max_over_time({SQL}available_for_failover{HERE}[5m]) < 1", "ERROR"),
        (
            "backup-failed",
            (
                f'(sum(increase({LOGGED}backup_failed{{monitored_resource="cloudsql_database"}}[1h]))'
                " or vector(0)) > 0"
            ),
            "ERROR",
        ),
        (
            "backup-missing",
            (
                f'(sum(increase({LOGGED}backup_done{{monitored_resource="cloudsql_database"}}[26h]))'
                " or vector(0)) < 0.5"
            ),
            "CRITICAL",
        ),
        (
            "drill-stale",
            (
                f'(sum(increase({LOGGED}drill_passed{{monitored_resource="cloud_run_job"}}[8d]))'
                " or vector(0)) < 0.5"
            ),
            "ERROR",
        ),
    ],
)
def test_an_alert_of_production(name: str, query: str, severity: str) -> None:
    policy = prod().named(f"alert-{name}").inputs
    assert condition(prod(), name)["query"] == query
    assert policy["severity"] == severity
    assert policy["displayName"].startswith("ai-square-db-prod: ")
    assert policy["notificationChannels"] == [
        "projects/ai-square-463013/notificationChannels/channel-database-alerts@ai-square.example"
    ]


def test_every_alert_says_what_to_do_and_where_it_comes_from() -> None:
    policies = prod().of_type(POLICY)
    assert len(policies) == 13
    for policy in policies:
        told = policy.inputs["documentation"]["content"]
        assert re.search(r"Measured by (log: |cloudsql\.googleapis|run\.googleapis)", told)
        assert "docs/cloud.md" in told
        (found,) = policy.inputs["conditions"]
        timing = found["conditionPrometheusQueryLanguage"]
        lasting, every = (
            int(timing[key].removesuffix("s")) for key in ("duration", "evaluationInterval")
        )
        assert lasting % every == 0
        assert every % 30 == 0


def test_the_guide_has_every_alert() -> None:
    guide = (ROOT / "docs/cloud.md").read_text()
    for policy in prod().of_type(POLICY):
        assert f"| `{policy.name.removeprefix('alert-')}` |" in guide


def test_thresholds_are_the_stacks() -> None:
    declared = changed(alertCpuPercent=70, alertDrillDays=3, alertDiskDaysToFull=2)
    assert condition(declared, "cpu")["query"].endswith("> 70")
    assert "[3d]" in condition(declared, "drill-stale")["query"]
    assert f", {2 * 86400})" in condition(declared, "disk-days")["query"]


def test_a_disk_that_does_not_grow_is_full_at_its_size() -> None:
    for values in ({"diskAutoresize": False, "diskAutoresizeLimitGb": 0},):
        query = condition(changed(**values), "disk-days")["query"]
        assert query.endswith(f"> {SQL}disk_quota{HERE}")


def test_replicas_are_watched_with_their_own_connections() -> None:
    declared = changed(replicas={"r1": {"flags": {"max_connections": 150}}})
    assert "prod|ai-square-463013:ai-square-db-prod-r1" in condition(declared, "cpu")["query"]
    assert "/ 150 * 100" in condition(declared, "connections")["query"]
    lag = condition(declared, "replication-lag")["query"]
    assert lag.startswith(f"{SQL}replication_replica_lag")
    assert "prod-r1" in lag
    assert lag.endswith("> 60")


def test_what_a_stack_has_not_is_not_watched() -> None:
    names = {policy.name for policy in prod().of_type(POLICY)}
    assert "alert-replication-lag" not in names  # no replicas
    zonal = {p.name for p in changed(availability="ZONAL").of_type(POLICY)}
    assert names - zonal == {"alert-failover", "alert-no-standby"}
    idle = {p.name for p in changed(runnerImage="").of_type(POLICY)}
    assert names - idle == {"alert-drill-stale", "alert-job-failed"}


def test_log_metrics_come_before_the_alerts_that_count_them() -> None:
    assert "log-drill-passed" in prod().named("alert-drill-stale").depends_on
    assert "log-backup-done" in prod().named("alert-backup-missing").depends_on
    assert not any(name.startswith("log-") for name in prod().named("alert-cpu").depends_on)
    backup = prod().named("log-backup-done").inputs
    assert backup["name"] == "ai_square_db_prod_backup_done"
    assert 'protoPayload.methodName="cloudsql.instances.automatedBackup"' in backup["filter"]
    assert 'windowStatus="STATUS_SUCCEEDED"' in backup["filter"]
    assert 'database_id="ai-square-463013:ai-square-db-prod"' in backup["filter"]
    failed = prod().named("log-backup-failed").inputs["filter"]
    assert 'windowStatus="STATUS_FAILED"' in failed


@pytest.mark.parametrize(
    ("state", "counted"), [(State.OK, 1), (State.FINDING, 0), (State.UNKNOWN, 0)]
)
def test_only_a_passed_drill_prints_the_line_that_is_counted(state: State, counted: int) -> None:
    now = datetime(2026, 5, 4, tzinfo=UTC)
    checked = Checked("clone", CheckResult("content", state, 1, 1, 'it said "verdict": "pass"'))
    report = Report("r", "prod", "s", now, now, (), None, (checked,), {}, None, None)
    lines = to_json(report).splitlines()
    assert sum(re.search(VERDICT_PASS, line) is not None for line in lines) == counted


def test_the_drills_job_is_the_one_whose_lines_are_counted() -> None:
    job = prod().named("drill-job").inputs["name"]
    counted = prod().named("log-drill-passed").inputs["filter"]
    assert f'resource.labels.job_name="{job}"' in counted
    literal = json.loads(re.search(r"textPayload=~(\".*\")$", counted)[1])  # type: ignore[index]  # it is there
    assert literal == VERDICT_PASS


def test_each_address_has_a_channel() -> None:
    declared = changed(alertEmails=["b@x.example", "a@x.example"])
    channel = declared.named("channel-a@x.example").inputs
    assert channel["type"] == "email"
    assert channel["labels"] == {"email_address": "a@x.example"}
    assert len(declared.named("alert-cpu").inputs["notificationChannels"]) == 2


def test_the_dashboard_charts_what_the_alerts_measure() -> None:
    board = json.loads(prod().named("dashboard").inputs["dashboardJson"])
    tiles = board["mosaicLayout"]["tiles"]
    assert len(tiles) == len(prod().of_type(POLICY))
    assert len({(tile["xPos"], tile["yPos"]) for tile in tiles}) == len(tiles)
    assert all(tile["xPos"] + tile["width"] <= 12 for tile in tiles)
    cpu = tiles[0]["widget"]["xyChart"]
    measure = cpu["dataSets"][0]["timeSeriesQuery"]["prometheusQuery"]
    assert f"{measure} > 85" == condition(prod(), "cpu")["query"]
    assert cpu["thresholds"] == [{"value": 85.0}]
