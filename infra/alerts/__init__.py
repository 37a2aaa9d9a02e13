"""Alerts on an instance and on its jobs, with a dashboard."""

from infra.alerts.declare import declare_alerts

__all__ = ["declare_alerts"]
