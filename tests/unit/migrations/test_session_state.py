import pytest

from ops.errors import BadInputError
from ops.migrations import files, steps
from ops.migrations.errors import LostStateError, UnclearSettingError
from ops.migrations.steps import Step


def _plan(sql: str, options: str = "") -> tuple[Step, ...]:
    return steps.plan(files.parse_text("0001_x.sql", f"-- migrate:up {options}\n{sql}"))


@pytest.mark.parametrize(
    ("sql", "error", "words"),
    [
        ("create temp table t (id int);\nVACUUM users;\ninsert into t values (1);",
         LostStateError, ":4: .*line 2.*the temporary relation t"),
        ("select 1 as id into temp t;\nVACUUM users;\ndrop table if exists t;",
         LostStateError, ":4: .*line 2.*relation t"),
        ("create function pg_temp.f() returns int return 1;\nVACUUM users;\nselect pg_temp.f();",
         LostStateError, ":4: .*line 2.*function or type f"),
        ("prepare p as select 1;\nVACUUM users;\nexecute p;",
         LostStateError, ":4: .*line 2.*the prepared statement p"),
        ("declare c cursor with hold for select 1;\nVACUUM users;\nfetch c;",
         LostStateError, ":4: .*line 2.*the cursor c"),
        ("insert into users values (1);\nVACUUM users;\nselect lastval();",
         LostStateError, ":4: .*line 2.*last value of a sequence"),
        ("select pg_advisory_lock(1);\nVACUUM users;", LostStateError, ":3: .*line 2.*advisory"),
        ("set local search_path = archive;\nselect 1;\nVACUUM users;",
         LostStateError, r":4: .*line 2.*setting of its transaction \(search_path\)"),
        ("select set_config('search_path', 'archive', true);\nVACUUM users;",
         LostStateError, r":3: .*line 2.*search_path"),
        ("set constraints all deferred;\nVACUUM users;",
         LostStateError, ":3: .*line 2.*constraints"),
        ("select set_config('search_path', s, false) from (select 'archive' s) q;\nVACUUM users;",
         UnclearSettingError, ":2: .*line 3"),
        ("select set_config('search_path', 'a' || 'b', false);\nVACUUM users;",
         UnclearSettingError, ":2: .*line 3"),
        ("select set_config('search_path', 'a', 1 = 1);\nVACUUM users;",
         UnclearSettingError, ":2: .*line 3"),
        ("select 1 where set_config('search_path', 'a', false) = 'a';\nVACUUM users;",
         UnclearSettingError, ":2: .*line 3"),
        ("create temp table t ();\nVACUUM users;\ndo 'begin truncate t; end';",
         LostStateError, ":4: .*line 2.*relation t"),
        ("create temp table t ();\nVACUUM users;\nselect 't'::regclass;",
         LostStateError, ":4: .*line 2.*relation t"),
        ("create temp sequence s;\nVACUUM users;\nselect nextval('s');",
         LostStateError, ":4: .*line 2.*relation s"),
        ("create type pg_temp.m as enum ();\nVACUUM users;\nselect null::pg_temp.m;",
         LostStateError, ":4: .*line 2.*function or type m"),
        ("begin; create temp table t (); commit;\nselect 1;\ninsert into t default values;",
         LostStateError, ":4: .*line 2.*relation t"),
    ],
)  # fmt: skip
def test_what_a_later_step_would_miss_is_refused_with_both_lines(
    sql: str, error: type[BadInputError], words: str
) -> None:
    with pytest.raises(error, match=words):
        _plan(sql)


def test_every_statement_by_itself_is_a_session_by_itself() -> None:
    sql = "create temp table t ();\ninsert into t default values;"
    assert len(_plan(sql)) == 1
    with pytest.raises(LostStateError, match=r":3: .*line 2"):
        _plan(sql, "transaction:false")


@pytest.mark.parametrize(
    "sql",
    [
        "create temp table t (); insert into t default values; drop table t; VACUUM users;",
        "create temp table t (); VACUUM users; select 1 as t;",
        "create temp table t (); VACUUM users; create temp table t (); drop table t;",
        "create temp table t (); VACUUM users; with t as (select 1) select * from t;",
        "create temp table t (); VACUUM users; insert into public.t values (1);",
        "prepare p as select 1; execute p; deallocate p; VACUUM users; prepare p as select 2;",
        "VACUUM users; insert into t values (1); select lastval();",
        "VACUUM users; select nextval('s'); VACUUM users; select nextval('s'), lastval();",
        "select pg_advisory_lock(1); select pg_advisory_unlock(1); VACUUM users;",
        "select pg_advisory_xact_lock(1); VACUUM users;",
        "set local lock_timeout = '1s'; alter table t add a int; VACUUM users;",
        "begin; set local search_path = a; set constraints all deferred; commit; VACUUM users;",
        "VACUUM users; set local search_path = a; select 1;",
        "select set_config('a.b', 'c', 1 = 1);",
        "create function f() returns text return set_config('a', 'b', false); VACUUM users;",
        "create view v as select pg_advisory_lock(1); VACUUM users;",
        "select my.set_config('search_path', x, false) from y; VACUUM users;",
    ],
)
def test_what_nobody_misses_is_accepted(sql: str) -> None:
    assert _plan(sql)


@pytest.mark.parametrize(
    ("sql", "settings"),
    [
        ("set a.b = 1; set time zone 'UTC';", ["set a.b = 1", "set time zone 'UTC'"]),
        ("set work_mem = '1MB'; reset all; set a.b = 1;", ["set a.b = 1"]),
        ("set transaction isolation level serializable;", []),
        ("set session characteristics as transaction read write;",
         ["set session characteristics as transaction read write"]),
        ("load 'age';", ["load 'age'"]),
        ("select set_config('a.b', 'it''s', false), pay(), set_config('c', null, 'f'::bool);",
         ["SELECT pg_catalog.set_config('a.b', 'it''s', false)",
          "SELECT pg_catalog.set_config('c', NULL, false)"]),
    ],
)  # fmt: skip
def test_what_a_file_sets_is_repeated_and_nothing_else_of_it(sql: str, settings: list[str]) -> None:
    planned = _plan(f"begin; {sql} commit; VACUUM users;")
    assert [statement.text for statement in planned[-1].settings] == settings


@pytest.mark.parametrize(
    ("sql", "alone"),
    [
        ("do $$ begin commit; end $$;", True),
        ("do $$ begin if true then loop rollback; end loop; end if; end $$;", True),
        ("do $q$ begin commit; perform $$x$$; end $q$;", True),
        ("do language plpgsql 'begin commit; end';", True),
        ("do $$ begin perform 'commit'; /* rollback; */ end $$;", False),
        ("do $$ begin call p(); end $$;", False),
        ("do $$ begin this is no PL/pgSQL; commit; end $$;", False),
        ("do language plperl 'commit;';", False),
        ("call p();", False),
    ],
)
def test_a_do_that_says_commit_is_a_step_of_its_own(sql: str, *, alone: bool) -> None:
    planned = _plan(f"select 1; {sql} select 2;")
    assert [step.may_commit for step in planned] == ([False, True, False] if alone else [False])
    assert [step.may_commit for step in _plan(sql)] == [True]
    assert [step.may_commit for step in _plan(f"begin; {sql} commit;")] == [False]
