from ops.db import Database
from ops.migrations import files, ledger, runner
from ops.migrations.others import Connect
from tests.clusters import Cluster


def test_every_migration_of_the_product_is_taken_back_exactly(
    cluster: Cluster, database: Database, connect: Connect
) -> None:
    migrations = files.read()
    with connect() as connection:
        ledger.ensure(connection)
    before = cluster.dump(database)
    for migration in migrations:
        runner.up(connect, migrations, to=migration.version)
        after = cluster.dump(database)
        runner.down(connect, migrations)
        assert cluster.dump(database) == before, migration.file
        runner.up(connect, migrations, to=migration.version)
        before = cluster.dump(database)
        assert before == after, migration.file


def test_the_product_has_a_concurrent_step_and_nothing_left_to_do_afterwards(
    connect: Connect,
) -> None:
    migrations = files.read()
    planned = runner.plan_up(connect, migrations).steps
    assert any(not step.transaction for step in planned)
    done = runner.up(connect, migrations).migrations
    assert [m.version for m in done] == [m.version for m in migrations]
    assert runner.up(connect, migrations).migrations == ()
