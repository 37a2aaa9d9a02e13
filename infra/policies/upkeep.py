"""What happens to the instance unasked, and how it is seen: maintenance, certificate, insights."""

from datetime import datetime

from infra.policies.limits import CERTIFICATE_DAYS_LEAST, DENY_DAYS_MOST, QUERY_TEXT_BYTES_LEAST
from infra.policies.rule import (
    Answer,
    Ids,
    Rule,
    Seen,
    Severity,
    aside,
    broken,
    either,
    fine,
    unknown,
)
from infra.policies.subject import Origin, Subject
from infra.settings.maintenance import period_days

_WINDOW = "settings.maintenanceWindow"
# https://cloud.google.com/sql/docs/postgres/maintenance#settings, by weeks after the first
_TRACKS = ("canary", "stable", "week5")
_DAYS = ("any day", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _certificate(s: Subject) -> Answer:
    text = s.text("serverCaCert.expirationTime")
    if not text:
        return unknown("the API told of no server certificate")
    left = datetime.fromisoformat(text) - s.now
    return either(left.days >= CERTIFICATE_DAYS_LEAST, f"{left.days} days left, until {text[:10]}")


def _window(s: Subject) -> Answer:
    day = s.number(f"{_WINDOW}.day") or 0
    if not day:
        return broken("maintenance may come at any time")
    hour = s.number(f"{_WINDOW}.hour") or 0
    return fine(f"{_DAYS[day]} {hour:02}:00 UTC")


def _denied(s: Subject) -> Answer:
    periods = s.entries("settings.denyMaintenancePeriods")
    if not periods:
        return aside("no days are denied")
    days = sum(
        period_days(str(period.get("startDate")), str(period.get("endDate"))) for period in periods
    )
    swallowed = f"{days} days, {days // 7} weekly windows in a row"
    return either(0 < days <= DENY_DAYS_MOST, swallowed)


def _track(s: Subject) -> Answer:
    track = s.text(f"{_WINDOW}.updateTrack") or "stable"
    if not s.fact("production"):
        return aside(f"{track}, and it is not production")
    if track not in _TRACKS:
        return unknown(f"updateTrack {track} is not among those that are known here")
    return either(track != "canary", track)


def _insights(s: Subject) -> Answer:
    if not s.on("settings.insightsConfig.queryInsightsEnabled"):
        return broken("Query Insights is off")
    length = s.number("settings.insightsConfig.queryStringLength")
    if length is None and s.origin is Origin.LIVE:
        return unknown("the API told of no queryStringLength")
    length_bytes = QUERY_TEXT_BYTES_LEAST if length is None else length
    return either(length_bytes >= QUERY_TEXT_BYTES_LEAST, f"{length_bytes} bytes of a query's text")


RULES = (
    Rule(
        id="certificate-valid",
        row=34,
        title=f"The server's CA certificate lives {CERTIFICATE_DAYS_LEAST} days or longer",
        severity=Severity.HIGH,
        ask=_certificate,
        remedy=(
            "Rotate it: `gcloud sql ssl server-ca-certs create --instance=NAME`, give clients the"
            " new one, then `gcloud sql ssl server-ca-certs rotate --instance=NAME`."
        ),
        seen=Seen.LIVE,
        ids=Ids(cloudsploit=("serverCertificateRotation",)),
    ),
    Rule(
        id="maintenance-window",
        row=35,
        title="Maintenance has a window",
        severity=Severity.MEDIUM,
        ask=_window,
        remedy="Set maintenanceDay: sat and maintenanceHour: 18, or when fewest are there.",
        of_replicas=False,
        ids=Ids(google=("gcp_sql_maintenance_window_v1",)),
    ),
    Rule(
        id="deny-period",
        row=50,
        title=f"At most {DENY_DAYS_MOST} days go without a maintenance window",
        severity=Severity.MEDIUM,
        ask=_denied,
        remedy="Shorten denyMaintenanceStart to denyMaintenanceEnd.",
        of_replicas=False,
    ),
    Rule(
        id="update-track",
        row=51,
        title="Production is not the first to get an update",
        severity=Severity.HIGH,
        ask=_track,
        remedy="Set maintenanceTrack: stable, or week5.",
        of_replicas=False,
    ),
    Rule(
        id="query-insights",
        row=56,
        title=f"Query Insights keeps {QUERY_TEXT_BYTES_LEAST} bytes of a query, or more",
        severity=Severity.MEDIUM,
        ask=_insights,
        remedy=f"Set queryInsights: true, queryInsightsTextBytes: {QUERY_TEXT_BYTES_LEAST}.",
        of_replicas=False,
    ),
)
