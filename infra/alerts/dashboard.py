"""The dashboard: a chart for each alert, of what the alert measures."""

import json
from collections.abc import Sequence

from infra.alerts.rule import AlertRule
from infra.settings import Settings

COLUMNS = (
    12  # of a mosaic: https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards
)
WIDTH, HEIGHT = 6, 4


def dashboard(settings: Settings, rules: Sequence[AlertRule]) -> str:
    """Return the dashboard as JSON: two charts a row, in the order of the rules."""
    tiles = [
        {
            "xPos": number * WIDTH % COLUMNS,
            "yPos": number * WIDTH // COLUMNS * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
            "widget": _chart(rule),
        }
        for number, rule in enumerate(rules)
    ]
    board = {
        "displayName": f"Cloud SQL {settings.instance.name}",
        "mosaicLayout": {"columns": COLUMNS, "tiles": tiles},
    }
    return json.dumps(board, sort_keys=True)


def _chart(rule: AlertRule) -> dict[str, object]:
    chart: dict[str, object] = {
        "dataSets": [
            {
                "plotType": "LINE",
                "timeSeriesQuery": {"prometheusQuery": rule.chart or rule.measure},
            },
        ]
    }
    threshold = _threshold(rule.bound)
    if threshold is not None:
        chart["thresholds"] = [{"value": threshold}]
    return {"title": rule.title, "xyChart": chart}


def _threshold(bound: str) -> float | None:
    """Return the number that a bound compares with; None where it is another measure."""
    try:
        return float(bound.removeprefix("<").removeprefix(">"))
    except ValueError:
        return None
