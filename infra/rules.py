"""From declared keys to settings: every problem told at once, or one frozen value."""

from collections.abc import Callable, Iterator, Mapping
from datetime import time
from difflib import get_close_matches
from types import MappingProxyType
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from infra.declared import NAMESPACE, Declared, keys
from infra.flags import compile_flags
from infra.settings import (
    WEEKDAYS,
    Backup,
    ChangeWindow,
    Disk,
    DrillSettings,
    InstanceSettings,
    Network,
    Pool,
    Settings,
    Users,
)
from infra.tiers import BadTierError, parse_tier
from ops.errors import BadInputError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
API_PATH = "/sql/v1beta4/"  # the provider's database calls follow no other path
NAME_LIMIT = 98  # of project:instance together, by the API
RESERVED = ("postgres", "cloudsqlsuperuser", "cloudsqladmin", "template0", "template1")

Rule = tuple[tuple[str, ...], Callable[[Declared], Iterator[str]]]


class SettingsError(BadInputError):
    """A stack's configuration can't be used; every problem is told.

    Attributes:
        problems: One sentence each, beginning with the key.
    """

    def __init__(self, stack: str, problems: tuple[str, ...]) -> None:
        self.problems = problems
        count = "1 setting" if len(problems) == 1 else f"{len(problems)} settings"
        listed = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(
            f"The configuration of stack {stack} has {count} that can't be used."
            f" Correct Pulumi.{stack}.yaml:\n{listed}"
        )


def validate(stack: str, values: Mapping[str, object]) -> Settings:
    """Return the settings that a stack's values mean.

    Args:
        stack: The stack's name.
        values: By whole key; keys of other namespaces than ours are the provider's.

    Raises:
        SettingsError: Anything is wrong; all of it is told.
    """
    known = keys()
    ours = {key: v for key, v in values.items() if key in known or _ours(key)}
    problems: list[str] = []
    bad: set[str] = set()
    try:
        declared = Declared.model_validate(ours)
    except ValidationError as error:
        good = dict(ours)
        for detail in error.errors():
            key, *inner = detail["loc"]
            whole = good.get(str(key))
            if inner and isinstance(whole, Mapping):  # one entry of a map: the others stay
                good[str(key)] = {k: v for k, v in whole.items() if k != inner[0]}
            else:
                bad.add(str(key))
            problems.append(_sentence(str(key), detail, tuple(known)))
        declared = _without(good, bad)
    for involved, rule in RULES:
        if not bad & set(involved):
            problems.extend(rule(declared))
    if problems:
        raise SettingsError(stack, tuple(problems))
    return _settings(stack, declared)


def _ours(key: str) -> bool:
    return ":" not in key or key.startswith(f"{NAMESPACE}:")


def _without(values: Mapping[str, object], bad: set[str]) -> Declared:
    """Return the good values alone, for the rules that ask about nothing else."""
    placeholders = {"gcp:project": "unknown", "gcp:region": "unknown"}
    good = {key: value for key, value in values.items() if key not in bad}
    return Declared.model_validate(placeholders | good)


def _sentence(key: str, detail: ErrorDetails, known: tuple[str, ...]) -> str:
    inner = ".".join(str(part) for part in detail["loc"][1:] if part != "[key]")
    name = f"{key}.{inner}" if inner else key
    if detail["type"] == "missing":
        return f"{key} is missing: {keys()[key]}"
    if detail["type"] == "extra_forbidden":
        closest = get_close_matches(key, known, n=1, cutoff=0.6)
        hint = f" Did you mean {closest[0]}?" if closest else ""
        whole = "" if ":" in key else f" Keys are written {NAMESPACE}:name."
        return f"{key} is no setting of this project.{hint}{whole}"
    said = detail["msg"].removeprefix("Value error, ")
    return f"{name}: {detail['input']!r} can't be used: {said[0].lower()}{said[1:]}."


def _tier(d: Declared) -> Iterator[str]:
    try:
        parse_tier(d.tier)
    except BadTierError as error:
        yield f"{NAMESPACE}:tier: {error}"


def _flags(d: Declared) -> Iterator[str]:
    try:
        memory_mb = parse_tier(d.tier).memory_mb
    except BadTierError:
        memory_mb = None  # told by _tier; the rest of the flags' ranges still holds
    _, wrong = compile_flags(d.flags, memory_mb)
    yield from (f"{NAMESPACE}:flags: {error}" for error in wrong)


def _disk(d: Declared) -> Iterator[str]:
    if 0 < d.disk_autoresize_limit_gb < d.disk_size_gb:
        yield (
            f"{NAMESPACE}:diskAutoresizeLimitGb: {d.disk_autoresize_limit_gb} is less than"
            f" diskSizeGb ({d.disk_size_gb}). Raise the limit, or write 0 for none."
        )


def _backups(d: Declared) -> Iterator[str]:
    if d.point_in_time_recovery and not d.backup_enabled:
        yield (
            f"{NAMESPACE}:pointInTimeRecovery needs backupEnabled: recovery starts from a backup."
        )
    if d.availability == "REGIONAL" and not (d.backup_enabled and d.point_in_time_recovery):
        yield (
            f"{NAMESPACE}:availability: REGIONAL needs backupEnabled and pointInTimeRecovery;"
            " Cloud SQL refuses high availability without them."
        )
    if d.point_in_time_recovery and d.log_retention_days > d.backup_retained:
        yield (
            f"{NAMESPACE}:logRetentionDays: {d.log_retention_days} days of log need as many"
            f" daily backups to start from, and backupRetained is {d.backup_retained}."
        )


