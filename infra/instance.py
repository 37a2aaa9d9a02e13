"""The Cloud SQL instance."""

from collections.abc import Sequence

import pulumi
from pulumi_gcp import sql

from infra.flags import FlagValue
from infra.network import PrivateNetwork
from infra.settings import (
    Backup,
    Insights,
    InstanceSettings,
    Maintenance,
    PasswordPolicy,
    Protection,
    Settings,
)
from ops.tiers import PLUS

IGNORED = ("settings.diskSize",)  # a disk that grew would turn into a shrink, which replaces


def declare_instance(settings: Settings, network: PrivateNetwork | None) -> sql.DatabaseInstance:
    """Declare the instance, with its three deletion protections from one setting."""
    instance = settings.instance
    return sql.DatabaseInstance(
        "instance",
        name=instance.name,
        project=settings.project,
        region=settings.region,
        database_version=instance.database_version,
        encryption_key_name=instance.kms_key,
        deletion_protection=instance.deletion_protection,
        settings=_settings(instance, network),
        opts=pulumi.ResourceOptions(
            protect=instance.deletion_protection,
            ignore_changes=list(IGNORED),
            depends_on=[] if network is None else [network.ready],
        ),
    )


def _settings(
    instance: InstanceSettings, network: PrivateNetwork | None
) -> sql.DatabaseInstanceSettingsArgs:
    policy = instance.protection.password_policy
    return sql.DatabaseInstanceSettingsArgs(
        tier=instance.tier.name,
        edition=instance.edition,
        activation_policy="ALWAYS",
        availability_type=instance.availability,
        location_preference=location(instance.zone, instance.secondary_zone),
        disk_size=instance.disk.size_gb,
        disk_type=instance.disk.type,
        disk_autoresize=instance.disk.autoresize,
        disk_autoresize_limit=instance.disk.autoresize_limit_gb,
        data_cache_config=_data_cache(instance),
        connection_pool_configs=_connection_pool(instance),
        connector_enforcement=enforcement(instance.protection),
        deletion_protection_enabled=instance.deletion_protection,
        retain_backups_on_delete=instance.backup.retained_on_delete,
        final_backup_config=_final_backup(instance.backup),
        backup_configuration=_backups(instance.backup),
        maintenance_window=_window(instance.maintenance),
        deny_maintenance_period=_deny(instance.maintenance),
        insights_config=_insights(instance.insights),
        password_validation_policy=None if policy is None else _password_policy(policy),
        database_flags=flags(instance.flags),
        ip_configuration=addresses(instance.protection, network),
        user_labels=dict(instance.labels),
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


def _final_backup(backup: Backup) -> sql.DatabaseInstanceSettingsFinalBackupConfigArgs:
    return sql.DatabaseInstanceSettingsFinalBackupConfigArgs(
        enabled=backup.final_days is not None, retention_days=backup.final_days
    )


def _window(
    maintenance: Maintenance,
) -> sql.DatabaseInstanceSettingsMaintenanceWindowArgs | None:
    if maintenance.day is None:
        return None
    return sql.DatabaseInstanceSettingsMaintenanceWindowArgs(
        day=maintenance.day, hour=maintenance.hour, update_track=maintenance.track
    )


def _deny(
    maintenance: Maintenance,
) -> sql.DatabaseInstanceSettingsDenyMaintenancePeriodArgs | None:
    deny = maintenance.deny
    if deny is None:
        return None
    return sql.DatabaseInstanceSettingsDenyMaintenancePeriodArgs(
        start_date=deny.start, end_date=deny.end, time=deny.time
    )


def _insights(insights: Insights) -> sql.DatabaseInstanceSettingsInsightsConfigArgs:
    if not insights.enabled:
        return sql.DatabaseInstanceSettingsInsightsConfigArgs(query_insights_enabled=False)
    return sql.DatabaseInstanceSettingsInsightsConfigArgs(
        query_insights_enabled=True,
        query_string_length=insights.text_bytes,
        query_plans_per_minute=insights.plans_per_minute,
        record_application_tags=insights.tags,
        record_client_address=insights.client_address,
    )


def _password_policy(
    policy: PasswordPolicy,
) -> sql.DatabaseInstanceSettingsPasswordValidationPolicyArgs:
    return sql.DatabaseInstanceSettingsPasswordValidationPolicyArgs(
        enable_password_policy=True,
        min_length=policy.min_length,
        complexity="COMPLEXITY_DEFAULT" if policy.complexity else "COMPLEXITY_UNSPECIFIED",
        disallow_username_substring=policy.without_user_name,
    )


def _data_cache(
    instance: InstanceSettings,
) -> sql.DatabaseInstanceSettingsDataCacheConfigArgs | None:
    """Say whether there is a cache: left out it stays as it is, and is on at creation.

    Other editions than ENTERPRISE_PLUS have none, whatever is said.
    """
    if instance.edition != PLUS:
        return None
    return sql.DatabaseInstanceSettingsDataCacheConfigArgs(data_cache_enabled=instance.data_cache)


def _connection_pool(
    instance: InstanceSettings,
) -> list[sql.DatabaseInstanceSettingsConnectionPoolConfigArgs] | None:
    """Say whether Cloud SQL pools connections: left out it stays as it is."""
    if instance.edition != PLUS:
        return None
    return [
        sql.DatabaseInstanceSettingsConnectionPoolConfigArgs(
            connection_pooling_enabled=instance.connection_pooling
        )
    ]


def flags(values: Sequence[FlagValue]) -> list[sql.DatabaseInstanceSettingsDatabaseFlagArgs]:
    """Return flags as the provider takes them."""
    return [
        sql.DatabaseInstanceSettingsDatabaseFlagArgs(name=flag.name, value=flag.value)
        for flag in values
    ]


def location(
    zone: str | None, secondary: str | None = None
) -> sql.DatabaseInstanceSettingsLocationPreferenceArgs | None:
    """Return the zones as the provider takes them; None where Cloud SQL chooses."""
    if zone is None and secondary is None:
        return None
    return sql.DatabaseInstanceSettingsLocationPreferenceArgs(zone=zone, secondary_zone=secondary)


def enforcement(protection: Protection) -> str:
    """Return whether only connectors may connect, as the API names it."""
    return "REQUIRED" if protection.connector_enforcement else "NOT_REQUIRED"


def addresses(
    protection: Protection, network: PrivateNetwork | None
) -> sql.DatabaseInstanceSettingsIpConfigurationArgs:
    """Give a private address and no public one; the local Cloud SQL has only one kind."""
    service_connect = network is not None and network.consumers is not None
    return sql.DatabaseInstanceSettingsIpConfigurationArgs(
        ipv4_enabled=network is None,
        private_network=None if network is None or service_connect else network.id,
        psc_configs=_service_connect(network),
        ssl_mode=protection.ssl_mode,
        server_ca_mode=protection.server_ca_mode,
        server_ca_pool=protection.server_ca_pool,
    )


def _service_connect(
    network: PrivateNetwork | None,
) -> list[sql.DatabaseInstanceSettingsIpConfigurationPscConfigArgs] | None:
    if network is None or network.consumers is None:
        return None
    return [
        sql.DatabaseInstanceSettingsIpConfigurationPscConfigArgs(
            psc_enabled=True, allowed_consumer_projects=list(network.consumers)
        )
    ]
