"""Results as records keep them, read back: those of every version that wrote any."""

from collections.abc import Iterator, Mapping, Sequence

from ops.checks.result import Checked, CheckResult, Facts, Finding, Level, ObjectId, Remedy, State

_LEVELS = {State.FINDING: Level.FINDING, State.UNKNOWN: Level.UNKNOWN}


def read(document: Facts) -> Checked:
    """Return a check as a record has it; what it lacks is empty, and what is strange is unknown.

    Args:
        document: of ``Checked.document``; one without ``findings`` was written before there were
            any, and its lines are the findings.
    """
    state = _state(document.get("state"))
    findings = tuple(_findings(document, state))
    return Checked(
        copy=_text(document.get("copy")),
        result=CheckResult(
            check=_text(document.get("check")) or _text(document.get("name")),
            state=state,
            examined=_number(document.get("examined")),
            total=_number(document.get("total")),
            detail=_text(document.get("detail")),
            findings=findings,
            evidence=_mapping(document.get("evidence")),
            remedy=_text(document.get("remedy")),
        ),
    )


def _findings(document: Facts, state: State) -> Iterator[Finding]:
    """Yield the findings; the lines of an old record are about objects that only words name."""
    if "findings" in document:
        yield from map(_finding, map(_mapping, _listed(document["findings"])))
        return
    level = _LEVELS.get(state, Level.NOTE)
    for line in _listed(document.get("differences")):
        yield Finding(ObjectId("", _text(line)), level)


def _finding(document: Facts) -> Finding:
    about, remedy = _mapping(document.get("object")), _mapping(document.get("remedy"))
    return Finding(
        object=ObjectId(
            *(_text(about.get(field)) for field in ("kind", "name", "schema", "part")),
        ),
        level=_level(document.get("level")),
        message=_text(document.get("message")),
        evidence=_mapping(document.get("evidence")),
        remedy=Remedy(*(_text(remedy.get(field)) for field in ("text", "sql", "lock", "undo")))
        if remedy
        else None,
    )


def _state(value: object) -> State:
    return State(value) if isinstance(value, str) and value in set(State) else State.UNKNOWN


def _level(value: object) -> Level:
    return Level(value) if isinstance(value, str) and value in set(Level) else Level.UNKNOWN


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _mapping(value: object) -> Facts:
    return value if isinstance(value, Mapping) else {}


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
