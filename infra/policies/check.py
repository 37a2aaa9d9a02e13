"""`invoke policy.check`: what a stack declares, asked offline."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from infra.body import instance_body
from infra.desired import (
    INSTANCE,
    SECRET,
    UNKNOWN_UNTIL_DEPLOYED,
    Desired,
    DesiredResource,
    collect,
)
from infra.policies import roles, waivers
from infra.policies.report import Report
from infra.policies.review import Review, review
from infra.policies.subject import Declaration, Facts, Origin, Subject, linked
from infra.settings import Settings, load
from infra.stackfile import stacks

# Inputs whose values are secret, by how their names end: in camelCase, as on the wire.
# The write-only fields (…Wo) take secrets too; what only asks for one does not.
# In capitals, as environment variables of a job are.
SECRET_ENDINGS = (
    *("password", "passwordWo", "Password", "secretData", "secretDataWo", "privateKey"),
    *("PASSWORD", "SECRET", "TOKEN"),
)


BUCKET = "gcp:storage/bucket:Bucket"


def check(names: Iterable[str], *, everything: bool) -> Report:
    """Review what stacks declare.

    Args:
        names: The stacks.
        everything: Whether people want every rule, and not problems alone.

    Raises:
        ops.errors.BadInputError: A stack's settings or the waivers can't be used.
    """
    now = datetime.now(UTC)
    return Report(tuple(declared_review(load(name), now) for name in names), everything)


def chosen(stack: str, *, all_: bool) -> tuple[str, ...]:
    """Return the stacks that are meant: one, or every one that has a file."""
    return stacks() if all_ else (stack,)


def declared_review(settings: Settings, now: datetime) -> Review:
    """Review what one stack declares; waivers count on that day."""
    return review(declared(settings, collect(settings), now), waivers.load(), now.date())


def declared(settings: Settings, desired: Desired, now: datetime) -> tuple[Subject, ...]:
    """Return the instances that a stack's settings declare, as ``registered`` does."""
    return registered(
        settings.stack,
        desired,
        now,
        production=settings.production,
        pool_connections=settings.pool.max_connections,
    )


def registered(
    stack: str,
    desired: Desired,
    now: datetime,
    *,
    production: bool | None,
    pool_connections: int | None,
) -> tuple[Subject, ...]:
    """Return the declared instances; a replica knows its primary.

    Args:
        stack: The stack's name.
        desired: What its program registered.
        now: The time that rules go by.
        production: Whether the stack is guarded; None where nobody knows.
        pool_connections: What the application's pools together may open.
    """
    plain = tuple(plain_secrets(desired))
    buckets = {
        str(bucket.inputs.get("name") or bucket.name): str(
            bucket.inputs.get("location", "")
        ).lower()
        for bucket in desired.of_type(BUCKET)
    }

    def subject(resource: DesiredResource) -> Subject:
        facts = Facts(
            production=production,
            pool_connections=pool_connections,
            endless_roles=roles.endless(),
            buckets=buckets,
            declaration=Declaration(
                protect=resource.protect,
                deletion_protection=resource.inputs.get("deletionProtection") is not False,
                ignore_changes=resource.ignore_changes,
                plain_secrets=plain,
            ),
        )
        return Subject(stack, Origin.DECLARED, instance_body(resource), now, facts)

    return linked(map(subject, desired.of_type(INSTANCE)))


def plain_secrets(desired: Desired) -> Iterator[str]:
    """Yield the inputs of the whole program that hold a secret in plain: ``user.password``."""
    for resource in desired.resources:
        for path, value in _texts(resource.inputs):
            if path.endswith(SECRET_ENDINGS) and value not in {SECRET, UNKNOWN_UNTIL_DEPLOYED, ""}:
                yield f"{resource.name}.{path}"


def _texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text with its path; an environment variable's under its own name."""
    if isinstance(value, Mapping):
        named = str(value["name"]) if {"name", "value"} <= value.keys() else ""
        for key, item in value.items():
            part = named if named and key == "value" else str(key)
            yield from _texts(item, f"{path}.{part}" if path else part)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}.{index}")
    elif isinstance(value, str):
        yield path, value
