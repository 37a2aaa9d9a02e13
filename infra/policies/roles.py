"""How sessions of each role begin, as far as policies ask: from ``sql/roles``."""

import re

from infra.flags.units import parse_integer
from infra.policies.limits import STATEMENT_MOST_MS
from ops import sql

# The owner migrates, and each migration has budgets of its own.
BUDGETED = ("app", "monitor", "readonly")
_BUDGET = re.compile(r"SET statement_timeout = '(?P<value>[^']*)'")


def endless() -> tuple[str, ...]:
    """Return the roles whose statements may run for ever, by ``roles.apply``'s statements."""
    return tuple(role for role in BUDGETED if not ends(sql.load(f"roles/login_{role}")))


def ends(text: str) -> bool:
    """Tell whether a role's statements give it a statement_timeout that ends them in time."""
    budgets = [parse_integer(match["value"], "ms") for match in _BUDGET.finditer(text)]
    return bool(budgets) and 0 < budgets[-1] <= STATEMENT_MOST_MS
