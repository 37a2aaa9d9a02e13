"""Alerts, whom they reach, and a dashboard with the same measures."""

from collections.abc import Mapping

import pulumi
from pulumi_gcp import monitoring

from infra.alerts.dashboard import dashboard
from infra.alerts.log_metrics import declare_log_metric, metric_name
from infra.alerts.rule import AlertRule
from infra.alerts.rules import drill_job, log_metrics, rules
from infra.settings import Alerts, Settings

CLOSED_AFTER_S = 24 * 3600  # an incident without data


def declare_alerts(settings: Settings, alerts: Alerts) -> None:
    """Declare every alert of a stack, its channels, its log metrics and its dashboard."""
    channels = [_channel(settings, email) for email in alerts.emails]
    counted = {
        metric_name(settings, metric): declare_log_metric(settings, metric, drill_job(settings))
        for metric in log_metrics(settings)
    }
    declared_rules = rules(settings, alerts)
    for rule in declared_rules:
        _policy(settings, rule, channels, counted)
    monitoring.Dashboard(
        "dashboard",
        project=settings.project,
        dashboard_json=dashboard(settings, declared_rules),
    )


def _channel(settings: Settings, email: str) -> monitoring.NotificationChannel:
    return monitoring.NotificationChannel(
        f"channel-{email}",
        project=settings.project,
        type="email",
        display_name=f"{settings.instance.name}: {email}",
        labels={"email_address": email},
    )


def _policy(
    settings: Settings,
    rule: AlertRule,
    channels: list[monitoring.NotificationChannel],
    counted: Mapping[str, pulumi.Resource],
) -> None:
    title = f"{settings.instance.name}: {rule.title}"
    monitoring.AlertPolicy(
        f"alert-{rule.name}",
        project=settings.project,
        display_name=title,
        combiner="OR",
        severity=rule.severity,
        conditions=[
            monitoring.AlertPolicyConditionArgs(
                display_name=rule.title,
                condition_prometheus_query_language=(
                    monitoring.AlertPolicyConditionConditionPrometheusQueryLanguageArgs(
                        query=rule.query,
                        duration=f"{rule.for_s}s",
                        evaluation_interval=f"{rule.every_s}s",
                        # before the first instance or log line there is no such metric yet
                        disable_metric_validation=True,
                    )
                ),
            )
        ],
        documentation=monitoring.AlertPolicyDocumentationArgs(
            subject=title,
            content=f"{rule.advice}\n\nMeasured by {rule.source}. Runbook: docs/cloud.md, Alerts.",
            mime_type="text/markdown",
        ),
        alert_strategy=monitoring.AlertPolicyAlertStrategyArgs(auto_close=f"{CLOSED_AFTER_S}s"),
        notification_channels=[channel.name for channel in channels],
        user_labels=dict(settings.instance.labels),
        opts=pulumi.ResourceOptions(
            depends_on=[metric for name, metric in counted.items() if name in rule.query]
        ),
    )
