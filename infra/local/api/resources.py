"""The API's resources as JSON."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from infra.local.model import BackupRun, Body, Instance, Operation, OperationType
from ops.programs import Programs

_SERVICE_ACCOUNTS = "gcp-sa-cloud-sql.iam.gserviceaccount.com"
OLDEST_MAJOR, NEWEST_MAJOR = 12, 18  # of PostgreSQL on Cloud SQL, extended support included
_MAINTENANCE = "R20260117.02_02"
_GEMINI = ("entitled", "activeQueryEnabled", "indexAdvisorEnabled", "flagRecommenderEnabled")
_BACKUPS = (
    OperationType.BACKUP_VOLUME,
    OperationType.DELETE_BACKUP,
    OperationType.UPDATE_BACKUP,
)


def moment(time: datetime) -> str:
    """Return a time as the API writes it: UTC, milliseconds, Z."""
    return f"{time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def exact(time: datetime) -> str:
    """Return a time with microseconds, as a recovery target needs it."""
    return f"{time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def link(base: str, *parts: object) -> str:
    """Return a resource's link."""
    return "/".join([base, *map(str, parts)])


def instance(record: Instance, base: str, programs: Programs | None) -> Body:
    """Return an instance's resource.

    Args:
        record: The instance.
        base: The server's address with the API's version.
        programs: PostgreSQL's programs that it runs on, where they are known.
    """
    installed = record.version
    if programs is not None:
        installed = f"POSTGRES_{programs.version.replace('.', '_').split(' ')[0]}"
    return {
        "kind": "sql#instance",
        "geminiConfig": dict.fromkeys(_GEMINI, False),
        "includeReplicasForMajorVersionUpgrade": False,
        **record.extra,
        "name": record.name,
        "project": record.project,
        "state": record.state.value,
        "databaseVersion": record.version,
        "databaseInstalledVersion": installed,
        "region": record.region,
        "settings": record.settings,
        "etag": etag(record.uid, record.settings),
        "backendType": "SECOND_GEN",
        "instanceType": "CLOUD_SQL_INSTANCE",
        "connectionName": connection_name(record),
        "ipAddresses": addresses(record),
        "selfLink": link(base, "projects", record.project, "instances", record.name),
        "serviceAccountEmailAddress": _service_account(record),
        "createTime": moment(record.created),
        "maintenanceVersion": f"{installed}.{_MAINTENANCE}",
        **({"upgradableDatabaseVersions": upgrades} if (upgrades := _upgrades(record)) else {}),
        "sqlNetworkArchitecture": "NEW_NETWORK_ARCHITECTURE",
        "satisfiesPzi": True,
    }


def etag(*parts: object) -> str:
    """Return an opaque tag that changes when one of the parts does."""
    return hashlib.sha256(repr(parts).encode(errors="replace")).hexdigest()


def _service_account(instance: Instance) -> str:
    """Return the account that reads and writes buckets: by project and instance, as it seems."""
    project = int(etag(instance.project), 16) % 10**12
    return f"p{project:012}-{etag(instance.uid)[:6]}@{_SERVICE_ACCOUNTS}"


def _upgrades(instance: Instance) -> list[Body]:
    return [
        {
            "majorVersion": f"POSTGRES_{major}",
            "name": f"POSTGRES_{major}",
            "displayName": f"PostgreSQL {major}",
        }
        for major in range(instance.major + 1, NEWEST_MAJOR + 1)
    ]


def connection_name(instance: Instance) -> str:
    """Return what connectors call an instance."""
    return f"{instance.project}:{instance.region}:{instance.name}"


def addresses(instance: Instance) -> list[Body]:
    """Return where an instance is reached."""
    if not instance.address:
        return []
    network = instance.settings.get("ipConfiguration", {})
    kinds = []
    if network.get("ipv4Enabled"):
        kinds.append("PRIMARY")
    if network.get("privateNetwork"):
        kinds.append("PRIVATE")
    # Every instance is reachable here, even one whose settings name no network.
    return [{"type": kind, "ipAddress": instance.address} for kind in kinds or ["PRIMARY"]]


def operation(record: Operation, base: str) -> Body:
    """Return an operation's resource."""
    result: dict[str, Any] = {
        "kind": "sql#operation",
        "name": record.name,
        "operationType": record.type.value,
        "status": record.status.value,
        "user": "local",
        "insertTime": moment(record.inserted),
        "targetId": record.target,
        "targetProject": record.project,
        "targetLink": link(base, "projects", record.project, "instances", record.target),
        "selfLink": link(base, "projects", record.project, "operations", record.name),
    }
    if record.started is not None:
        result["startTime"] = moment(record.started)
    if record.ended is not None:
        result["endTime"] = moment(record.ended)
    if record.backup_id is not None and record.type in _BACKUPS:
        result["backupContext"] = {
            "kind": "sql#backupContext",
            "backupId": str(record.backup_id),
            "name": f"projects/{record.project}/backups/{record.backup_id}",
        }
    for context in ("exportContext", "importContext"):
        if context in record.facts:
            result[context] = record.facts[context]
    if record.error is not None:
        error = {"kind": "sql#operationError", "code": record.error.code}
        error["message"] = record.error.message
        result["error"] = {"kind": "sql#operationErrors", "errors": [error]}
    return result


def backup_run(run: BackupRun, owner: Instance, base: str) -> Body:
    """Return a backup run's resource."""
    result: dict[str, Any] = {
        "kind": "sql#backupRun",
        "id": str(run.id),
        "instance": owner.name,
        "status": run.status.value,
        "type": run.type,
        "backupKind": "SNAPSHOT",
        "enqueuedTime": moment(run.enqueued),
        "windowStartTime": moment(run.window),
        "location": run.location,
        "databaseVersion": run.version,
        "selfLink": link(
            base, "projects", owner.project, "instances", owner.name, "backupRuns", run.id
        ),
    }
    if run.description:
        result["description"] = run.description
    if run.started is not None:
        result["startTime"] = moment(run.started)
    if run.ended is not None:
        result["endTime"] = moment(run.ended)
    if run.error is not None:
        error = {"kind": "sql#operationError", "code": "INTERNAL_ERROR", "message": run.error}
        result["error"] = error
    return result
