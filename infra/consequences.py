"""What changing a property of an instance does: one table, for every plan and preview.

Paths are those of the Admin API's body. A property that is not in the table is unknown:
nobody is told that it is harmless. Whether the provider makes a new instance is not decided
here but by its own table (``infra.effects``); the worse of both answers holds.
"""

import json
from collections.abc import Callable
from fnmatch import fnmatchcase

from infra.effects.effect import LEFT_ALONE, Consequence, Effect, Stage, severity
from infra.flags import catalogue

__all__ = [
    "FLAGS",
    "LABELS",
    "LEFT_ALONE",
    "TABLE",
    "Consequence",
    "Effect",
    "Stage",
    "consequence",
    "severity",
]

FLAGS = "settings.databaseFlags"
LABELS = "settings.userLabels"
DISK_SIZE = "settings.dataDiskSizeGb"
IAM_LOGINS = "cloudsql.iam_authentication"


Says = Callable[[str, str], Consequence]

_DOCS = "https://cloud.google.com/sql/docs/postgres"
PROVIDER = "gcp provider, sql.DatabaseInstance: changing it forces a new resource"
GCLOUD = "gcloud sql instances patch --help"
AVAILABILITY = f"{_DOCS}/availability"
_SETTINGS = f"{_DOCS}/instance-settings"


def _same(consequence: Consequence) -> Says:
    return lambda _before, _after: consequence


def _restart(why: str, source: str, stage: Stage = Stage.REST, *, softened: bool = False) -> Says:
    return _same(Consequence(Effect.RESTART, why, source, stage, softened))


def _in_place(source: str, why: str = "") -> Says:
    return _same(Consequence(Effect.UPDATE, why, source))


def _major(text: str) -> int:
    digits = text.removeprefix("POSTGRES_").split("_", maxsplit=1)[0]
    return int(digits) if digits.isdigit() else 0


def _version(before: str, after: str) -> Consequence:
    if _major(after) < _major(before):
        return Consequence(
            Effect.UNKNOWN,
            "there is no way back to an older major version: Cloud SQL refuses it",
            f"{_DOCS}/upgrade-major-db-version-inplace",
        )
    return Consequence(
        Effect.RESTART,
        "a major upgrade in place: down for minutes, and no way back but a restore",
        f"{_DOCS}/upgrade-major-db-version-inplace",
        Stage.VERSION,
    )


def _disk_size(before: str, after: str) -> Consequence:
    if _number(after) < _number(before):
        return Consequence(Effect.UPDATE, "a disk never shrinks", PROVIDER)
    return Consequence(Effect.UPDATE, "grows while it runs", f"{_DOCS}/instance-settings")


def _number(text: str) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0


def _private_network(before: str, after: str) -> Consequence:
    if before and not after:
        return Consequence(
            Effect.UPDATE, "a private address can't be taken away", f"{_DOCS}/configure-private-ip"
        )
    return Consequence(
        Effect.RESTART,
        "the instance moves to another network, with another address",
        f"{_DOCS}/configure-private-ip",
    )


def _nodes(before: str, after: str) -> Consequence:
    source = f"{_DOCS}/about-read-pools"
    if _number(after) < _number(before):
        return Consequence(
            Effect.INTERRUPT, "nodes go one by one, and connections to them break", source
        )
    return Consequence(Effect.UPDATE, "nodes come one by one", source)


def _point_in_time(_before: str, after: str) -> Consequence:
    source = f"{_DOCS}/backup-recovery/configure-pitr"
    if after == "true":
        return Consequence(Effect.RESTART, "turning it on restarts", source)
    return Consequence(
        Effect.LOSE, "the log goes: only whole backups can be restored from then on", source
    )


def _backups(_before: str, after: str) -> Consequence:
    why = "" if after == "true" else "no backup is taken from then on"
    return Consequence(Effect.UPDATE, why, f"{_DOCS}/backup-recovery/backing-up")


def _retention(before: str, after: str) -> Consequence:
    source = f"{_DOCS}/backup-recovery/backups"
    if _number(after) < _number(before):
        return Consequence(Effect.LOSE, "older backups are deleted", source)
    return Consequence(Effect.UPDATE, "", source)


