"""Log lines for machines: JSON where it is wanted, and the same tasks as ever."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops import logline
from ops.console import Console, Format, JsonLines

ROOT = Path(__file__).resolve().parents[3]
TASKS = """
from invoke.tasks import task
from ops.errors import OpsError
from ops.console import Console, Format
@task
def refused(c):
    console = Console(Format.JSON)
    console.line("Stack x")
    with console.progress.phase("Work"): pass
    print('{"verdict": "pass"}')
    raise OpsError("It is wrong.\\nMend it.")
@task
def bug(c): {}["absent"]
"""


@pytest.fixture(autouse=True)
def _unbound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logline, "_bound", {})


@pytest.mark.parametrize(
    ("value", "wanted"), [("json", True), ("JSON", True), ("", False), ("x", False)]
)
def test_json_lines_are_asked_for(value: str, *, wanted: bool) -> None:
    assert logline.is_wanted({logline.VARIABLE: value}) is wanted
    assert not logline.is_wanted({})


def test_a_line_has_the_fields_that_cloud_logging_takes() -> None:
    logline.bind(stack="prod", run="r1")
    told = json.loads(logline.line('two\n"lines"', logline.Severity.ERROR, exit_code=2))
    assert told["time"].endswith("+00:00")
    del told["time"]
    assert told == {
        "severity": "ERROR",
        "message": 'two\n"lines"',
        "stack": "prod",
        "run": "r1",
        "exit_code": 2,
    }


def test_phases_are_lines_with_their_seconds() -> None:
    out = io.StringIO()
    lines = JsonLines(out)
    with lines.phase("Restore") as phase:
        phase.advance()
        phase.note("x")
    with pytest.raises(KeyError), lines.phase("Verify"):
        raise KeyError
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [one["phase"] for one in told] == ["Restore", "Restore", "Verify", "Verify"]
    assert [one["severity"] for one in told] == ["INFO", "INFO", "INFO", "WARNING"]
    assert "seconds" not in told[0]
    assert told[1]["seconds"] >= 0
    assert "stopped after" in told[3]["message"]


def test_the_console_writes_them_to_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(logline.VARIABLE, "json")
    out, aside = io.StringIO(), io.StringIO()
    console = Console(Format.TABLE, out, aside)
    console.line("Stack prod")
    console.progress.line("word")
    assert [json.loads(line)["message"] for line in aside.getvalue().splitlines()] == [
        "Stack prod",
        "word",
    ]
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("refused",), 2, "It is wrong.\nMend it."),
        (("bug",), 1, "This is a bug in ai-square-db: KeyError: 'absent'"),
        (("--debug", "bug"), 1, "This is a bug"),
    ],
)
def test_an_error_is_one_line_too(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "invoke.yaml").write_text("tasks: {executor_class: ops.executor.OpsExecutor}\n")
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), logline.VARIABLE: "json"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    lines = [line for line in done.stderr.splitlines() if line.startswith('{"severity')]
    told = [json.loads(line) for line in lines]
    assert told[-1]["severity"] == "ERROR"
    assert told[-1]["exit_code"] == code
    assert told[-1]["message"].startswith(said)
    assert ("stack_trace" in told[-1]) is ("--debug" in arguments)
    if arguments == ("refused",):
        assert len(lines) == len(done.stderr.splitlines()) == 4
        assert done.stdout == '{"verdict": "pass"}\n'
