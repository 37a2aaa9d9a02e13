"""Statements that commit by themselves run once, whatever happens to their run."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest

from ops.db import Connection, Database
from ops.errors import BadInputError, OpsError
from ops.migrations import disagreements, runner, steps
from ops.migrations.answers import (
    Answers,
    BadAnswerError,
    NotPlannedError,
    TwoAnswersError,
    read_answers,
)
from ops.migrations.disagreements import UnfinishedStepError
from ops.migrations.failures import CommitsInTransactionError, StepFailedError
from ops.migrations.others import Connect
from ops.migrations.session import Limits, LockLostError
from tests.integration.migrations.conftest import Write

ROOT = Path(__file__).resolve().parents[3]
# Pays, commits, then needs a row that somebody else may have locked.
SETUP = """
create table acct (bal int); insert into acct values (0);
create table locked (id int); insert into locked values (1);
create procedure pay() language plpgsql as $$
begin
    update acct set bal = bal + 100; commit;
    update locked set id = id + 1;
end $$;
create procedure outer_pay() language plpgsql as $$ begin call pay(); end $$;
create procedure dynamic_pay() language plpgsql as $$ begin execute 'call pay()'; end $$;
create procedure swallow() language plpgsql as $$
begin
    update acct set bal = bal + 100;
    begin commit; exception when invalid_transaction_termination then null; end;
    update locked set id = id + 1;
end $$;
create procedure imitate() language plpgsql as $$
begin
    update acct set bal = bal + 100;
    raise exception 'not today' using errcode = '2D000';
end $$;
create procedure defined() language plpgsql security definer as $$
begin update acct set bal = bal + 100; commit; end $$;
create procedure plain() language plpgsql as $$
begin update acct set bal = bal + 100; update locked set id = id + 1; end $$;
create procedure fails() language plpgsql as $$
begin update acct set bal = bal + 100; commit; perform 1 / 0; end $$;
create procedure dies() language plpgsql as $$
begin
    update acct set bal = bal + 100; commit;
    perform pg_terminate_backend(pg_backend_pid());
end $$;
"""
DO_PAY = """do $$ begin
    update acct set bal = bal + 100; commit; update locked set id = id + 1;
