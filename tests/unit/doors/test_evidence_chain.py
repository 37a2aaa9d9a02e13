"""The chain of records: whole when nothing happened, and loud about everything that did."""

import json
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ops.checks.result import CheckResult, State, worst
from ops.evidence import Evidence, head, key, write
from ops.evidence.chain import verify
from ops.evidence.head import decode, head_key, keys, rebuilt, sha256
from ops.evidence.record import AlreadyRecordedError, Written, foot, page_key
from ops.pages.markdown import page
from ops.store import FolderStore, Store, StoreUnreadableError

KIND = "restore-drill"
CHECKS = [{"name": "clone.content", "state": "ok"}]


def evidence(run: str, **drill: object) -> Evidence:
    told = {"run": run, "verdict": "pass", "checks": CHECKS, **drill}
    return Evidence(KIND, run, f"Restore drill {run}", told, ("Read.",), {"rto_s": 60}, {})


def add(store: Store, *runs: str) -> list[Written]:
    return [write(store, evidence(run)) for run in runs]


def old(store: Store, *runs: str) -> None:
    """Write records as they were before there was a head."""
    for run in runs:
        before = None
        if every := keys(store, KIND):
            stored = store.get(every[-1])
            assert stored is not None
            before = {"key": every[-1], "sha256": sha256(stored.content)}
        drill = {"run": run, "verdict": "pass", "checks": CHECKS}
        told = {"format": 1, "previous": before, "drill": drill}
        content = json.dumps(told).encode()
        store.put(key(KIND, run), content)
        text = page("Old", ("Read.",)) + foot(before, run, sha256(content))
        store.put(page_key(key(KIND, run)), text.encode())


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def lines(store: Store) -> dict[str, tuple[str, ...]]:
    return {one.check: one.differences for one in verify(store, KIND) if one.differences}


def state(store: Store) -> State:
    return worst(one.state for one in verify(store, KIND))


def edit(store: Store, run: str, **changed: object) -> None:
    stored = store.get(key(KIND, run))
    assert stored is not None
    told = json.loads(stored.content)
    store.put(key(KIND, run), json.dumps({**told, **changed}, indent=2).encode())


def test_a_chain_that_nobody_touched_is_whole(store: FolderStore) -> None:
    written = add(store, "a1", "a2", "a3")
    assert [one.number for one in written] == [1, 2, 3]
    found = verify(store, KIND)
    assert {one.check: one.state for one in found} == dict.fromkeys(
        ("records", "links", "head", "pages", "verdicts"), State.OK
    )
    assert written[-1].sha256 in found[2].detail
    told = decode(store.get(head_key(KIND)))
    assert told is not None
    assert not told.pending


def test_no_record_at_all_proves_nothing(store: FolderStore) -> None:
    assert state(store) is State.UNKNOWN


def test_old_records_still_verify_and_are_followed(store: FolderStore) -> None:
    old(store, "a1", "a2")
    assert [one.state for one in verify(store, KIND)].count(State.NOT_APPLICABLE) == 1
    assert state(store) is State.OK
    (written,) = add(store, "a3")
    assert written.number == 3
    assert state(store) is State.OK
    edit(store, "a2", who="x")
    assert any(line.startswith("changed: ") for line in lines(store)["links"])


def test_a_record_that_comes_late_follows_the_newest(store: FolderStore) -> None:
    add(store, "a2", "a1")
    assert state(store) is State.OK


Spoil = Callable[[FolderStore], None]


def _swap(store: FolderStore) -> None:
    one, two = (store.root / key(KIND, run) for run in ("a2", "a3"))
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def _insert(store: FolderStore) -> None:
    content = (store.root / key(KIND, "a3")).read_text().replace('"a3"', '"a25"')
    store.put(key(KIND, "a25"), content.encode())


def _renumber(store: FolderStore) -> None:
    edit(store, "a4", number=9)
    content = (store.root / key(KIND, "a4")).read_bytes()
    told = replace(decode(store.get(head_key(KIND))) or head.Head(), sha256=sha256(content))
    store.put(head_key(KIND), told.encoded())


def _page(store: FolderStore) -> None:
    path = store.root / page_key(key(KIND, "a2"))
    path.write_text(path.read_text().replace("Read.", "All is well."))


