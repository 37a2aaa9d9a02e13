"""What an instance can run out of: CPU, memory, disk, connections, transaction IDs."""

from collections.abc import Iterator, Sequence

from infra.alerts.rule import (
    DATABASE,
    DAY_S,
    QUARTER_S,
    WINDOW_S,
    AlertRule,
    Severity,
    instances,
    of,
)
from infra.flags import FlagValue
from infra.flags.budget import default_connections
from infra.settings import Alerts, Settings
from ops.tiers import Tier

GIB = 1024**3


def capacity(settings: Settings, alerts: Alerts) -> Iterator[AlertRule]:
    """Yield the alerts on what an instance can run out of."""
    yield from _resources(settings, alerts)
    yield from _sessions(settings, alerts)


def _resources(settings: Settings, alerts: Alerts) -> Iterator[AlertRule]:
    everyone = of(settings, *instances(settings))
    for name, title, percent, advice in (
        (
            "cpu",
            "CPU",
            alerts.cpu_percent,
            "Look at Query Insights for what runs; a larger tier restarts the instance.",
        ),
        (
            "memory",
            "Memory",
            alerts.memory_percent,
            "Compare `invoke flags.check` with the connections: out of memory is a restart.",
        ),
    ):
        yield AlertRule(
            name=name,
            title=f"{title} over {percent} %",
            measure=f"avg_over_time({DATABASE}{name}_utilization{everyone}[15m]) * 100",
            bound=f"> {percent}",
            for_s=WINDOW_S,
            every_s=60,
            severity=Severity.WARNING,
            source=f"cloudsql.googleapis.com/database/{name}/utilization",
            advice=advice,
        )
    yield AlertRule(
        name="disk",
        title=f"Disk over {alerts.disk_percent} % full",
        measure=f"{DATABASE}disk_utilization{everyone} * 100",
        bound=f"> {alerts.disk_percent}",
        for_s=QUARTER_S,
        every_s=60,
        severity=Severity.ERROR,
        source="cloudsql.googleapis.com/database/disk/utilization",
        advice="Find what grew (tables, WAL kept by a replication slot, temporary files); Cloud SQL"
        " grows the disk up to diskAutoresizeLimitGb, and a full one stops the instance.",
    )
    yield _days_to_full(settings, alerts, everyone)


def _days_to_full(settings: Settings, alerts: Alerts, everyone: str) -> AlertRule:
    """Return the rule of a disk that will be full soon, by the last day's growth.

    A disk that grows by itself is full at its limit; one that does not, or has no limit,
    at its size.
    """
    disk = settings.instance.disk
    limited = disk.autoresize and bool(disk.autoresize_limit_gb)
    room = (
        str((disk.autoresize_limit_gb or 0) * GIB) if limited else f"{DATABASE}disk_quota{everyone}"
    )
    ahead_s = alerts.disk_days_to_full * DAY_S
    return AlertRule(
        name="disk-days",
        title=f"Disk full within {alerts.disk_days_to_full} days",
        measure=f"predict_linear({DATABASE}disk_bytes_used{everyone}[1d], {ahead_s})",
        bound=f"> {room}",
        for_s=3600,
        every_s=300,
        severity=Severity.WARNING,
        source="cloudsql.googleapis.com/database/disk/bytes_used",
        advice="Raise diskAutoresizeLimitGb, or find what grows; a disk never shrinks again.",
    )


def _sessions(settings: Settings, alerts: Alerts) -> Iterator[AlertRule]:
    allowed = {
        settings.instance.name: _connections(settings.instance.flags, settings.instance.tier)
    }
    allowed |= {
        replica.name: _connections(replica.flags, replica.tier) for replica in settings.replicas
    }
    shares = [
        f"sum by (database_id) ({DATABASE}postgresql_num_backends{of(settings, name)})"
        f" / {most} * 100"
        for name, most in allowed.items()
    ]
    yield AlertRule(
        name="connections",
        title=f"Connections over {alerts.connections_percent} % of max_connections",
        measure=f"({' or '.join(shares)})",
        bound=f"> {alerts.connections_percent}",
        for_s=WINDOW_S,
        every_s=60,
        severity=Severity.ERROR,
        source="cloudsql.googleapis.com/database/postgresql/num_backends",
        advice="See who holds them (pg_stat_activity by application_name and state); lower the"
        " pools before raising max_connections, which restarts and costs memory.",
    )
    primary = of(settings, settings.instance.name)
    yield AlertRule(
        name="transaction-ids",
        title=f"Transaction IDs over {alerts.transaction_id_percent} % used",
        measure=f"{DATABASE}postgresql_transaction_id_utilization{primary} * 100",
        bound=f"> {alerts.transaction_id_percent}",
        for_s=QUARTER_S,
        every_s=60,
        severity=Severity.CRITICAL,
        source="cloudsql.googleapis.com/database/postgresql/transaction_id_utilization",
        advice="Find what holds vacuum back: old transactions, prepared ones, replication slots;"
        " then vacuum the oldest tables. At 100 % the database takes no more writes.",
    )


def _connections(flags: Sequence[FlagValue], tier: Tier) -> int:
    declared = {flag.name: flag.value for flag in flags}.get("max_connections")
    return int(declared or default_connections(tier.memory_mb))
