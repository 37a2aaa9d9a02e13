import pytest

from ops.errors import BadInputError
from ops.migrations import errors, files, steps
from ops.migrations.locks import LockMode
from ops.migrations.steps import Direction, Patience, Step

CIC = "create index concurrently i on t(a);"


def _plan(sql: str, options: str = "") -> tuple[Step, ...]:
    return steps.plan(files.parse_text("0001_x.sql", f"-- migrate:up {options}\n{sql}"))


def _shape(planned: tuple[Step, ...]) -> list[tuple[int, bool]]:
    return [(len(step.statements), step.transactional) for step in planned]


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        ("create table t(a int); comment on table t is 'x';", [(2, True)]),
        (
            f"create table t(a int); {CIC} create table u(a int);",
            [(1, True), (1, False), (1, True)],
        ),
        ("begin; select 1; select 2; commit; select 3;", [(2, True), (1, True)]),
        (
            "alter type m add value 'x'; insert into t values ('x');",
            [(1, True), (1, True)],
        ),
        ("alter type m add value 'x'; insert into t values ('y');", [(2, True)]),
        ("vacuum t; analyze t;", [(1, False), (1, True)]),
    ],
)
def test_a_file_is_cut_into_transactions_and_single_statements(
    sql: str, shape: list[tuple[int, bool]]
) -> None:
    assert _shape(_plan(sql)) == shape


def test_without_a_transaction_every_statement_has_its_own() -> None:
    planned = _plan("create table t(a int); call p(); do $$begin end$$;", "transaction:false")
    assert _shape(planned) == [(1, True), (1, True), (1, True)]
    assert [step.may_commit for step in planned] == [False, True, True]


@pytest.mark.parametrize(
    "sql",
    [
        CIC,
        "drop index concurrently i;",
        "reindex index concurrently i;",
        "reindex (concurrently) table t;",
        "reindex schema s;",
        "vacuum t;",
        "cluster;",
        "alter table t detach partition p concurrently;",
        "create database d;",
        "drop database d;",
        "alter database d set tablespace s;",
        "alter system set work_mem = '8MB';",
        "create tablespace s location '/x';",
        "drop tablespace s;",
        "create subscription s connection '' publication p;",
        "drop subscription s;",
    ],
)
def test_what_postgresql_refuses_in_a_transaction_stands_alone(sql: str) -> None:
    assert _shape(_plan(f"select 1; {sql}")) == [(1, True), (1, False)]
    with pytest.raises(errors.AloneInTransactionError, match="Remove BEGIN and COMMIT"):
        _plan(f"begin; select 1; {sql} commit;")


@pytest.mark.parametrize(
    "sql",
    ["reindex table t;", "cluster t;", "drop index i;", "reindex (concurrently off) table t;"],
)
def test_their_plain_forms_run_in_a_transaction(sql: str) -> None:
    assert _shape(_plan(sql)) == [(1, True)]


@pytest.mark.parametrize(
    ("sql", "error", "words"),
    [
        ("select 1; commit;", errors.StrayTransactionError, "no BEGIN opened"),
        ("begin;\nselect 1;", errors.StrayTransactionError, ":2: begin has no COMMIT"),
        ("begin; begin; commit;", errors.StrayTransactionError, "inside the transaction"),
        ("begin; rollback;", errors.StrayTransactionError, "can't be part"),
        ("begin isolation level serializable; commit;", errors.StrayTransactionError, "isolation"),
        ("create index concurrently on t(a);", errors.UnnamedIndexError, "Name the index"),
        ("copy t from stdin;", errors.ClientCommandError, "copy t from stdin"),
        ("discard all;", errors.ClientCommandError, "discard all"),
        (
            "begin; alter type m add value 'x';\ninsert into t values ('x'); commit;",
            errors.ValueUsedTooSoonError,
            ":3:",
        ),
    ],
)
def test_what_would_break_the_runner_is_refused(
    sql: str, error: type[BadInputError], words: str
) -> None:
    with pytest.raises(error) as caught:
        _plan(sql)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "lock", "patience"),
    [
        ("create table n(a int);", LockMode.NONE, Patience.ROWS),
        ("create table n(a int references t(a));", LockMode.SHARE_ROW_EXCLUSIVE, Patience.SHORT),
        ("alter table t add a int;", LockMode.ACCESS_EXCLUSIVE, Patience.SHORT),
        (
            "alter table t add foreign key (a) references u(a) not valid;",
            LockMode.SHARE_ROW_EXCLUSIVE,
            Patience.SHORT,
        ),
        ("alter table t validate constraint c;", LockMode.SHARE_UPDATE_EXCLUSIVE, Patience.LONG),
        ("create index i on t(a);", LockMode.SHARE, Patience.SHORT),
        (CIC, LockMode.SHARE_UPDATE_EXCLUSIVE, Patience.LONG),
        ("vacuum full t;", LockMode.ACCESS_EXCLUSIVE, Patience.SHORT),
        ("update t set a = 1;", LockMode.ROW_EXCLUSIVE, Patience.ROWS),
        ("lock table t in exclusive mode;", LockMode.EXCLUSIVE, Patience.SHORT),
        ("drop function f();", LockMode.NONE, Patience.ROWS),
        ("do $$begin end$$;", LockMode.ACCESS_EXCLUSIVE, Patience.SHORT),
    ],
)
def test_a_step_waits_as_its_strongest_lock_allows(
    sql: str, lock: LockMode, patience: Patience
) -> None:
    (step,) = _plan(sql)
    assert (step.lock, step.patience) == (lock, patience)


def test_settings_of_earlier_steps_come_along() -> None:
    planned = _plan(f"set search_path = a; set local work_mem = '1GB'; {CIC} select 1;")
    assert [s.text for s in planned[1].settings] == ["set search_path = a"]
    assert planned[2].settings == planned[1].settings


def test_the_authors_timeout_replaces_the_standard_one() -> None:
    assert [s.statement_timeout_ms for s in _plan(CIC, "timeout:3h")] == [3 * 3_600_000]


def test_a_missing_down_has_no_steps() -> None:
    migration = files.parse_text("1_x.sql", "-- migrate:up\nselect 1;")
    assert steps.plan(migration, Direction.DOWN) == ()
