"""What keeps the instance there: zones, deletion protection, room on the disk."""

from infra.policies.rule import Answer, Ids, Rule, Seen, Severity, aside, broken, either, fine
from infra.policies.subject import Declaration, Subject

DISK_SIZE = "settings.diskSize"


def _regional(s: Subject) -> Answer:
    kind = s.text("settings.availabilityType") or "ZONAL"
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
    # on when the API is told nothing
    on = s.get("settings.storageAutoResize") is not False
    return either(on, "the disk grows" if on else "a full disk stops the instance")


def _limit(s: Subject) -> Answer:
    if s.get("settings.storageAutoResize") is False:
        return aside("the disk does not grow: see disk-autoresize")
    limit = s.number("settings.storageAutoResizeLimit") or 0
    return fine(f"up to {limit} GB") if limit else broken("it grows without end, and never shrinks")


def _size_ignored(s: Subject) -> Answer:
    declaration: Declaration = s.fact("declaration")
    ignored = DISK_SIZE in declaration.ignore_changes
    return either(ignored, "a grown disk is left alone" if ignored else "a grown disk is shrunk")


RULES = (
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
        title="A disk that fills is grown",
        severity=Severity.HIGH,
        ask=_autoresize,
        remedy="Set diskAutoresize: true.",
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
