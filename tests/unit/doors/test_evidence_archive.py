"""What a store held of a kind: read once, side by side, and never in the middle of a record."""

import json
import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.checks.result import State, worst
from ops.errors import OpsError
from ops.evidence import Evidence, archive, chain, head, history, key, write
from ops.evidence.formats import CURRENT
from ops.store import FolderStore, Store, Stored

KIND = "restore-drill"


def add(store: Store, *runs: str) -> None:
    for run in runs:
        drill = {"run": run, "verdict": "pass", "checks": [{"name": "content", "state": "ok"}]}
        write(store, Evidence(KIND, run, run, drill, ("Read.",), {}, {}))


class Slow(FolderStore):
    """A store that takes as long for an object as a bucket does."""

    asked: list[str] = []  # noqa: RUF012 - of one test, which empties it
    most = [0, 0]  # noqa: RUF012 - at once: now, and at most

    def get(self, key: str) -> Stored | None:
        self.asked.append(key)
        self.most[0] += 1
        self.most[1] = max(self.most)
        time.sleep(0.02)
        self.most[0] -= 1
        return super().get(key)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def test_history_and_chain_read_each_object_once_and_side_by_side(tmp_path: Path) -> None:
    runs = [f"a{number:03}" for number in range(60)]
    add(FolderStore(tmp_path), *runs)
    store = Slow(tmp_path)
    store.asked.clear()
    began = time.monotonic()
    records = archive.read(store, KIND)
    results = chain.verify_archive(records)
    shown = history.read(records, KIND, 60)
    seconds = time.monotonic() - began
    assert worst(result.state for result in results) is State.OK
    assert len(shown.entries) == 60
    assert sorted(store.asked) == sorted(
        [
            *(key(KIND, run) for run in runs),
            *(key(KIND, run).replace(".json", ".md") for run in runs),
            *(head.head_key(KIND), head.head_key(KIND), head.latest_page(KIND)),
        ]
    )
    assert store.most[1] == archive.READERS
    assert seconds < 123 * 0.02 / 2  # one by one takes twice as long and more


def test_only_the_newest_are_read_for_a_short_history(tmp_path: Path) -> None:
    add(FolderStore(tmp_path), *(f"a{number:03}" for number in range(60)))
    store = Slow(tmp_path)
    store.asked.clear()
    assert len(history.read(store, KIND, 20).entries) == 20
    assert sorted(store.asked) == [key(KIND, f"a{number:03}") for number in range(40, 60)]


def test_what_a_writer_left_to_be_written_is_read(store: FolderStore) -> None:
    add(store, "a1", "a2")
    path = store.root / key(KIND, "a2")
    page = path.with_suffix(".md")
    decoded = head.decode(store.get(head.head_key(KIND)))
    assert decoded is not None
    pending = {key(KIND, "a2"): path.read_text(), f"evidence/{KIND}/a2.md": page.read_text()}
    unsettled = head.Head(decoded.key, decoded.sha256, decoded.count, pending)
    store.put(head.head_key(KIND), unsettled.encoded())
    path.unlink()
    page.unlink()
    records = archive.read(store, KIND)
    assert worst(one.state for one in chain.verify_archive(records)) is State.OK
    assert [entry.run for entry in history.read(records, KIND).entries] == ["a2", "a1"]


def _record(root: Path, stop: "multiprocessing.synchronize.Event", pause_s: float) -> None:
    store, number = FolderStore(root), 0
    while not stop.is_set():
        number += 1
        add(store, f"b{number:05}")
        head.put_page(store, KIND, f"<html>{number}".encode())
        time.sleep(pause_s)


