"""The Cloud SQL instance."""

import pulumi
from pulumi_gcp import sql

from infra.network import PrivateNetwork
from infra.settings import Backup, InstanceSettings, Settings


def declare_instance(settings: Settings, network: PrivateNetwork | None) -> sql.DatabaseInstance:
    """Declare the instance, with its three deletion protections from one setting.

    The disk's size is ignored after creation: a disk that grew would else turn into a
    shrink, which replaces the instance.
    """
    instance = settings.instance
    return sql.DatabaseInstance(
        "instance",
        name=instance.name,
        project=settings.project,
        region=settings.region,
        database_version=instance.database_version,
        deletion_protection=instance.deletion_protection,
        settings=sql.DatabaseInstanceSettingsArgs(
            tier=instance.tier.name,
            edition=instance.edition,
            activation_policy="ALWAYS",
            availability_type=instance.availability,
            disk_size=instance.disk.size_gb,
            disk_type=instance.disk.type,
            disk_autoresize=instance.disk.autoresize,
            disk_autoresize_limit=instance.disk.autoresize_limit_gb,
            deletion_protection_enabled=instance.deletion_protection,
            backup_configuration=_backups(instance.backup),
            database_flags=_flags(instance),
            ip_configuration=_addresses(network),
            user_labels=dict(instance.labels),
        ),
        opts=pulumi.ResourceOptions(
            protect=instance.deletion_protection,
            ignore_changes=["settings.diskSize"],
            depends_on=[] if network is None else [network.ready],
        ),
    )


def _backups(backup: Backup) -> sql.DatabaseInstanceSettingsBackupConfigurationArgs:
    return sql.DatabaseInstanceSettingsBackupConfigurationArgs(
        enabled=backup.enabled,
        start_time=backup.start_time,
        location=backup.location,
        point_in_time_recovery_enabled=backup.point_in_time,
        transaction_log_retention_days=backup.log_retention_days if backup.point_in_time else None,
        backup_retention_settings=(
            sql.DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs(
                retained_backups=backup.retained,
                retention_unit="COUNT",
            )
        ),
    )


def _flags(instance: InstanceSettings) -> list[sql.DatabaseInstanceSettingsDatabaseFlagArgs]:
    return [
        sql.DatabaseInstanceSettingsDatabaseFlagArgs(name=flag.name, value=flag.value)
        for flag in instance.flags
    ]


def _addresses(
    network: PrivateNetwork | None,
) -> sql.DatabaseInstanceSettingsIpConfigurationArgs:
    """Give a private address and no public one; the local Cloud SQL has only one kind."""
    if network is None:
        return sql.DatabaseInstanceSettingsIpConfigurationArgs(ipv4_enabled=True)
    return sql.DatabaseInstanceSettingsIpConfigurationArgs(
        ipv4_enabled=False, private_network=network.id
    )
