"""Read replicas: made by instances.insert, then promoted, switched to, stopped and started."""

from dataclasses import replace
from typing import Any

from infra.local import replication
from infra.local.api import defaults
from infra.local.api.body import merged
from infra.local.api.call import Call
from infra.local.api.errors import ApiError, invalid
from infra.local.model import Body, Instance, InstanceState, OperationType
from infra.local.service import Service
from infra.local.work import new_operation

# PostgreSQL's own defaults of what a replica must not have less of than its primary.
_AT_LEAST = {
    "max_connections": 100,
    "max_worker_processes": 8,
    "max_wal_senders": 10,
    "max_locks_per_transaction": 64,
}
_READ_POOL = "READ_POOL_INSTANCE"
_KEPT = ("diskEncryptionConfiguration", "replicaConfiguration")


def plan(call: Call) -> tuple[Instance, Body]:
    """Return the primary of a replica that is to be made, and the replica's settings.

    Raises:
        ApiError: 404 without that primary, 400 if it can't have replicas.
    """
    name = str(call.body["masterInstanceName"]).rpartition(":")[2]
    if call.body.get("instanceType") == _READ_POOL or call.body.get("nodeCount"):
        raise invalid("The local Cloud SQL has no read pools: insert a read replica instead.")
    primary = call.ready(name)
    if primary.primary is not None:
        raise of_replica(f"{name} is a read replica itself")
    if not primary.point_in_time_recovery:
        raise invalid(
            f"The primary instance {name} must have automated backups and point-in-time recovery "
            "enabled before a read replica can be created."
        )
    version = call.body.get("databaseVersion")
    if version not in (None, primary.version):
        raise invalid(f"databaseVersion {version} is not the primary's {primary.version}.")
    declared = call.body.get("settings") or {}
    backups = declared.get("backupConfiguration") or {}
    if backups.get("enabled") or backups.get("pointInTimeRecoveryEnabled"):
        raise of_replica("Backups can't be enabled for a read replica")
    inherited = {
        field: primary.settings[field]
        for field in ("tier", "edition", "dataDiskSizeGb", "dataDiskType", "databaseFlags")
        if field in primary.settings
    }
    region = str(call.body.get("region") or primary.region)
    settings = defaults.settings(merged(inherited, declared), region=region, version=1)
    return primary, settings


def begin(call: Call, primary: Instance, new_replica: Instance) -> Body:
    """Begin to make a replica.

    Raises:
        ApiError: 400 if its flags are less than the primary's.
    """
    check_limits(primary.settings, new_replica.settings, primary.name)
    extra = {name: call.body[name] for name in _KEPT if call.body.get(name) is not None}
    replica = replace(
        new_replica,
        facts={**new_replica.facts, "primary": primary.uid},
        extra={**new_replica.extra, **extra},
    )
    operation = new_operation(
        OperationType.CREATE_REPLICA,
        call.project,
        new_replica.name,
        source=primary.name,
        facts={"uid": new_replica.uid, "primary_uid": primary.uid},
    )
    call.begin(operation, new=replica)
    return call.answer(call.work.start(operation))


def promote(call: Call) -> Body:
    """Answer instances.promoteReplica."""
    return _begin(call, OperationType.PROMOTE_REPLICA, _replica(call))


def stop(call: Call) -> Body:
    """Answer instances.stopReplica."""
    return _begin(call, OperationType.STOP_REPLICA, _replica(call))


def start(call: Call) -> Body:
    """Answer instances.startReplica."""
    return _begin(call, OperationType.START_REPLICA, _replica(call))