FAULTS: tuple[tuple[str, str, str, Spoil], ...] = (
    ("links", "changed: ", "/a2.json", lambda s: edit(s, "a2", who="x")),
    ("head", "changed: ", "/a4.json", lambda s: edit(s, "a4", who="x")),
    ("links", "missing: ", "/a2.json, which", lambda s: s.delete(key(KIND, "a2"))),
    ("head", "missing: ", "/a4.json, the newest", lambda s: s.delete(key(KIND, "a4"))),
    ("head", "missing: the head", "is missing", lambda s: s.delete(head_key(KIND))),
    ("head", "missing: the head", "can't be read", lambda s: s.put(head_key(KIND), b"{")),
    ("head", "the head counts 4", "there are 3", lambda s: s.delete(key(KIND, "a1"))),
    ("records", "", "another name", _swap),
    ("links", "reordered: ", "number 9", _renumber),
    ("links", "forked: ", "/a25.json, ", _insert),
    ("links", "added: ", "/a25.json", _insert),
    ("records", "", "can't be read", lambda s: s.put(key(KIND, "a2"), b"\xff")),
    ("records", "", "record of a failover-drill", lambda s: edit(s, "a2", kind="failover-drill")),
    ("pages", "", "changed after", _page),
    ("pages", "", "/a2.md: the page is missing", lambda s: s.delete(page_key(key(KIND, "a2")))),
    ("pages", "", "without its record", lambda s: s.put(page_key(key(KIND, "b")), b"x")),
    ("pages", "", "last lines", lambda s: s.put(page_key(key(KIND, "a2")), b"x")),
)


@pytest.mark.parametrize(("check", "begins", "has", "spoil"), FAULTS)
def test_each_fault_is_told_in_a_line(
    store: FolderStore, check: str, begins: str, has: str, spoil: Spoil
) -> None:
    add(store, "a1", "a2", "a3", "a4")
    spoil(store)
    told = lines(store)[check]
    assert any(line.startswith(begins) and has in line for line in told), told
    assert state(store) is State.FINDING
    result = next(one for one in verify(store, KIND) if one.check == check)
    assert result.remedy


def test_the_newest_page_fits_what_the_head_says(store: FolderStore) -> None:
    add(store, "a1")
    head.put_page(store, KIND, b"<html>1")
    assert state(store) is State.OK
    store.put(head.latest_page(KIND), b"<html>all is well")
    assert "latest.html: changed after" in lines(store)["pages"][0]
    store.delete(head.latest_page(KIND))
    assert "latest.html: the page is missing" in lines(store)["pages"][0]
    add(store, "a2")  # its page is still to come: the one there has to be that of a1
    assert "latest.html: the page is missing" in lines(store)["pages"][0]
    store.put(head.latest_page(KIND), b"<html>1")
    assert state(store) is State.OK
    head.put_page(store, KIND, b"<html>2")
    assert state(store) is State.OK


def test_what_stands_before_a_lost_record_is_not_accused(store: FolderStore) -> None:
    add(store, "a1", "a2", "a3", "a4", "a5")
    store.delete(key(KIND, "a3"))
    assert len(lines(store)["links"]) == 1
    store.put(key(KIND, "a3"), b"{")
    (line,) = lines(store)["links"]
    assert line.startswith(f"changed: {key(KIND, 'a3')} ")


def test_a_lost_head_is_made_anew_and_said_for_ever(store: FolderStore) -> None:
    add(store, "a1", "a2")
    store.delete(head_key(KIND))
    (written,) = add(store, "a3")
    assert written.number == 3
    (told,) = (one for one in verify(store, KIND) if one.state is not State.OK)
    assert (told.check, told.state) == ("head", State.UNKNOWN)
    assert "a3.json" in told.differences[0]
    assert "head of the chain was gone" in (store.root / page_key(written.key)).read_text()
    store.put(head_key(KIND), b"[]")
    assert rebuilt(store, KIND)[0].key == written.key
    assert add(store, "a4")[0].number == 4


def test_a_record_is_never_written_over(store: FolderStore) -> None:
    add(store, "a1")
    with pytest.raises(AlreadyRecordedError, match=r"a1\.json"):
        add(store, "a1")
    assert state(store) is State.OK


class Killed(BaseException):
    """The process ends."""


