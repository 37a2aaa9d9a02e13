"""What the program tells: the names, in one place, and the values.

Passwords are no outputs. Light to import: pulumi comes with the call.
"""

from enum import StrEnum
from typing import TYPE_CHECKING

from infra.settings import Settings

if TYPE_CHECKING:
    from pulumi_gcp import sql


class OutputName(StrEnum):
    """An output of the stack."""

    PROJECT = "project"
    REGION = "region"
    INSTANCE = "instance"
    CONNECTION_NAME = "connectionName"
    ADDRESS = "address"
    DATABASE = "database"
    OWNER_USER = "ownerUser"
    APP_USER = "appUser"


def export(settings: Settings, instance: "sql.DatabaseInstance") -> None:
    """Export what operations need to find and reach the instance."""
    import pulumi

    address = (
        instance.public_ip_address if settings.network is None else instance.private_ip_address
    )
    values = {
        OutputName.PROJECT: settings.project,
        OutputName.REGION: settings.region,
        OutputName.INSTANCE: instance.name,
        OutputName.CONNECTION_NAME: instance.connection_name,
        OutputName.ADDRESS: address,
        OutputName.DATABASE: settings.database,
        OutputName.OWNER_USER: settings.users.owner,
        OutputName.APP_USER: settings.users.app,
    }
    for name, value in values.items():
        pulumi.export(name.value, value)
