"""``invoke flags.check`` and ``flags.explain``: on the real stacks, and when it goes wrong."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.desired import INSTANCE, collect
from infra.flags import FlagWord, UnknownFlagError, catalogue, compile_flags
from infra.flags.check import FlagCheck, check, check_on
from infra.flags.explain import explain
from infra.flags.proof import Prover, prover
from infra.settings import Settings, load
from infra.settings.validation import validate
from infra.stackfile import ROOT, read_config
from ops.checks.result import State, exit_code
from ops.console import Silent, Table, to_json
from ops.errors import ExitCode
from ops.programs import ProgramsMissingError, find

INVOKE = (str(Path(sys.executable).with_name("invoke")),)


@pytest.fixture(scope="module")
def on() -> Iterator[Prover]:
    try:
        programs = find(15)
    except ProgramsMissingError as error:
        pytest.skip(str(error))
    with prover(programs) as made:
        yield made


def declaring(words: dict[str, FlagWord]) -> Settings:
    """Return production's settings with other flags, past what settings would refuse."""
    settings = load("prod")
    flags, wrong = compile_flags(words)
    assert not wrong
    return replace(settings, instance=replace(settings.instance, flags=flags))


def verdicts(answer: FlagCheck) -> dict[str, tuple[State, str]]:
    return {v.flag: (v.state, v.why) for v in answer.checked[0].verdicts}


@pytest.mark.parametrize("stack", ["prod", "staging", "local"])
def test_every_flag_of_a_stack_is_proven_with_what_cloud_sql_would_receive(
    on: Prover, stack: str
) -> None:
    answer = check_on(load(stack), on)
    assert answer.state is State.OK
    (one,) = answer.checked
    assert one.proof is not None
    assert one.proof.started
    sent = {
        flag["name"]: flag["value"]
        for resource in collect(load(stack)).of_type(INSTANCE)
        for flag in resource.inputs["settings"]["databaseFlags"]
    }
    assert {v.flag: v.value for v in one.verdicts} == sent
    own = {v.flag for v in one.verdicts if v.state is State.NOT_APPLICABLE}
    assert all(name.startswith("cloudsql.") for name in own)


def test_replicas_are_proven_too(on: Prover) -> None:
    reader = {"reader": {"flags": {"work_mem": "16MB"}}}
    settings = validate("prod", {**read_config("prod"), "ai-square-db:replicas": reader})
    answer = check_on(settings, on)
    primary, replica = answer.checked
    assert replica.instance == f"{primary.instance}-reader"
    values = {v.flag: v.told for v in replica.verdicts}
    assert values["work_mem"] == "16384 (16 MB)"
    assert {v.flag: v.told for v in primary.verdicts}["work_mem"] != values["work_mem"]
    assert answer.state is State.OK


@pytest.mark.parametrize("name", ["autovacuum", "track_counts"])
def test_a_set_that_stops_autovacuum_is_a_finding(on: Prover, name: str) -> None:
    answer = check_on(declaring({name: "off"}), on)
    assert exit_code(answer.state) is ExitCode.FINDING
    assert verdicts(answer)[name] == (State.OK, "as declared")
    assert f"{name} is off: " in "".join(str(block) for block in answer.blocks())


def test_the_memory_is_shown_by_part_with_what_is_assumed(on: Prover) -> None:
    blocks = check_on(load("prod"), on).blocks()
    (table,) = [b for b in blocks if isinstance(b, Table) and b.columns[0] == "part"]
    assert {"temp_buffers", "parallel workers", "maintenance by hand"} <= {r[0] for r in table.rows}
    text = " ".join(block for block in blocks if isinstance(block, str))
    for words in ("In typical use the", "In the worst case they", "use only.", "Not counted: "):
        assert words in text


def test_a_set_that_postgresql_refuses_is_a_finding(on: Prover) -> None:
    """Each is in range, but together with the other processes it is one too many."""
    answer = check_on(declaring({"max_connections": 262143, "work_mem": "8MB"}), on)
    assert exit_code(answer.state) is ExitCode.FINDING
    state, why = verdicts(answer)["max_connections"]
    assert state is State.FINDING
    assert "invalid value for parameter" in why
    assert verdicts(answer)["work_mem"][0] is State.UNKNOWN
    assert f"PostgreSQL {find(15).version} refuses the set: invalid" in answer.checked[0].how


def test_a_refused_set_taints_no_other(on: Prover) -> None:
    settings = declaring({"max_connections": 262143})
    (wrong,) = settings.instance.flags
    (good,) = declaring({"work_mem": "8MB"}).instance.flags
    assert [on.prove([flag]).refused != "" for flag in (wrong, good)] == [True, False]


