"""What the Admin API tells of an instance or a user although nobody declared it.

The one closed list. Whatever is live, not declared and not in here is drift, and
``invoke adopt`` reports it. Each entry has the reason why nobody has to declare it.
Sources: the fields that the API's reference calls output only, and its defaults,
https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1beta4/instances (the client library
has the same words); and what the API answers about fresh instances, as recorded in
https://github.com/GoogleCloudPlatform/k8s-config-connector (sqlinstance, ``_http.log``).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from infra.changes import UNSPECIFIED, WHEN_ABSENT, nothing
from ops.cloudsql import BUILT_IN

RUNNABLE = "RUNNABLE"
# They end by themselves: whether an instance is as declared shows afterwards.
PASSING_STATES = frozenset({"PENDING_CREATE", "MAINTENANCE", "ONLINE_MAINTENANCE", "REPAIRING"})

_OUTPUT = "output only: Cloud SQL says what it did"
_IDENTITY = "says which instance it is, by which it was asked for"
_ADDRESS = "output only: follows from the network settings, which are compared"
_SAME = "says again what another property says, which is compared"
# Paths, with all that is below them, whose value is Cloud SQL's own whatever it is.
OWN: Mapping[str, str] = MappingProxyType(
    {
        "etag": _OUTPUT,
        "project": _IDENTITY,
        "selfLink": _IDENTITY,
        "connectionName": _IDENTITY,
        "createTime": _OUTPUT,
        "serviceAccountEmailAddress": _OUTPUT,
        "serverCaCert": "output only; how long it is valid is a policy's question",
        "ipAddresses": _ADDRESS,
        "ipv6Address": _ADDRESS,
        "dnsName": _ADDRESS,
        "dnsNames": _ADDRESS,
        "primaryDnsName": _ADDRESS,
        "writeEndpoint": _ADDRESS,
        "pscServiceAttachmentLink": _ADDRESS,
        "sqlNetworkArchitecture": _OUTPUT,
        "gceZone": "output only: a failover moves it",
        "secondaryGceZone": "output only: a failover moves it",
        "failoverReplica": "output only; whether it can take over is a policy's question",
        "currentDiskSize": _OUTPUT,
        "maxDiskSize": _OUTPUT,
        "databaseInstalledVersion": "output only: the minor version, which maintenance raises",
        "maintenanceVersion": "maintenance raises it",
        "availableMaintenanceVersions": _OUTPUT,
        "scheduledMaintenance": _OUTPUT,
        "upgradableDatabaseVersions": _OUTPUT,
        "satisfiesPzi": _OUTPUT,
        "satisfiesPzs": _OUTPUT,
        "diskEncryptionStatus": "output only: the version of the key, which a rotation raises",
        "geminiConfig.entitled": "output only: follows from the project's subscription",
        # True of a fresh instance. The others of geminiConfig are output only too, but what
        # they tell of acts on sessions and tables, and is off unless somebody wanted it.
        "geminiConfig.flagRecommenderEnabled": "output only: it recommends, and changes nothing",
        "nodes": "output only: follows from nodeCount, which is compared",
        "replicaNames": "replicas are compared one by one",
        "replicationCluster.drReplica": _OUTPUT,
        "replicationCluster.psaWriteEndpoint": _ADDRESS,
        "outOfDiskReport.sqlMinRecommendedIncreaseSizeGb": _OUTPUT,
        "settings.settingsVersion": "counts the changes of the settings",
        "settings.backupConfiguration.replicationLogArchivingEnabled": _SAME,
        "settings.backupConfiguration.transactionalLogStorageState": _OUTPUT,
        "settings.ipConfiguration.message": "output only: advice to whoever uses a public address",
        "settings.ipConfiguration.requireSsl": _SAME,
        "settings.locationPreference.zone": (
            "told of every instance, whoever chose the zone; whether it serves from there is asked"
        ),
        "settings.connectionPoolConfig.poolerCount": _OUTPUT,
    }
)
# The values that Cloud SQL fills in where nobody says another one; the first is its default.
DEFAULTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **{path: (value,) for path, value in WHEN_ABSENT.items()},
        "state": (RUNNABLE, *sorted(PASSING_STATES)),
        "backendType": ("SECOND_GEN",),
        "instanceType": ("CLOUD_SQL_INSTANCE",),
        "outOfDiskReport.sqlOutOfDiskState": ("NORMAL",),
        "settings.activationPolicy": ("ALWAYS",),
        "settings.availabilityType": ("ZONAL",),
        "settings.backupConfiguration.backupTier": ("STANDARD",),  # output only; others keep longer
        "settings.backupConfiguration.backupRetentionSettings.retentionUnit": ("COUNT",),
        "settings.dataApiAccess": ("DISALLOW_DATA_API",),  # "Not allowed by default"
        "settings.dataDiskType": ("PD_SSD",),
        # "This feature is disabled by default"
        "settings.ipConfiguration.serverCertificateRotationMode": ("NO_AUTOMATIC_ROTATION",),
        "settings.ipConfiguration.sslMode": ("ALLOW_UNENCRYPTED_AND_ENCRYPTED",),
        "settings.pricingPlan": ("PER_USE",),  # the only one for Second Generation instances
        # A year, the most that it may be; told of fresh primaries too, and counts for replicas.
        "settings.replicationLagMaxSeconds": ("31536000",),
        "settings.replicationType": ("SYNCHRONOUS",),  # told, and counts for First Generation alone
        "settings.storageAutoResize": ("true",),
    }
)
# Of a replica, besides: it has no backups of its own, and follows its primary.
OF_A_REPLICA: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "instanceType": ("READ_REPLICA_INSTANCE", "READ_POOL_INSTANCE"),
        "settings.databaseReplicationEnabled": ("true",),
        "settings.replicationType": ("SYNCHRONOUS", "ASYNCHRONOUS"),
    }
)
_BACKUP, _INSIGHTS = "settings.backupConfiguration", "settings.insightsConfig"
# What has no effect while a switch is off, by the switch: turning it on is found.
WITHOUT_EFFECT: Mapping[str, str] = MappingProxyType(
    {
        f"{_BACKUP}.transactionLogRetentionDays": f"{_BACKUP}.pointInTimeRecoveryEnabled",
        f"{_BACKUP}.startTime": f"{_BACKUP}.enabled",
        f"{_BACKUP}.backupRetentionSettings": f"{_BACKUP}.enabled",
        "settings.finalBackupConfig.retentionDays": "settings.finalBackupConfig.enabled",
        f"{_INSIGHTS}.queryStringLength": f"{_INSIGHTS}.queryInsightsEnabled",
        f"{_INSIGHTS}.queryPlansPerMinute": f"{_INSIGHTS}.queryInsightsEnabled",
        f"{_INSIGHTS}.recordApplicationTags": f"{_INSIGHTS}.queryInsightsEnabled",
        f"{_INSIGHTS}.recordClientAddress": f"{_INSIGHTS}.queryInsightsEnabled",
    }
)
# Of a user.
USER_DEFAULTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "iamStatus": ("ACTIVE",),
        "dualPasswordType": ("NO_DUAL_PASSWORD", "NO_MODIFY_DUAL_PASSWORD"),
    }
)
# The roles that Cloud SQL makes a new user a member of, by the API's type of user. Whether
# users keep cloudsqlsuperuser is what ``invoke roles.status`` compares.
USER_ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        BUILT_IN: frozenset({"cloudsqlsuperuser"}),
        "CLOUD_IAM_USER": frozenset({"cloudsqliamuser"}),
        "CLOUD_IAM_SERVICE_ACCOUNT": frozenset({"cloudsqliamserviceaccount"}),
    }
)
NUMBER = re.compile(r"\.\d+(?=\.|$)")  # the place of an entry in a list


def fills_in(path: str, live: Mapping[str, str], primary: Mapping[str, str] | None = None) -> bool:
    """Tell whether a live value that nobody declared is what the API fills in.

    Args:
        path: Its API path; entries of lists by their numbers.
        live: All values of the instance by their paths.
        primary: Those of the primary that it follows; None for a primary.
    """
    value, place = live[path], NUMBER.sub("", path)
    copied = (
        primary is not None  # Cloud SQL copies settings when it makes a replica
        and place.startswith("settings.")
        and primary.get(path) == value
    )
    switch = _below(place, WITHOUT_EFFECT)
    return (
        place.rpartition(".")[2] == "kind"
        or value.endswith(UNSPECIFIED)
        or bool(_below(place, OWN))
        or value in DEFAULTS.get(place, ())
        or (primary is not None and value in OF_A_REPLICA.get(place, ()))
        or (copied and not nothing(value))
        or (bool(switch) and live.get(switch, "false") == "false")
        or (nothing(value) and not _off_means_something(place, replica=primary is not None))
    )


def _off_means_something(place: str, *, replica: bool) -> bool:
    """Tell whether what is off, zero or empty is another value than the default."""
    if replica and place in OF_A_REPLICA:
        return True
    return place in DEFAULTS and not nothing(DEFAULTS[place][0])


def _below(place: str, table: Mapping[str, str]) -> str:
    """Return the entry of a path, or of a block around it; empty where there is none."""
    while place and place not in table:
        place = place.rpartition(".")[0]
    return table.get(place, "")


def user_fills_in(path: str, value: str) -> bool:
    """Tell whether what the API tells of a user is its own or its default."""
    return nothing(value) or value in USER_DEFAULTS.get(path, ())
