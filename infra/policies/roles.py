"""How sessions of each role begin, as far as policies ask: from ``sql/roles``."""

import re

from ops import sql

# The owner migrates, and each migration has budgets of its own.
BUDGETED = ("app", "monitor", "readonly")
_BUDGET = re.compile(r"SET statement_timeout = '[1-9]")


def endless() -> tuple[str, ...]:
    """Return the roles whose statements may run for ever, by ``roles.apply``'s statements."""
    return tuple(role for role in BUDGETED if not ends(sql.load(f"roles/login_{role}")))


def ends(text: str) -> bool:
    """Tell whether a role's statements give it a statement_timeout that is not 0."""
    return _BUDGET.search(text) is not None
