"""Findings for tests that care for their words alone."""

from ops.checks.result import Finding, Level, State, finding

_LEVELS = {State.FINDING: Level.FINDING, State.UNKNOWN: Level.UNKNOWN}


def findings(*lines: str, state: State = State.FINDING) -> tuple[Finding, ...]:
    """Return a finding a line, ``NAME: MESSAGE``, of the level that makes a state."""
    level = _LEVELS.get(state, Level.NOTE)
    parted = [line.partition(": ") for line in lines]
    return tuple(finding("object", name, message, level) for name, _, message in parted)
