"""The list for ``pulumi import --file``: what the program declares and is live already.

The forms of the ids are those that the provider documents under each resource's
"Import"; ``protect`` and the other options come from the program with the next
``pulumi up``, which changes no resource by that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.desired import DATABASE, INSTANCE, PASSWORD, USER, Desired, DesiredResource
from infra.live import Live

NETWORK = "gcp:compute/network:Network"
RANGE = "gcp:compute/globalAddress:GlobalAddress"
PEERING = "gcp:servicenetworking/connection:Connection"


@dataclass(frozen=True, slots=True)
class Import:
    """One resource to import.

    Attributes:
        type: As ``gcp:sql/user:User``.
        name: Its name in the program.
        id: By which the provider finds it.
    """

    type: str
    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Imports:
    """What is imported, and what is not.

    Attributes:
        resources: In the order of the declaration.
        created: Names in the program of what ``pulumi up`` makes, passwords apart.
    """

    resources: tuple[Import, ...]
    created: tuple[str, ...]

    def file(self) -> dict[str, object]:
        """Return what ``pulumi import --file`` reads."""
        return {"resources": [{"type": r.type, "name": r.name, "id": r.id} for r in self.resources]}


def imports(desired: Desired, live: Live) -> Imports:
    """Return what of the declared resources can be imported."""
    planned: list[Import] = []
    created: list[str] = []
    for resource in desired.resources:
        known = _IDS.get(resource.type)
        where = known(resource, live) if known else ""
        if where:
            planned.append(Import(resource.type, resource.name, where))
        elif resource.type != PASSWORD:
            created.append(resource.name)
    return Imports(tuple(planned), tuple(created))


def _instance(resource: DesiredResource, live: Live) -> str:
    name, project = resource.inputs["name"], resource.inputs["project"]
    return f"projects/{project}/instances/{name}" if name in live else ""


def _database(resource: DesiredResource, live: Live) -> str:
    instance, name, project = (resource.inputs[k] for k in ("instance", "name", "project"))
    if instance not in live or name not in live[instance].databases:
        return ""
    return f"projects/{project}/instances/{instance}/databases/{name}"


def _user(resource: DesiredResource, live: Live) -> str:
    instance, name, project = (resource.inputs[k] for k in ("instance", "name", "project"))
    if instance not in live or name not in live[instance].users:
        return ""
    return f"{project}/{instance}/{name}"  # PostgreSQL's users have no host


def _addresses(live: Live) -> Mapping[str, Any]:
    primary = next((instance for instance in live.values() if not instance.source), None)
    configuration = {} if primary is None else primary.body["settings"].get("ipConfiguration", {})
    return dict(configuration)


def _network(resource: DesiredResource, live: Live) -> str:
    network = f"projects/{resource.inputs['project']}/global/networks/{resource.inputs['name']}"
    return network if str(_addresses(live).get("privateNetwork", "")).endswith(network) else ""


def _range(resource: DesiredResource, live: Live) -> str:
    name = resource.inputs["name"]
    if _addresses(live).get("allocatedIpRange") != name:
        return ""
    return f"projects/{resource.inputs['project']}/global/addresses/{name}"


def _peering(resource: DesiredResource, live: Live) -> str:
    network, service = str(resource.inputs["network"]), resource.inputs["service"]
    is_peered = str(_addresses(live).get("privateNetwork", "")).endswith(network)
    return f"{network}:{service}" if is_peered else ""


_IDS: Mapping[str, Callable[[DesiredResource, Live], str]] = {
    INSTANCE: _instance,
    DATABASE: _database,
    USER: _user,
    NETWORK: _network,
    RANGE: _range,
    PEERING: _peering,
}
