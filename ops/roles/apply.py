"""Compare a stack's roles with ``sql/roles``, and make them so: one transaction, one at a time.

All of it runs as the schema's owner. It is no superuser, and needs none: it owns the tables, is a
member of cloudsqlsuperuser, whom the database belongs to (and whose membership Cloud SQL lets
only its members give and take), and has CREATEROLE, with which it may change every role that is
no superuser, up to PostgreSQL 15. From 16 on that takes ADMIN OPTION on the role too, which
whoever made it has; what is out of reach is told and left.
https://www.postgresql.org/docs/15/role-attributes.html
https://www.postgresql.org/docs/16/role-attributes.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ops import guard, sessions, sql
from ops.db import CHANGE, DIAGNOSTIC, CannotConnectError, Connection, statement
from ops.errors import ExitCode, OpsError
from ops.guard import Consent
from ops.invocation import Invocation
from ops.roles import catalog
from ops.roles.checks import name_object
from ops.roles.declared import declared
from ops.roles.facts import GRANTABLE, Cast, Kind, Login
from ops.roles.plan import Action, Change, Difference, compare
from ops.roles.report import Applied, PassedOn, Planned, Status
from ops.roles.statements import statements
from ops.target import Target

# Advisory locks share one space of numbers in a database: "aisq rol" in ASCII.
LOCK_KEY = int.from_bytes(b"aisq rol", "big")
ROUNDS = 4  # of changes in one transaction; a second one is rare
_NAME = "ai-square-db roles"


class BusyError(OpsError):
    """Another run is applying roles to the same database."""

    def __init__(self, database: str) -> None:
        super().__init__(
            f"Another run is applying roles to {database}. Let it end, a matter of seconds, and "
            "run the command again."
        )


class RolesUnreadError(OpsError):
    """PostgreSQL could not be asked, so that nobody can tell how the roles are."""

    exit_code = ExitCode.UNKNOWN

    def __init__(self, stack: str, error: CannotConnectError) -> None:
        super().__init__(f"The roles and grants of {stack} are not known. {error}")


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line.

    Attributes:
        prune: also take away what nobody declared.
        dry_run: show the plan only.
        yes: on production, really do it; pruning does not ask.
        confirm: on production, the instance's name.
    """

    prune: bool = False
    dry_run: bool = False
    yes: bool = False
    confirm: str = ""


def cast_of(target: Target) -> Cast:
    """Return who there is to be on a stack."""
    settings = target.settings
    logins = tuple(Login(user.name, user.role, iam=user.iam) for user in sessions.users(settings))
    return Cast(settings.database, dict(settings.users.by_role()), logins)


def status(run: Invocation) -> Status:
    """Return how what is there differs from what is declared; changes nothing.

    Raises:
        RolesUnreadError: the instance is stopped, or does not answer.
        ops.errors.OpsError: not deployed, refused, or a declared user is missing.
    """
    database = run.database()
    try:
        cast, difference, _ = _look(run)
    except CannotConnectError as error:
        if error.away or error.full:
            raise RolesUnreadError(run.target.stack, error) from error
        raise
    with database.connect(run.target.owner, budget=DIAGNOSTIC, name=_NAME) as connection:
        people = sessions.users(run.target.settings)
        session_state = sessions.look(connection, database, people, cast.owner)
    return Status(run.target.stack, cast.database, cast.logins, difference, session_state)


def apply(run: Invocation, request: Request) -> Planned | Applied:
    """Make it so; the plan alone on a dry run, and on production without --yes.

    Raises:
        BusyError: another run is at it.
        ops.errors.OpsError: refused, not approved (``ops.guard``), or a statement failed: then
            nothing was changed.
    """
    if request.prune and not request.dry_run:
        _approve_pruning(run, Consent(request.yes, request.confirm))
    action = "change roles and grants"
    if request.dry_run or not guard.permit(
        run.target, action, yes=request.yes, confirm=request.confirm
    ):
        _, difference, grants = _look(run)
        goes = _goes_too(difference.doable(prune=request.prune), grants)
        return Planned(run.target.stack, difference, prune=request.prune, passed_on=goes)
    cast = cast_of(run.target)
    database = run.database()
    with database.connect(
        run.target.owner, budget=CHANGE, autocommit=False, name=_NAME
    ) as connection:
        lock = connection.execute(statement(sql.load("roles/apply_lock")), {"key": LOCK_KEY})
        if lock.fetchone() != (True,):
            raise BusyError(database.name)
        left = _difference(connection, cast)
        changes: list[Change] = []
        # taking what was passed on may take what is declared too, which then is given again
        for _ in range(ROUNDS):
            todo = [change for change in left.doable(prune=request.prune) if change not in changes]
            _send(connection, todo, cast)
            changes += todo
            left = _difference(connection, cast)
            if not todo:
                break
        stuck = left.doable(prune=request.prune)
        granted_by_others = _of_those(stuck, _passed_on(connection, cast)) if stuck else ()
    return Applied(run.target.stack, tuple(changes), left, stuck, granted_by_others)


