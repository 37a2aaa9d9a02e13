"""Counts of log lines that the alerts look at: backups done and failed, drills passed.

An automated backup leaves an audit entry whose ``windowStatus`` tells how it went
(https://cloud.google.com/sql/docs/postgres/backup-recovery/view-audit-logs-for-automated-backups).
A drill's job prints its report as JSON (``--format json``) to standard output, which Cloud
Run logs line by line; one line of it is the verdict, and only a drill that proved every
copy prints "pass" there.
"""

from enum import StrEnum

from pulumi_gcp import logging

from infra.settings import Settings

AUTOMATED_BACKUP = (
    'resource.type="cloudsql_database"'
    ' AND log_id("cloudaudit.googleapis.com/system_event")'
    ' AND protoPayload.methodName="cloudsql.instances.automatedBackup"'
)
# An RE2 expression, and a Python one: tests hold it to what a drill really prints.
VERDICT_PASS = r'^\s*"verdict": "pass"'  # noqa: S105 - a drill's verdict


class LogMetric(StrEnum):
    """What is counted."""

    BACKUP_DONE = "backup_done"
    BACKUP_FAILED = "backup_failed"
    DRILL_PASSED = "drill_passed"

    @property
    def resource(self) -> str:
        """The type of the monitored resource that the lines come from."""
        return "cloud_run_job" if self is LogMetric.DRILL_PASSED else "cloudsql_database"


def metric_name(settings: Settings, metric: LogMetric) -> str:
    """Return a metric's name: the instance's is in it, since stacks may share a project."""
    return f"{settings.instance.name}_{metric}".replace("-", "_")


def line_filter(settings: Settings, metric: LogMetric, drill_job: str) -> str:
    """Return the filter of the lines that are counted, in Cloud Logging's language."""
    this = f'resource.labels.database_id="{settings.project}:{settings.instance.name}"'
    if metric is LogMetric.BACKUP_DONE:
        status = 'protoPayload.metadata.windowStatus="STATUS_SUCCEEDED"'
        return f"{AUTOMATED_BACKUP} AND {this} AND {status}"
    if metric is LogMetric.BACKUP_FAILED:
        failed = " OR ".join(
            f'protoPayload.metadata.windowStatus="{status}"'
            for status in ("STATUS_FAILED", "STATUS_ATTEMPT_FAILED", "STATUS_SKIPPED")
        )
        return f"{AUTOMATED_BACKUP} AND {this} AND ({failed} OR severity>=ERROR)"
    escaped = VERDICT_PASS.replace("\\", "\\\\").replace('"', '\\"')
    return (
        'resource.type="cloud_run_job"'
        f' AND resource.labels.job_name="{drill_job}"'
        ' AND log_id("run.googleapis.com/stdout")'
        f' AND textPayload=~"{escaped}"'
    )


def declare_log_metric(settings: Settings, metric: LogMetric, drill_job: str) -> logging.Metric:
    """Declare the count of one kind of log lines."""
    return logging.Metric(
        f"log-{metric.replace('_', '-')}",
        name=metric_name(settings, metric),
        project=settings.project,
        filter=line_filter(settings, metric, drill_job),
        metric_descriptor=logging.MetricMetricDescriptorArgs(
            metric_kind="DELTA", value_type="INT64", unit="1"
        ),
    )
