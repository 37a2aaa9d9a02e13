"""The clock of the Admin API: set forward by a task and by requests, kept over a kill."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.integration.local.server import LocalServer, running

ROOT = Path(__file__).resolve().parents[3]
CLOCK = (sys.executable, "-m", "invoke", "local.clock", "--yes")


@pytest.fixture(scope="module")
def clocked() -> Iterator[LocalServer]:
    with running() as server:
        yield server


def clock(server: LocalServer, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "invoke",
            "local.clock",
            "--yes",
            "--data",
            str(server.data),
            *options,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_goes_forward_and_lasts(clocked: LocalServer) -> None:
    assert clocked.get("/local/v1/clock")["ahead_s"] == 0

    set_forward = clock(clocked, "--forward", "1d2h", "--format", "json")
    assert set_forward.returncode == 0, set_forward.stderr
    assert json.loads(set_forward.stdout)["ahead_s"] == 26 * 3600
    shown = clock(clocked)
    assert "26 h ahead" in shown.stdout

    clocked.kill_and_start()
    now = clocked.get("/local/v1/status")["clock"]["now"]
    assert datetime.fromisoformat(now) - datetime.now(UTC) > timedelta(hours=25)
    later = (datetime.fromisoformat(now) + timedelta(days=1)).isoformat()
    assert clocked.begin("POST", "/local/v1/clock", {"to": later})["now"] >= now

    # Operations and instances are of its time; recovery times are PostgreSQL's own.
    operation = clocked.create("later")
    found = clocked.get("/instances/later")
    latest = clocked.get("/instances/later/getLatestRecoveryTime")["latestRecoveryTime"]
    for told in (operation["insertTime"], operation["startTime"], operation["endTime"]):
        assert datetime.fromisoformat(told) >= datetime.fromisoformat(later)
    assert datetime.fromisoformat(found["createTime"]) >= datetime.fromisoformat(later)
    assert datetime.fromisoformat(latest) <= datetime.now(UTC)
    user = clocked.do("POST", "/instances/later/users", {"name": "u", "password": "p"})
    assert user["insertTime"] <= user["startTime"] <= user["endTime"]
    clocked.delete("later")

    # Any time that it told can be told in PostgreSQL's.
    told = quote(operation["startTime"])
    machine = clocked.get(f"/local/v1/clock?told={told}")["machine"]
    assert abs(datetime.fromisoformat(machine) - datetime.now(UTC)) < timedelta(hours=1)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "give either"),
        ([], "give either"),
        ({"forward_s": 1, "to": "2030-01-01T00:00:00Z"}, "give either"),
        ({"forward_s": -1}, "can't go back"),
        ({"forward_s": "26h"}, "no number of seconds"),
        ({"forward_s": True}, "no number of seconds"),
        ({"forward_s": 1e12}, "days ahead at most"),
        ({"forward_s": 1e300}, "no time that can be reached"),
        ({"to": "2001-01-01T00:00:00Z"}, "can't go back"),
        ({"to": "tomorrow"}, "no RFC 3339 time"),
        ({"to": "2030-01-01T00:00:00"}, "no time zone"),
    ],
)
def test_what_it_cannot_be_set_to_is_refused(
    clocked: LocalServer, body: object, words: str
) -> None:
    before = clocked.get("/local/v1/clock")["ahead_s"]

    refused = clocked.ask("POST", "/local/v1/clock", body)

    assert (refused.status, refused.reason) == (400, "invalid")
    assert words in refused.body["error"]["message"]
    assert clocked.get("/local/v1/clock")["ahead_s"] == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--forward", "soon"), "90m, 26h, 3d"),
        (("--forward", "1h", "--to", "2030-01-01T00:00:00Z"), "not both"),
        (("--to", "2001-01-01T00:00:00Z"), "can't go back"),
    ],
)
def test_a_task_that_cannot_mean_it_says_so(
    clocked: LocalServer, options: tuple[str, ...], words: str
) -> None:
    refused = clock(clocked, *options)

    assert refused.returncode == 2
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
