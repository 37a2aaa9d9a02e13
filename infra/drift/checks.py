"""What a comparison with the live instances comes to, check by check."""

from collections.abc import Iterable, Iterator

from infra.drift import differences as drift
from infra.drift.differences import Difference, Unread
from infra.live import Kind
from ops.checks.outcomes import Words, of_findings
from ops.checks.report import details
from ops.checks.result import CheckResult, Finding, Level, ObjectId, Remedy

SETTING = "setting "  # how a property begins that was set for a role or a database in SQL
_CHECKS = {Kind.INSTANCE: "instances", Kind.DATABASE: "databases", Kind.USER: "users"}
_SETTINGS = "settings in SQL"
_WORDS = Words("as declared", "not as declared", "could not be read", "no instance was looked at")
_IN_SQL = Words("none of a role or database besides", "not declared", none=_WORDS.none)


def of(
    differences: Iterable[Difference], unread: Iterable[Unread], instances: int
) -> tuple[CheckResult, ...]:
    """Return what came out for instances, databases, users, and settings in SQL.

    Args:
        differences: everything that differs, notes included.
        unread: what could not be read.
        instances: how many were compared.
    """
    differing, missed = tuple(differences), tuple(unread)
    results = []
    for kind, check in _CHECKS.items():
        findings = [
            _of_difference(each)
            for each in differing
            if each.kind is kind and not each.property.startswith(SETTING)
        ]
        unknown = [_of_unread(each) for each in missed if each.kind is kind and not each.in_sql]
        places = instances + (len(unknown) if kind is Kind.INSTANCE else 0)
        results.append(of_findings(check, (*findings, *unknown), _WORDS, places))
    in_sql = [_of_difference(each) for each in differing if each.property.startswith(SETTING)]
    in_sql += [_of_unread(each) for each in missed if each.in_sql]
    return (*results, of_findings(_SETTINGS, in_sql, _IN_SQL, min(instances, 1)))


def notes(results: Iterable[CheckResult]) -> Iterator[str]:
    """Yield what differs rightly."""
    for result in results:
        yield from details(result, None)


def _of_difference(difference: Difference) -> Finding:
    part = difference.property.removeprefix("settings.").replace("databaseFlags.", "flag ")
    message = f"declared {difference.declared or '-'}, live {difference.live or '-'}"
    if difference.deploying:
        message += f"; deploying: {difference.deploying}"
    note = difference.finding is drift.Finding.NOTE
    return Finding(
        ObjectId(difference.kind, difference.name, part=part),
        Level.NOTE if note else Level.FINDING,
        message,
        {"finding": difference.finding, "instance": difference.instance},
        Remedy(difference.resolve) if difference.resolve else None,
    )


def _of_unread(unread: Unread) -> Finding:
    return Finding(ObjectId("instance", unread.instance), Level.UNKNOWN, unread.why)
