"""What the program tells: the names, in one place, and the values.

Passwords are no outputs. Light to import: pulumi comes with the call.
"""

from enum import StrEnum
from typing import TYPE_CHECKING

from infra.settings import Settings

if TYPE_CHECKING:
    from pulumi_gcp import sql

    from infra.cloud import Cloud


class OutputName(StrEnum):
    """An output of every stack."""

    PROJECT = "project"
    REGION = "region"
    INSTANCE = "instance"
    CONNECTION_NAME = "connectionName"
    ADDRESS = "address"
    DATABASE = "database"
    OWNER_USER = "ownerUser"
    APP_USER = "appUser"


class CloudOutputName(StrEnum):
    """An output of a stack with a cloud; what the stack does not declare is left out."""

    SUBNET = "subnet"
    DNS_NAME = "dnsName"
    PASSWORD_SECRETS = "passwordSecrets"  # noqa: S105 - names of secrets
    EXPORT_BUCKET = "exportBucket"
    EVIDENCE_BUCKET = "evidenceBucket"
    INSTANCE_ACCOUNT = "instanceServiceAccount"
    JOB_ACCOUNTS = "jobServiceAccounts"


def export(
    settings: Settings, instance: "sql.DatabaseInstance", cloud: "Cloud | None" = None
) -> None:
    """Export what operations need to find and reach the instance, and what belongs to it."""
    import pulumi

    values: dict[OutputName | CloudOutputName, object] = {
        OutputName.PROJECT: settings.project,
        OutputName.REGION: settings.region,
        OutputName.INSTANCE: instance.name,
        OutputName.CONNECTION_NAME: instance.connection_name,
        OutputName.ADDRESS: _address(instance, cloud),
        OutputName.DATABASE: settings.database,
        OutputName.OWNER_USER: settings.users.owner,
        OutputName.APP_USER: settings.users.app,
    }
    if cloud is not None:
        values |= _of_the_cloud(instance, cloud)
    for name, value in values.items():
        pulumi.export(name.value, value)


def _address(instance: "sql.DatabaseInstance", cloud: "Cloud | None") -> object:
    if cloud is None:
        return instance.public_ip_address
    return instance.private_ip_address if cloud.endpoint is None else cloud.endpoint.address


def _of_the_cloud(
    instance: "sql.DatabaseInstance", cloud: "Cloud"
) -> dict[OutputName | CloudOutputName, object]:
    values: dict[OutputName | CloudOutputName, object] = {
        CloudOutputName.SUBNET: cloud.network.subnet.name,
        CloudOutputName.PASSWORD_SECRETS: {
            role: stored.secret.secret_id for role, stored in cloud.secrets.items()
        },
        CloudOutputName.INSTANCE_ACCOUNT: instance.service_account_email_address,
    }
    if cloud.endpoint is not None:
        values[CloudOutputName.DNS_NAME] = cloud.endpoint.dns_name
    if cloud.buckets.exports is not None:
        values[CloudOutputName.EXPORT_BUCKET] = cloud.buckets.exports.name
    if cloud.buckets.evidence is not None:
        values[CloudOutputName.EVIDENCE_BUCKET] = cloud.buckets.evidence.name
    if cloud.accounts is not None:
        values[CloudOutputName.JOB_ACCOUNTS] = {
            job.value: account.email for job, account in cloud.accounts.jobs.items()
        }
    return values
