import multiprocessing
import os
import socket
import threading
from pathlib import Path

import pytest

from ops.journal import Journal, unfinished
from ops.store import FolderStore, StoreFullError


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def test_an_object_is_created_once(store: FolderStore) -> None:
    assert store.create("a/b", b"1")
    assert not store.create("a/b", b"2")
    stored = store.get("a/b")
    assert stored is not None
    assert stored.content == b"1"


def test_replace_refuses_what_somebody_else_changed(store: FolderStore) -> None:
    store.put("a", b"1")
    seen = store.get("a")
    assert seen is not None
    assert store.replace("a", b"2", seen.version)
    assert not store.replace("a", b"3", seen.version)
    assert not store.replace("absent", b"3", seen.version)
    now = store.get("a")
    assert now is not None
    assert now.content == b"2"


def test_keys_are_sorted_and_drafts_are_not_among_them(store: FolderStore) -> None:
    store.put("x/2", b"")
    store.put("x/1", b"")
    (store.root / "x" / ".draft-left-by-a-crash").write_bytes(b"")
    assert store.keys("x") == ("x/1", "x/2")
    assert store.keys("absent") == ()
    store.delete("x/1")
    store.delete("x/1")
    assert store.keys("x") == ("x/2",)


def test_a_folder_that_takes_nothing_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFullError, match="Free space there"):
        FolderStore(tmp_path / "file").put("a", b"")


def test_the_journal_holds_intent_before_operation(store: FolderStore) -> None:
    journal = Journal(store, "restore-drill", "d1")
    first = journal.intend("clone", "copy-1", source="main")
    assert Journal(store, "restore-drill", "d1").entries() == (first,)
    assert not first.operation
    journal.done(journal.started(first, "op-1"))
    second = journal.intend("delete", "copy-1")
    (kept, last) = journal.entries()
    assert (kept.operation, kept.done, kept.facts) == ("op-1", True, {"source": "main"})
    assert (last.number, last.done) == (second.number, False)
    assert [run.run for run in unfinished(store, "restore-drill")] == ["d1"]
    journal.close()
    assert unfinished(store, "restore-drill") == ()
    assert not (store.root / "journal/restore-drill/d1").exists()


def _add_ones(root: Path, times: int) -> None:
    store = FolderStore(root)
    for _ in range(times):
        while True:
            seen = store.get("n")
            assert seen is not None
            if store.replace("n", str(int(seen.content) + 1).encode(), seen.version):
                break
    os._exit(0)


def test_conditional_replacement_loses_no_update(store: FolderStore) -> None:
    store.put("n", b"0")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add_ones, args=(store.root, 20)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    now = store.get("n")
    assert now is not None
    assert now.content == b"60"


def test_drafts_of_processes_that_are_gone_are_tidied_up(store: FolderStore) -> None:
    run = store.root / "journal/restore-drill/d1"
    run.mkdir(parents=True)
    host = socket.gethostname()
    gone, alive, elsewhere = (
        run / f".draft-{name}"
        for name in (f"{host}-999999999-a", f"{host}-{os.getpid()}-b", "x-1-c")
    )
    for draft in (gone, alive, elsewhere):
        draft.write_bytes(b"")
    store.tidy()
    assert {one.name for one in run.iterdir()} == {alive.name, elsewhere.name}
    alive.unlink()
    elsewhere.rename(gone)
    store.tidy()
    assert not run.exists()


def test_a_run_that_another_process_closes_meanwhile_is_written_all_the_same(
    tmp_path: Path,
) -> None:
    """A process that was suspended wakes up in the middle of writing into a run that is over."""
    key = "journal/restore/run-1/0001.json"
    writer, closer = FolderStore(tmp_path), FolderStore(tmp_path)
    ended = threading.Event()

    def close() -> None:
        while not ended.wait(0.0002):
            closer.delete(key)

    closing = threading.Thread(target=close)
    closing.start()
    try:
        for number in range(1000):
            writer.put(key, b"%d" % number)
            writer.create(key, b"0")
    finally:
        ended.set()
        closing.join()
    writer.put(key, b"last")
    assert writer.get(key) is not None