def _log_retention(before: str, after: str) -> Consequence:
    source = f"{_DOCS}/backup-recovery/pitr"
    if _number(after) < _number(before):
        return Consequence(Effect.LOSE, "older moments can't be restored any more", source)
    return Consequence(Effect.UPDATE, "", source)


def _availability(_before: str, after: str) -> Consequence:
    if after == "REGIONAL":
        return Consequence(
            Effect.UPDATE,
            "a standby is made in a second zone",
            f"{GCLOUD}: no restart is told of",
        )
    return Consequence(
        Effect.UPDATE,
        "the standby goes: a lost zone is an outage until somebody restores",
        f"{GCLOUD}: no restart is told of",
    )


def _activation(_before: str, after: str) -> Consequence:
    why = "the instance stops" if after == "NEVER" else "the instance starts"
    return Consequence(Effect.RESTART, why, f"{_DOCS}/start-stop-restart-instance")


def _protection(_before: str, after: str) -> Consequence:
    why = "" if after == "true" else "the instance can be deleted from then on"
    return Consequence(Effect.UPDATE, why, f"{_DOCS}/deletion-protection")


def _enforcement(_before: str, after: str) -> Consequence:
    source = f"{_DOCS}/instance-settings"
    if after == "REQUIRED":
        return Consequence(Effect.INTERRUPT, "who connects without a connector is refused", source)
    return Consequence(Effect.UPDATE, "", source)


# The weakest first. Where nothing is said, connections without TLS are taken.
_SSL_MODES = {
    "": "connections without TLS are taken",
    "ALLOW_UNENCRYPTED_AND_ENCRYPTED": "connections without TLS are taken",
    "ENCRYPTED_ONLY": "who connects without TLS is refused",
    "TRUSTED_CLIENT_CERTIFICATE_REQUIRED": "who connects without a client certificate is refused",
}


def _ssl(before: str, after: str) -> Consequence:
    source = f"{_DOCS}/configure-ssl-instance"
    if before not in _SSL_MODES or after not in _SSL_MODES:
        why = "who connects otherwise may be refused"
        return Consequence(Effect.INTERRUPT, why, source)
    modes = list(_SSL_MODES)
    effect = Effect.INTERRUPT if modes.index(after) > max(modes.index(before), 1) else Effect.UPDATE
    return Consequence(effect, _SSL_MODES[after], source)


def _public_address(_before: str, after: str) -> Consequence:
    source = f"{_DOCS}/configure-ip"
    if after == "true":
        return Consequence(Effect.UPDATE, "the instance gets a public address", source)
    why = "the public address goes: who connects to it is refused"
    return Consequence(Effect.INTERRUPT, why, source)


def _networks(_before: str, after: str) -> Consequence:
    source = f"{_DOCS}/configure-ip"
    if after:
        return Consequence(Effect.UPDATE, "", source)
    return Consequence(Effect.INTERRUPT, "who connects from there is refused", source)


def _consumers(before: str, after: str) -> Consequence:
    removed = [project for project in _entries(before) if project not in _entries(after)]
    if not removed:
        return Consequence(Effect.UPDATE, "", _SETTINGS)
    why = f"who connects from {', '.join(removed)} is refused"
    return Consequence(Effect.INTERRUPT, why, _SETTINGS)


def _entries(text: str) -> list[str]:
    try:
        entries = json.loads(text or "[]")
    except ValueError:
        return [text]
    return [str(entry) for entry in entries] if isinstance(entries, list) else [text]


_MACHINE = ("down while it moves to another machine", AVAILABILITY, Stage.MACHINE)

_DISK_TYPE = Consequence(
    Effect.UNKNOWN,
    "the provider sends it to the running instance; Cloud SQL may refuse it, since the kind of"
    " a disk is chosen at creation",
    _SETTINGS,
)

