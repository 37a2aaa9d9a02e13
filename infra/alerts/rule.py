"""One alert as data, and the words that alerts are written with in PromQL."""

from dataclasses import dataclass
from enum import StrEnum

from infra.alerts.log_metrics import LogMetric, metric_name
from infra.settings import Settings

DATABASE = "cloudsql_googleapis_com:database_"
DAY_S = 24 * 3600
QUARTER_S = 15 * 60
WINDOW_S = 5 * 60


class Severity(StrEnum):
    """How bad it is, in Cloud Monitoring's words."""

    CRITICAL = "CRITICAL"
    ERROR = "ERROR"
    WARNING = "WARNING"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One thing that can be wrong.

    Attributes:
        name: In the program, and after ``alert-`` in the resource's name.
        title: What people read first.
        measure: PromQL for what is measured.
        bound: Comparison that the measure satisfies when something is wrong; empty where
            the measure is there only then.
        for_s: How long it has to be so, in seconds; a multiple of the interval.
        every_s: How often it is looked at, in seconds.
        severity: How bad it is.
        source: Where the metric comes from, as Google writes it.
        advice: What to do first.
        chart: PromQL for the dashboard, where the measure itself would say little.
    """

    name: str
    title: str
    measure: str
    bound: str
    for_s: int
    every_s: int
    severity: Severity
    source: str
    advice: str
    chart: str = ""

    @property
    def query(self) -> str:
        """The whole condition in PromQL."""
        return f"{self.measure} {self.bound}".strip()


def instances(settings: Settings) -> tuple[str, ...]:
    """Return the names of the primary and of its replicas."""
    return (settings.instance.name, *(replica.name for replica in settings.replicas))


def of(settings: Settings, *names: str) -> str:
    """Return the PromQL selector of instances."""
    ids = "|".join(f"{settings.project}:{name}" for name in names)
    return f'{{monitored_resource="cloudsql_database",database_id=~"{ids}"}}'


def counted(settings: Settings, metric: LogMetric, window: str) -> str:
    """Return PromQL for how many log lines there were; 0 also where there never was one."""
    name = f"logging_googleapis_com:user_{metric_name(settings, metric)}"
    selector = f'{{monitored_resource="{metric.resource}"}}'
    return f"(sum(increase({name}{selector}[{window}])) or vector(0))"
