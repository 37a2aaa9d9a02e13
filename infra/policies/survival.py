"""What keeps the instance there: zones, deletion protection, room on the disk."""

from infra.apidefaults import PASSING_STATES, RUNNABLE
from infra.policies.limits import DISK_LIMIT_MOST_GB
from infra.policies.rule import (
    Answer,
    Ids,
    Rule,
    Seen,
    Severity,
    aside,
    broken,
    either,
    fine,
    unknown,
)
from infra.policies.subject import Declaration, Origin, Subject
from infra.settings.disk import step_gb

DISK_SIZE = "settings.diskSize"


def _regional(s: Subject) -> Answer:
    kind = s.text("settings.availabilityType") or "ZONAL"
    if kind == "REGIONAL" and s.get("failoverReplica.available") is False:
        return broken(f"{kind}, and its standby can't take over now")
    return either(kind == "REGIONAL", kind)


def _api_protection(s: Subject) -> Answer:
    on = s.on("settings.deletionProtectionEnabled")
    return either(on, "the API refuses to delete it" if on else "the API would delete it")


def _program_protection(s: Subject) -> Answer:
    declaration: Declaration = s.fact("declaration")
    missing = [
        words
        for good, words in (
            (declaration.deletion_protection, "the provider would delete it"),
            (declaration.protect, "Pulumi would delete it"),
        )
        if not good
    ]
    return either(not missing, "; ".join(missing) or "both refuse to delete it")


def _autoresize(s: Subject) -> Answer:
    on = s.get("settings.storageAutoResize")
    if on is None and s.origin is Origin.LIVE:
        return unknown("the API told of no storageAutoResize")
    if on is False:  # on when a declaration does not say
        return broken("a full disk stops the instance")
    limit = s.number("settings.storageAutoResizeLimit") or 0
    if not limit:
        return fine("the disk grows")
    size = _size(s)
    if size is None:
        return unknown(f"it grows to {limit} GB, and nobody knows its size")
    words = f"it has {size} GB and grows to {limit} GB"
    return either(limit >= size + step_gb(size), words)


def _size(s: Subject) -> int | None:
    """Return the disk's size in GB; a declared replica starts with its primary's."""
    size = s.number("settings.dataDiskSizeGb")
    if size is None and s.origin is Origin.DECLARED and s.facts.primary is not None:
        return _size(s.facts.primary)
    return size


def _limit(s: Subject) -> Answer:
    if s.get("settings.storageAutoResize") is False:
        return aside("the disk does not grow: see disk-autoresize")
    limit = s.number("settings.storageAutoResizeLimit") or 0
    if not limit:
        return broken("it grows without end, and never shrinks")
    return either(limit <= DISK_LIMIT_MOST_GB, f"up to {limit} GB")


def _runs(s: Subject) -> Answer:
    policy = s.text("settings.activationPolicy")
    if s.origin is Origin.DECLARED:
        return either(policy in {"", "ALWAYS"}, f"activationPolicy {policy or 'ALWAYS'}")
    state = s.text("state")
    if not state or not policy:
        return unknown("the API told of no state or activationPolicy")
    if state in PASSING_STATES:
        return unknown(f"its state is {state}: ask again when that is over")
    return either(
        state == RUNNABLE and policy == "ALWAYS", f"state {state}, activationPolicy {policy}"
    )


def _size_ignored(s: Subject) -> Answer:
    declaration: Declaration = s.fact("declaration")
    ignored = DISK_SIZE in declaration.ignore_changes
    return either(ignored, "a grown disk is left alone" if ignored else "a grown disk is shrunk")


RULES = (
    Rule(
        id="instance-runs",
        row=58,
        title="The instance runs",
        severity=Severity.CRITICAL,
        ask=_runs,
        remedy="Start it: `gcloud sql instances patch NAME --activation-policy=ALWAYS`.",
    ),
    Rule(
        id="deletion-protection",
        row=8,
        title="The API refuses to delete the instance",
        severity=Severity.HIGH,
        ask=_api_protection,
        remedy="Set deletionProtection: true.",
        ids=Ids(cis=("6.9",)),
    ),
    Rule(
        id="regional-availability",
        row=9,
        title="A second zone takes over",
        severity=Severity.HIGH,
        ask=_regional,
        remedy="Set availability: REGIONAL.",
        of_replicas=False,
        ids=Ids(
            prowler=("high_availability_enabled",),
            cloudsploit=("dbMultiAz",),
            google=("custom.cloudsqlRequireHighAvailability",),
        ),
    ),
    Rule(
        id="disk-autoresize",
        row=32,
        title="A disk that fills is grown, by one step at least",
        severity=Severity.HIGH,
        ask=_autoresize,
        remedy=(
            "Set diskAutoresize: true, and diskAutoresizeLimitGb: 500, or well above the disk's"
            " size."
        ),
        ids=Ids(cloudsploit=("storageAutoIncreaseEnabled",)),
    ),
    Rule(
        id="program-deletion-protection",
        row=43,
        title="The provider and Pulumi refuse to delete the instance, too",
        severity=Severity.HIGH,
        ask=_program_protection,
        remedy="Set deletionProtection: true; it sets all three protections.",
        seen=Seen.DECLARED,
    ),
    Rule(
        id="disk-limit",
        row=44,
        title="A disk that grows has a limit",
        severity=Severity.MEDIUM,
        ask=_limit,
        remedy="Set diskAutoresizeLimitGb: 500, or whatever the growth of years needs.",
    ),
    Rule(
        id="disk-size-ignored",
        row=44,
        title="A grown disk is not shrunk back, which would replace the instance",
        severity=Severity.HIGH,
        ask=_size_ignored,
        remedy=(
            f"Keep {DISK_SIZE} in the instance's ignoreChanges (infra/instance.py);"
            " diskSizeGb counts at creation alone."
        ),
        seen=Seen.DECLARED,
    ),
)
