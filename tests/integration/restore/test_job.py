"""The drill as a job: no terminal, log lines in JSON, a webhook that is told, a page left."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ops.checks.result import State, worst
from ops.evidence import run_name
from ops.evidence.chain import verify
from ops.journal import Journal
from ops.restore.drill import sweep
from ops.restore.source import ROOM, Source
from tests.integration.restore.conftest import Site


class Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body))
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _job(
    command: list[str], folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def environment(site: Site, receiver: Receiver, tmp_path: Path) -> dict[str, str]:
    """The variables of a job that notifies the receiver."""
    address = tmp_path / "address"
    address.write_text(f"http://127.0.0.1:{receiver.server_port}/verysecret\n")
    return {
        **os.environ,
        **site.environment,
        "AI_SQUARE_LOG": "json",
        "AI_SQUARE_NOTIFY_URL_FILE": str(address),
    }


def test_a_job_logs_notifies_and_ends_with_its_code(
    source: Source, site: Site, receiver: Receiver, environment: dict[str, str]
) -> None:
    command = site.command("restore.drill", "--format", "json", "--before-verify", "exit 7")
    done = _job(command, site.tasks, environment)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {"severity", "message", "time"} <= set.intersection(*(set(one) for one in lines))
    assert lines[0]["message"].startswith("Stack local")
    assert {one["stack"] for one in lines} == {"local"}
    assert any(one.get("phase") and one.get("seconds", 0) > 0 for one in lines)
    assert (lines[-1]["severity"], lines[-1]["exit_code"]) == ("ERROR", 2)
    assert "verysecret" not in done.stderr

    (told,) = receiver.got
    assert (told["drill"]["verdict"], told["drill"]["instance"]) == ("unknown", source.instance)
    assert told["drill"]["run"] == lines[-1]["run"]
    assert "ended with 7" in told["text"]
    page = source.store.get("evidence/restore-drill/latest.html")
    assert page is not None
    assert told["drill"]["sha256"] in page.content.decode()
    assert worst(one.state for one in verify(source.store, ROOM)) is State.OK


def test_a_sweep_tells_of_the_drills_that_were_killed(
    source: Source, site: Site, receiver: Receiver, environment: dict[str, str]
) -> None:
    runs = [run_name(datetime.now(UTC)) for _ in range(2)]
    for run in runs:
        Journal(source.store, ROOM, run).intend(
            sweep.BEGUN, source.instance, pid="17", host="there"
        )
    done = _job(site.command("restore.sweep", "--format", "json"), site.tasks, environment)
    assert done.returncode == 0, done.stderr
    assert {one["drill"]["run"] for one in receiver.got} == set(runs)
    assert {one["drill"]["verdict"] for one in receiver.got} == {"unknown"}

    receiver.got.clear()
    again = _job(site.command("restore.sweep", "--format", "json"), site.tasks, environment)
    assert (again.returncode, receiver.got) == (0, [])  # nothing new is nothing to tell
