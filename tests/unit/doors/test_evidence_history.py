"""The history of drills: read whatever wrote it, growth and age told, nothing skipped."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops.arguments import BadArgumentError
from ops.checks.result import CheckResult, State
from ops.console import WIDTH, Console, Format
from ops.evidence import Evidence, account, history, key, trend, write
from ops.evidence.account import DamagedRecordError, NoSuchRecordError
from ops.evidence.history import Entry, parse
from ops.evidence.identity import Identity
from ops.measures import Measure
from ops.store import FolderStore

KIND = "restore-drill"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
FAILOVER: dict[str, Any] = {"total": None, "gap_ms": 812.5, "lost": 0, "reconnect_ms": 1500}


def drill(
    run: str, days: float = 0, total: float | None = 60.0, **changed: object
) -> dict[str, Any]:
    """Return a record as a drill leaves it, so many days old."""
    ended = NOW - timedelta(days=days)
    told = {
        "verdict": "pass",
        "run": run,
        "stack": "prod",
        "source": "db-prod",
        "started": (ended - timedelta(minutes=5)).isoformat(),
        "ended": ended.isoformat(),
        "backups": [{"id": "17"}],
        "checks": [
            {"copy": "clone", "check": "content", "state": "ok", "examined": 3, "total": 3},
            {"copy": "clone", "check": "sequence_reach", "state": "not applicable"},
        ],
        "rto_s": None if total is None else {"queue": 1.0, "restore": total - 1, "total": total},
        "rpo_s": 2.5,
        "injected": "",
        **changed,
    }
    return {"format": 2, "who": "root", "where": "host", "targets": {"rto_s": 90}, "drill": told}


def put(store: FolderStore, *records: dict[str, Any], kind: str = KIND) -> None:
    for document in records:
        store.put(key(kind, str(document["drill"]["run"])), json.dumps(document).encode())


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def entries(*totals: float | None) -> tuple[Entry, ...]:
    """Return drills with these times, the newest first."""
    made = []
    for number, total in enumerate(totals):
        one = parse(KIND, f"r{number}", json.dumps(drill(f"r{number}", number, total)).encode())
        assert isinstance(one, Entry)
        made.append(one)
    return tuple(made)


def test_a_record_is_read_whole() -> None:
    one = parse(KIND, "evidence/restore-drill/r1.json", json.dumps(drill("r1")).encode())
    assert isinstance(one, Entry)
    assert one.ended == NOW
    assert one.measures == {"rto": Measure(60.0, "s", 90), "rpo": Measure(2.5, "s")}
    assert one.phases_s == ({"queue": 1.0, "restore": 59.0})
    assert (one.backups, one.who, one.targets) == (("17",), "root", {"rto_s": 90})
    assert one.passed
    assert one.faults == ()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[]", b"null", b'"x"', b'{"drill": 1}', b'{"drill": {}}', b"[" * 99999],
)
def test_what_is_no_record_is_told(content: bytes) -> None:
    assert isinstance(parse(KIND, "k", content), str)


@pytest.mark.parametrize(
    "changed",
    [
        {"rto_s": "fast", "rpo_s": [], "checks": "all", "backups": {"id": 1}, "phases_s": [1]},
        {
            "rto_s": {"total": 10**400},
            "rpo_s": float("nan"),
            "checks": [1, None, {}],
            "backups": [7],
        },
        {"ended": "yesterday", "started": 5, "rto_s": {"total": True}, "leftovers": None},
    ],
)
def test_a_record_with_other_things_in_it_is_read_as_far_as_it_goes(
    changed: dict[str, Any],
) -> None:
    one = parse(KIND, "k", json.dumps(drill("r1", **changed)).encode())
    assert isinstance(one, Entry)
    assert one.verdict == "pass"
    assert trend.time_s(one) is None
    account.EvidenceReport(one, "here").blocks()


def test_a_failover_is_a_drill_too() -> None:
    told = drill("f1", **FAILOVER)
    one = parse("failover-drill", "k", json.dumps(told).encode())
    assert isinstance(one, Entry)
    values = {name: measure.value for name, measure in one.measures.items()}
    assert values == {
        "rto": None,
        "rpo": 2.5,
        "write_gap": 812.5,
        "commits_lost": 0,
        "reconnect": 1500,
    }
    assert trend.time_s(one) == 0.8125


def test_the_newest_pass_is_found_however_old(store: FolderStore) -> None:
    put(store, drill("a1", 9), drill("a2", 2, verdict="fail"), drill("a3", 1, verdict="unknown"))
    put(store, drill("a0", 10))
    found = history.read(store, KIND, 2)
    assert [one.run for one in found.entries] == ["a3", "a2", "a1"]
    assert found.total == 4
    assert [one.run for one in history.read(store, KIND).entries] == ["a3", "a2", "a1", "a0"]


@pytest.mark.parametrize(
    ("days", "limit", "state"),
    [
        (7.9, 8, State.OK),
        (8.1, 8, State.FINDING),
        (99, 0, State.NOT_APPLICABLE),
        (-1, 8, State.UNKNOWN),
    ],
)
def test_a_pass_grows_too_old(store: FolderStore, days: float, limit: int, state: State) -> None:
    put(store, drill("a1", days))
    assert trend.stale(history.read(store, KIND), NOW, days=limit).state is state


@pytest.mark.parametrize("changed", [{"verdict": "fail"}, {"injected": "lost-table"}])
def test_only_a_pass_counts(store: FolderStore, changed: dict[str, Any]) -> None:
    put(store, drill("a1", **changed))
    told = trend.stale(history.read(store, KIND), NOW, days=8)
    assert told.state is State.FINDING
    assert "ever passed; records: 1" in told.detail
    assert "invoke restore-drill" in told.remedy


def test_no_record_is_a_finding(store: FolderStore) -> None:
    report = account.tell(store, KIND, last=5, days=8, now=NOW)
    assert report.state is State.FINDING
    assert "none was ever recorded" in report.checks[0].detail


def grown(*totals: float | None, **thresholds: float) -> CheckResult:
    return trend.growth(entries(*totals), **thresholds)  # type: ignore[arg-type]  # by name


def test_growth_is_told_against_the_median() -> None:
    assert grown(100, 60, 61, 59).state is State.FINDING
    assert grown(100, 60, 61, 59).differences == ("restore: 99.0 s, was 59.0 s",)
    assert grown(80, 60, 61, 59).state is State.OK  # neither half as much again
    assert grown(20, 8, 8, 8).state is State.OK  # nor half a minute more
    assert grown(100, 60, 300, 59, 61, 60).state is State.FINDING  # one slow drill hides nothing
    assert grown(60, 300, 60, 60).state is State.OK
    assert grown(80, 60, 61, 59, ratio=1.2, floor_s=5).state is State.FINDING


@pytest.mark.parametrize("totals", [(), (60,), (100, 60, 60), (None, None, None, None)])
def test_growth_takes_some_drills_to_tell(totals: tuple[float | None, ...]) -> None:
    told = grown(*totals)
    assert told.state is State.NOT_APPLICABLE
    assert "too few to tell" in told.detail


def test_drills_that_did_not_pass_have_no_part_in_growth() -> None:
    one, *rest = entries(60, 60, 60, 60, 60)
    slow = parse(KIND, "k", json.dumps(drill("x", total=900, verdict="fail")).encode())
    assert isinstance(slow, Entry)
    assert trend.growth((slow, one, *rest)).state is State.OK


def test_growth_is_the_same_however_many_are_shown(store: FolderStore) -> None:
    failed = [drill(f"r9{n}", n, verdict="fail") for n in range(4)]
    put(store, *failed, *(drill(f"r8{n}", 10 + n, 60) for n in range(4)))
    shown = [
        trend.growth(history.read(store, KIND, last).passes).detail for last in (1, 4, 20, 200)
    ]
    assert len(set(shown)) == 1
    assert "median of 3" in shown[0]


def test_injected_faults_have_no_part_in_passes(store: FolderStore) -> None:
    put(store, drill("r2", 1, 900, injected="lost-row"), drill("r1", 30, 60))
    told = history.read(store, KIND)
    assert [one.run for one in told.passes] == ["r1"]
    assert trend.stale(told, NOW, days=8).state is State.FINDING


def test_older_records_say_what_of_their_backups_was_not_compared() -> None:
    one = parse(KIND, "k", json.dumps(drill("r1")).encode())
    assert isinstance(one, Entry)
    assert one.not_compared == ("the rows of backup run 17 with those that were backed up",)
    two = parse(KIND, "k", json.dumps(drill("r1", not_compared=["x"])).encode())
    assert isinstance(two, Entry)
    assert two.not_compared == ("x",)


def test_the_table_fits_and_damaged_records_are_counted(store: FolderStore) -> None:
    bad = [
        {"copy": "backup 2", "check": name, "state": "finding"}
        for name in ("sequence_definitions", "large_objects", "other_objects")
    ]
    put(store, *(drill(f"26050{n}030405-ab1{n}", n) for n in range(1, 7)))
    put(store, drill("260507030405-ab17", 7, verdict="fail", checks=bad))
    put(store, drill("260509030405-ab12", verdict="fail", checks=bad, injected="silent-wal-gap"))
    store.put(key(KIND, "260508030405-ab12"), b"{")
    report = account.tell(store, KIND, last=20, days=8, now=NOW)
    out = io.StringIO()
    Console(Format.TABLE, out).show(report)
    text = out.getvalue()
    assert all(len(line) <= WIDTH for line in text.splitlines()), text
    assert "1 of 9 records can't be read" in text
    assert "put in silent-wal-gap" in text
    assert "260509030405-ab12  " in text  # whole, to be copied
    assert "backup2sequencedefinitionsand2more" in "".join(text.split())  # folded
    assert report.state is State.FINDING  # the records are in no chain
    machines = json.loads(json.dumps(report.document(), default=str))
    assert len(machines["drills"]) == 8
    assert list(machines["unreadable"]) == [key(KIND, "260508030405-ab12")]


def test_one_record_is_told_in_brief(store: FolderStore) -> None:
    put(store, drill("a1"), drill("a2", rpo_s=None))
    assert account.read_entry(store, KIND, "").run == "a2"
    entry = account.read_entry(store, KIND, "a1")
    lines = account.EvidenceReport(entry, "here").blocks()
    assert "RTO: 60 s (target 90 s)" in lines
    assert "RPO: 2.5 s" in lines
    assert "Checks: 1 of 1 ok, 1 not applicable" in lines
    assert f"SHA-256: {entry.sha256}" in lines
    with pytest.raises(NoSuchRecordError, match="of the restore-drill b7"):
        account.read_entry(store, KIND, "b7")
    with pytest.raises(NoSuchRecordError, match="of any failover-drill"):
        account.read_entry(store, "failover-drill", "")
    store.put(key(KIND, "a3"), b"{")
    with pytest.raises(DamagedRecordError, match=r"a3\.json"):
        account.read_entry(store, KIND, "")


@pytest.mark.parametrize("given", ["0", "-1", "x", "1.5", "²"])
def test_a_number_has_to_be_one(given: str) -> None:
    assert account.number("--last", "", 20) == 20
    with pytest.raises(BadArgumentError, match="--last"):
        account.number("--last", given, 20)


CREATED = NOW - timedelta(days=100)
WHOSE = Identity("db-prod", "p", CREATED)
OTHER_INSTANCES: dict[str, dict[str, Any]] = {
    "another name": {"name": "db-old", "project": "p", "created": CREATED.isoformat()},
    "another project": {"name": "db-prod", "project": "q", "created": CREATED.isoformat()},
    "made anew": {
        "name": "db-prod",
        "project": "p",
        "created": (CREATED - timedelta(seconds=1)).isoformat(),
    },
}


@pytest.mark.parametrize("recorded", OTHER_INSTANCES.values(), ids=OTHER_INSTANCES.keys())
def test_drills_of_another_instance_count_for_nothing(
    store: FolderStore, recorded: dict[str, Any]
) -> None:
    put(store, *(drill(f"a{n}", n) for n in range(1, 7)))
    for name in store.keys("evidence"):
        stored = store.get(name)
        assert stored is not None
        store.put(name, json.dumps({**json.loads(stored.content), "instance": recorded}).encode())
    told = history.read(store, KIND, identity=WHOSE)
    assert told.passes == ()
    assert all(entry.elsewhere for entry in told.entries)
    stale = trend.stale(told, NOW, days=8)
    assert (stale.state, "of db-prod ever passed" in stale.detail) == (State.FINDING, True)
    assert trend.growth(told.passes).state is State.NOT_APPLICABLE
    of = trend.instance(told)
    assert (of.state, len(of.differences)) == (State.UNKNOWN, 6)
    assert history.read(store, KIND).passes  # nobody asked whose


@pytest.mark.parametrize("recorded", OTHER_INSTANCES.values(), ids=OTHER_INSTANCES.keys())
def test_failovers_of_another_instance_prove_nothing(
    store: FolderStore, recorded: dict[str, Any]
) -> None:
    other = Identity(
        recorded["name"], recorded["project"], datetime.fromisoformat(recorded["created"])
    )
    kind, facts = "failover-drill", drill("a1", 1, **FAILOVER)["drill"]
    write(store, Evidence(kind, "a1", "A drill", facts, (), {}, {}, other))
    report = account.tell(store, kind, last=20, days=0, now=NOW, identity=WHOSE, stack="prod")
    assert report.state is State.UNKNOWN
    (unknown,) = (check for check in report.checks if check.state is State.UNKNOWN)
    assert "nothing is proven of it" in unknown.detail
    facts = drill("a2", 1, **FAILOVER)["drill"]
    write(store, Evidence(kind, "a2", "A drill", facts, (), {}, {}, WHOSE))
    report = account.tell(store, kind, last=20, days=0, now=NOW, identity=WHOSE, stack="prod")
    assert report.state is State.OK
    assert [entry.run for entry in report.history.passes] == ["a2"]


def test_drills_of_the_instance_as_it_is_count(store: FolderStore) -> None:
    put(store, drill("a1", 2), drill("a2", 1, source="db-old"))
    told = history.read(store, KIND, identity=WHOSE)
    assert [entry.run for entry in told.passes] == ["a1"]
    of = trend.instance(told)
    assert of.state is State.OK
    assert "1 of other instances count for nothing; 1 older ones" in of.detail
    assert of.differences == ("a2: db-old",)
    newer = replace(WHOSE, created=NOW)  # made anew since, under the same name
    assert history.read(store, KIND, identity=newer).passes == ()


def test_an_api_that_does_not_answer_leaves_the_instance_unknown(store: FolderStore) -> None:
    put(store, drill("a1", 2))
    whose = Identity("db-prod", "p", None, "The API does not answer.")
    told = history.read(store, KIND, identity=whose)
    assert trend.instance(told).state is State.UNKNOWN
    assert "does not answer" in trend.instance(told).detail


def test_a_pass_that_its_checks_contradict_counts_for_nothing(store: FolderStore) -> None:
    put(store, drill("a1", 1, checks=[{"check": "rows", "state": "finding"}]))
    assert history.read(store, KIND).passes == ()
    assert trend.stale(history.read(store, KIND), NOW, days=8).state is State.FINDING


@pytest.mark.parametrize("kind", [KIND, "failover-drill"])
def test_the_history_of_a_broken_chain_is_a_finding(store: FolderStore, kind: str) -> None:
    for name in ("a1", "a2"):
        facts = drill(name, 1, **({} if kind == KIND else FAILOVER))["drill"]
        write(store, Evidence(kind, name, "A drill", facts, (), {}, {}, WHOSE))
    args = {"last": 20, "days": 8, "now": NOW, "identity": WHOSE, "stack": "prod"}
    report = account.tell(store, kind, **args)  # type: ignore[arg-type]  # by name
    assert report.state is State.OK, report.blocks()
    path = store.root / key(kind, "a1")
    path.write_bytes(path.read_bytes().replace(b'"ok"', b'"OK"'))
    spoiled = account.tell(store, kind, **args)  # type: ignore[arg-type]  # as above
    assert spoiled.state is State.FINDING
    assert {one.check for one in spoiled.checks if one.state is State.FINDING} >= {"links"}


def test_a_store_that_does_not_answer_is_unknown(store: FolderStore) -> None:
    (store.root / "evidence" / KIND / "head").mkdir(parents=True)
    put(store, drill("a1", 1))
    report = account.tell(store, KIND, last=20, days=8, now=NOW)
    assert report.state is State.UNKNOWN
    assert "head: Is a directory" in report.checks[0].detail
