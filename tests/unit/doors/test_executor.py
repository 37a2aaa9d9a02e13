"""Whole commands against a small task file: what is printed, and the exit code."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

TASKS = """
import os, signal, time
from invoke.tasks import task
from invoke.exceptions import Exit
from ops.errors import BadInputError, OpsError, ExitCode

class CantTell(OpsError):
    exit_code = ExitCode.UNKNOWN

@task
def good(c): print("good")
@task
def refused(c): raise BadInputError("It is wrong. Mend it.")
@task
def unknown(c): raise CantTell("Nobody knows. Grant it.")
@task
def bug(c): {}["absent"]
@task
def found(c): raise Exit(code=3)
@task
def long(c):
    try:
        print("started", flush=True); time.sleep(30)
    finally:
        print("cleaned up", flush=True)
@task
def much(c):
    for _ in range(100000): print("line")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tasks")
    (path / "tasks.py").write_text(TASKS)
    (path / "invoke.yaml").write_text("tasks: {executor_class: ops.executor.OpsExecutor}\n")
    return path


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "invoke", *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments),
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("task", "code", "said"),
    [
        ("good", 0, ""),
        ("refused", 2, "It is wrong. Mend it.\n"),
        ("unknown", 4, "Nobody knows. Grant it.\n"),
        ("found", 3, ""),
    ],
)
def test_an_error_is_its_sentence_and_its_exit_code(
    folder: Path, task: str, code: int, said: str
) -> None:
    done = _run(folder, task)
    assert (done.returncode, done.stderr) == (code, said)


def test_a_bug_is_one_sentence_and_its_traceback_is_for_debug(folder: Path) -> None:
    done = _run(folder, "bug")
    assert done.returncode == 1
    assert "This is a bug in ai-square-db: KeyError: 'absent'" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in _run(folder, "--debug", "bug").stderr


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_signal_cleans_up_and_ends_with_its_code(
    folder: Path, number: signal.Signals, code: int
) -> None:
    process = subprocess.Popen(
        _command("long"),
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (code, "cleaned up\n")


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "Interrupted.\n"), (signal.SIGTERM, 143, "Terminated.\n")],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_a_signal_while_the_tasks_are_imported_ends_with_its_sentence(
    tmp_path: Path, number: signal.Signals, code: int, said: str
) -> None:
    (tmp_path / "tasks.py").write_text(
        "import time\nprint('importing', flush=True)\ntime.sleep(30)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.start", "--list"],
        cwd=tmp_path,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (code, said)


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    shell = f"{sys.executable} -m invoke much | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", shell],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "line\n", "")
