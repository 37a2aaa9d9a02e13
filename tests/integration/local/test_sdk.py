"""google-cloud-sql as shipped: create, patch, back up, clone to a time, restore, delete."""

import datetime as dt

import pytest
from google.api_core import exceptions
from google.cloud import sqladmin_v1beta4 as sqladmin

from tests.integration.local.server import PASSWORD, PROJECT, LocalServer


def test_the_life_of_an_instance(local: LocalServer) -> None:
    client = local.instances()
    backups = sqladmin.SqlBackupRunsServiceClient(**local.options())
    body = sqladmin.DatabaseInstance(
        name="life",
        region="asia-east1",
        database_version=sqladmin.SqlDatabaseVersion.POSTGRES_15,
        root_password=PASSWORD,
        settings=sqladmin.Settings(
            tier="db-custom-2-7680",
            availability_type=sqladmin.SqlAvailabilityType.REGIONAL,
            backup_configuration=sqladmin.BackupConfiguration(
                enabled=True, point_in_time_recovery_enabled=True
            ),
            deletion_protection_enabled=True,
        ),
    )
    local.wait(client.insert(request={"project": PROJECT, "body": body}))

    found = client.get(request={"project": PROJECT, "instance": "life"})
    assert found.state.name == "RUNNABLE"
    assert found.database_version.name == "POSTGRES_15"
    assert found.settings.availability_type.name == "REGIONAL"
    assert found.settings.settings_version == 1
    assert found.connection_name == "demo:asia-east1:life"

    flags = [
        sqladmin.DatabaseFlags(name="work_mem", value="8192"),
        sqladmin.DatabaseFlags(name="max_connections", value="60"),
    ]
    change = sqladmin.DatabaseInstance(
        settings=sqladmin.Settings(database_flags=flags, deletion_protection_enabled=True)
    )
    local.wait(client.patch(request={"project": PROJECT, "instance": "life", "body": change}))
    with local.connect("life") as connection:
        connection.execute("CREATE TABLE kept (n integer)")
        connection.execute("INSERT INTO kept VALUES (1)")
        shown = connection.execute(
            "SELECT current_setting('work_mem'), current_setting('max_connections')"
        ).fetchone()
        assert shown == ("8MB", "60")

    operation = local.wait(
        backups.insert(
            request={"project": PROJECT, "instance": "life", "body": {"description": "before"}}
        )
    )
    run = backups.get(
        request={"project": PROJECT, "instance": "life", "id": operation.backup_context.backup_id}
    )
    assert (run.status.name, run.description) == ("SUCCESSFUL", "before")

    with local.connect("life") as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        moment: dt.datetime = row[0]
        connection.execute("INSERT INTO kept VALUES (2)")
    context = sqladmin.CloneContext(destination_instance_name="life-then", point_in_time=moment)
    clone = sqladmin.InstancesCloneRequest(clone_context=context)
    local.wait(client.clone(request={"project": PROJECT, "instance": "life", "body": clone}))
    assert rows(local, "life-then") == [1]

    with pytest.raises(exceptions.BadRequest, match="protected"):
        client.delete(request={"project": PROJECT, "instance": "life-then"})
    off = sqladmin.DatabaseInstance(settings=sqladmin.Settings(deletion_protection_enabled=False))
    for name in ("life", "life-then"):
        local.wait(client.patch(request={"project": PROJECT, "instance": name, "body": off}))

    restore = sqladmin.InstancesRestoreBackupRequest(
        restore_backup_context=sqladmin.RestoreBackupContext(
            backup_run_id=run.id, instance_id="life", project=PROJECT
        )
    )
    local.wait(
        client.restore_backup(request={"project": PROJECT, "instance": "life", "body": restore})
    )
    assert rows(local, "life") == [1]

    for name in ("life", "life-then"):
        local.wait(client.delete(request={"project": PROJECT, "instance": name}))
    with pytest.raises(exceptions.NotFound) as gone:
        client.get(request={"project": PROJECT, "instance": "life"})
    assert gone.value.errors[0]["reason"] == "instanceDoesNotExist"


def rows(local: LocalServer, name: str) -> list[int]:
    with local.connect(name) as connection:
        return [row[0] for row in connection.execute("SELECT n FROM kept ORDER BY n")]
