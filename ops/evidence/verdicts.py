"""Whether a record's verdict is what its own checks come to."""

from collections.abc import Mapping

from ops.checks.result import State, verdict, worst

_RANKS = {"pass": 0, "unknown": 1, "fail": 2}
SELFTEST = "restore-selftest"  # older records of it have no check of what makes them worse


def contradiction(kind: str, drill: Mapping[str, object]) -> str:
    """Return how a verdict contradicts the record's checks, in a sentence; empty where it agrees.

    Args:
        kind: which drill.
        drill: the record's own words.
    """
    stated = str(drill.get("verdict"))
    if stated not in _RANKS:
        return f"its verdict is {stated!r}, which is none"
    listed = drill.get("checks")
    checks = (
        [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []
    )
    states = [_state(check.get("state")) for check in checks]
    computed = verdict(worst(states)) if set(states) - {State.NOT_APPLICABLE} else "unknown"
    worse_unasked = _RANKS[stated] > _RANKS[computed] and (kind == SELFTEST or not checks)
    if stated == computed or worse_unasked:
        return ""
    bad = [
        str(check.get("name") or check.get("check"))
        for check, state in zip(checks, states, strict=True)
        if state in {State.FINDING, State.UNKNOWN}
    ]
    why = f"({', '.join(bad[:3])})" if bad else f"({len(checks)} of them, none that is not ok)"
    return f"its verdict is {stated}, and its checks come to {computed} {why}"


def _state(value: object) -> State:
    try:
        return State(str(value))
    except ValueError:
        return State.UNKNOWN