end $$;"""
DONE = read_answers(rerun="", done="0001:1")
AGAIN = read_answers(rerun="1:1", done="")


@pytest.fixture
def bank(connect: Connect) -> Connect:
    with connect() as connection:
        connection.execute(SETUP.encode())
    return connect


def _file(sql: str, options: str = "transaction:false") -> str:
    return f'-- migrate:up {options}\n{sql}\n-- migrate:down irreversible:"money"\n'


def _balance(connect: Connect) -> int:
    with connect() as connection:
        row = connection.execute("select bal from acct").fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def _row_locked(connect: Connect) -> Iterator[Connection]:
    with connect() as other, other.transaction():
        other.execute("select from locked for update")
        yield other


@pytest.mark.parametrize(
    "sql",
    [
        "call pay();",
        DO_PAY,
        "call outer_pay();",
        "do 'begin call pay(); end';",
    ],
)
@pytest.mark.parametrize("options", ["transaction:false", ""])
def test_what_commits_by_itself_pays_once(
    bank: Connect, write: Write, hasty: Limits, sql: str, options: str
) -> None:
    migrations = write(_0001_a=_file(sql, options))
    with _row_locked(bank), pytest.raises(OpsError, match="commits by itself") as caught:
        runner.up(bank, migrations, limits=hasty)
    assert "--step-done 0001:1" in str(caught.value)
    assert "--rerun-step 0001:1" in str(caught.value)
    assert _balance(bank) == 100
    for _ in range(2):
        with pytest.raises(UnfinishedStepError, match=r"0001_a\.sql:2: step 1 of 1"):
            runner.up(bank, migrations, limits=hasty)
    assert _balance(bank) == 100
    runner.up(bank, migrations, answers=DONE)
    assert _balance(bank) == 100
    assert runner.up(bank, migrations).migrations == ()
    assert [e.standing.value for e in runner.status(bank, migrations).migrations] == ["applied"]


def test_it_is_applied_where_nothing_disturbs_it(bank: Connect, write: Write) -> None:
    migrations = write(_0001_a=_file(f"call pay();\n{DO_PAY}\ncall outer_pay();"))
    runner.up(bank, migrations)
    assert _balance(bank) == 300
    assert runner.up(bank, migrations).migrations == ()


def test_a_do_that_commits_is_a_step_of_its_own(connect: Connect, write: Write) -> None:
    sql = """
        create table counted (n int); insert into counted select generate_series(1, 1000);
        do $$ begin
            for part in 0..9 loop
                update counted set n = -n where n % 10 = part; commit;
            end loop;
        end $$;
        create table after_it (id int);
    """
    migrations = write(_0009_batches=(sql, "drop table after_it; drop table counted;"))
    plan = runner.plan_up(connect, migrations)
    assert [step.transaction_words for step in plan.steps] == ["yes", "unless it commits", "yes"]
    runner.up(connect, migrations)
    with connect() as connection:
        assert connection.execute("select count(*) from counted where n < 0").fetchone() == (1000,)


def test_a_procedure_that_does_not_commit_is_one_with_its_record(
    bank: Connect, write: Write, hasty: Limits
) -> None:
    migrations = write(_0001_a=_file("call plain();"))
    with ThreadPoolExecutor(1) as pool:
        with _row_locked(bank):
            running = pool.submit(
                runner.up, bank, migrations, limits=replace(hasty, tries=100, lock_most_ms=50)
            )
            Event().wait(0.4)
        assert running.result().migrations[0].tries > 1
    assert _balance(bank) == 100
    with bank() as connection:
        counted = connection.execute("select count(*) from ops.schema_migration_steps").fetchone()
        assert counted == (1,)


def test_a_handler_that_goes_on_without_its_commit_stays_in_the_transaction(
    bank: Connect, write: Write, hasty: Limits
) -> None:
    migrations = write(_0001_a=_file("call swallow();"))
    with _row_locked(bank), pytest.raises(OpsError, match="its lock was not free in 3 tries"):
        runner.up(bank, migrations, limits=hasty)
    assert _balance(bank) == 0
    runner.up(bank, migrations)
    assert _balance(bank) == 100


def test_its_own_2d000_is_an_error_like_any_other(bank: Connect, write: Write) -> None:
    migrations = write(_0001_a=_file("call imitate();"))
    for _ in range(2):
        with pytest.raises(StepFailedError, match=r"not today.*left nothing behind"):
            runner.up(bank, migrations)
    assert _balance(bank) == 0


@pytest.mark.parametrize("procedure", ["defined", "dynamic_pay"])
def test_a_commit_that_is_never_allowed_is_asked_about(
    bank: Connect, write: Write, procedure: str
) -> None:
    migrations = write(_0001_a=_file(f"call {procedure}();"))
    with pytest.raises(StepFailedError, match=r"invalid transaction termination.*--rerun-step"):
        runner.up(bank, migrations)
    with pytest.raises(UnfinishedStepError):
        runner.up(bank, migrations)
    assert _balance(bank) == 0


def test_a_commit_among_other_statements_takes_the_step_back_and_names_the_way(
    bank: Connect, write: Write
) -> None:
    for sql in ("create table b (id int);\ncall pay();", "begin;\ncall pay();\ncommit;"):
        migrations = write(_0001_a=_file(sql, ""))
        with pytest.raises(CommitsInTransactionError, match=r"0001_a\.sql:3: .*transaction:false"):
            runner.up(bank, migrations)
    assert _balance(bank) == 0
    assert len(runner.status(bank, migrations).migrations) == 1
    runner.up(bank, write(_0001_a=_file("create table b (id int);\ncall pay();")))
    assert _balance(bank) == 100


@pytest.mark.parametrize("procedure", ["fails", "dies"])
def test_an_end_in_the_middle_is_asked_about(bank: Connect, write: Write, procedure: str) -> None:
    migrations = write(_0001_a=_file(f"call {procedure}();"))
    with pytest.raises(OpsError, match="--step-done 0001:1"):
        runner.up(bank, migrations)
    with pytest.raises(UnfinishedStepError, match=f"call {procedure}"):
        runner.up(bank, migrations)
    with pytest.raises(UnfinishedStepError):
        runner.plan_up(bank, migrations)
    assert _balance(bank) == 100


def test_no_edit_of_the_file_takes_the_question_away(bank: Connect, write: Write) -> None:
    with pytest.raises(OpsError):
        runner.up(bank, write(_0001_a=_file("call fails();")))
    edits = (
        "create table b (id int);",
        "select 1; call fails();",
        "create index concurrently b_id on acct (bal);",
        "",
    )
    for sql in edits:
        with pytest.raises(UnfinishedStepError, match=r"call fails.*The file was changed since"):
            runner.up(bank, write(_0001_a=_file(sql)))
    edited = write(_0001_a=_file(edits[0]))
    with pytest.raises(disagreements.ChangedError):
        runner.up(bank, edited, answers=DONE)
    assert _balance(bank) == 100
    runner.up(bank, write(_0001_a=_file("call plain();")), answers=AGAIN)
    assert _balance(bank) == 200


def test_a_file_with_another_number_does_not_run_it_again(
    bank: Connect, write: Write, folder: Path
) -> None:
    with pytest.raises(OpsError):
        runner.up(bank, write(_0001_a=_file("call fails();")))
    (folder / "0001_a.sql").rename(folder / "0002_a.sql")
    for answers in (Answers(), DONE):
        with pytest.raises(UnfinishedStepError, match="has no file here"):
            runner.up(bank, write(), answers=answers)
    assert _balance(bank) == 100


def test_running_it_again_is_asked_about_again(bank: Connect, write: Write) -> None:
    migrations = write(_0001_a=_file("call fails();"))
    with pytest.raises(OpsError):
        runner.up(bank, migrations)
    with pytest.raises(OpsError, match="division by zero"):
        runner.up(bank, migrations, answers=AGAIN)
    with pytest.raises(UnfinishedStepError):
        runner.up(bank, migrations)
    assert _balance(bank) == 200


def test_an_answer_to_no_question_is_refused(bank: Connect, write: Write) -> None:
    migrations = write(_0001_a=_file("call pay();"))
    for answers in (
        DONE,
        AGAIN,
    ):
        with pytest.raises(BadInputError, match="1:1 is not unfinished"):
            runner.up(bank, migrations, answers=answers)
    assert _balance(bank) == 0


def test_the_way_back_pays_once_too(bank: Connect, write: Write, hasty: Limits) -> None:
    migrations = write(
        _0001_a="-- migrate:up\nselect 1;\n-- migrate:down transaction:false\ncall pay();\n"
    )
    runner.up(bank, migrations)
    with _row_locked(bank), pytest.raises(OpsError, match=r"migrate\.down --step-done 0001:1"):
        runner.down(bank, migrations, limits=hasty)
    with pytest.raises(UnfinishedStepError, match=r"migrate\.down --step-done 0001:1"):
        runner.down(bank, migrations)
    with pytest.raises(UnfinishedStepError, match=r"migrate\.down --step-done 0001:1"):
        runner.up(bank, migrations)
    runner.down(bank, migrations, answers=DONE)
    assert _balance(bank) == 100
    assert [e.standing.value for e in runner.status(bank, migrations).migrations] == ["pending"]


def test_a_step_that_an_older_program_began_is_asked_about(bank: Connect, write: Write) -> None:
    migrations = write(_0001_a=_file("call pay();"))
    with bank() as connection:
        runner.up(bank, ())
        connection.execute(
            "alter table ops.schema_migration_steps drop column once, drop column statement;"
            "insert into ops.schema_migration_steps (version, direction, step, checksum)"
            " values ('0001', 'up', 1, 'x')"
        )
    assert len(runner.status(bank, migrations).migrations) == 1
    with pytest.raises(UnfinishedStepError):
        runner.up(bank, migrations)
    assert _balance(bank) == 0


def test_a_step_whose_end_the_catalog_does_not_show_can_be_answered(
    bank: Connect, write: Write
) -> None:
    migrations = write(_0001_a=_file("vacuum acct;"))
    with bank() as connection:
        runner.up(bank, ())
        connection.execute(
            "insert into ops.schema_migration_steps (version, direction, step, checksum)"
            " values ('0001', 'up', 1, %s)",
            [steps.plan(migrations[0])[0].checksum],
        )
    runner.up(bank, migrations, answers=DONE)
    assert runner.up(bank, migrations).migrations == ()


@pytest.mark.parametrize("text", ["0001", "1:", ":1", "1:x", "0001/1", "1:1:1", "٣:1", "1:1,2:1"])
def test_an_answer_that_names_no_step_is_refused(text: str) -> None:
    with pytest.raises(BadAnswerError, match="0009:1"):
        read_answers(rerun=text, done="")
    with pytest.raises(BadAnswerError, match="--step-done"):
        read_answers(rerun="", done=text)
    with pytest.raises(TwoAnswersError):
        read_answers(rerun="0001_a:2", done="1:2")


def test_an_answer_is_not_lost_where_the_run_ends_before_it(bank: Connect, write: Write) -> None:
    first = _file("create table early (id int);")
    migrations = write(_0001_a=_file("call fails();"), _0000_z=first)
    with pytest.raises(OpsError):
        runner.up(bank, migrations)
    for answers in (DONE, AGAIN):
        with pytest.raises(NotPlannedError, match="1:1 has an answer"):
            runner.up(bank, migrations, to="0000", answers=answers)
    with pytest.raises(UnfinishedStepError):
        runner.up(bank, migrations)
    plan = runner.plan_up(bank, migrations, answers=DONE)
    assert [step.transaction_words for step in plan.steps] == ["is recorded only"]


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_one_is_asked_about(
    bank: Connect, write: Write, database: Database, folder: Path, signal_: signal.Signals
) -> None:
    sleep_ = "do $$ begin update acct set bal = bal + 100; commit; perform pg_sleep(60); end $$;"
    migrations = write(_0001_a=_file(sleep_))
    arguments = [database.host, database.name, str(folder)]
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.migrations.run_up", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with child:
        end = monotonic() + 30
        while _balance(bank) == 0:
            assert monotonic() < end
            sleep(0.05)
        child.send_signal(signal_)
        output, _ = child.communicate(timeout=30)
    assert "interrupted. `do $$ begin update acct" in output
    assert "--step-done 0001:1" in output
    with pytest.raises(UnfinishedStepError):
        runner.up(bank, migrations)
    assert _balance(bank) == 100


def test_one_that_ended_is_recorded_though_the_lock_beside_was_lost(
    bank: Connect, write: Write
) -> None:
    end_others = """
        call pay();
        select pg_terminate_backend(pid) from pg_locks
         where locktype = 'advisory' and pid <> pg_backend_pid();
    """
    text = f"do $$ begin {end_others.replace('select', 'perform')} end $$;"
    migrations = write(_0001_a=_file(f"{text} select 1;"))
    with pytest.raises(LockLostError):
        runner.up(bank, migrations)
    assert len(runner.up(bank, migrations).migrations) == 1
    assert _balance(bank) == 100
