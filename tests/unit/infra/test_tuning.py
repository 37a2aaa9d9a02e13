"""Proposals: the formulas, Cloud SQL's limits, the memory, and the stack file."""

import re
import shutil
import stat
from pathlib import Path

import pytest

from infra.flags import compile_flags
from infra.flags.budget import Level
from infra.settings import SettingsError, load
from infra.stackfile import ROOT, read_config
from infra.tuning import clamp, pgtune, timescale
from infra.tuning.machine import Machine, Workload
from infra.tuning.propose import Tuning, propose, tune
from infra.tuning.stackflags import LayoutError, swap, with_flags
from ops.arguments import BadArgumentError
from ops.checks.result import State
from ops.tiers import parse_tier

STACKS = ("local", "staging", "prod")
TIERS = (
    "db-custom-1-3840",
    "db-custom-2-7680",
    "db-custom-4-15360",
    "db-custom-8-53248",
    "db-custom-16-61440",
    "db-custom-32-122880",
    "db-custom-96-638976",
)


def machine(tier: str, connections: int = 125, disk_gb: int = 100, *, ssd: bool = True) -> Machine:
    return Machine(parse_tier(tier), ssd, disk_gb, connections, "for a test")


def said(tier: str, workload: Workload, connections: int = 200) -> dict[str, str]:
    return {f.flag: f.value for f in pgtune.formulas(machine(tier, connections), workload)}