def _whole_name(d: Declared) -> Iterator[str]:
    if len(d.project) + 1 + len(d.instance) > NAME_LIMIT:
        yield (
            f"{NAMESPACE}:instance: project and instance names together are limited to"
            f" {NAME_LIMIT} characters."
        )


def _names(d: Declared) -> Iterator[str]:
    if d.owner_user == d.app_user:
        yield (
            f"{NAMESPACE}:appUser: {d.app_user} is the owner too. Give the application its own"
            " user, which can't change the schema."
        )
    for key, name in (
        ("ownerUser", d.owner_user),
        ("appUser", d.app_user),
        ("database", d.database),
    ):
        if name in RESERVED or name.startswith("pg_"):
            yield f"{NAMESPACE}:{key}: {name} is Cloud SQL's own. Choose another name."


def _endpoint(d: Declared) -> Iterator[str]:
    if not d.sql_custom_endpoint:
        return
    parts = urlsplit(d.sql_custom_endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path != API_PATH:
        yield (
            f"gcp:sqlCustomEndpoint: {d.sql_custom_endpoint!r} is no Admin API address."
            f" Write scheme://host:port{API_PATH}, with the last slash."
        )


def _network(d: Declared) -> Iterator[str]:
    local = _is_local(d)
    if not local and not d.network_name:
        yield (
            f"{NAMESPACE}:networkName is missing: an instance without a private network would"
            " need a public address."
        )
    if local and d.network_name:
        yield (
            f"{NAMESPACE}:networkName: the local Cloud SQL has no private networks. Leave it out."
        )


def _window(d: Declared) -> Iterator[str]:
    if d.change_hours and len(set(d.change_hours.split("-"))) == 1:
        yield f"{NAMESPACE}:changeHours: {d.change_hours} is no time at all."


def _pool(d: Declared) -> Iterator[str]:
    if d.pool_size > d.pool_max_connections:
        yield (
            f"{NAMESPACE}:poolSize: one pool of {d.pool_size} is more than all pools together"
            f" may open (poolMaxConnections: {d.pool_max_connections})."
        )


def _key(*names: str) -> tuple[str, ...]:
    return tuple(f"{NAMESPACE}:{name}" for name in names)


RULES: tuple[Rule, ...] = (
    (_key("tier"), _tier),
    (_key("flags"), _flags),
    (_key("diskSizeGb", "diskAutoresizeLimitGb"), _disk),
    (
        _key(
            "availability",
            "backupEnabled",
            "backupRetained",
            "pointInTimeRecovery",
            "logRetentionDays",
        ),
        _backups,
    ),
    (("gcp:project", *_key("instance")), _whole_name),
    (_key("ownerUser", "appUser", "database"), _names),
    (("gcp:sqlCustomEndpoint",), _endpoint),
    (("gcp:sqlCustomEndpoint", *_key("networkName")), _network),
    (_key("changeHours"), _window),
    (_key("poolSize", "poolMaxConnections"), _pool),
)
"""What keys may say together; a rule is asked when all its keys are good by themselves."""


def _is_local(d: Declared) -> bool:
    return urlsplit(d.sql_custom_endpoint).hostname in LOOPBACK


def _change_window(d: Declared) -> ChangeWindow | None:
    if not d.change_days and not d.change_hours:
        return None
    start, end = (d.change_hours or "00:00-00:00").split("-")
    days = tuple(day for day in WEEKDAYS if day in (d.change_days or WEEKDAYS))
    return ChangeWindow(days, time.fromisoformat(start), time.fromisoformat(end))


def _instance(d: Declared) -> InstanceSettings:
    tier = parse_tier(d.tier)
    flags, _ = compile_flags(d.flags, tier.memory_mb)
    return InstanceSettings(
        name=d.instance,
        database_version=d.database_version,
        edition=d.edition,
        tier=tier,
        availability=d.availability,
        disk=Disk(d.disk_size_gb, d.disk_type, d.disk_autoresize, d.disk_autoresize_limit_gb),
        flags=flags,
        backup=Backup(
            enabled=d.backup_enabled,
            start_time=d.backup_start_time,
            retained=d.backup_retained,
            location=d.backup_location or None,
            point_in_time=d.point_in_time_recovery,
            log_retention_days=d.log_retention_days,
        ),
        deletion_protection=d.deletion_protection,
        labels=MappingProxyType(dict(sorted(d.labels.items()))),
    )


def _settings(stack: str, d: Declared) -> Settings:
    parts = urlsplit(d.sql_custom_endpoint)
    network = Network(d.network_name, d.network_range_address or None, d.network_range_prefix)
    return Settings(
        stack=stack,
        project=d.project,
        region=d.region,
        endpoint=f"{parts.scheme}://{parts.netloc}" if d.sql_custom_endpoint else None,
        local=_is_local(d),
        production=d.production,
        instance=_instance(d),
        network=network if d.network_name else None,
        database=d.database,
        users=Users(owner=d.owner_user, app=d.app_user),
        pool=Pool(
            max_connections=d.pool_max_connections,
            size=d.pool_size,
            idle_timeout_s=d.pool_idle_timeout_seconds,
            lifetime_s=d.pool_lifetime_seconds,
        ),
        drill=DrillSettings(
            rto_target_s=d.drill_rto_target_seconds,
            rpo_target_s=d.drill_rpo_target_seconds,
            lease_minutes=d.drill_lease_minutes,
        ),
        change_window=_change_window(d),
    )
