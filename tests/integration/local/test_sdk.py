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


def test_databases_users_operations_flags_and_tiers(local: LocalServer) -> None:
    options = local.options()
    main = {"project": PROJECT, "instance": "main"}
    databases = sqladmin.SqlDatabasesServiceClient(**options)
    local.wait(databases.insert(request={**main, "body": {"name": "by-sdk"}}))
    assert "by-sdk" in {one.name for one in databases.list(request=main).items}
    local.wait(databases.delete(request={**main, "database": "by-sdk"}))

    users = sqladmin.SqlUsersServiceClient(**options)
    local.wait(users.insert(request={**main, "body": {"name": "by-sdk", "password": "x"}}))
    found = users.get(request={**main, "name": "by-sdk"})
    assert (found.type_.name, found.instance) == ("BUILT_IN", "main")
    change = {"name": "by-sdk", "password": "y"}
    local.wait(users.update(request={**main, "name": "by-sdk", "body": change}))
    local.wait(users.delete(request={**main, "name": "by-sdk"}))

    operations = sqladmin.SqlOperationsServiceClient(**options)
    pages = operations.list(request={**main, "max_results": 2})
    listed = [one.operation_type.name for _, one in zip(range(4), pages, strict=False)]
    assert listed == ["DELETE_USER", "UPDATE_USER", "CREATE_USER", "DELETE_DATABASE"]

    flags = sqladmin.SqlFlagsServiceClient(**options)
    known = flags.list(request={"database_version": "POSTGRES_15"}).items
    assert next(one for one in known if one.name == "max_connections").requires_restart
    tiers = sqladmin.SqlTiersServiceClient(**options).list(request={"project": PROJECT}).items
    assert {one.tier: one.RAM for one in tiers}["db-custom-2-7680"] == 7680 * 1024**2


def rows(local: LocalServer, name: str) -> list[int]:
    with local.connect(name) as connection:
        return [row[0] for row in connection.execute("SELECT n FROM kept ORDER BY n")]