def test_a_set_too_large_for_this_machine_is_asked_and_not_started(on: Prover) -> None:
    answer = check_on(declaring({"shared_buffers": "4TB", "work_mem": "8MB"}), on)
    assert answer.state is State.OK
    assert "was asked with `postgres -C`, not started" in answer.checked[0].how
    assert {v.told for v in answer.checked[0].verdicts} == {"536870912 (4 TB)", "8192 (8 MB)"}


def test_what_no_module_of_this_machine_owns_is_unknown(on: Prover) -> None:
    if on.cluster.has_library("pgaudit"):
        pytest.skip("pgaudit is installed here")
    words: dict[str, FlagWord] = {
        "cloudsql.enable_pgaudit": "on",
        "cloudsql.enable_auto_explain": "on",
        "auto_explain.log_min_duration": "1s",
        "pgaudit.log": "ddl,write",
        "lock_timeout": "5s",
    }
    answer = check_on(declaring(words), on)
    assert exit_code(answer.state) is ExitCode.UNKNOWN
    assert verdicts(answer) == {
        "auto_explain.log_min_duration": (State.OK, "as declared"),
        "cloudsql.enable_auto_explain": (State.NOT_APPLICABLE, "Cloud SQL's own"),
        "cloudsql.enable_pgaudit": (State.NOT_APPLICABLE, "Cloud SQL's own"),
        "lock_timeout": (State.OK, "as declared"),
        "pgaudit.log": (State.UNKNOWN, "not proven: no pgaudit here"),
    }


def test_without_a_postgresql_of_the_major_nothing_is_proven() -> None:
    settings = load("prod")
    future = replace(settings, instance=replace(settings.instance, database_version="POSTGRES_99"))
    answer = check(future, Silent())
    assert exit_code(answer.state) is ExitCode.UNKNOWN
    assert "apt-get install postgresql-99" in answer.remedy
    assert {v.why for v in answer.checked[0].verdicts} == {"not proven: no PostgreSQL here"}
    told = json.loads(to_json(answer))
    assert told["state"] == "unknown"
    assert told["instances"][0]["started"] is False


def test_people_read_a_table_that_fits(on: Prover) -> None:
    blocks = check_on(load("prod"), on).blocks()
    table, memory = (block for block in blocks if isinstance(block, Table))
    assert memory.columns == ("part", "typical", "worst case", "how")
    widths = [max(len(str(row[i])) for row in (table.columns, *table.rows)) for i in range(5)]
    assert sum(widths) + 3 * 4 <= 100
    assert str(blocks[0]) == "ai-square-db-prod on db-custom-2-7680"
    assert "was started with the set" in str(blocks[1])
    assert all(len(line) <= 100 for block in blocks if isinstance(block, str) for line in [block])
    assert " 0 are not, 0 could not be proven," in str(blocks[-1])


def test_explains_a_flag() -> None:
    facts = explain(load("prod"), "shared_buffers")
    assert facts.range == "768 MB to 4.5 GB"
    assert facts.default == "about 2.48 GB by the tier's memory (PostgreSQL's own: 128 MB)"
    assert facts.restart
    assert (facts.declared, facts.value) == ("2.5 GB", "327680")
    assert facts.unit.startswith("8kB; write it with TB, GB")
    (table,) = facts.blocks()
    assert isinstance(table, Table)
    assert ("this stack declares", "2.5 GB (the API's 327680)") in table.rows
    nothing = explain(load("local"), "temp_file_limit")
    assert (nothing.range, nothing.declared) == ("1 GB to 2 TB", "")
    with pytest.raises(UnknownFlagError, match=r"Did you mean shared_buffers\?"):
        explain(load("prod"), "shared_bufers")


def test_every_flag_can_be_explained() -> None:
    settings = load("prod")
    for name in catalogue():
        facts = explain(settings, name)
        assert facts.range, name
        assert facts.source, name
        assert facts.default, name


def test_ctrl_c_leaves_nothing() -> None:
    task = subprocess.Popen(
        [*INVOKE, "flags.check", "-s", "prod"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    folder = None
    while folder is None and task.poll() is None:
        folder = _scratch_of(task.pid)
        time.sleep(0.01)
    assert folder is not None
    task.send_signal(signal.SIGINT)
    _, said = task.communicate(timeout=30)
    assert task.returncode == ExitCode.INTERRUPTED
    assert said.endswith("Interrupted.\n")
    assert not folder.exists()


def _scratch_of(pid: int) -> Path | None:
    """Return the folder that a process's children work in: others run tests here too."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(OSError):
            folder = Path(f"/proc/{child}/cwd").readlink()
            if folder.name.startswith("pg-scratch-"):
                return folder
    return None
