"""What will refuse that a resource is deleted, of a replacement too. Pure."""

from collections.abc import Iterator

from infra.desired import INSTANCE, DesiredResource
from infra.effects.conditions import BUCKET
from infra.effects.losses import SECRET, ZONE

JOB = "gcp:cloudrunv2/job:Job"
# Whether a type has deletion protection where nothing is said.
PROTECTED = {INSTANCE: True, JOB: True, SECRET: False}


def refusals(before: DesiredResource, after: DesiredResource | None) -> Iterator[str]:
    """Yield what refuses that a resource is deleted, in words.

    A replacement goes by the new declaration's ``protect`` (Pulumi's step_generator.go: to
    unprotect and replace in one deployment is allowed), a deletion by the old one's. The
    providers delete by the old state alone.

    Args:
        before: The resource as it was.
        after: The resource as it is to be; None where it goes.
    """
    if (before if after is None else after).protect:
        yield "refused by Pulumi's protect"
    inputs = before.inputs
    if inputs.get("deletionProtection", PROTECTED.get(before.type, False)):
        yield "refused by deletion protection"
    if before.type == INSTANCE and inputs.get("settings", {}).get("deletionProtectionEnabled"):
        yield "refused by the API's deletion protection"
    if inputs.get("deletionPolicy") == "PREVENT":
        yield "refused by deletionPolicy PREVENT"
    if before.type == BUCKET and not inputs.get("forceDestroy"):
        yield "refused while objects are in it"
    if before.type == ZONE and not inputs.get("forceDestroy"):
        yield "refused while records are in it"
