"""What only a local Cloud SQL answers: its status, and its buckets."""

import os
from typing import Any

from infra.local.api import resources
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
        "instances": [_instance(service, found) for found in service.store.instances()],
        "buckets": list(service.buckets.names()),
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


def _instance(service: Service, found: Instance) -> dict[str, Any]:
    layout = service.layout(found.uid)
    return {
        "name": found.name,
        "project": found.project,
        "state": found.state.value,
        "address": found.address,
        "port": service.pg_port,
        "connectionName": resources.connection_name(found),
        "databaseVersion": found.version,
        "home": str(layout.data),
        "archive": str(layout.archive(found.era)),  # empty without point-in-time recovery
        "socket": str(layout.socket),
        "owner": service.runner.owner.name,
    }