def _send(connection: Connection, changes: Sequence[Change], cast: Cast) -> None:
    signatures: dict[tuple[str, ...], str] = {}
    if any(change.kind is Kind.ROUTINE for change in changes):
        rows = _within_schemas(connection, "routine_types", cast)
        signatures = {row[:3]: row[3] for row in rows}
    for change in changes:
        for text in statements(change, cast.owner, signatures):
            connection.execute(text)


def _within_schemas(connection: Connection, question: str, cast: Cast) -> list[tuple[str, ...]]:
    """Return what a question about the application's and the operators' schemas shows."""
    owner = {"owner": cast.owner}
    schemas = connection.execute(statement(sql.load("roles/schemas")), owner).fetchall()
    within = {"schemas": [name for (name,) in schemas]}
    return connection.execute(statement(sql.load(f"roles/{question}")), within).fetchall()


def _passed_on(connection: Connection, cast: Cast) -> tuple[PassedOn, ...]:
    return tuple(PassedOn(*row) for row in _within_schemas(connection, "passed_on", cast))


def _goes_too(changes: Sequence[Change], grants: Sequence[PassedOn]) -> tuple[PassedOn, ...]:
    """Return the grants that go with the changes: made by a role that loses its grant option."""
    words = {
        (change.kind.value, change.role, word.removesuffix(GRANTABLE), name)
        for change in changes
        if change.action is Action.TAKE
        for word in change.words
        if word.endswith(GRANTABLE)
        for name in (name_object(change.kind, parts) for parts in change.objects)
    }
    goes: set[PassedOn] = set()
    # who was granted it with grant option may have passed it on too
    while more := {
        g
        for g in grants
        if g not in goes
        and (
            (g.kind, g.grantor, g.word, g.name) in words
            or any(
                (g.kind, g.name, g.word, g.grantor) == (p.kind, p.name, p.word, p.grantee)
                for p in goes
            )
        )
    }:
        goes |= more
    return tuple(g for g in grants if g in goes)


def _of_those(changes: Sequence[Change], grants: Sequence[PassedOn]) -> tuple[PassedOn, ...]:
    """Return the grants that changes would have taken."""
    named = {
        (change.kind.value, change.role, name)
        for change in changes
        for name in (name_object(change.kind, parts) for parts in change.objects)
    }
    return tuple(g for g in grants if (g.kind, g.grantee, g.name) in named)


def _approve_pruning(run: Invocation, consent: Consent) -> None:
    """Ask before something is taken away; with ``--yes`` there is nothing to ask."""
    if consent.yes:
        return
    _, difference, grants = _look(run)
    roles = sorted({c.role for c in difference.extra if c not in difference.barred})
    if roles:
        goes = sorted({g.grantee for g in _goes_too(difference.doable(prune=True), grants)})
        more = f", with what they passed on to {', '.join(goes)}" if goes else ""
        action = (
            f"take away from {', '.join(roles)} what nobody declared{more} (--dry-run shows it)"
        )
        guard.approve_removal(run.target, action, consent)


def _look(run: Invocation) -> tuple[Cast, Difference, tuple[PassedOn, ...]]:
    cast = cast_of(run.target)
    with run.database().connect(
        run.target.owner, budget=DIAGNOSTIC, autocommit=False, name=_NAME
    ) as connection:
        return cast, _difference(connection, cast), _passed_on(connection, cast)


def _difference(connection: Connection, cast: Cast) -> Difference:
    catalogue = catalog.read(connection, cast)
    return compare(cast, declared(cast, catalogue), catalogue)