# The first row whose pattern a path matches decides.
TABLE: tuple[tuple[str, Says], ...] = (
    ("name", _in_place(PROVIDER, "a name can't be changed")),
    ("region", _in_place(PROVIDER, "an instance can't move to another region")),
    ("project", _in_place(PROVIDER, "an instance can't move to another project")),
    ("databaseVersion", _version),
    ("masterInstanceName", _in_place(PROVIDER, "a replica can't follow another instance")),
    (
        "diskEncryptionConfiguration.kmsKeyName",
        _in_place(PROVIDER, "the key is chosen at creation"),
    ),
    ("nodeCount", _nodes),
    ("maintenanceVersion", _restart("updates the machine", _SETTINGS, Stage.MAINTENANCE_VERSION)),
    ("settings.tier", _restart(*_MACHINE, softened=True)),
    ("settings.edition", _restart(*_MACHINE, softened=True)),
    ("settings.dataCacheConfig*", _restart(*_MACHINE)),
    ("settings.availabilityType", _availability),
    ("settings.activationPolicy", _activation),
    (DISK_SIZE, _disk_size),
    ("settings.dataDiskType", _same(_DISK_TYPE)),
    ("settings.storageAutoResize*", _in_place(_SETTINGS)),
    ("settings.deletionProtectionEnabled", _protection),
    ("settings.backupConfiguration.enabled", _backups),
    ("settings.backupConfiguration.pointInTimeRecoveryEnabled", _point_in_time),
    ("settings.backupConfiguration.transactionLogRetentionDays", _log_retention),
    ("settings.backupConfiguration.backupRetentionSettings.retainedBackups", _retention),
    (
        "settings.backupConfiguration.location",
        _in_place(f"{_DOCS}/backup-recovery/backups", "holds for backups from then on"),
    ),
    ("settings.backupConfiguration.*", _in_place(f"{_DOCS}/backup-recovery/backups")),
    ("settings.finalBackupConfig.*", _in_place(f"{_DOCS}/backup-recovery/backups")),
    ("settings.retainBackupsOnDelete", _in_place(f"{_DOCS}/backup-recovery/backups")),
    (f"{LABELS}.*", _in_place(f"{_DOCS}/label-instance")),
    ("settings.ipConfiguration.privateNetwork", _private_network),
    ("settings.ipConfiguration.ipv4Enabled", _public_address),
    ("settings.ipConfiguration.sslMode", _ssl),
    ("settings.ipConfiguration.pscConfig.allowedConsumerProjects", _consumers),
    ("settings.ipConfiguration.authorizedNetworks*", _networks),
    ("settings.connectorEnforcement", _enforcement),
    (
        "settings.insightsConfig.queryStringLength",
        _restart("the length of kept query texts is set at start", f"{_DOCS}/using-query-insights"),
    ),
    ("settings.insightsConfig.*", _in_place(f"{_DOCS}/using-query-insights")),
    ("settings.locationPreference.zone", _restart("the instance moves to another zone", GCLOUD)),
    ("settings.locationPreference.secondaryZone", _in_place(GCLOUD, "the standby moves")),
    ("settings.maintenanceWindow.*", _in_place(f"{_DOCS}/maintenance")),
    ("settings.denyMaintenancePeriods.*", _in_place(f"{_DOCS}/maintenance")),
    (
        "settings.passwordValidationPolicy.*",
        _in_place(f"{_DOCS}/built-in-authentication", "holds for passwords from then on"),
    ),
)


def consequence(path: str, before: str, after: str) -> Consequence:
    """Return what changing a property does.

    Args:
        path: Of the Admin API's body, as ``settings.tier`` or
            ``settings.databaseFlags.work_mem``.
        before: The value there is, as the API writes it; empty where there is none.
        after: The value to come; empty where it goes.
    """
    if path.startswith(f"{FLAGS}."):
        return _flag(path.removeprefix(f"{FLAGS}."), after)
    for pattern, says in TABLE:
        if fnmatchcase(path, pattern):
            return says(before, after)
    return Consequence(Effect.UNKNOWN, "what it does is not documented", "")


def _flag(name: str, after: str) -> Consequence:
    flag = catalogue().get(name)
    if flag is None:
        return Consequence(Effect.UNKNOWN, "the flag is not in the catalogue", "")
    source = f"{_DOCS}/flags#{name}"
    if flag.restart:
        return Consequence(Effect.RESTART, "PostgreSQL reads it at start alone", source)
    if name == IAM_LOGINS and after != "on":
        return Consequence(Effect.INTERRUPT, "who logs in with IAM is refused", source)
    return Consequence(Effect.UPDATE, "", source)
