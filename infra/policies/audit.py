"""`invoke policy.audit`: the live instance, asked through the Admin API."""

from datetime import UTC, datetime

from infra import localclock
from infra.body import instance_body
from infra.changes import FLAGS, Effect, compare
from infra.desired import INSTANCE, collect
from infra.policies import waivers
from infra.policies.report import Report
from infra.policies.review import review
from infra.policies.subject import Facts, Origin, Subject
from ops.cloudsql import CloudSql, Instance
from ops.target import Target


def audit(target: Target, cloud: CloudSql, *, everything: bool) -> Report:
    """Review the live instance of a stack and the replicas that follow it.

    What only the declaration knows is not asked; the report names it. Waivers count by
    this machine's clock, certificates by the instance's own.

    Raises:
        ops.cloudsql.NoSuchInstanceError: The stack is not deployed.
        ops.errors.OpsError: The Admin API can't be asked.
    """
    primary = cloud.instance(target.instance)
    subject = live(target, primary, clock(target), restarts=pending_restarts(target, primary))
    names = tuple(str(name) for name in primary.body.get("replicaNames", ()))
    replicas = (live(target, cloud.instance(name), subject.now, primary=subject) for name in names)
    today = datetime.now(UTC).date()
    return Report((review((subject, *replicas), waivers.load(), today),), everything)


def live(
    target: Target,
    instance: Instance,
    now: datetime,
    *,
    restarts: tuple[str, ...] | None = (),
    primary: Subject | None = None,
) -> Subject:
    """Return a live instance as rules see it."""
    facts = Facts(
        production=target.production,
        pool_connections=target.settings.pool.max_connections,
        restarts=restarts,
        primary=primary,
    )
    return Subject(target.stack, Origin.LIVE, instance.body, now, facts)


def pending_restarts(target: Target, instance: Instance) -> tuple[str, ...]:
    """Return the declared flags that are not live yet and would restart the instance."""
    for resource in collect(target.settings).of_type(INSTANCE):
        body = instance_body(resource)
        if body["name"] == instance.name:
            changes = compare(body, instance.body)
            return tuple(
                change.property.removeprefix(f"{FLAGS}.")
                for change in changes
                if change.effect is Effect.RESTART and change.property.startswith(f"{FLAGS}.")
            )
    return ()


def clock(target: Target) -> datetime:
    """Return the instance's time: the local Cloud SQL's can be set forward."""
    if target.local is None:
        return datetime.now(UTC)
    return datetime.fromisoformat(localclock.read(target.server().ask("GET", "clock")).now)
