"""Consequences: every property that the program can declare is in the table."""

from fnmatch import fnmatchcase

import pytest

from infra import body
from infra.consequences import FLAGS, LABELS, TABLE, Effect, Stage, consequence
from infra.flags import catalogue

# What the provider may send and nobody says what it does.
NOT_DOCUMENTED = {
    "instanceType",
    "settings.connectionPoolConfig",
    "settings.ipConfiguration.pscConfig",
    "settings.ipConfiguration.serverCaMode",
    "settings.ipConfiguration.serverCaPool",
}
# The provider sends it, and Cloud SQL's documentation says that it can't be changed.
MAY_BE_REFUSED = {"settings.dataDiskType"}


def paths() -> list[str]:
    sets = {FLAGS, LABELS}
    declared = {body.api_path(path) for path in body.WHOLE | body.RENAMED.keys()}
    return sorted((declared - sets) | {f"{FLAGS}.work_mem", f"{LABELS}.team"})


@pytest.mark.parametrize("path", paths())
def test_what_can_be_declared_has_a_consequence(path: str) -> None:
    inner = f"{path}.0.x" if path == "settings.denyMaintenancePeriods" else path
    told = consequence(inner, "1", "2")
    assert (told.effect is Effect.UNKNOWN) == (path in NOT_DOCUMENTED | MAY_BE_REFUSED)
    assert bool(told.source) == (path not in NOT_DOCUMENTED)


def test_every_row_is_reached() -> None:
    for number, (pattern, _) in enumerate(TABLE):
        path = pattern.replace("*", "x")
        first = next(i for i, (other, _) in enumerate(TABLE) if fnmatchcase(path, other))
        assert first == number, pattern


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_a_flag_restarts_as_the_catalogue_says(name: str) -> None:
    told = consequence(f"{FLAGS}.{name}", "1", "2")
    assert (told.effect is Effect.RESTART) == catalogue()[name].restart


def test_a_flag_that_nobody_knows_is_unknown() -> None:
    assert consequence(f"{FLAGS}.nonsense", "", "1").effect is Effect.UNKNOWN


@pytest.mark.parametrize(
    ("path", "before", "after", "effect"),
    [
        ("databaseVersion", "POSTGRES_15", "POSTGRES_17", Effect.RESTART),
        ("databaseVersion", "POSTGRES_17", "POSTGRES_15", Effect.UNKNOWN),
        ("databaseVersion", "POSTGRES_9_6", "POSTGRES_15", Effect.RESTART),
        ("settings.dataDiskSizeGb", "100", "200", Effect.UPDATE),
        ("settings.backupConfiguration.transactionLogRetentionDays", "7", "3", Effect.LOSE),
        (
            "settings.backupConfiguration.backupRetentionSettings.retainedBackups",
            "7",
            "8",
            Effect.UPDATE,
        ),
        (f"{FLAGS}.cloudsql.iam_authentication", "on", "", Effect.INTERRUPT),
        (f"{FLAGS}.cloudsql.iam_authentication", "", "on", Effect.UPDATE),
        ("nodeCount", "3", "2", Effect.INTERRUPT),
        ("nodeCount", "2", "3", Effect.UPDATE),
        ("settings.ipConfiguration.ipv4Enabled", "true", "false", Effect.INTERRUPT),
        ("settings.ipConfiguration.ipv4Enabled", "false", "true", Effect.UPDATE),
        ("settings.ipConfiguration.authorizedNetworks.10.0.0.0/8", "office", "", Effect.INTERRUPT),
        ("settings.ipConfiguration.authorizedNetworks.10.0.0.0/8", "", "office", Effect.UPDATE),
        ("settings.ipConfiguration.sslMode", "ENCRYPTED_ONLY", "", Effect.UPDATE),
        ("settings.ipConfiguration.sslMode", "", "ENCRYPTED_ONLY", Effect.INTERRUPT),
        (
            "settings.ipConfiguration.sslMode",
            "",
            "ALLOW_UNENCRYPTED_AND_ENCRYPTED",
            Effect.UPDATE,
        ),
        (
            "settings.ipConfiguration.pscConfig.allowedConsumerProjects",
            '["a", "b"]',
            '["a"]',
            Effect.INTERRUPT,
        ),
        (
            "settings.ipConfiguration.pscConfig.allowedConsumerProjects",
            '["a"]',
            '["a", "b"]',
            Effect.UPDATE,
        ),
        ("settings.ipConfiguration.privateNetwork", "", "a", Effect.RESTART),
        (
            "settings.backupConfiguration.pointInTimeRecoveryEnabled",
            "false",
            "true",
            Effect.RESTART,
        ),
        (
            "settings.backupConfiguration.pointInTimeRecoveryEnabled",
            "true",
            "false",
            Effect.LOSE,
        ),
    ],
)
def test_the_direction_decides(path: str, before: str, after: str, effect: Effect) -> None:
    assert consequence(path, before, after).effect is effect


@pytest.mark.parametrize(
    ("path", "before", "after", "why"),
    [
        ("settings.availabilityType", "REGIONAL", "ZONAL", "a lost zone is an outage"),
        ("settings.backupConfiguration.enabled", "true", "false", "no backup is taken"),
        ("settings.deletionProtectionEnabled", "true", "false", "can be deleted"),
        ("settings.connectorEnforcement", "NOT_REQUIRED", "REQUIRED", "is refused"),
        (
            "settings.backupConfiguration.backupRetentionSettings.retainedBackups",
            "7",
            "3",
            "older backups are deleted",
        ),
    ],
)
def test_a_loss_is_said(path: str, before: str, after: str, why: str) -> None:
    assert why in consequence(path, before, after).why
    assert why not in consequence(path, after, before).why


def test_the_provider_sends_the_version_first_and_the_machine_before_the_rest() -> None:
    stages = [
        consequence(path, "POSTGRES_15", "POSTGRES_16").stage
        for path in ("databaseVersion", "settings.tier", f"{FLAGS}.max_connections")
    ]
    assert stages == [Stage.VERSION, Stage.MACHINE, Stage.REST] == sorted(stages)