def proposed(on: Machine, workload: Workload, formulas: str = "pgtune") -> dict[str, str]:
    by_name = {"pgtune": pgtune.formulas, "timescaledb-tune": timescale.formulas}
    return {p.flag: p.value.value for p in propose(by_name[formulas](on, workload), (), on)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for stack in STACKS:
        shutil.copy(ROOT / f"Pulumi.{stack}.yaml", tmp_path)
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    return tmp_path


def test_the_formulas_are_pgtunes() -> None:
    """What pgtune gives for 16 GB, 8 vCPUs, SSD, 200 connections, in whole MB."""
    web = said("db-custom-8-16384", Workload.WEB)
    assert web == {
        "max_connections": "200",
        "shared_buffers": "4096MB",
        "effective_cache_size": "12288MB",
        "maintenance_work_mem": "1024MB",
        "work_mem": "19MB",  # (16384 - 4096) / (208 x 3)
        "wal_buffers": "16MB",
        "min_wal_size": "1GB",
        "max_wal_size": "4GB",
        "checkpoint_completion_target": "0.9",
        "wal_compression": "lz4",
        "default_statistics_target": "100",
        "random_page_cost": "1.1",
        "effective_io_concurrency": "200",
        "max_worker_processes": "8",
        "max_parallel_workers": "8",
        "max_parallel_workers_per_gather": "4",
        "max_parallel_maintenance_workers": "4",
    }
    warehouse = said("db-custom-16-106496", Workload.DW)
    assert warehouse["maintenance_work_mem"] == "8192MB"  # an eighth is more
    assert warehouse["autovacuum_work_mem"] == "2048MB"
    assert warehouse["autovacuum_max_workers"] == "4"
    assert warehouse["max_parallel_workers_per_gather"] == "8"
    assert warehouse["default_statistics_target"] == "500"
    assert (warehouse["min_wal_size"], warehouse["max_wal_size"]) == ("4GB", "16GB")
    small = said("db-custom-2-7680", Workload.MIXED)
    assert small["work_mem"] == "4MB"  # (7680 - 1920) / (208 x 3) / 2 = 4.6
    assert "max_worker_processes" not in small
    oltp = said("db-custom-32-122880", Workload.OLTP)
    assert (oltp["autovacuum_max_workers"], oltp["max_wal_size"]) == ("5", "8GB")


def test_a_spinning_disk_has_its_own_costs() -> None:
    on = machine("db-custom-2-7680", ssd=False)
    values = {f.flag: f.value for f in pgtune.formulas(on, Workload.WEB)}
    assert (values["random_page_cost"], values["effective_io_concurrency"]) == ("4", "2")


def test_timescaledb_tune_has_its_own_memory() -> None:
    on = machine("db-custom-4-15360", 100)
    values = {f.flag: (f.value, f.source) for f in timescale.formulas(on, Workload.WEB)}
    assert values["maintenance_work_mem"] == ("1920MB", "timescaledb-tune")  # 128 MB x 15
    assert values["work_mem"] == ("9MB", "timescaledb-tune")  # 15 x 128 MB / 100 / 2
    assert values["max_locks_per_transaction"] == ("128", "timescaledb-tune")
    assert values["shared_buffers"] == ("3840MB", "pgtune")
    tiny = machine("db-custom-1-3840", 1000)
    values = {f.flag: (f.value, f.source) for f in timescale.formulas(tiny, Workload.WEB)}
    assert values["work_mem"][0] == "491kB"
    large = machine("db-custom-8-53248")
    values = {f.flag: (f.value, f.source) for f in timescale.formulas(large, Workload.WEB)}
    assert values["maintenance_work_mem"][0] == "2047MB"
    assert values["max_locks_per_transaction"][0] == "512"


def test_cloud_sql_has_limits_of_its_own() -> None:
    on = machine("db-custom-4-15360")
    bounded = {p.flag: p for p in clamp.clamp(pgtune.formulas(on, Workload.DW), on) if p.bounded}
    assert set(bounded) == {
        "effective_cache_size",
        "max_worker_processes",
        "max_wal_size",
        "min_wal_size",
    }
    assert bounded["effective_cache_size"].value.words == "10.5 GB"  # 70 % of 15 GB
    assert bounded["effective_cache_size"].bounded == "Cloud SQL's most: 70 % of memory"
    assert bounded["max_worker_processes"].value.value == "8"
    assert bounded["max_worker_processes"].bounded == "Cloud SQL's least: its range"
    assert bounded["max_wal_size"].value.words == "10 GB"
    assert bounded["max_wal_size"].bounded == "10 % of the 100 GB disk"
    assert bounded["min_wal_size"].value.words == "2.5 GB"


def test_a_set_that_leaves_too_little_memory_is_lowered() -> None:
    on = machine("db-custom-1-3840", 600)
    found = {p.flag: p for p in propose(pgtune.formulas(on, Workload.DW), (), on)}
    assert found["work_mem"].value.words == "4 MB"
    assert found["autovacuum_work_mem"].bounded == "lowered to leave 10 % of memory free"
    assert found["autovacuum_work_mem"].value.words == "64 MB"
    on = machine("db-custom-1-3840", 300)
    found = {p.flag: p for p in propose(pgtune.formulas(on, Workload.DW), (), on)}
    budget = clamp.budget(tuple(found.values()), (), on)
    assert budget.level is Level.TYPICAL
    assert budget.percent > 89  # no lower than it has to be


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("workload", Workload)
@pytest.mark.parametrize("formulas", ["pgtune", "timescaledb-tune"])
def test_every_proposal_compiles_and_fits(tier: str, workload: Workload, formulas: str) -> None:
    on = machine(tier)
    flags, wrong = compile_flags(proposed(on, workload, formulas), on.memory_mb)
    assert not wrong
    assert {flag.name: flag.value for flag in flags} == proposed(on, workload, formulas)
    fitted = propose(pgtune.formulas(on, workload), (), on)
    assert clamp.budget(fitted, (), on).level in {Level.FITS, Level.TYPICAL}


def test_the_pool_says_how_many_connections() -> None:
    tuning = tune(load("prod"), "web")
    assert tuning.machine.connections == 125  # 100 / 80 %
    asked = tune(load("prod"), "web", connections="300")
    assert asked.machine.connections == 300
    assert asked.machine.why_connections == "as asked for"


@pytest.mark.parametrize("given", ["5", "-1", "many", "300000", "1e3"])
def test_connections_that_cloud_sql_would_refuse(given: str) -> None:
    with pytest.raises(BadArgumentError, match="from 14 to 262143"):
        tune(load("prod"), "web", connections=given)


def test_unknown_words_are_refused() -> None:
    with pytest.raises(BadArgumentError, match="web, oltp, dw, mixed"):
        tune(load("prod"), "olap")
    with pytest.raises(BadArgumentError, match="pgtune, timescaledb-tune"):
        tune(load("prod"), "web", formulas="mysqltuner")


def changed_lines(before: str, after: str) -> list[str]:
    kept = before.splitlines()
    return [line for line in after.splitlines() if line not in kept]


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("workload", ["web", "dw"])
def test_writing_changes_the_flags_alone(root: Path, stack: str, workload: str) -> None:
    path = root / f"Pulumi.{stack}.yaml"
    before = path.read_text()
    config = dict(read_config(stack, root))
    written = tune(load(stack, root), workload, write=True, root=root)
    after = path.read_text()
    assert written.written == path.name
    changed = changed_lines(before, after)
    assert len(changed) == len(written.differences) > 0
    names = {one.flag for one in written.differences}
    assert {line.split(":")[0].strip() for line in changed} == names
    assert [line for line in before.splitlines() if "#" in line] == [
        line for line in after.splitlines() if "#" in line
    ]
    now = dict(read_config(stack, root))
    assert now.pop("ai-square-db:flags") != config.pop("ai-square-db:flags")
    assert now == config
    again = tune(load(stack, root), workload, root=root)
    assert again.differences == ()
    assert again.budget == written.budget


@pytest.mark.parametrize("stack", STACKS)
def test_looking_writes_nothing(root: Path, stack: str) -> None:
    before = (root / f"Pulumi.{stack}.yaml").read_bytes()
    tuning = tune(load(stack, root), "oltp", root=root)
    assert tuning.differences
    assert tuning.written == ""
    assert (root / f"Pulumi.{stack}.yaml").read_bytes() == before
    assert sorted(p.name for p in root.iterdir()) == sorted(
        ["Pulumi.yaml", *(f"Pulumi.{name}.yaml" for name in STACKS)]
    )


def test_the_difference_says_what_restarts(root: Path) -> None:
    tuning = tune(load("prod", root), "web", root=root)
    by_name = {one.flag: one for one in tuning.differences}
    assert (by_name["shared_buffers"].now, by_name["shared_buffers"].proposed) == (
        "2.5GB",
        "1920MB",
    )
    assert tuning.restarts == ("max_connections", "shared_buffers")
    assert by_name["max_wal_size"].now == "unset (1GB)"
    assert "checkpoint_completion_target" not in by_name  # 0.9 by default
    assert "wal_buffers" not in by_name  # PostgreSQL chooses the same


def test_a_set_that_cannot_be_declared_is_not_written(root: Path) -> None:
    path = root / "Pulumi.local.yaml"
    before = path.read_text()
    looked = tune(load("local", root), "web", connections="2000", root=root)
    assert looked.state is State.FINDING
    assert "max_connections: 2000 with these flags needs" in looked.refused
    with pytest.raises(SettingsError, match="max_connections: 2000 with these flags needs"):
        tune(load("local", root), "web", connections="2000", write=True, root=root)
    assert path.read_text() == before


def test_people_read_where_to_deploy_it(root: Path) -> None:
    def last(tuning: Tuning) -> str:
        return str(tuning.blocks()[-1])

    assert last(tune(load("prod", root), "web", root=root)).startswith("Nothing was written")
    prod = tune(load("prod", root), "web", write=True, root=root)
    assert "Pulumi.prod.yaml. Nothing is deployed: `pulumi up -s prod` does that in the" in last(
        prod
    )
    local = tune(load("local", root), "web", write=True, root=root)
    assert "`invoke local.deploy -s local` does that" in last(local)


def test_a_file_keeps_its_lists_quotes_comments_and_width() -> None:
    text = (
        "# top\n"
        "config:\n"
        "  gcp:project: 'p'  # why\n"
        '  x:hours: "17:00-21:00"\n'
        f"  x:long: {'word ' * 60}end\n"
        "  x:list:\n"
        "    - one  # first\n"
        "    - two\n"
        "\n"
        "  # the flags\n"
        "  ai-square-db:flags:\n"
        "    work_mem: 8MB # small\n"
        "    log_lock_waits: on\n"
        "  x:after: true\n"
    )
    after = with_flags(text, {"work_mem": "16MB", "max_connections": "50"}, Path("x"))
    assert after == text.replace("8MB # small", "16MB # small").replace(
        "    log_lock_waits: on\n", "    log_lock_waits: on\n    max_connections: 50\n"
    )
    unindented = text.replace("    - one", "  - one").replace("    - two", "  - two")
    assert "work_mem: 16MB" in with_flags(unindented, {"work_mem": "16MB"}, Path("x"))


def test_a_layout_that_cannot_be_kept_is_left_alone() -> None:
    text = "config:\n      deep: 1\n      ai-square-db:flags:\n            work_mem: 8MB\n"
    with pytest.raises(LayoutError, match=re.escape("Pulumi.x.yaml is laid out")):
        with_flags(text, {"work_mem": "16MB"}, Path("Pulumi.x.yaml"))


def test_looking_minds_no_layout(root: Path) -> None:
    path = root / "Pulumi.local.yaml"
    lines = path.read_text().splitlines()
    path.write_text("".join(f"{line.replace('  ', '   ')}\n" for line in lines))
    assert tune(load("local", root), "web", root=root).differences
    with pytest.raises(LayoutError):
        tune(load("local", root), "web", write=True, root=root)


def test_a_file_without_flags_gets_them() -> None:
    after = with_flags("config:\n  gcp:project: p\n", {"work_mem": "16MB"}, Path("x"))
    assert after == "config:\n  gcp:project: p\n  ai-square-db:flags:\n    work_mem: 16MB\n"


def test_a_file_is_replaced_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text("old")
    path.chmod(0o640)
    swap(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with pytest.raises(UnicodeEncodeError):
        swap(path, "\udcff")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_disk_bounds_the_log_of_a_small_instance() -> None:
    found = {p.flag: p for p in tune(load("staging"), "dw").proposed}
    assert found["max_wal_size"].value.words == "2 GB"
    assert found["max_wal_size"].bounded == "10 % of the 20 GB disk"
