"""Values as a page shows them."""

import json
from datetime import UTC, datetime, timedelta

DASH = "\N{EN DASH}"
LONG = 600  # characters of a value that a page has no place of its own for


def amount(value: float | None, unit: str = "s") -> str:
    """Return a number with its unit as people say it."""
    if value is None:
        return DASH
    if unit == "s" and value >= 600:  # noqa: PLR2004 - ten minutes
        return str(timedelta(seconds=round(value)))
    if unit == "s" and 0 < value < 1:
        return f"{value * 1000:.3g} ms"
    if not unit or value == round(value):
        return f"{value:,.0f} {unit}".rstrip()
    return f"{value:,.1f} {unit}"


def moment(value: object) -> str:
    """Return a time in UTC to the second; anything else as it is."""
    if isinstance(value, str):
        try:
            return moment(datetime.fromisoformat(value))
        except ValueError:
            return value
    if not isinstance(value, datetime):
        return DASH if value is None else str(value)
    utc = value.astimezone(UTC) if value.tzinfo else value
    return f"{utc:%Y-%m-%d %H:%M:%S} UTC"


def brief(value: object) -> str:
    """Return a fact that this page has no place for, as text of bounded length."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONG else f"{text[:LONG]} … ({len(text)} characters)"
