"""Questions about one flag: what PostgreSQL's words mean, and what is asked of them."""

from collections.abc import Callable

from infra.policies.rule import Answer, either
from infra.policies.subject import Subject

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
    """Tell whether a boolean flag's value means on, as PostgreSQL reads it.

    It takes the beginnings of the words too: https://www.postgresql.org/docs/15/config-setting.html
    """
    word = value.lower()
    return word in {"on", "1"} or (word != "" and any(w.startswith(word) for w in ("true", "yes")))


def talks(level: str, least: str) -> bool:
    """Tell whether a level lets messages of another one through: warning does, of error."""
    return level in LEVELS and LEVELS.index(level) <= LEVELS.index(least)


def asks(name: str, good: Callable[[str], bool]) -> Callable[[Subject], Answer]:
    """Return a question about a flag's value in force, shown with its name."""

    def ask(s: Subject) -> Answer:
        value = s.flag(name)
        return either(good(value), f"{name} {value or 'unset'}")

    return ask


def is_set(name: str, *, on: bool) -> Callable[[Subject], Answer]:
    """Return the question whether a boolean flag is on, or off."""
    return asks(name, lambda value: is_on(value) is on)
