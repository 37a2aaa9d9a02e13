import psycopg
import pytest
from psycopg import errors

from ops.db import Connection

TABLES = (
    "evaluations",
    "programs",
    "task_responses",
    "tasks",
    "user_learning_paths",
    "user_preferences",
    "users",
)


def test_the_products_tables_are_there(connection: Connection) -> None:
    asked = "select tablename from pg_tables where schemaname = 'public' order by 1"
    assert tuple(row[0] for row in connection.execute(asked)) == TABLES


def test_every_foreign_key_has_an_index_that_begins_with_it(connection: Connection) -> None:
    asked = """
        select conrelid::regclass::text, conname from pg_constraint c
         where contype = 'f' and not exists (
               select from pg_index i
                where i.indrelid = c.conrelid and i.indisvalid and i.indpred is null
                  and i.indkey[0] = c.conkey[1])
    """
    assert connection.execute(asked).fetchall() == []


def test_every_index_is_valid_and_none_is_twice_there(connection: Connection) -> None:
    asked = """
        select min(indexrelid::regclass::text)
          from pg_index i join pg_class c on c.oid = indexrelid
         where c.relnamespace in ('public'::regnamespace, 'ops'::regnamespace)
         group by indrelid, indkey, coalesce(pg_get_expr(indpred, indrelid), ''),
                  coalesce(pg_get_expr(indexprs, indrelid), ''), indoption
        having count(*) > 1 or not bool_and(indisvalid)
    """
    assert connection.execute(asked).fetchall() == []


@pytest.mark.parametrize("table", TABLES)
def test_updated_at_follows_every_update(connection: Connection, table: str) -> None:
    name = psycopg.sql.Identifier(table)
    update = psycopg.sql.SQL(
        "update {0} set created_at = created_at where ctid = (select min(ctid) from {0})"
        " returning updated_at = now()"
    )
    assert connection.execute(update.format(name)).fetchall() == [(True,)]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("update users set email = 'USER1@example.com' where id = 2", errors.UniqueViolation),
        ("update users set role = 'king' where id = 1", errors.CheckViolation),
        ("update users set email = 'nobody' where id = 1", errors.CheckViolation),
        ("update programs set published_at = null", errors.CheckViolation),
        ("update programs set slug = 'No Slug'", errors.CheckViolation),
        ("update tasks set content = '[]'", errors.CheckViolation),
        ("update tasks set position = 0", errors.CheckViolation),
        (
            "update task_responses set status = 'submitted', submitted_at = null",
            errors.CheckViolation,
        ),
        ("update evaluations set score = 101", errors.CheckViolation),
        ("update evaluations set source = 'model', evaluator_id = 1", errors.CheckViolation),
        ("update user_learning_paths set status = 'completed'", errors.CheckViolation),
        ("update user_learning_paths set progress = 1.1", errors.CheckViolation),
        ("update task_responses set user_id = 0 where id = 1", errors.ForeignKeyViolation),
        ("delete from programs", errors.ForeignKeyViolation),
        (
            "insert into users (id, email, display_name) values (1, 'a@b', 'c')",
            errors.GeneratedAlways,
        ),
    ],
)
def test_what_must_not_be_is_refused(
    connection: Connection, statement: str, error: type[psycopg.Error]
) -> None:
    with pytest.raises(error):
        connection.execute(statement.encode())


def test_tasks_can_change_places(connection: Connection) -> None:
    swap = "update tasks set position = 3 - position where program_id = 1 and position < 3"
    assert connection.execute(swap).rowcount == 2


def test_the_heartbeat_says_when_it_was_written(connection: Connection) -> None:
    beat = (
        "insert into ops.drill_heartbeat (drill, label) values ('d', 'marker')"
        " returning written_at >= now()"
    )
    assert connection.execute(beat).fetchall() == [(True,)]
