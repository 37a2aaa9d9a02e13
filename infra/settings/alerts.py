"""Who is told when something is wrong, and what is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from infra.settings.keys import Email, Keys, Rule, key, keys
from infra.settings.stack import ENDPOINT, is_local

if TYPE_CHECKING:
    from infra.settings.declared import Declared


class AlertKeys(Keys):
    """Keys of the alerts; the thresholds are the product's targets."""

    alert_emails: list[Email] = Field(
        [], description="Who is told of alerts; none for no alerts and no dashboard."
    )
    alert_cpu_percent: int = Field(
        85, ge=1, le=100, description="CPU use over 15 minutes that alerts."
    )
    alert_memory_percent: int = Field(
        90, ge=1, le=100, description="Memory use over 15 minutes that alerts."
    )
    alert_disk_percent: int = Field(85, ge=1, le=100, description="Disk use that alerts.")
    alert_disk_days_to_full: int = Field(
        14, ge=1, le=90, description="A disk that is full within so many days alerts."
    )
    alert_connections_percent: int = Field(
        80, ge=1, le=100, description="Share of max_connections in use that alerts."
    )
    alert_replication_lag_seconds: int = Field(
        60, ge=1, description="Lag of a replica or standby that alerts."
    )
    alert_transaction_id_percent: int = Field(
        50, ge=1, le=100, description="Share of the transaction IDs in use that alerts."
    )
    alert_backup_hours: int = Field(
        26, ge=1, description="Hours without a successful backup that alert."
    )
    alert_drill_days: int = Field(
        8, ge=1, le=60, description="Days without a passed restore drill that alert."
    )


@dataclass(frozen=True, slots=True)
class Alerts:
    """Who is told of what.

    Attributes:
        emails: Who is told.
        cpu_percent: Of CPU use, over 15 minutes.
        memory_percent: Of memory use, over 15 minutes.
        disk_percent: Of disk use.
        disk_days_to_full: By the last day's growth.
        connections_percent: Of ``max_connections``.
        replication_lag_s: Of a replica or standby.
        transaction_id_percent: Of the transaction IDs.
        backup_hours: Without a successful backup.
        drill_days: Without a passed restore drill.
    """

    emails: tuple[str, ...]
    cpu_percent: int
    memory_percent: int
    disk_percent: int
    disk_days_to_full: int
    connections_percent: int
    replication_lag_s: int
    transaction_id_percent: int
    backup_hours: int
    drill_days: int


def alerts(d: "Declared") -> Alerts | None:
    """Return the alerts' settings; None where nobody is told."""
    if not d.alert_emails:
        return None
    return Alerts(
        emails=tuple(sorted(set(d.alert_emails))),
        cpu_percent=d.alert_cpu_percent,
        memory_percent=d.alert_memory_percent,
        disk_percent=d.alert_disk_percent,
        disk_days_to_full=d.alert_disk_days_to_full,
        connections_percent=d.alert_connections_percent,
        replication_lag_s=d.alert_replication_lag_seconds,
        transaction_id_percent=d.alert_transaction_id_percent,
        backup_hours=d.alert_backup_hours,
        drill_days=d.alert_drill_days,
    )


def _needs_a_cloud(d: "Declared") -> Iterator[str]:
    if d.alert_emails and is_local(d):
        yield f"{key('alert_emails')}: the local Cloud SQL has no monitoring. Leave it out."


RULES: tuple[Rule, ...] = (((ENDPOINT, *keys("alert_emails")), _needs_a_cloud),)
