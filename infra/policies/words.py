"""How PostgreSQL writes on and off, and in which order its message levels stand."""

# https://www.postgresql.org/docs/15/runtime-config-logging.html#RUNTIME-CONFIG-SEVERITY-LEVELS,
# the most talkative first
LEVELS = (
    "debug5",
    "debug4",
    "debug3",
    "debug2",
    "debug1",
    "info",
    "notice",
    "warning",
    "error",
    "log",
    "fatal",
    "panic",
)


def is_on(value: str) -> bool:
    """Tell whether a boolean flag's value means on."""
    return value.lower() in {"on", "true", "yes", "1"}


def talks(level: str, least: str) -> bool:
    """Tell whether a level lets messages of another one through: warning does, of error."""
    return level in LEVELS and LEVELS.index(level) <= LEVELS.index(least)
