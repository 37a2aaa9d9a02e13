"""The store in a bucket, against a server that keeps generations as Cloud Storage does."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from ops import lease, target
from ops.bucketstore import BucketRefusedError, BucketStore
from ops.journal import Journal, unfinished
from ops.store import FolderStore

PAGE = 2


class Bucket(ThreadingHTTPServer):
    """Objects with generations: the four calls that the store makes, and faults on demand."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, tuple[bytes, int]] = {}
        self.lock = threading.Lock()
        self.refusals: list[int] = []
        self.lost_answers = 0
        self.generation = 100

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Bucket
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def answer(self, status: int, body: bytes = b"", generation: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if generation:
            self.send_header("x-goog-generation", str(generation))
        self.end_headers()
        self.wfile.write(body)

    def asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        return parts.path, {key: value[0] for key, value in parse_qs(parts.query).items()}

    def refused(self) -> bool:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.refusals:
            self.answer(self.server.refusals.pop(0))
            return True
        return False

    def named(self, path: str) -> str:
        found = re.fullmatch(r"/storage/v1/b/evidence/o/([^/]+)", path)
        return unquote(found[1]) if found else ""

    def do_GET(self) -> None:
        path, asked = self.asked()
        if self.refused():
            return None
        if path == "/storage/v1/b/evidence/o":
            names = sorted(n for n in self.server.objects if n.startswith(asked["prefix"]))
            first = int(asked.get("pageToken", "0"))
            page: dict[str, object] = {"items": [{"name": n} for n in names[first : first + PAGE]]}
            if first + PAGE < len(names):
                page["nextPageToken"] = str(first + PAGE)
            return self.answer(200, json.dumps(page).encode())
        content, generation = self.server.objects.get(self.named(path), (b"", 0))
        return self.answer(200 if generation else 404, content, generation)

    def do_POST(self) -> None:
        path, asked = self.asked()
        if self.refused():
            return None
        if path != "/upload/storage/v1/b/evidence/o":
            return self.answer(404)
        with self.server.lock:
            there = self.server.objects.get(asked["name"], (b"", 0))[1]
            if asked.get("ifGenerationMatch", str(there)) != str(there):
                return self.answer(412)
            self.server.generation += 1
            self.server.objects[asked["name"]] = (self.body, self.server.generation)
        if self.server.lost_answers:
            self.server.lost_answers -= 1
            return self.answer(503)
        return self.answer(200, b"{}")

    def do_DELETE(self) -> None:
        path, _ = self.asked()
        if not self.refused():
            self.answer(204 if self.server.objects.pop(self.named(path), None) else 404)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with Bucket() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def store(bucket: Bucket) -> BucketStore:
    return BucketStore("evidence", "prod", bucket.address, patience_s=3)


def test_an_object_is_created_once(store: BucketStore) -> None:
    assert store.get("a/b") is None
    assert store.create("a/b", b"one")
    assert not store.create("a/b", b"two")
    found = store.get("a/b")
    assert found is not None
    assert found.content == b"one"


def test_replace_refuses_what_somebody_else_changed(store: BucketStore) -> None:
    store.put("k", b"one")
    first = store.get("k")
    assert first is not None
    assert store.replace("k", b"two", first.version)
    assert not store.replace("k", b"three", first.version)
    assert not store.replace("gone", b"x", first.version)
    second = store.get("k")
    assert second is not None
    assert second.content == b"two"


def test_keys_come_from_every_page_sorted_and_of_this_stack_alone(
    store: BucketStore, bucket: Bucket
) -> None:
    for key in ("x/c", "x/a", "x/b/d", "x/e", "xy/f"):
        store.put(key, b"")
    BucketStore("evidence", "staging", bucket.address).put("x/other", b"")
    assert store.keys("x") == ("x/a", "x/b/d", "x/c", "x/e")
    store.delete("x/a")
    store.delete("x/a")
    assert store.keys("x") == ("x/b/d", "x/c", "x/e")
    assert store.where("x/c") == "gs://evidence/prod/x/c"


def test_a_call_is_made_again_while_the_bucket_has_no_room(
    store: BucketStore, bucket: Bucket
) -> None:
    bucket.refusals = [429, 503]
    assert store.create("k", b"one")
    assert bucket.refusals == []


def test_a_write_whose_answer_was_lost_is_still_ours(store: BucketStore, bucket: Bucket) -> None:
    bucket.lost_answers = 1
    assert store.create("k", b"mine")
    bucket.lost_answers = 0
    assert not store.create("k", b"mine")  # asked once: it is somebody else's, even if equal


def test_what_it_refuses_is_told_with_a_remedy(store: BucketStore, bucket: Bucket) -> None:
    bucket.refusals = [403]
    with pytest.raises(BucketRefusedError, match=r"gs://evidence/prod/k: it answers 403") as told:
        store.get("k")
    assert "roles/storage.objectUser" in str(told.value)
    other = BucketStore("nowhere", "prod", bucket.address)
    with pytest.raises(BucketRefusedError, match="there is no such bucket"):
        other.put("k", b"")


def test_a_bucket_out_of_reach_is_told() -> None:
    with pytest.raises(BucketRefusedError, match="ConnectionError on the way"):
        BucketStore("evidence", "prod", "http://127.0.0.1:9", patience_s=0).get("k")


def test_leases_and_journals_live_in_it(store: BucketStore) -> None:
    with (
        lease.hold(store, "drill", timedelta(minutes=1)),
        pytest.raises(lease.LeaseHeldError),
        lease.hold(store, "drill", timedelta(minutes=1)),
    ):
        pass
    journal = Journal(store, "drill", "one")
    journal.intend("clone", "copy")
    assert [one.run for one in unfinished(store, "drill")] == ["one"]
    journal.close()
    assert unfinished(store, "drill") == ()


def test_a_stack_with_an_evidence_bucket_keeps_its_records_there() -> None:
    assert isinstance(target.load("prod").store, BucketStore)
    assert isinstance(target.load("staging").store, FolderStore)
    assert target.load("prod").store.where("k") == "gs://ai-square-463013-db-prod-evidence/prod/k"