class Mortal(FolderStore):
    """A store whose process ends at the n-th write."""

    left = [0]  # noqa: RUF012 - one process, one life

    def _live(self) -> None:
        self.left[0] -= 1
        if self.left[0] < 0:
            raise Killed

    def create(self, key: str, content: bytes) -> bool:
        self._live()
        return super().create(key, content)

    def put(self, key: str, content: bytes) -> None:
        self._live()
        super().put(key, content)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("writes", range(5))
def test_a_crash_between_any_two_writes_is_mended_by_the_next(
    tmp_path: Path, writes: int, *, first: bool
) -> None:
    store, mortal = FolderStore(tmp_path), Mortal(tmp_path)
    runs = ["a2"]
    if not first:
        add(store, "a1")
        runs.insert(0, "a1")
    mortal.left[0] = writes
    try:
        add(mortal, "a2")
    except Killed:
        pass
    else:
        assert writes == 4
    if first and not writes:
        assert state(store) is State.UNKNOWN
    else:
        assert state(store) is State.OK, lines(store)
    add(store, "a3")
    assert state(store) is State.OK, lines(store)
    lost = ["a2"] if not writes else []
    assert keys(store, KIND) == tuple(key(KIND, run) for run in (*runs, "a3") if run not in lost)


def _many(root: Path, name: str, times: int) -> None:
    store = FolderStore(root)
    for number in range(times):
        write(store, evidence(f"{name}{number:02}"))
    os._exit(0)


def test_writers_at_once_never_fork_the_chain(store: FolderStore) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_many, args=(store.root, name, 8)) for name in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(keys(store, KIND)) == 24
    assert state(store) is State.OK, lines(store)


def test_every_check_says_how_much_it_looked_at(store: FolderStore) -> None:
    add(store, "a1", "a2")
    found: tuple[CheckResult, ...] = verify(store, KIND)
    assert [(one.examined, one.total) for one in found] == [
        *((2, 2), (2, 2), (1, 1), (2, 2), (2, 2))
    ]


def _head_without(name: str) -> Spoil:
    def spoil(store: FolderStore) -> None:
        path = store.root / head_key(KIND)
        told = json.loads(path.read_bytes())
        del told[name]
        path.write_text(json.dumps(told))

    return spoil


def _head_with(**changed: object) -> Spoil:
    def spoil(store: FolderStore) -> None:
        path = store.root / head_key(KIND)
        path.write_text(json.dumps({**json.loads(path.read_bytes()), **changed}))

    return spoil


HEADS: dict[str, Spoil] = {
    **{f"without {name}": _head_without(name) for name in json.loads(head.Head().encoded())},
    **{f"{name} emptied": _head_with(**{name: ""}) for name in ("key", "sha256", "count", "page")},
    "page null": _head_with(page=None),
    "count is 0": _head_with(count=0),
    "count is more": _head_with(count=4),
    "one field more": _head_with(note="x"),
    "writes elsewhere": _head_with(pending={"leases/restore-drill.json": "{}"}),
    "another record": _head_with(key=key(KIND, "a2")),
    "emptied": lambda store: store.put(head_key(KIND), b""),
    "a list": lambda store: store.put(head_key(KIND), b"[]"),
}


@pytest.mark.parametrize("spoil", HEADS.values(), ids=HEADS.keys())
def test_a_head_that_was_changed_is_a_finding(store: FolderStore, spoil: Spoil) -> None:
    add(store, "a1", "a2", "a3")
    head.put_page(store, KIND, b"<html>")
    assert state(store) is State.OK
    spoil(store)
    assert state(store) is State.FINDING


def test_a_changed_head_writes_nothing_but_its_record(store: FolderStore) -> None:
    add(store, "a1")
    HEADS["writes elsewhere"](store)
    add(store, "a2")
    assert store.keys("leases") == ()


def _put(name: str, content: bytes) -> Spoil:
    return lambda store: store.put(name, content)


def _copy(source: str, target: str) -> Spoil:
    def spoil(store: FolderStore) -> None:
        stored = store.get(source)
        assert stored is not None
        store.put(target, stored.content)

    return spoil


