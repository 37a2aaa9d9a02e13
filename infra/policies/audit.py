"""`invoke policy.audit`: the live instance, asked through the Admin API."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from infra import localclock, rolesettings
from infra.drift.differences import is_own
from infra.flags import catalogue
from infra.policies import waivers
from infra.policies.flags import APPROVAL
from infra.policies.report import Report
from infra.policies.review import review
from infra.policies.subject import Facts, Origin, Subject, linked
from infra.settings import Settings
from ops.backupruns import SUCCESSFUL
from ops.cloudsql import ApiError, CloudSql, Instance
from ops.target import Target


def audit(
    target: Target, cloud: CloudSql, *, everything: bool, today: date | None = None
) -> Report:
    """Review the live instance of a stack and the replicas that follow it.

    The Admin API is asked, and PostgreSQL for what sessions of each role begin with.

    What only the declaration knows is not asked; the report names it. Certificates age by
    the instance's own clock.

    Args:
        target: The stack's.
        cloud: Its Admin API.
        everything: Whether people want every rule, and not problems alone.
        today: The day on which waivers count; this machine's if None.

    Raises:
        ops.cloudsql.NoSuchInstanceError: The stack is not deployed.
        ops.errors.OpsError: The Admin API can't be asked.
    """
    instances = _followed(target, cloud, cloud.instance(target.instance), clock(target))
    day = today or datetime.now(UTC).date()
    return Report((review(linked(instances), waivers.load(), day),), everything)


def _followed(
    target: Target, cloud: CloudSql, instance: Instance, now: datetime
) -> Iterator[Subject]:
    """Yield a live instance as rules see it, and all that follow it."""
    facts = Facts(
        production=target.production,
        pool_connections=target.settings.pool.max_connections,
        approval=target.settings.instance.labels.get(APPROVAL, ""),
    )
    bare = Subject(target.stack, Origin.LIVE, instance.body, now, facts)
    restarts = pending_restarts(declared_flags(target.settings).get(instance.name), bare.flags)
    facts = replace(facts, restarts=restarts)
    if not bare.is_replica:
        read = rolesettings.read(target, instance.address)
        facts = replace(
            facts,
            undeclared_users=undeclared_users(target, cloud, instance.name),
            backup_places=backup_places(cloud, instance.name),
            endless_roles=read.endless,
            roles_unread=read.unread,
        )
    yield replace(bare, facts=facts)
    for name in instance.body.get("replicaNames", ()):
        yield from _followed(target, cloud, cloud.instance(name), now)


def undeclared_users(target: Target, cloud: CloudSql, instance: str) -> tuple[str, ...] | None:
    """Return the users that nobody declared; None where the API does not list them."""
    settings = target.settings
    declared = {name for _, name in settings.users.by_role()}
    declared |= {user.login for user in settings.iam_users}
    try:
        accounts = cloud.accounts(instance)
    except ApiError:
        return None
    return tuple(sorted(a.name for a in accounts if a.name not in declared and not is_own(a)))


def backup_places(cloud: CloudSql, instance: str) -> tuple[str, ...] | None:
    """Return where there are backups; None where the API does not tell of one."""
    try:
        runs = [run for run in cloud.backup_runs(instance) if run.status == SUCCESSFUL]
    except ApiError:
        return None
    places = {run.location for run in runs}
    return None if "" in places else tuple(sorted(places))


def declared_flags(settings: Settings) -> Mapping[str, Mapping[str, str]]:
    """Return the flags that a stack declares, in the API's units, by instance and name."""
    sets = {settings.instance.name: settings.instance.flags}
    sets |= {replica.name: replica.flags for replica in settings.replicas}
    return {name: {flag.name: flag.value for flag in flags} for name, flags in sets.items()}


def pending_restarts(
    declared: Mapping[str, str] | None, current: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the flags whose change to what is declared would restart the instance.

    Args:
        declared: The declared flags; None for an instance that nobody declares.
        current: The live ones.
    """
    if declared is None:
        return ()
    known = catalogue()
    return tuple(
        name
        for name in sorted(declared.keys() | current.keys())
        if declared.get(name) != current.get(name) and name in known and known[name].restart
    )


def clock(target: Target) -> datetime:
    """Return the instance's time: the local Cloud SQL's can be set forward."""
    if target.local is None:
        return datetime.now(UTC)
    return datetime.fromisoformat(localclock.read(target.server().ask("GET", "clock")).now)
