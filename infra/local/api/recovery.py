"""What goes back to a time: instances.clone, getLatestRecoveryTime."""

from datetime import UTC, datetime, timedelta

from infra.local import window
from infra.local.api import replicas, resources
from infra.local.api.body import required
from infra.local.api.call import Call
from infra.local.api.errors import invalid, not_found, unimplemented
from infra.local.api.instances import checked_name, new_instance
from infra.local.engine import archive
from infra.local.model import Body, Instance, OperationType
from infra.local.work import new_operation


def clone(call: Call) -> Body:
    """Answer instances.clone, with and without pointInTime."""
    source = call.ready()
    replicas.refuse_replica(source)
    context = call.body.get("cloneContext") or {}
    if context.get("destinationProject") not in (None, "", call.project):
        raise unimplemented("instances.clone into another project")
    name = checked_name(
        call.project, required(call.body, "cloneContext", "destinationInstanceName")
    )
    moment = _point_in_time(context)
    if moment is not None:
        check_window(call, source, moment)
    instance = new_instance(
        call,
        name=name,
        region=source.region,
        version=source.version,
        settings={**source.settings, "settingsVersion": "1"},
        extra=source.extra,
    )
    facts = {
        "uid": instance.uid,
        "source_uid": source.uid,
        "point_in_time": None if moment is None else moment.isoformat(),
    }
    operation = new_operation(
        OperationType.CLONE, call.project, name, source=source.name, facts=facts
    )
    call.begin(operation, new=instance)
    return call.answer(call.work.start(operation))


def _point_in_time(context: Body) -> datetime | None:
    if text := context.get("pointInTime"):
        try:
            moment = datetime.fromisoformat(str(text))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):  # 0001-01-01 in the east is no year of UTC's
            raise invalid(f"pointInTime {text!r:.60} is not an RFC 3339 time.") from None
    if milliseconds := int(context.get("pitrTimestampMs") or 0):
        try:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
        except OverflowError:
            raise invalid(f"pitrTimestampMs {milliseconds} is in no year from 1 to 9999.") from None
    return None


def check_window(call: Call, source: Instance, moment: datetime) -> None:
    """Check that an instance can be recovered to a time.

    Raises:
        ApiError: 400 with the window.
    """
    earliest = _earliest(call, source)
    now = archive.now()
    if not earliest <= moment <= now:
        raise invalid(
            f"point in time {resources.exact(moment)} is outside the recovery window of "
            f"{source.name}: {resources.exact(earliest)} to {resources.exact(now)}."
        )


def _earliest(call: Call, source: Instance) -> datetime:
    start = window.earliest(call.service, source)
    if start is None:
        raise invalid(
            f"point-in-time recovery is not enabled for {source.name}: set "
            "backupConfiguration.pointInTimeRecoveryEnabled."
        )
    return start


def latest_recovery_time(call: Call) -> Body:
    """Answer projects.instances.getLatestRecoveryTime, from what the archive holds."""
    source = call.instance()
    earliest = _earliest(call, source)
    cluster = call.service.cluster(source)
    latest = archive.latest_recovery_time(cluster, cluster.programs)
    if latest is None:
        raise not_found(f"An archived transaction of {source.name}")
    return {
        "kind": "sql#getLatestRecoveryTime",
        "latestRecoveryTime": resources.exact(latest),
        "earliestRecoveryTime": resources.exact(earliest),
    }
