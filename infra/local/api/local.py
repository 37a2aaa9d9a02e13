"""What only a local Cloud SQL answers: its status, its buckets, its clock."""

import os
from datetime import datetime, timedelta
from typing import Any

from infra.local.api import faults, resources
from infra.local.api.errors import invalid
from infra.local.model import Instance
from infra.local.objects import BadUriError
from infra.local.service import Service


def status(service: Service, url: str) -> dict[str, Any]:
    """Return what this server runs, and where its files lie."""
    return {
        "url": url,
        "data": str(service.data),
        "pid": os.getpid(),
        "pg_port": service.pg_port,
        "instances": [_instance(service, instance) for instance in service.store.instances()],
        "buckets": list(service.buckets.names()),
        "clock": clock(service),
        "faults": faults.active(service),
        "operations_running": len(service.store.open_operations()),
    }


def make_bucket(service: Service, body: object) -> dict[str, Any]:
    """Make a bucket where it is missing; return its folder.

    Raises:
        ApiError: 400 for a name that can't be a bucket's.
    """
    name = body.get("name") if isinstance(body, dict) else None
    if not isinstance(name, str):
        raise invalid("name the bucket.")
    try:
        return {"name": name, "folder": str(service.buckets.make(name))}
    except BadUriError as error:
        raise invalid(str(error)) from None


def clock(service: Service, local_time: str = "") -> dict[str, Any]:
    """Return what time the API says it is, and how far that is ahead of the machine.

    Args:
        service: whose clock.
        local_time: a time that the API told; then also what the machine's clock, which is
            PostgreSQL's, said at that moment.

    Raises:
        ApiError: 400 for a time that is none.
    """
    clock_now = service.clock
    facts: dict[str, Any] = {
        "now": resources.moment(clock_now.now()),
        "ahead_s": round(clock_now.ahead.total_seconds(), 3),
    }
    if local_time:
        try:
            facts["machine"] = resources.exact(clock_now.machine(_time("told", local_time)))
        except (ValueError, OverflowError) as error:
            raise invalid(f"{error}.") from None
    return facts


def set_clock(service: Service, body: object) -> dict[str, Any]:
    """Set the clock forward by ``forward_s`` seconds, or ``to`` an RFC 3339 time.

    Raises:
        ApiError: 400 for neither or both, and for a time that is over.
    """
    fields = body if isinstance(body, dict) else {}
    if len(fields) != 1 or not fields.keys() <= {"forward_s", "to"}:
        raise invalid("give either forward_s (seconds) or to (an RFC 3339 time).")
    try:
        by = _to(service, fields["to"]) if "to" in fields else _by(fields["forward_s"])
        service.clock.forward(by)
    except (ValueError, OverflowError) as error:
        raise invalid(f"{error}.") from None
    return clock(service)


def _by(seconds: object) -> timedelta:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValueError(f"forward_s {seconds!r:.40} is no number of seconds")  # noqa: TRY004 - becomes a 400
    try:
        return timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        raise ValueError(f"forward_s {seconds!r:.40} is no time that can be reached") from None


def _to(service: Service, text: object) -> timedelta:
    return _time("to", text) - service.clock.now()


def _time(name: str, text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f"{name} {text!r:.60} is no RFC 3339 time") from None
    if moment.tzinfo is None:
        raise ValueError(f"{name} {text!r:.60} has no time zone: end it in Z or +hh:mm")
    return moment


def _instance(service: Service, instance: Instance) -> dict[str, Any]:
    layout = service.layout_of(instance)
    return {
        "name": instance.name,
        "project": instance.project,
        "state": instance.state.value,
        "address": instance.address,
        "port": service.pg_port,
        "connectors": service.doors.is_open(instance.uid),
        "connectorsPort": service.doors.port,
        "connectionName": resources.connection_name(instance),
        "databaseVersion": instance.version,
        "home": str(layout.data),
        "archive": str(layout.archive(instance.era)),  # empty without point-in-time recovery
        "socket": str(layout.socket),
        "owner": service.runner.owner.name,
    }
