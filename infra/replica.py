"""Read replicas and read pools."""

import pulumi
from pulumi_gcp import sql

from infra.instance import IGNORED, addresses, enforcement, flags, location
from infra.network import PrivateNetwork
from infra.settings import Replica, Settings


def declare_replicas(
    settings: Settings, primary: sql.DatabaseInstance, network: PrivateNetwork | None
) -> dict[str, sql.DatabaseInstance]:
    """Declare every replica after the one that it follows; return them by their keys."""
    declared: dict[str, sql.DatabaseInstance] = {}
    for replica in settings.replicas:
        source = primary if replica.source is None else declared[replica.source]
        declared[replica.key] = _declare(settings, replica, source, network)
    return declared


def _declare(
    settings: Settings,
    replica: Replica,
    source: sql.DatabaseInstance,
    network: PrivateNetwork | None,
) -> sql.DatabaseInstance:
    instance = settings.instance
    return sql.DatabaseInstance(
        f"replica-{replica.key}",
        name=replica.name,
        project=settings.project,
        region=replica.region,
        database_version=instance.database_version,
        master_instance_name=source.name,
        instance_type="READ_REPLICA_INSTANCE" if replica.nodes is None else "READ_POOL_INSTANCE",
        node_count=replica.nodes,
        encryption_key_name=replica.kms_key,
        deletion_protection=instance.deletion_protection,
        settings=sql.DatabaseInstanceSettingsArgs(
            tier=replica.tier.name,
            edition=instance.edition,
            activation_policy="ALWAYS",
            availability_type=replica.availability,
            location_preference=location(replica.zone),
            disk_type=instance.disk.type,
            disk_autoresize=instance.disk.autoresize,
            disk_autoresize_limit=instance.disk.autoresize_limit_gb,
            connector_enforcement=enforcement(instance.protection),
            deletion_protection_enabled=instance.deletion_protection,
            database_flags=flags(replica.flags),
            ip_configuration=addresses(instance.protection, network),
            user_labels=dict(instance.labels),
        ),
        opts=pulumi.ResourceOptions(
            protect=instance.deletion_protection,
            ignore_changes=list(IGNORED),
            depends_on=[source],
        ),
    )
