"""Lines of a log that machines read: one JSON object each, with Cloud Logging's fields.

``AI_SQUARE_LOG=json`` asks for them on standard error, as the scheduled jobs do; the result on
standard output stays what ``--format`` says. Cloud Run's logs take ``severity``, ``message`` and
``time`` out of such a line, and keep the rest as fields to search by
(https://cloud.google.com/logging/docs/structured-logging).
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

VARIABLE = "AI_SQUARE_LOG"
WANTED = "json"
_bound: dict[str, object] = {}  # a process runs one task of one stack


class Severity(StrEnum):
    """How bad it is, in Cloud Logging's words."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether lines are to be JSON."""
    return environment.get(VARIABLE, "").lower() == WANTED


def bind(**fields: object) -> None:
    """Add fields to every line from here on: the stack, the drill's name."""
    _bound.update(fields)


def line(message: str, severity: Severity = Severity.INFO, **fields: object) -> str:
    """Return a line of the log, without its end.

    Args:
        message: what people read.
        severity: how bad it is.
        fields: what else machines read; such as ``phase`` and ``seconds``.
    """
    facts = {
        "severity": severity,
        "message": message,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **_bound,
        **fields,
    }
    return json.dumps(facts, ensure_ascii=False, default=str)
