"""`invoke demo` as a new user runs it: whole, twice, and on the wheel alone."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import places

ROOT = Path(__file__).resolve().parents[2]
LINES = 42  # with what a drill did not compare, which takes two
COLUMNS = 100


@pytest.fixture
def folder() -> Iterator[Path]:
    with places.folder("demo") as path:
        yield path
        _invoke(path, "local.down", "--wipe", "--yes")


def _invoke(
    folder: Path, *arguments: str, before: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, sys.executable, "-m", "invoke", *arguments],
        cwd=ROOT,
        env={**os.environ, "LOCAL_CLOUDSQL_DIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _postmasters(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_the_demo_passes_twice_and_leaves_nothing_after_down(folder: Path) -> None:
    first = _invoke(folder, "demo")
    assert first.returncode == 0, first.stdout + first.stderr
    lines = (first.stderr + first.stdout).splitlines()
    assert len(lines) <= LINES, first.stdout
    assert max(map(len, lines)) <= COLUMNS, max(lines, key=len)
    assert "Verdict: pass" in first.stdout
    assert first.stdout.count("./inv restore-drill --inject") == 1

    again = _invoke(folder, "demo", "--format", "json")
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert told["drill"]["verdict"] == "pass"
    assert told["drill"]["leftovers"] == []
    assert Path(told["drill"]["evidence"]).is_file()
    assert "there already" in again.stderr

    status = json.loads(_invoke(folder, "local.status", "--format", "json").stdout)
    assert [one["name"] for one in status["instances"]] == ["ai-square-db"]
    assert status["instances"][0]["connectors"].endswith(":3307")
    assert len(_postmasters(folder)) > 0

    assert _invoke(folder, "local.down", "--wipe", "--yes").returncode == 0
    assert _postmasters(folder) == []
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="hiding the machine's PostgreSQL needs root")
@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare hides PostgreSQL's programs")
def test_the_wheel_carries_the_demo(folder: Path) -> None:
    bare = ":".join(
        path
        for path in os.environ["PATH"].split(":")
        if path and not (Path(path) / "initdb").exists()
    )
    # in a mount namespace of its own the packaged programs are not there
    hide = 'mount -t tmpfs none /usr/lib/postgresql 2>/dev/null; exec "$@"'
    if not Path("/usr/lib/postgresql").is_dir():
        hide = 'exec "$@"'
    before = ("env", "-u", "PG_BIN", f"PATH={bare}", "unshare", "--mount", "sh", "-c", hide, "sh")
    done = _invoke(folder, "demo", before=before)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PostgreSQL 17 stands in for 15" in done.stdout
    assert "Verdict: pass" in done.stdout
