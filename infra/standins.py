"""What Google would add to a resource, for a recording without a cloud.

Only what other resources take as their input: ids, names and addresses that are known from
the inputs, and a text in brackets for those that only a deployment can tell.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

UNKNOWN_UNTIL_DEPLOYED: Final = "[known after deployment]"

INSTANCE: Final = "gcp:sql/databaseInstance:DatabaseInstance"
ACCOUNT: Final = "gcp:serviceaccount/account:Account"
ADDRESS: Final = "gcp:compute/address:Address"
CHANNEL: Final = "gcp:monitoring/notificationChannel:NotificationChannel"
CUSTOM_ROLE: Final = "gcp:projects/iAMCustomRole:IAMCustomRole"
NETWORK: Final = "gcp:compute/network:Network"

Inputs = Mapping[str, Any]
"""Fields of a registration request's inputs: protobuf values by name."""


def identity(kind: str, name: str, inputs: Inputs) -> str:
    """Return the id that Google would give, where a dependent's input holds it."""
    if kind == NETWORK:
        return f"projects/{_text(inputs, 'project')}/global/networks/{_text(inputs, 'name')}"
    return name


def additions(kind: str, name: str, inputs: Inputs) -> dict[str, Any]:
    """Return the outputs that Google would add to a resource's inputs."""
    add = _ADDED.get(kind)
    return {} if add is None else add(name, inputs)


def _instance(_: str, inputs: Inputs) -> dict[str, Any]:
    return {
        "connectionName": ":".join(_text(inputs, key) for key in ("project", "region", "name")),
        "publicIpAddress": UNKNOWN_UNTIL_DEPLOYED,
        "privateIpAddress": UNKNOWN_UNTIL_DEPLOYED,
        "dnsName": UNKNOWN_UNTIL_DEPLOYED,
        "pscServiceAttachmentLink": UNKNOWN_UNTIL_DEPLOYED,
        "serviceAccountEmailAddress": UNKNOWN_UNTIL_DEPLOYED,
    }


def _account(_: str, inputs: Inputs) -> dict[str, Any]:
    account, project = _text(inputs, "accountId"), _text(inputs, "project")
    email = f"{account}@{project}.iam.gserviceaccount.com"
    return {"email": email, "member": f"serviceAccount:{email}"}


def _address(_: str, __: Inputs) -> dict[str, Any]:
    return {"address": UNKNOWN_UNTIL_DEPLOYED}


def _channel(name: str, inputs: Inputs) -> dict[str, Any]:
    return {"name": f"projects/{_text(inputs, 'project')}/notificationChannels/{name}"}


def _custom_role(_: str, inputs: Inputs) -> dict[str, Any]:
    return {"name": f"projects/{_text(inputs, 'project')}/roles/{_text(inputs, 'roleId')}"}


_ADDED: Final[Mapping[str, Callable[[str, Inputs], dict[str, Any]]]] = {
    INSTANCE: _instance,
    ACCOUNT: _account,
    ADDRESS: _address,
    CHANNEL: _channel,
    CUSTOM_ROLE: _custom_role,
}


def _text(inputs: Inputs, key: str) -> str:
    return str(inputs[key].string_value)
