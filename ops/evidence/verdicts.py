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
    told = str(drill.get("verdict"))
    if told not in _RANKS:
        return f"its verdict is {told!r}, which is none"
    listed = drill.get("checks")
    checks = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    states = [_state(one.get("state")) for one in checks]
    shown = verdict(worst(states)) if set(states) - {State.NOT_APPLICABLE} else "unknown"
    worse_unasked = _RANKS[told] > _RANKS[shown] and (kind == SELFTEST or not checks)
    if told == shown or worse_unasked:
        return ""
    bad = [
        str(one.get("name") or one.get("check"))
        for one, state in zip(checks, states, strict=True)
        if state in {State.FINDING, State.UNKNOWN}
    ]
    why = f"({', '.join(bad[:3])})" if bad else f"({len(checks)} of them, none that is not ok)"
    return f"its verdict is {told}, and its checks come to {shown} {why}"


def _state(value: object) -> State:
    try:
        return State(str(value))
    except ValueError:
        return State.UNKNOWN
