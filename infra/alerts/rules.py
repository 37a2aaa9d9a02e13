"""Every alert of a stack, from its thresholds.

A rule is a measure in PromQL, a bound that it crosses, and what to do then. Metrics are
Cloud SQL's own (https://cloud.google.com/sql/docs/postgres/admin-api/metrics) under the
names that PromQL has for them
(https://cloud.google.com/monitoring/promql/promql-mapping), or counts of log lines
(``infra.alerts.log_metrics``).
"""

from infra.alerts.capacity import capacity
from infra.alerts.log_metrics import LogMetric
from infra.alerts.rule import AlertRule
from infra.alerts.service import service
from infra.jobs import JOBS, Job
from infra.settings import Alerts, Settings


def rules(settings: Settings, alerts: Alerts) -> tuple[AlertRule, ...]:
    """Return the alerts of a stack; those that it has no cause for are left out."""
    return (*capacity(settings, alerts), *service(settings, alerts))


def log_metrics(settings: Settings) -> tuple[LogMetric, ...]:
    """Return the log metrics that a stack's rules count."""
    backups = (LogMetric.BACKUP_DONE, LogMetric.BACKUP_FAILED)
    drilled = settings.runner is not None and settings.runner.drill is not None
    return (
        *(backups if settings.instance.backup.enabled else ()),
        *((LogMetric.DRILL_PASSED,) if drilled else ()),
    )


def drill_job(settings: Settings) -> str:
    """Return the name of the job whose output tells of drills."""
    return next(spec.name(settings) for spec in JOBS if spec.job is Job.DRILL)
