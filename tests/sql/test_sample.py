import pytest

from ops.db import CHANGE, Connection
from ops.sample import data
from tests.clusters import OWNER
from tests.sql.conftest import ROWS, Product

CONTENT = "select md5(string_agg(t::text, ',' order by t::text)) from task_responses t"


def _number(connection: Connection, asked: str) -> float:
    row = connection.execute(asked.encode()).fetchone()
    assert row is not None
    return float(row[0])


def test_every_table_gets_its_share(product: Product) -> None:
    assert product.filled.rows == ROWS
    assert all(table.rows > 0 for table in product.filled.tables)
    assert data.ROWS >= 200_000


def test_few_have_most(connection: Connection) -> None:
    busiest = "select max(n) / avg(n) from (select count(*) as n from {} group by {}) c"
    assert _number(connection, busiest.format("task_responses", "user_id")) > 10
    assert _number(connection, busiest.format("tasks", "program_id")) > 10
    by_model = "select avg((source = 'model')::int) from evaluations"
    assert 0.85 < _number(connection, by_model) < 0.95


def test_sequences_stand_behind_the_rows(connection: Connection) -> None:
    new = "insert into users (email, display_name) values ('a@b', 'c') returning id"
    assert _number(connection, new) == _number(connection, "select count(*) from users")


def test_statistics_are_gathered(connection: Connection) -> None:
    asked = (
        "select count(distinct s.tablename) from pg_stats s join pg_tables t using (tablename)"
        " where t.schemaname = 'public'"
    )
    assert _number(connection, asked) == 7


def test_tables_with_rows_are_left_alone(connection: Connection) -> None:
    with pytest.raises(data.OccupiedError, match="users, user_preferences"):
        data.fill(connection, rows=1_000)


def test_too_few_rows_are_refused(connection: Connection) -> None:
    with pytest.raises(data.TooFewRowsError):
        data.fill(connection, rows=10)


def test_without_the_schema_it_says_what_to_run(product: Product) -> None:
    bare = product.cluster.create()
    with (
        pytest.raises(data.NoSchemaError, match=r"invoke migrate\.up"),
        bare.connect(OWNER, budget=CHANGE) as connection,
    ):
        data.fill(connection)
    product.cluster.drop(bare)


def test_the_same_seed_gives_the_same_rows_and_another_one_others(
    connection: Connection,
) -> None:
    def content(seed: int) -> object:
        connection.execute("truncate users, programs restart identity cascade")
        data.fill(connection, rows=2_000, seed=seed)
        return connection.execute(CONTENT).fetchone()

    assert content(7) == content(7)
    assert content(7) != content(8)
