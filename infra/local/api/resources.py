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


def instance(found: Instance, base: str, programs: Programs | None) -> Body:
    """Return an instance's resource.

    Args:
        found: The instance.
        base: The server's address with the API's version.
        programs: PostgreSQL's programs that it runs on, where they are known.
    """
    installed = found.version
    if programs is not None:
        installed = f"POSTGRES_{programs.version.replace('.', '_').split(' ')[0]}"
    return {
        "kind": "sql#instance",
        "geminiConfig": dict.fromkeys(_GEMINI, False),
        "includeReplicasForMajorVersionUpgrade": False,
        **found.extra,
        "name": found.name,
        "project": found.project,
        "state": found.state.value,
        "databaseVersion": found.version,
        "databaseInstalledVersion": installed,
        "region": found.region,
        "settings": found.settings,
        "etag": etag(found.uid, found.settings),
        "backendType": "SECOND_GEN",
        "instanceType": "CLOUD_SQL_INSTANCE",
        "connectionName": connection_name(found),
        "ipAddresses": addresses(found),
        "selfLink": link(base, "projects", found.project, "instances", found.name),
        "serviceAccountEmailAddress": _service_account(found),
        "createTime": moment(found.created),
        "maintenanceVersion": f"{installed}.{_MAINTENANCE}",
        **({"upgradableDatabaseVersions": upgrades} if (upgrades := _upgrades(found)) else {}),
        "sqlNetworkArchitecture": "NEW_NETWORK_ARCHITECTURE",
        "satisfiesPzi": True,
    }


def etag(*parts: object) -> str:
    """Return an opaque tag that changes when one of the parts does."""
    return hashlib.sha256(repr(parts).encode(errors="replace")).hexdigest()


def _service_account(found: Instance) -> str:
    """Return the account that reads and writes buckets: by project and instance, as it seems."""
    project = int(etag(found.project), 16) % 10**12
    return f"p{project:012}-{etag(found.uid)[:6]}@{_SERVICE_ACCOUNTS}"


def _upgrades(found: Instance) -> list[Body]:
    return [
        {
            "majorVersion": f"POSTGRES_{major}",
            "name": f"POSTGRES_{major}",
            "displayName": f"PostgreSQL {major}",
        }
        for major in range(found.major + 1, NEWEST_MAJOR + 1)
    ]


def connection_name(found: Instance) -> str:
    """Return what connectors call an instance."""
    return f"{found.project}:{found.region}:{found.name}"


def addresses(found: Instance) -> list[Body]:
    """Return where an instance is reached."""
    if not found.address:
        return []
    network = found.settings.get("ipConfiguration", {})
    kinds = []
    if network.get("ipv4Enabled"):
        kinds.append("PRIMARY")
    if network.get("privateNetwork"):
        kinds.append("PRIVATE")
    # Every instance is reachable here, even one whose settings name no network.
    return [{"type": kind, "ipAddress": found.address} for kind in kinds or ["PRIMARY"]]


def operation(found: Operation, base: str) -> Body:
    """Return an operation's resource."""
    result: dict[str, Any] = {
        "kind": "sql#operation",
        "name": found.name,
        "operationType": found.type.value,
        "status": found.status.value,
        "user": "local",
        "insertTime": moment(found.inserted),
        "targetId": found.target,
        "targetProject": found.project,
        "targetLink": link(base, "projects", found.project, "instances", found.target),
        "selfLink": link(base, "projects", found.project, "operations", found.name),
    }
    if found.started is not None:
        result["startTime"] = moment(found.started)
    if found.ended is not None:
        result["endTime"] = moment(found.ended)
    if found.backup_id is not None and found.type in _BACKUPS:
        result["backupContext"] = {
            "kind": "sql#backupContext",
            "backupId": str(found.backup_id),
            "name": f"projects/{found.project}/backups/{found.backup_id}",
        }
    for context in ("exportContext", "importContext"):
        if context in found.facts:
            result[context] = found.facts[context]
    if found.error is not None:
        error = {"kind": "sql#operationError", "code": found.error.code}
        error["message"] = found.error.message
        result["error"] = {"kind": "sql#operationErrors", "errors": [error]}
    return result


def backup_run(found: BackupRun, owner: Instance, base: str) -> Body:
    """Return a backup run's resource."""
    result: dict[str, Any] = {
        "kind": "sql#backupRun",
        "id": str(found.id),
        "instance": owner.name,
        "status": found.status.value,
        "type": found.type,
        "backupKind": "SNAPSHOT",
        "enqueuedTime": moment(found.enqueued),
        "windowStartTime": moment(found.window),
        "location": found.location,
        "databaseVersion": found.version,
        "selfLink": link(
            base, "projects", owner.project, "instances", owner.name, "backupRuns", found.id
        ),
    }
    if found.description:
        result["description"] = found.description
    if found.started is not None:
        result["startTime"] = moment(found.started)
    if found.ended is not None:
        result["endTime"] = moment(found.ended)
    if found.error is not None:
        error = {"kind": "sql#operationError", "code": "INTERNAL_ERROR", "message": found.error}
        result["error"] = error
    return result
