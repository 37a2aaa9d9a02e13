"""Content hashes: values that are not the same have other hashes, whatever their type."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.checks import limit
from ops.checks.crew import Crew
from ops.checks.limit import Limit
from ops.checks.result import State
from ops.db import CHANGE, VERIFY, Connection
from ops.restore.source import Source
from ops.schema import content, tablecontent
from ops.schema.tablecontent import Sum, TableShape

Execute = Callable[[str], None]
# One value, and another that PostgreSQL may take as equal, or hash alike, or show alike.
UNLIKE = [
    ("numeric", "'1.0'", "'1.00'"),
    ("numeric(6, 2)", "'1.05'", "'1.06'"),
    ("numeric[]", "'{1.0}'", "'{1.00}'"),
    ("float8", "'0'", "'-0'"),
    ("float8", "'NaN'", "'Infinity'"),
    ("float8", "'5e-324'", "'1e-323'"),
    ("float8", "0.1::float8", "0.1::float8 + 1.4e-17::float8"),
    ("float4", "'1e-45'", "'3e-45'"),
    ("float8[]", "'{0}'", "'{-0}'"),
    ("int[]", "'{1,2,3,4}'", "'{{1,2},{3,4}}'"),
    ("int[]", "'{1,2}'", "'[0:1]={1,2}'"),
    ("int[]", "'{}'", "NULL"),
    ("text[]", "'{NULL}'", "'{\"NULL\"}'"),
    ("text[]", "'{\"a,b\"}'", "'{a,b}'"),
    ("json", "'{\"a\": 1}'", "'{\"a\":  1}'"),
    ("json[]", "ARRAY['1'::json]", "ARRAY['1.0'::json]"),
    ("jsonb", "'{\"a\": 1.0}'", "'{\"a\": 1.00}'"),
    ("jsonb", "'null'", "NULL"),
    ("xml", "'<a/>'", "'<b/>'"),
    ("xml", '\'<?xml version="1.0" encoding="UTF-8"?><a/>\'', "'<a/>'"),
    ("point", "'(1,2)'", "'(2,1)'"),
    ("box", "'(1,1),(0,0)'", "'(2,0.5),(0,0)'"),
    ("path", "'((0,0),(1,1))'", "'[(0,0),(1,1)]'"),
    ("circle", "'<(0,0),1>'", "'<(1,1),1>'"),
    ("tsvector", "'a b'", "'a c'"),
    ("tsvector", "'a:1'", "'a:1A'"),
    ("bit(3)", "'101'", "'100'"),
    ("varbit", "'10'", "'100'"),
    ("money", "'1'", "'2'"),
    ("interval", "'1 day'", "'24 hours'"),
    ("interval", "'1 mon'", "'30 days'"),
    ("time", "'24:00'", "'00:00'"),
    ("timetz", "'12:00+00'", "'13:00+01'"),
    ("inet", "'10.0.0.1'", "'10.0.0.1/31'"),
    ("cidr", "'10.0.0.0/8'", "'10.0.0.0/9'"),
    ("macaddr", "'08:00:2b:01:02:03'", "'08:00:2b:01:02:04'"),
    ("char(3)", "'a'", "'b'"),
    ("bpchar", "'a'", "'a '"),
    ("bpchar[]", "'{a}'", "'{\"a \"}'"),
    ("text", "''", "NULL"),
    ("text", "'a'", "'a '"),
    ("text COLLATE caseless", "'a'", "'A'"),
    ("text[] COLLATE caseless", "'{a}'", "'{A}'"),
    ("bytea", "'\\x00'", "'\\x0000'"),
    ("cents", "1", "2"),
    ("scaled", "1.0", "1.00"),
    ("nested", "ROW(1.0, '{1}')", "ROW(1.00, '{1}')"),
    ("nested", "ROW(NULL, NULL)", "NULL"),
    ("numrange", "'[1.0,2]'", "'[1.00,2]'"),
    ("int4multirange", "'{[1,2)}'", "'{[1,3)}'"),
    ("mood", "'low'", "'high'"),
    ("citext", "'a'", "'A'"),
    ("hstore", "'a=>1'", "'a=>NULL'"),
    ("regclass", "'account'", "'entry'"),
    ("account", "NULL", "ROW(1, 'e', 1, 1, '1', '1', NULL, NULL, 'low', 2, NULL)"),
]


@pytest.fixture(scope="module")
def writer(prepared: Source) -> Iterator[Connection]:
    with prepared.database.connect(prepared.owner, budget=CHANGE) as connection:
        connection.execute(
            "CREATE SCHEMA trial; SET search_path = trial, public;"
            "CREATE EXTENSION citext SCHEMA trial; CREATE EXTENSION hstore SCHEMA trial;"
            "CREATE COLLATION caseless"
            " (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
            "CREATE DOMAIN scaled AS numeric; CREATE TYPE nested AS (a numeric, b int[])"
        )
        yield connection
        connection.execute("DROP SCHEMA trial CASCADE")


@pytest.fixture
def reader(prepared: Source) -> Iterator[Connection]:
    with prepared.database.connect(prepared.owner, budget=VERIFY) as connection:
        yield connection


def _shape(reader: Connection, table: str) -> TableShape:
    (shape,) = (one for one in tablecontent.shapes(reader) if one.label == table)
    return shape


def _digest(reader: Connection, table: str) -> Sum:
    (found,) = content.read_over(reader, [_shape(reader, table)])
    assert found.trouble is None, found.trouble
    return found.sums.get(0, Sum(0, "0"))


@contextmanager
def _table(writer: Connection, columns: str) -> Iterator[None]:
    writer.execute(f"CREATE TABLE trial.kept ({columns})".encode())
    try:
        yield
    finally:
        writer.execute("DROP TABLE trial.kept CASCADE")


@pytest.mark.parametrize(("kind", "one", "other"), UNLIKE)
def test_values_that_are_not_the_same_have_other_hashes(
    writer: Connection, reader: Connection, kind: str, one: str, other: str
) -> None:
    with _table(writer, f'r int, "Col.umn" {kind}'):
        writer.execute(f"INSERT INTO kept VALUES (1, {one})".encode())  # noqa: S608 - the test's own
        first = _digest(reader, "trial.kept")
        assert first == _digest(reader, "trial.kept")
        writer.execute(f'UPDATE kept SET "Col.umn" = {other}'.encode())  # noqa: S608 - the test's own
        second = _digest(reader, "trial.kept")
    assert first.rows == second.rows == 1
    assert first.digest != second.digest


@pytest.mark.parametrize(
    "setting",
    [
        "extra_float_digits = -15",
        "search_path = trial, public",
        "intervalstyle = sql_standard",
        "lc_monetary = 'en_US.UTF-8'",
        "bytea_output = escape",
        "datestyle = 'German'",
    ],
)
def test_a_setting_of_the_copy_changes_no_hash(
    writer: Connection, reader: Connection, setting: str
) -> None:
    with _table(writer, "f float8[], i interval, m money, c regclass, b bytea[], d date[]"):
        writer.execute(
            "INSERT INTO kept VALUES ('{0.1234567890123456}', '1 day 02:00', 1.5, 'kept',"
            " ARRAY['a'::bytea], ARRAY['2026-01-31'::date])"
        )
        plain = _digest(reader, "trial.kept")
        try:
            reader.execute(f"SET {setting}".encode())
        except Exception:  # noqa: BLE001 - a locale that this machine lacks
            pytest.skip(f"this machine has no {setting}")
        assert _digest(reader, "trial.kept") == plain


ROW = st.tuples(
    st.one_of(st.none(), st.integers(-3, 3)),
    st.one_of(st.none(), st.sampled_from(["", "a", "A", "a ", "NULL", "é"])),
    st.one_of(st.none(), st.sampled_from(["0", "0.0", "-1", "1e3", "NaN"])),
    st.one_of(st.none(), st.lists(st.one_of(st.none(), st.integers(0, 2)), max_size=3)),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(ROW, max_size=5), data=st.data())
def test_tables_have_one_hash_if_and_only_if_they_have_the_same_rows(
    writer: Connection, reader: Connection, rows: list[tuple[object, ...]], data: st.DataObject
) -> None:
    other = data.draw(st.one_of(st.permutations(rows), st.lists(ROW, max_size=5)))
    with _table(writer, "a int, b text, c numeric, d int[]"):
        sums = []
        for held in (rows, other):
            writer.execute("TRUNCATE kept")
            with writer.cursor() as cursor:
                cursor.executemany("INSERT INTO kept VALUES (%s, %s, %s, %s)", held)
            sums.append(_digest(reader, "trial.kept"))
    assert (sums[0] == sums[1]) == (sorted(map(repr, rows)) == sorted(map(repr, other)))


def test_two_rows_that_trade_a_value_are_seen(writer: Connection, reader: Connection) -> None:
    with _table(writer, "a int, b int, c int"):
        writer.execute("INSERT INTO kept SELECT n, n * 10, n * 100 FROM generate_series(1, 6) n")
        sums = set()
        for spoiled in ("true", "true", "a < 3", "a < 3", "a > 4"):
            if spoiled != "true":
                writer.execute(
                    f"UPDATE kept SET b = (SELECT sum(b) FROM kept WHERE {spoiled}) - b"  # noqa: S608 - the test's own
                    f" WHERE {spoiled}".encode()
                )
            sums.add(_digest(reader, "trial.kept"))
    assert len(sums) == 3  # as it was three times, traded, and others traded


def test_a_table_without_columns_is_counted(writer: Connection, reader: Connection) -> None:
    with _table(writer, ""):
        assert _digest(reader, "trial.kept").rows == 0
        writer.execute("INSERT INTO kept SELECT FROM generate_series(1, 3)")
        assert _digest(reader, "trial.kept").rows == 3


def test_columns_dropped_added_and_generated(writer: Connection, reader: Connection) -> None:
    with _table(writer, "a int, b int, c int GENERATED ALWAYS AS (a * 2) STORED"):
        writer.execute("INSERT INTO kept VALUES (1, 5)")
        writer.execute("ALTER TABLE kept DROP b")
        dropped = _digest(reader, "trial.kept")
        writer.execute("UPDATE kept SET a = a")
        assert _digest(reader, "trial.kept") == dropped
        writer.execute("ALTER TABLE kept ADD d int DEFAULT 7")
        assert _digest(reader, "trial.kept") != dropped


def test_partitions_and_children_are_hashed_once_each(
    writer: Connection, reader: Connection
) -> None:
    with _table(writer, "a int"):
        writer.execute("CREATE TABLE child () INHERITS (kept); INSERT INTO child VALUES (1)")
        assert (_digest(reader, "trial.kept").rows, _digest(reader, "trial.child").rows) == (0, 1)
        labels = {one.label for one in tablecontent.shapes(reader)}
    assert {"public.entry_old", "public.entry_new"} <= labels
    assert "public.entry" not in labels


def test_wide_rows_are_hashed_where_they_lie(writer: Connection, reader: Connection) -> None:
    with _table(writer, "a text, j jsonb"):
        writer.execute(
            "ALTER TABLE kept ALTER a SET STORAGE EXTERNAL;"
            "INSERT INTO kept"
            " SELECT repeat('x', 3000000), jsonb_build_object('k', repeat('y', 999999))"
        )
        first = _digest(reader, "trial.kept")
        writer.execute("UPDATE kept SET a = left(a, -1) || 'z'")
        assert _digest(reader, "trial.kept") != first


def test_forced_row_security_is_unknown_until_the_role_may_read_all(
    writer: Connection, reader: Connection, prepared: Source
) -> None:
    with _table(writer, "a int"):
        writer.execute("INSERT INTO kept VALUES (1), (2)")
        plain = _digest(reader, "trial.kept")
        writer.execute(
            "ALTER TABLE kept ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
            "CREATE POLICY high ON kept USING (a > 1)"
        )
        (hidden,) = content.read_over(reader, [_shape(reader, "trial.kept")])
        writer.execute(
            f"CREATE POLICY drill ON kept FOR SELECT TO {prepared.owner} USING (true)".encode()
        )
        read = _digest(reader, "trial.kept")
        writer.execute("CREATE POLICY higher ON kept AS RESTRICTIVE USING (a > 1)")
        (restricted,) = content.read_over(reader, [_shape(reader, "trial.kept")])
    assert read == plain
    for one in (hidden, restricted):
        assert one.trouble is not None
        assert one.trouble.state is State.UNKNOWN
        assert "CREATE POLICY" in one.trouble.remedy


@pytest.mark.parametrize(
    "change",
    [
        "TRUNCATE kept",
        "ALTER TABLE kept ALTER a TYPE bigint",
        "VACUUM FULL kept",
        "DROP TABLE kept",
        "ALTER TABLE kept RENAME a TO b",
        "DROP TABLE kept; CREATE TABLE kept (a int)",
    ],
)
def test_a_table_changed_under_the_snapshot_is_unknown_not_lost(
    writer: Connection, reader: Connection, prepared: Source, change: str
) -> None:
    writer.execute("CREATE TABLE kept (a int); INSERT INTO kept VALUES (1), (2)")
    try:
        with prepared.database.connect(prepared.owner, budget=VERIFY) as holder:
            holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            row = holder.execute("SELECT pg_export_snapshot()").fetchone()
            assert row is not None
            shape = _shape(holder, "trial.kept")
            (still,) = content.read_over(reader, [shape], row[0])
            for step in change.split("; "):
                writer.execute(step.encode())
            (changed,) = content.read_over(reader, [shape], row[0])
    finally:
        writer.execute("DROP TABLE IF EXISTS kept")
    assert still.rows == 2
    assert changed.trouble is not None
    assert changed.trouble.on_source().state is State.UNKNOWN


def test_columns_added_under_the_snapshot_change_nothing(
    writer: Connection, reader: Connection, prepared: Source
) -> None:
    with (
        _table(writer, "a int"),
        prepared.database.connect(prepared.owner, budget=VERIFY) as holder,
    ):
        writer.execute("INSERT INTO kept VALUES (1)")
        holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        row = holder.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        shape = _shape(holder, "trial.kept")
        before = content.read_over(reader, [shape], row[0])
        writer.execute("ALTER TABLE kept ADD b int DEFAULT 3; INSERT INTO kept VALUES (2, 2)")
        assert content.read_over(reader, [shape], row[0]) == before


def test_what_is_not_got_to_in_time_is_unknown(prepared: Source, reader: Connection) -> None:
    shapes = tablecontent.shapes(reader)
    late = content.read(Crew(), prepared.login(VERIFY), shapes, limit=Limit.after(0))
    assert {one.trouble for one in late.values()} == {limit.LATE}
    slow = replace(_shape(reader, "public.event"), policed=True)
    (cut,) = content.read_over(reader, [slow], limit=Limit.after(0.002))
    assert cut.trouble == limit.LATE
