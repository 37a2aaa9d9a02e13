import pytest

from ops.migrations import enums, errors, files, parse, steps
from ops.migrations.enums import Use
from ops.migrations.parse import Source

# ruff: noqa: S608 - texts for the parser; no server sees them
ADD = "alter type answer add value 'open';"


def _use(sql: str, value: str = "open") -> Use:
    (statement,) = parse.parse(Source("x.sql", sql))
    return enums.use(statement.node, value)


@pytest.mark.parametrize(
    "sql",
    [
        "insert into t values ('open')",
        "update t set a = 'open'::answer",
        "alter table t alter a set default 'open'",
        "create table t (a answer default 'open')",
        "create table p partition of t for values in ('closed', 'open')",
        "create index i on t (b) where a = 'open'",
        "alter table t add check (a <> 'open')",
        "create view v as select * from t where a in ('open')",
        "create policy p on t using (a = 'open')",
        "create function f() returns answer begin atomic select 'open'::answer; end",
        "create function f(a answer default 'open') returns int language sql as 'select 1'",
        "select E'op\\145n'",
        "select U&'op!0065n' UESCAPE '!'",
        "select U&'\\006fpen'",
        "select $$open$$",
        "select $a$open$a$",
        "select 'op'\n'en'",
        "prepare p as select 'open'::answer",
        "copy (select 1 where a = 'open') to '/tmp/x'",
    ],
)
def test_a_constant_is_a_certain_use(sql: str) -> None:
    assert _use(sql) is Use.CERTAIN


@pytest.mark.parametrize(
    "sql",
    [
        "do $$ begin insert into t values ('open'); end $$",
        "do $$ begin execute 'insert into t values (''open'')'; end $$",
        "do $$ begin execute $q$ insert into t values (E'\\x6fpen') $q$; end $$",
        "do 'begin insert into t values (''open''); end'",
        "create function f() returns int language sql as $$ select 1 where a = 'open' $$",
        "create procedure f() language plpgsql as $$ begin a := U&'op!0065n' UESCAPE '!'; end $$",
        "create function f() returns int language plpython3u as $$ return 'it''s open $$",
        "select enum_range(null::answer)",
        "select enum_last(null::answer)",
    ],
)
def test_code_that_may_run_is_a_possible_use(sql: str) -> None:
    assert _use(sql) is Use.POSSIBLE


@pytest.mark.parametrize(
    "sql",
    [
        "alter table answers add column opened_at timestamptz",
        "alter table answers rename column a to open",
        'alter table answers add column "open" int',
        "insert into t values ('opened', 'reopen', 'Open', ' open')",
        "insert into t /* 'open' */ values (1) -- 'open'",
        "comment on column t.a is 'open'",
        "comment on type answer is 'open'",
        "set app.state = 'open'",
        "create type other as enum ('open')",
        "alter type other add value 'open'",
        "alter table t add column a int; ".strip("; "),
        "do $$ begin perform open(); -- 'open'\n raise notice 'opened'; end $$",
        "create function open() returns int language sql as 'select opened from t'",
        "select open('x')",
        "select open from open",
        "notify open, 'open'",
    ],
)
def test_other_text_is_no_use(sql: str) -> None:
    assert _use(sql) is Use.NONE


@pytest.mark.parametrize(
    ("value", "used"),
    [("'a''b'", "E'a\\'b'"), ("E'a\\'b'", "$$a'b$$"), ("U&'a\\0027b'", "'a''b'"), ("'é'", "'é'")],
)
def test_values_are_what_their_constants_mean(value: str, used: str) -> None:
    text = f"-- migrate:up\nbegin; alter type t add value {value};\nselect {used}; commit;"
    with pytest.raises(errors.ValueUsedTooSoonError, match=":3:"):
        steps.plan(files.parse_text("1_a.sql", text))


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        (f"select 1; {ADD} alter table answers add opened_at int;", [3]),
        (f"select 1; {ADD} insert into t values ('open');", [1, 1, 1]),
        (f"select 1; {ADD} do $$ begin update t set a = 'open'; end $$;", [1, 1, 1]),
        (f"select 1; {ADD} vacuum t; insert into t values ('open');", [2, 1, 1]),
        (f"select 1; {ADD} begin; insert into t values ('open'); commit;", [2, 1]),
        (f"begin; {ADD} commit; insert into t values ('open');", [1, 1]),
        (f"begin; {ADD} alter table answers add opened_at int; commit;", [2]),
        (f"begin; {ADD} create function f() returns answer as 'x', 'open'; commit;", None),
        (f"begin; {ADD} do $$ begin raise notice 'open'; end $$; commit;", [2]),
        (
            f"select 1; {ADD} alter type answer rename value 'open' to 'free'; select 'open';",
            [4],
        ),
        (
            f"select 1; {ADD} alter type answer rename value 'open' to 'free'; select 'free';",
            [1, 1, 2],
        ),
        ("select 1; alter type answer rename value 'open' to 'free'; select 'free';", [3]),
        (
            f"select 1; {ADD} alter type answer rename value 'yes' to 'no'; select 'open';",
            [1, 1, 2],
        ),
    ],
)
def test_a_file_is_cut_where_a_value_has_to_be_committed(sql: str, shape: list[int] | None) -> None:
    planned = steps.plan(files.parse_text("1_a.sql", f"-- migrate:up\n{sql}"))
    assert shape is None or [len(step.statements) for step in planned] == shape
