"""Generated passwords in Secret Manager, each readable by those who need it.

The values go in through write-only fields, for the reasons that ``infra.access`` gives:
the provider does not read them back (so a deployer needs no right to read secrets), and
what it tells of a version holds no value. The version's number goes with the password's.

Nobody is allowed to read here: each job's rights are in ``infra.rights``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_random as random
from pulumi_gcp import secretmanager

from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """A secret, and the version in it that whoever reads it has to wait for."""

    secret: secretmanager.Secret
    version: secretmanager.SecretVersion


def secret_id(settings: Settings, role: str) -> str:
    """Return the name of the secret that holds a role's password."""
    return f"{settings.instance.name}-{role}-password"


def declare_secrets(
    settings: Settings, passwords: Mapping[str, random.RandomPassword]
) -> dict[str, StoredPassword]:
    """Declare a secret with one version for each password; return them by role.

    They are kept in the stack's region alone: what Google replicates by itself may lie
    anywhere (https://cloud.google.com/secret-manager/docs/choosing-replication).
    """
    return {role: _declare(settings, role, password) for role, password in passwords.items()}


def _declare(settings: Settings, role: str, password: random.RandomPassword) -> StoredPassword:
    guarded = settings.instance.deletion_protection
    secret = secretmanager.Secret(
        f"{role}-secret",
        secret_id=secret_id(settings, role),
        project=settings.project,
        labels={**settings.instance.labels, "role": role},
        replication=secretmanager.SecretReplicationArgs(
            user_managed=secretmanager.SecretReplicationUserManagedArgs(
                replicas=[
                    secretmanager.SecretReplicationUserManagedReplicaArgs(location=settings.region)
                ]
            )
        ),
        deletion_protection=guarded,
        opts=pulumi.ResourceOptions(protect=guarded),
    )
    version = secretmanager.SecretVersion(
        f"{role}-secret-version",
        secret=secret.id,
        secret_data_wo=password.result,
        secret_data_wo_version=str(settings.users.handed_version),
    )
    return StoredPassword(secret, version)
