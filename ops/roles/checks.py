"""What a comparison of roles comes to, check by check."""

from collections.abc import Iterable, Iterator

from ops.checks.outcomes import Words, of_findings
from ops.checks.result import CheckResult, Finding, Level, ObjectId, Remedy, State
from ops.roles.facts import Kind, Name
from ops.roles.plan import Action, Change, Difference
from ops.sessions import Excess, LogIn, Sessions

NAMED = 2  # objects that are named; more of them are counted
APPLY = "`invoke roles.apply` makes it so."
PRUNE = (
    "Declare it in sql/roles, or take it away: `invoke roles.apply --prune` does what stands there."
)
BARRED = Remedy(
    "The owner may not do that: up to PostgreSQL 15 it needs CREATEROLE (as postgres: ALTER ROLE"
    " ... CREATEROLE); from 16 on ADMIN OPTION on each role. A setting that only a superuser sets,"
    " only a superuser resets. See docs/access.md."
)
RIGHTS = (
    "Declare it (a user in the stack file, a right in sql/roles), or take it away:"
    " `invoke roles.apply` leaves these. A role that nobody needs: DROP ROLE."
)
OWNERS = "As its owner: ALTER ... OWNER TO the schema's owner; then `invoke roles.apply`."
_LEVELS = {State.FINDING: Level.FINDING, State.UNKNOWN: Level.UNKNOWN}


def of_difference(difference: Difference) -> tuple[CheckResult, ...]:
    """Return what is not as sql/roles declares: lacking, undeclared, possible, and foreign."""
    return (
        of_findings(
            "declared",
            _of_changes(difference.changes, difference.barred),
            Words("what sql/roles declares is so", "declared, yet not so"),
            remedy=APPLY,
        ),
        of_findings(
            "undeclared",
            _of_changes(difference.extra, difference.barred),
            Words("nothing was granted or set besides", "not declared, yet there"),
            remedy=PRUNE,
        ),
        of_findings(
            "rights",
            _of_reach(difference),
            Words("nobody may do more in the end", "not declared, yet possible", "can't be told"),
            remedy=RIGHTS if difference.reach.rights else "",
        ),
        of_findings(
            "owners",
            (
                Finding(
                    _object(owned.kind, owned.name),
                    Level.FINDING,
                    f"{owned.kind} of {owned.owner}, on which the owner can grant nothing",
                )
                for owned in difference.foreign
            ),
            Words("every object is the owner's", "not the owner's, so nothing is granted on it"),
            remedy=OWNERS,
        ),
    )


def of_sessions(sessions: Sessions) -> tuple[CheckResult, ...]:
    """Return with what sessions begin, and whether the declared users can log in and work."""
    return (
        of_findings(
            "session settings",
            map(_of_excess, sessions.excess),
            Words("sessions begin with what is declared", "not declared, yet sessions begin so"),
        ),
        of_findings(
            "log-ins",
            (_of_log_in(log_in) for log_in in sessions.log_ins if log_in.state in _LEVELS),
            Words(
                "every user with a password logged in",
                "can't log in and work",
                "can't be told",
                "no user was tried",
            ),
            places=sum(log_in.state is not State.NOT_APPLICABLE for log_in in sessions.log_ins),
        ),
    )


def _of_changes(changes: Iterable[Change], barred: Iterable[Change]) -> Iterator[Finding]:
    out_of_reach = tuple(barred)
    for change in changes:
        yield Finding(
            ObjectId("role", change.role, part=name_objects(change)),
            Level.FINDING,
            _words(change),
            remedy=BARRED if change in out_of_reach else None,
        )


def _words(change: Change) -> str:
    """Return what applying gives or takes."""
    what = ", ".join(change.words)
    if change.kind is Kind.MEMBERSHIP:
        what = "membership"
    return f"{'lacks' if change.action is Action.GIVE else 'has'} {what}"


def _of_reach(difference: Difference) -> Iterator[Finding]:
    for right in difference.reach.rights:
        message = f"may {right.may}, through {right.through}"
        yield Finding(ObjectId("role", right.role), Level.FINDING, message)
    for text in difference.reach.unknown:
        yield Finding(ObjectId("", ""), Level.UNKNOWN, text)
    for name in difference.reach.harmless:
        message = "not declared, and may do no more than everybody"
        yield Finding(ObjectId("role", name), Level.NOTE, message)


def _of_excess(excess: Excess) -> Finding:
    declared = f"declared is {excess.declared}" if excess.declared else "not declared"
    return Finding(
        ObjectId("role", excess.user, part=f"setting {excess.name}"),
        Level.FINDING,
        f"gets {excess.value} in database {excess.database}, set for {excess.where}; {declared}",
    )


def _of_log_in(log_in: LogIn) -> Finding:
    remedy = Remedy(log_in.remedy) if log_in.remedy else None
    return Finding(
        ObjectId("role", log_in.user), _LEVELS[log_in.state], log_in.detail, remedy=remedy
    )


def _object(kind: Kind, name: Name) -> ObjectId:
    schema = name[0] if name[1:] else ""
    return ObjectId(kind, name_object(kind, name[1:] if schema else name), schema)


def name_object(kind: Kind, name: Name) -> str:
    """Return an object's name for people."""
    if kind is Kind.ROUTINE:
        return f"{'.'.join(name[:-1])}({name[-1]})"
    return ".".join(name)


def name_objects(change: Change) -> str:
    """Return what a change is made on, for people."""
    first = change.objects[0]
    if change.kind is Kind.ATTRIBUTE:
        return "the role"
    if change.kind is Kind.SETTING:
        where = f" in database {first[1]}" if first[1:] else ""
        return f"setting {first[0]}{where}"
    if change.kind is Kind.MEMBERSHIP:
        return f"role {first[0]}"
    if change.kind is Kind.DEFAULT:
        schema, sort = first
        return f"new {sort} in {schema}" if schema else f"new {sort}"
    if len(change.objects) > NAMED:
        return f"{len(change.objects)} {change.kind}s in {first[0]}"
    return f"{change.kind} {', '.join(name_object(change.kind, name) for name in change.objects)}"