@contextmanager
def recording(root: Path, pause_s: float) -> Iterator[None]:
    """Record drills in another process, without a pause or with one after each."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    writer = context.Process(target=_record, args=(root, stop, pause_s))
    writer.start()
    try:
        deadline = time.monotonic() + 30
        while not FolderStore(root).keys("evidence") and time.monotonic() < deadline:
            time.sleep(0.02)
        yield
    finally:
        stop.set()
        writer.join()


def test_a_drill_that_records_meanwhile_is_no_finding(tmp_path: Path) -> None:
    seen = set()
    with recording(tmp_path, 0.3):
        deadline = time.monotonic() + 2.5
        while time.monotonic() < deadline:
            results = chain.verify(Slow(tmp_path), KIND)
            lines = [line for result in results for line in result.differences]
            assert worst(result.state for result in results) is State.OK, (lines, results)
            seen.add(results[0].total)
    assert len(seen) > 1  # it grew while it was read
    assert worst(one.state for one in chain.verify(FolderStore(tmp_path), KIND)) is State.OK


def test_writers_without_a_pause_leave_it_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "PAUSE_S", 0.0)
    monkeypatch.setattr(archive, "TRIES", 3)
    with recording(tmp_path, 0.0):
        for _ in range(3):
            results = chain.verify(FolderStore(tmp_path), KIND)
            lines = [line for result in results for line in result.differences]
            assert worst(one.state for one in results) in {State.OK, State.UNKNOWN}, lines
    assert worst(one.state for one in chain.verify(FolderStore(tmp_path), KIND)) is State.OK


class Moving(FolderStore):
    """A store in which somebody records whenever its head is read."""

    def get(self, key: str) -> Stored | None:
        if key == head.head_key(KIND) and threading.current_thread() is threading.main_thread():
            count = len(head.keys(self, KIND))
            add(FolderStore(self.root), f"a{count:03}")
        return super().get(key)


def test_records_that_never_rest_are_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "PAUSE_S", 0.0)
    (result,) = chain.verify(Moving(tmp_path), KIND)
    assert result.state is State.UNKNOWN
    assert f"{archive.TRIES} times" in result.detail
    assert result.remedy


def raise_format(store: FolderStore, run: str) -> None:
    path = store.root / key(KIND, run)
    path.write_text(path.read_text().replace(f'"format": {CURRENT}', '"format": 99'))


def test_a_record_of_a_newer_version_is_unknown(store: FolderStore) -> None:
    add(store, "a1", "a2")
    # as a newer version leaves it: the chain fits what is there
    raise_format(store, "a2")
    content = (store.root / key(KIND, "a2")).read_bytes()
    decoded = head.decode(store.get(head.head_key(KIND)))
    assert decoded is not None
    fitting = head.Head(decoded.key, head.sha256(content), decoded.count)
    store.put(head.head_key(KIND), fitting.encoded())
    results = {result.check: result for result in chain.verify(store, KIND)}
    assert {result.state for result in results.values()} <= {State.UNKNOWN, State.OK}
    assert results["records"].state is State.UNKNOWN
    (line,) = results["records"].differences
    assert "a2.json: it has format 99, and this version reads up to format" in line
    assert "Read it with ai-square-db 0.1.0" in line
    drills = history.read(store, KIND)
    assert [entry.run for entry in drills.entries] == ["a1"]
    assert "it has format 99" in drills.unreadable[key(KIND, "a2")]
    add(store, "a3")  # a drill of this version follows it all the same
    assert results["records"].state is State.UNKNOWN


def test_a_format_that_was_raised_by_hand_is_a_finding(store: FolderStore) -> None:
    add(store, "a1", "a2", "a3")
    raise_format(store, "a2")
    results = {result.check: result.state for result in chain.verify(store, KIND)}
    assert (results["links"], results["records"]) == (State.FINDING, State.UNKNOWN)
    raise_format(store, "a3")
    results = {result.check: result.state for result in chain.verify(store, KIND)}
    assert (results["head"], results["records"]) == (State.FINDING, State.UNKNOWN)


@pytest.mark.parametrize("value", ["2", 0, -1, True, None, [], 2.5])
def test_what_is_no_format_is_a_finding(store: FolderStore, value: object) -> None:
    add(store, "a1")
    path = store.root / key(KIND, "a1")
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": value}))
    results = {result.check: result.state for result in chain.verify(store, KIND)}
    assert results["records"] is State.FINDING
    assert isinstance(history.parse(KIND, key(KIND, "a1"), path.read_bytes()), str)


class Denied(FolderStore):
    """A store that lets nobody read one object."""

    def get(self, key: str) -> Stored | None:
        if key.endswith("a2.json"):
            raise DeniedError
        return super().get(key)


class DeniedError(OpsError):
    def __init__(self) -> None:
        super().__init__("Can't read a2.json: denied. Ask for it.")


def test_one_record_that_is_denied_hides_no_other(tmp_path: Path) -> None:
    add(FolderStore(tmp_path), "a1", "a2", "a3")
    store = Denied(tmp_path)
    assert worst(result.state for result in chain.verify(store, KIND)) is State.UNKNOWN
    drills = history.read(store, KIND)
    assert [entry.run for entry in drills.entries] == ["a3", "a1"]
    assert "denied" in drills.unreadable[key(KIND, "a2")]