STRAYS: dict[str, Spoil] = {
    "a note": _put(f"evidence/{KIND}/note.txt", b"x"),
    "an older head": _copy(head_key(KIND), f"evidence/{KIND}/head.bak"),
    "deeper": _copy(key(KIND, "a2"), f"evidence/{KIND}/old/a2.json"),
    "a page deeper": _copy(page_key(key(KIND, "a2")), f"evidence/{KIND}/old/a2.md"),
    "outside of kinds": _put("evidence/a2.json", b"{}"),
    "twice": _copy(key(KIND, "a2"), key(KIND, "a2-copy")),
    "another page": _put(f"evidence/{KIND}/latest2.html", b"<html>"),
}


@pytest.mark.parametrize("spoil", STRAYS.values(), ids=STRAYS.keys())
def test_what_no_drill_wrote_is_a_finding(store: FolderStore, spoil: Spoil) -> None:
    add(store, "a1", "a2", "a3")
    spoil(store)
    found = {one.check: one.state for one in verify(store, KIND)}
    assert found["records"] is State.FINDING


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_record_is_a_finding(store: FolderStore, share: float) -> None:
    add(store, "a1", "a2", "a3")
    path = store.root / key(KIND, "a2")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    found = {one.check: one.state for one in verify(store, KIND)}
    assert (found["records"], found["verdicts"]) == (State.FINDING, State.UNKNOWN)


OTHERS = [{"check": "rto", "state": "not applicable"}]
CONTRADICTIONS = [
    ("pass", [*CHECKS, {"name": "clone.rows", "state": "finding"}], "fail (clone.rows)"),
    ("pass", [*CHECKS, {"name": "clone.rows", "state": "unknown"}], "unknown (clone.rows)"),
    ("pass", [*CHECKS, {"name": "clone.rows", "state": "fine"}], "unknown (clone.rows)"),
    ("unknown", [*CHECKS, {"check": "rows", "state": "finding"}], "fail (rows)"),
    ("pass", [], "unknown (0 of them"),
    ("pass", OTHERS, "unknown (1 of them"),
    ("pass", "all ok", "unknown (0 of them"),
    ("pass", None, "unknown (0 of them"),
    ("fail", CHECKS, "pass (1 of them"),
    ("unknown", CHECKS, "pass (1 of them"),
    ("PASS", CHECKS, "'PASS', which is none"),
]


@pytest.mark.parametrize(("verdict", "checks", "told"), CONTRADICTIONS)
def test_a_verdict_that_its_checks_contradict_is_a_finding(
    store: FolderStore, verdict: str, checks: object, told: str
) -> None:
    write(store, evidence("a1", verdict=verdict, checks=checks))
    found = {one.check: one for one in verify(store, KIND)}
    assert found["verdicts"].state is State.FINDING
    assert told in found["verdicts"].detail
    assert found["links"].state is State.OK  # the chain alone does not see it


AGREED = [
    ("pass", [*CHECKS, *OTHERS]),
    ("fail", [*CHECKS, {"state": "finding"}, {"state": "unknown"}]),
    ("unknown", [*CHECKS, {"state": "unknown"}]),
    ("unknown", []),
    ("fail", []),
]


@pytest.mark.parametrize(("verdict", "checks"), AGREED)
def test_a_verdict_that_its_checks_bear_is_none(
    store: FolderStore, verdict: str, checks: object
) -> None:
    write(store, evidence("a1", verdict=verdict, checks=checks))
    assert state(store) is State.OK


def test_a_record_of_another_stack_is_a_finding(store: FolderStore) -> None:
    write(store, evidence("a1", stack="prod"))
    write(store, evidence("a2", stack="staging"))
    found = verify(store, KIND, "prod")[0]
    assert found.state is State.FINDING
    assert "a2.json: it is a record of stack staging, not of prod" in found.detail
    assert state(store) is State.OK


def test_a_record_that_may_not_be_read_is_unknown(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, "a1", "a2", "a3")
    original = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "a2.json":
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert state(store) is State.UNKNOWN
    (told,) = (one for one in verify(store, KIND) if one.check == "records")
    assert "a2.json: Permission denied" in told.differences[0]


def test_a_store_that_cannot_be_read_is_no_empty_one(store: FolderStore) -> None:
    (store.root / "evidence").mkdir(parents=True)
    (store.root / f"evidence/{KIND}").write_text("a file in the folder's place")
    with pytest.raises(StoreUnreadableError, match="Not a directory"):
        verify(store, KIND)