def switchover(call: Call) -> Body:
    """Answer instances.switchover, which is asked of the replica."""
    replica = _replica(call)
    primary = replication.primary_of(call.service.store, replica)
    if replica.facts.get("replication_stopped"):
        raise invalid(f"The replication of {replica.name} is stopped: start it first.")
    if primary.state is not InstanceState.RUNNABLE or primary.stopped:
        raise invalid(f"The primary {primary.name} is not running: promote {replica.name} instead.")
    operation = new_operation(
        OperationType.SWITCHOVER,
        call.project,
        replica.name,
        source=primary.name,
        facts={"uid": replica.uid, "primary_uid": primary.uid},
    )
    with call.service.store.transaction():
        others = call.service.store.replicas(primary.uid)
        names = [other.name for other in others if other.uid != replica.uid]
        operation = replace(operation, facts={**operation.facts, "followers": names})
        operation = call.begin(operation)
    return call.answer(call.work.start(operation))


def _replica(call: Call) -> Instance:
    replica = call.instance()
    if replica.primary is None:
        raise invalid(f"The instance {replica.name} is not a read replica.")
    return call.ready()


def _begin(call: Call, kind: OperationType, replica: Instance) -> Body:
    operation = new_operation(kind, call.project, replica.name, facts={"uid": replica.uid})
    call.begin(operation)
    return call.answer(call.work.start(operation))


def fields(service: Service, instance: Instance) -> Body:
    """Return an instance's fields that tell what it replicates, and what replicates it."""
    names = [other.name for other in service.store.replicas(instance.uid)]
    result: dict[str, Any] = {"replicaNames": names} if names else {}
    if instance.primary is not None:
        primary = replication.primary_of(service.store, instance)
        result |= {
            "instanceType": "READ_REPLICA_INSTANCE",
            "masterInstanceName": f"{primary.project}:{primary.name}",
        }
    return result


def refuse_primary(call: Call, instance: Instance) -> None:
    """Refuse what a primary with replicas can't do.

    Raises:
        ApiError: 400.
    """
    if call.service.store.replicas(instance.uid):
        raise ApiError(
            400,
            "errorReplicationMasterInvalidOperation",
            "The requested operation is not valid for a replication master instance.",
        )


def refuse_replica(instance: Instance) -> None:
    """Refuse what a replica can't do.

    Raises:
        ApiError: 400.
    """
    if instance.primary is not None:
        raise of_replica("The requested operation is not valid for a read replica instance")


def of_replica(message: str) -> ApiError:
    """Return the error of something that no replica can do."""
    return ApiError(400, "errorReadReplicaInvalidOperation", f"{message}.")


def check_change(call: Call, instance: Instance, settings: Body) -> None:
    """Check an instance's new settings against its primary's, or its replicas'.

    Raises:
        ApiError: 400 naming what can't be.
    """
    backups = settings.get("backupConfiguration") or {}
    if instance.primary is not None:
        primary = replication.primary_of(call.service.store, instance)
        check_limits(primary.settings, settings, primary.name)
        if backups.get("enabled"):
            raise of_replica("Backups can't be enabled for a read replica")
        if settings.get("activationPolicy") == "NEVER":
            raise of_replica("A read replica can't be stopped")
        return
    replicas = call.service.store.replicas(instance.uid)
    for replica in replicas:
        check_limits(settings, replica.settings, instance.name)
    if replicas and settings.get("activationPolicy") == "NEVER":
        refuse_primary(call, instance)
    if replicas and not backups.get("pointInTimeRecoveryEnabled"):
        raise invalid(
            f"{instance.name} has read replicas: point-in-time recovery can't be disabled for it."
        )


def check_limits(primary: Body, replica: Body, name: str) -> None:
    """Check that a replica can hold what its primary may ask of it.

    Raises:
        ApiError: 400 invalidFlagValue naming the flag.
    """
    above, below = _flags(primary), _flags(replica)
    for flag, default in _AT_LEAST.items():
        least, value = int(above.get(flag, default)), int(below.get(flag, default))
        if value < least:
            raise ApiError(
                400,
                "invalidFlagValue",
                f"Invalid flag value for {flag}: {value}. A read replica must have at least the "
                f"{least} of its primary {name}.",
            )


def _flags(settings: Body) -> dict[str, str]:
    flags = settings.get("databaseFlags") or ()
    return {str(flag["name"]): str(flag.get("value", "")) for flag in flags}
