"""What a change in place takes from somebody: access, or data.

The providers' table knows replacements alone. A changed password replaces nothing, and
refuses everybody who has the old one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from infra.effects.conditions import BUCKET, FORWARDING_RULE, RECORD_SET, SUBNET, Values
from infra.effects.effect import Effect
from infra.effects.leaves import Leaves
from infra.effects.table import without_indexes
from infra.standins import ACCOUNT, ADDRESS, CUSTOM_ROLE, INSTANCE, NETWORK

USER = "gcp:sql/user:User"
SECRET = "gcp:secretmanager/secret:Secret"  # noqa: S105 - a resource's type
SECRET_VERSION = "gcp:secretmanager/secretVersion:SecretVersion"  # noqa: S105 - as above
GLOBAL_ADDRESS = "gcp:compute/globalAddress:GlobalAddress"
PEERING = "gcp:servicenetworking/connection:Connection"
ZONE = "gcp:dns/managedZone:ManagedZone"
# Of these every change may lead clients elsewhere, but for what is listed below.
ON_THE_WAY = frozenset(
    {NETWORK, SUBNET, ADDRESS, GLOBAL_ADDRESS, FORWARDING_RULE, PEERING, ZONE, RECORD_SET}
)
NOT_ON_THE_WAY = (
    "labels", "description", "deletionPolicy", "forceDestroy", "logConfig", "ttl", "ipCidrRange",
)  # fmt: skip
DELETES = "Delete"
RULES = "lifecycleRules"
RETENTION = "retentionPolicy"


@dataclass(frozen=True, slots=True)
class Loss:
    """What is taken, and from whom.

    Attributes:
        effect: Interrupts, loses data, or unknown where the API is known to refuse it.
        why: In words.
    """

    effect: Effect
    why: str


Takes = Callable[[Values], bool]


def _changed(values: Values) -> bool:
    return values.unknown or values.old != values.new


def _on(values: Values) -> bool:
    return values.new == "true"


def _off(values: Values) -> bool:
    return values.new != "true"


def _set(values: Values) -> bool:
    return bool(values.new)


def _is_removed(values: Values) -> bool:
    """Whether an entry of a list is not in it any more, wherever it was, or may not be."""
    name = without_indexes(values.path)
    values_after = {text for path, text in values.after.items() if without_indexes(path) == name}
    return bool(values.old) and (values.unknown or values.old not in values_after)


def _refused(values: Values) -> bool:
    return values.new == "enforced"


def _disabled(values: Values) -> bool:
    return values.new == "DISABLED"


def _shorter_while_locked(values: Values) -> bool:
    locked = values.before.get(f"{RETENTION}.isLocked") == "true"
    numbers = values.old.isdigit() and values.new.isdigit()
    return locked and not (numbers and int(values.new) >= int(values.old))


def _deletes_sooner(values: Values) -> bool:
    """Whether a rule that deletes objects is new, or holds for more of them than before."""
    old = tuple(_deleting(values.before))
    return any(not any(_covers(was, rule) for was in old) for rule in _deleting(values.after))


def _deleting(side: Leaves) -> Iterator[Leaves]:
    rules: dict[str, dict[str, str]] = {}
    for path, text in side.items():
        if path.startswith(f"{RULES}["):
            place, _, name = path.partition("].")
            rules.setdefault(place, {})[name] = text
    for rule in rules.values():
        if rule.get("action.type") == DELETES:
            yield {name: text for name, text in rule.items() if name.startswith("condition.")}


def _covers(was: Leaves, rule: Leaves) -> bool:
    """Tell whether what a rule deletes, another one deleted before: numbers are ages."""
    if not was.keys() <= rule.keys():
        return False
    return all(
        rule[name] == text
        or (rule[name].isdigit() and text.isdigit() and int(rule[name]) >= int(text))
        for name, text in was.items()
    )


_PASSWORD = Loss(Effect.INTERRUPT, "who has the old password alone is refused from then on")
_RIGHTS = Loss(Effect.INTERRUPT, "who has the right by it alone is refused from then on")
_WAY = Loss(Effect.INTERRUPT, "clients may lose their way to it until they have the new value")
_OBJECTS = Loss(Effect.LOSE, "objects are deleted that are kept today")
_RESTORED = Loss(Effect.LOSE, "a backup is restored over the running instance")
_EXPIRES = Loss(Effect.LOSE, "the secret is deleted then, with every version")
_LOCKED = Loss(Effect.UNKNOWN, "the API refuses a shorter time while it is locked")
_UNREADABLE = Loss(Effect.INTERRUPT, "who reads it is refused from then on")

# By type and property; a property decides for all below it.
TAKEN: Mapping[tuple[str, str], tuple[Takes, Loss]] = {
    (INSTANCE, "restoreBackupContext"): (_changed, _RESTORED),
    (INSTANCE, "backupdrBackup"): (_changed, _RESTORED),
    (INSTANCE, "rootPassword"): (_changed, _PASSWORD),
    (INSTANCE, "rootPasswordWoVersion"): (_changed, _PASSWORD),
    (USER, "password"): (_changed, _PASSWORD),
    (USER, "passwordWoVersion"): (_changed, _PASSWORD),
    (USER, "databaseRoles"): (_changed, _RIGHTS),
    (ACCOUNT, "disabled"): (_on, _RIGHTS),
    (CUSTOM_ROLE, "permissions"): (_is_removed, _RIGHTS),
    (CUSTOM_ROLE, "stage"): (_disabled, _RIGHTS),
    (SECRET, "expireTime"): (_set, _EXPIRES),
    (SECRET, "ttl"): (_set, _EXPIRES),
    (SECRET, "versionAliases"): (_is_removed, _UNREADABLE),
    (SECRET_VERSION, "enabled"): (_off, _UNREADABLE),
    (BUCKET, RULES): (_deletes_sooner, _OBJECTS),
    (BUCKET, f"{RETENTION}.retentionPeriod"): (_shorter_while_locked, _LOCKED),
    (BUCKET, "publicAccessPrevention"): (_refused, _RIGHTS),
    (BUCKET, "uniformBucketLevelAccess"): (_on, _RIGHTS),
    (BUCKET, "ipFilter"): (_changed, _RIGHTS),
    (BUCKET, "requesterPays"): (_on, _RIGHTS),
    (SUBNET, "privateIpGoogleAccess"): (_off, _WAY),
    (FORWARDING_RULE, "allowPscGlobalAccess"): (_off, _WAY),
    (RECORD_SET, "rrdatas"): (_is_removed, _WAY),
}


def find_loss(kind: str, values: Values) -> Loss | None:
    """Return what a change in place takes from somebody; None where it takes nothing."""
    bare = without_indexes(values.path)
    for (type_, name), (takes, loss) in TAKEN.items():
        if type_ == kind and (bare == name or bare.startswith(f"{name}.")):
            return loss if takes(values) else None
    if kind in ON_THE_WAY and not bare.startswith(NOT_ON_THE_WAY):
        return _WAY
    return None
