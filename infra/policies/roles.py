"""How sessions of each role begin, as far as policies ask: from ``sql/roles``."""

import re
from collections.abc import Mapping

from infra.flags.units import NotANumberError, parse_integer
from infra.policies.limits import IDLE_MOST_MS, LOCK_WAIT_MOST_MS, STATEMENT_MOST_MS
from ops import sql

# The owner migrates, and each migration has budgets of its own.
BUDGETED = ("app", "monitor", "readonly")
STATEMENT, LOCK, IDLE = "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"
MOST_MS = {STATEMENT: STATEMENT_MOST_MS, LOCK: LOCK_WAIT_MOST_MS, IDLE: IDLE_MOST_MS}
_TIMEOUT = r"SET {name} = '([^']*)'"


def endless() -> Mapping[str, tuple[str, ...]]:
    """Return the roles that a timeout does not stop in time, by ``roles.apply``'s statements."""
    texts = {role: sql.load(f"roles/login_{role}") for role in BUDGETED}
    listed = {
        name: tuple(role for role, text in texts.items() if not ends(text, name))
        for name in MOST_MS
    }
    return {name: names for name, names in listed.items() if names}


def ends(text: str, name: str = STATEMENT) -> bool:
    """Tell whether a role's statements leave it with a timeout that stops it in time."""
    values = re.findall(_TIMEOUT.format(name=name), text)
    return in_time(name, values[-1] if values else None)


def in_time(name: str, value: str | None) -> bool:
    """Tell whether a timeout's value, such as ``5min``, is one, and not over its limit.

    Where a role has no value the instance's flag counts, which policies look at by themselves;
    ``statement_timeout`` alone has to be a role's own.
    """
    if value is None:
        return name != STATEMENT
    try:
        return 0 < parse_integer(value, "ms") <= MOST_MS[name]
    except NotANumberError:
        return False
