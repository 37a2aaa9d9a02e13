"""Whether the service holds: up, failed over, replicas near, backups there, jobs passing."""

from collections.abc import Iterator

from infra.alerts.log_metrics import LogMetric
from infra.alerts.rule import DATABASE, QUARTER_S, WINDOW_S, AlertRule, Severity, counted, of
from infra.jobs import JOBS
from infra.settings import Alerts, Settings

# increase() extrapolates: a single line may count as a little less than one
NONE = "< 0.5"
JOB_EXECUTIONS = "run_googleapis_com:job_completed_execution_count"


def service(settings: Settings, alerts: Alerts) -> Iterator[AlertRule]:
    """Yield the alerts on what a service promises."""
    yield from _availability(settings, alerts)
    yield from _backups(settings, alerts)
    yield from _jobs(settings, alerts)


def _availability(settings: Settings, alerts: Alerts) -> Iterator[AlertRule]:
    primary = of(settings, settings.instance.name)
    yield AlertRule(
        name="down",
        title="The instance is not up",
        measure=f"(max_over_time({DATABASE}up{primary}[5m]) < 1)"
        f" or absent_over_time({DATABASE}up{primary}[15m])",
        bound="",
        for_s=0,
        every_s=60,
        severity=Severity.CRITICAL,
        source="cloudsql.googleapis.com/database/up",
        advice="Look at the instance's operations and its log; a REGIONAL one fails over by itself"
        " within minutes.",
        chart=f"{DATABASE}up{primary}",
    )
    if settings.instance.availability == "REGIONAL":
        yield AlertRule(
            name="failover",
            title="The instance failed over",
            measure=f"increase({DATABASE}auto_failover_request_count{primary}[10m])",
            bound="> 0",
            for_s=0,
            every_s=60,
            severity=Severity.ERROR,
            source="cloudsql.googleapis.com/database/auto_failover_request_count",
            advice="Check that the application reconnected, then why the primary was lost.",
        )
        yield AlertRule(
            name="no-standby",
            title="There is no standby to fail over to",
            measure=f"max_over_time({DATABASE}available_for_failover{primary}[5m])",
            bound="< 1",
            for_s=QUARTER_S,
            every_s=60,
            severity=Severity.ERROR,
            source="cloudsql.googleapis.com/database/available_for_failover",
            advice="Until it is back the loss of one zone is an outage; look at the operations.",
        )
    if settings.replicas:
        names = [replica.name for replica in settings.replicas]
        yield AlertRule(
            name="replication-lag",
            title=f"A replica is more than {alerts.replication_lag_s} s behind",
            measure=f"{DATABASE}replication_replica_lag{of(settings, *names)}",
            bound=f"> {alerts.replication_lag_s}",
            for_s=WINDOW_S,
            every_s=60,
            severity=Severity.WARNING,
            source="cloudsql.googleapis.com/database/replication/replica_lag",
            advice="Compare the replica's CPU and disk with the primary's, and look for long"
            " queries on it: those hold replay back.",
        )


def _backups(settings: Settings, alerts: Alerts) -> Iterator[AlertRule]:
    if not settings.instance.backup.enabled:
        return
    yield AlertRule(
        name="backup-failed",
        title="An automated backup failed",
        measure=counted(settings, LogMetric.BACKUP_FAILED, "1h"),
        bound="> 0",
        for_s=0,
        every_s=300,
        severity=Severity.ERROR,
        source="log: cloudsql.instances.automatedBackup",
        advice="`invoke backup.list` tells why; take one with `invoke backup.create`.",
    )
    yield AlertRule(
        name="backup-missing",
        title=f"No automated backup for {alerts.backup_hours} hours",
        measure=counted(settings, LogMetric.BACKUP_DONE, f"{alerts.backup_hours}h"),
        bound=NONE,
        for_s=0,
        every_s=300,
        severity=Severity.CRITICAL,
        source="log: cloudsql.instances.automatedBackup",
        advice="`invoke backup.list` shows the newest; take one with `invoke backup.create`, then"
        " see that automated backups are on.",
    )


def _jobs(settings: Settings, alerts: Alerts) -> Iterator[AlertRule]:
    runner = settings.runner
    if runner is None:
        return
    if runner.drill is not None:
        yield AlertRule(
            name="drill-stale",
            title=f"No restore drill passed for {alerts.drill_days} days",
            measure=counted(settings, LogMetric.DRILL_PASSED, f"{alerts.drill_days}d"),
            bound=NONE,
            for_s=0,
            every_s=3600,
            severity=Severity.ERROR,
            source="log: the verdict that restore-drill prints",
            advice="Read the newest evidence in the evidence bucket, or the log of the drill's job;"
            " a backup that no drill restored is a hope.",
        )
    scheduled = [job.name(settings) for job in JOBS if job.ready and job.schedule(runner)]
    if scheduled:
        scope = f'monitored_resource="cloud_run_job",project_id="{settings.project}"'
        yield AlertRule(
            name="job-failed",
            title="A scheduled job failed",
            measure=f"sum by (job_name) (increase({JOB_EXECUTIONS}"
            f'{{{scope},job_name=~"{"|".join(scheduled)}",result="failed"}}[1h]))',
            bound="> 0",
            for_s=0,
            every_s=300,
            severity=Severity.ERROR,
            source="run.googleapis.com/job/completed_execution_count",
            advice="Its log tells what was found (exit code 3) or what went wrong (1, 2, 4).",
        )
