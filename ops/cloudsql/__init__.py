"""The only Cloud SQL Admin API client: calls, waits, errors by ``reason``."""

from ops.cloudsql.client import CloudSql
from ops.cloudsql.errors import (
    ApiError,
    ExpiredCredentialsError,
    NoCredentialsError,
    NoSuchInstanceError,
    OperationFailedError,
    UnreachableError,
    WaitTimeoutError,
)
from ops.cloudsql.model import (
    BUILT_IN,
    Account,
    BackupRun,
    Body,
    Database,
    Instance,
    KeptBackup,
    Operation,
    RecoveryWindow,
)

__all__ = [
    "BUILT_IN",
    "Account",
    "ApiError",
    "BackupRun",
    "Body",
    "CloudSql",
    "Database",
    "ExpiredCredentialsError",
    "Instance",
    "KeptBackup",
    "NoCredentialsError",
    "NoSuchInstanceError",
    "Operation",
    "OperationFailedError",
    "RecoveryWindow",
    "UnreachableError",
    "WaitTimeoutError",
]
