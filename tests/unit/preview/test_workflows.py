"""The workflows: valid, audited, and their shell run as a runner runs it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = Path(__file__).resolve().parents[3] / ".github/workflows"
FILES = sorted(WORKFLOWS.glob("*.yml"))
PROGRAMS = Path(sys.executable).parent
AUDIT = ("zizmor", "--offline", "--no-progress", "--persona=pedantic", "--quiet")
SCHEMA = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
STUB = """#!/bin/sh
printf '%s\\n' "$@" >>"$ARGUMENTS"
for last; do :; done
if [ -n "$REPORT" ]; then mkdir -p "$last"; echo '# report' >"$last/report.md"; fi
exit "$ENDS"
"""


def checked(program: tuple[str, ...], *files: Path) -> subprocess.CompletedProcess[str]:
    command = [str(PROGRAMS / program[0]), *program[1:], *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def parsed(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8"))
    return found


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in parsed(name)["jobs"].values():
        yield from job["steps"]


def script(name: str, step: str) -> str:
    (found,) = (one["run"] for one in steps(name) if one.get("name") == step)
    return str(found)


def test_workflows_are_what_github_takes() -> None:
    done = checked(SCHEMA, *FILES)
    assert done.returncode == 0, done.stdout


def test_audit_finds_nothing() -> None:
    done = checked(AUDIT, WORKFLOWS)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("program", "old", "new", "said"),
    [
        (AUDIT, "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        (
            AUDIT,
            '"$OUT/pull-request"\n',
            '"$OUT/${{ github.event.pull_request.title }}"\n',
            "template-injection",
        ),
        (AUDIT, "permissions: {}", "permissions: write-all", "excessive-permissions"),
        (AUDIT, "  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers"),
        (SCHEMA, "runs-on:", "run-on:", "run-on"),
    ],
)
def test_what_is_wrong_is_found(
    tmp_path: Path, program: tuple[str, ...], old: str, new: str, said: str
) -> None:
    text = (WORKFLOWS / "preview.yml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / ".github/workflows/preview.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace(old, new), encoding="utf-8")
    done = checked(program, path)
    assert done.returncode != 0
    assert said in done.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_actions_are_pinned_and_shells_get_no_expressions(path: Path) -> None:
    uses = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert uses
    for one in uses:
        assert re.fullmatch(r"(google-github-)?actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)
    for step in steps(path.stem):
        assert "${{" not in step.get("run", "")


def test_half_that_runs_the_pull_requests_code_can_only_read() -> None:
    workflow = parsed("preview")
    assert workflow[True] == {"pull_request": None}  # YAML 1.1 reads the key "on" as true
    assert workflow["permissions"] == {}
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    text = (WORKFLOWS / "preview.yml").read_text(encoding="utf-8")
    assert "secrets" not in text.replace("no secret ", "")
    assert "github.token" not in text


def test_half_that_writes_runs_the_default_branch_alone() -> None:
    workflow = parsed("preview-comment")
    assert workflow[True] == {"workflow_run": {"workflows": ["preview"], "types": ["completed"]}}
    assert parsed("preview")["name"] == "preview"
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {
        "actions": "read",
        "contents": "read",
        "pull-requests": "write",
    }
    checkout, *_ = steps("preview-comment")
    assert checkout["with"] == {
        "ref": "${{ github.event.repository.default_branch }}",
        "persist-credentials": False,
    }


class Runner:
    """Runs a step's shell beside a stub of `./inv`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "temp/preview"
        self.output, self.summary = folder / "output", folder / "summary"
        self.arguments = folder / "arguments"
        stub = folder / "inv"
        stub.write_text(STUB, encoding="utf-8")
        stub.chmod(0o700)
        self.git("init", "--quiet", "--initial-branch", "other")
        for message in ("base", "merge"):
            self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
        command = ["git", *who, *arguments]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout

    def run(self, shell: str, **env: str) -> subprocess.CompletedProcess[str]:
        given: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "OUT": str(self.out),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_REPOSITORY": "ai-square/db",
            "ARGUMENTS": str(self.arguments),
            "BASE": "main",
            "REPORT": "",
            "ENDS": "0",
        }
        return subprocess.run(
            ["bash", "-e", "-c", shell],
            cwd=self.folder,
            env={**given, **env},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.mark.parametrize(
    ("ends", "job", "said"),
    [
        ("0", 0, ""),
        ("3", 0, "::warning::This interrupts"),
        ("4", 0, "::warning::The preview could not"),
        ("1", 1, ""),
        ("2", 2, ""),
    ],
)
def test_report_is_kept_however_the_preview_ends(
    tmp_path: Path, ends: str, job: int, said: str
) -> None:
    runner = Runner(tmp_path)
    shell = script("preview", "Preview all stacks")
    done = runner.run(shell, ENDS=ends, REPORT="yes", NUMBER="7")
    assert done.returncode == 0, done.stderr
    given = runner.arguments.read_text(encoding="utf-8").split()
    assert given == ["preview", "--base", "main", "--out", str(runner.out)]
    assert runner.git("rev-parse", "main") == runner.git("rev-parse", "HEAD^1")
    assert runner.output.read_text(encoding="utf-8") == f"code={ends}\n"
    assert runner.summary.read_text(encoding="utf-8") == "# report\n"
    assert (runner.out / "pull-request").read_text(encoding="utf-8") == "7\n"
    last = runner.run(script("preview", "Say how it ended"), CODE=ends)
    assert last.returncode == job
    assert last.stdout.startswith(said)


def test_preview_without_a_report_still_says_which_pull_request(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    done = runner.run(script("preview", "Preview all stacks"), ENDS="1", NUMBER="7")
    assert done.returncode == 0, done.stderr
    assert (runner.out / "pull-request").exists()
    assert not runner.summary.exists()


@pytest.mark.parametrize(
    ("told", "number"),
    [("7\n", "7"), ("7; $(touch owned) `touch owned`", "7"), ("--run-url\n", ""), (None, "")],
)
def test_report_is_posted_for_the_branch_that_github_names(
    tmp_path: Path, told: str | None, number: str
) -> None:
    runner = Runner(tmp_path)
    runner.out.mkdir(parents=True)
    (runner.out / "report.json").write_text("{}", encoding="utf-8")
    if told is not None:
        (runner.out / "pull-request").write_text(told, encoding="utf-8")
    branch = "mallory/db:a$(touch owned);touch owned"
    env = {"HEAD": branch, "COMMIT": "b" * 40, "RUN": "5.1", "RUN_URL": "https://example.com"}
    done = runner.run(script("preview-comment", "Post it"), **env)
    assert done.returncode == 0, done.stderr
    given = runner.arguments.read_text(encoding="utf-8").split("\n")
    assert given[0] == "preview.comment"
    assert given[given.index("--head") + 1] == branch
    assert given[given.index("--pr") + 1] == number
    assert not (tmp_path / "owned").exists()


def test_nothing_is_posted_without_a_report(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    done = runner.run(script("preview-comment", "Post it"))
    assert done.returncode == 0
    assert done.stdout.startswith("::notice::")
    assert not runner.arguments.exists()


DRILL_STUB = """#!/bin/sh
printf '%s\\n' "$0 $*" >>"$ARGUMENTS"
case "$*" in
  *restore.evidence*) printf '%s' "$EVIDENCE"; exit "$CHAIN_ENDS" ;;
  *restore.history*) echo '{}'; exit "$HISTORY_ENDS" ;;
  "run jobs execute"*) exit "$DRILL_ENDS" ;;
esac
"""
RECORD = '{"where": "gs://b/prod/evidence/restore-drill/r1.json", "record": {"verdict": "pass"}}'


@pytest.mark.parametrize(
    ("drill", "chain", "history", "evidence", "said", "ends"),
    [
        ("0", "0", "0", RECORD, "pass (job 0)", 0),
        ("1", "0", "0", RECORD.replace("pass", "fail"), "job failed; its newest", 3),
        ("1", "0", "0", RECORD.replace("pass", "unknown"), "job failed", 2),
        ("1", "2", "3", "", "unknown (job 1)", 3),
        ("0", "3", "0", RECORD, "not whole", 3),
        ("0", "0", "3", RECORD, "too old", 3),
        ("0", "0", "4", RECORD, "can't be read", 4),
        ("0", "2", "2", "", "not whole", 2),
        ("0", "0", "0", RECORD.replace("pass", "pass\\n::set-output::"), "Drill: pass (job 0)", 0),
    ],
)
def test_drill_is_started_and_its_evidence_decides(
    tmp_path: Path, drill: str, chain: str, history: str, evidence: str, said: str, ends: int
) -> None:
    runner = Runner(tmp_path)
    for name in ("inv", "gcloud"):
        (tmp_path / name).write_text(DRILL_STUB, encoding="utf-8")
        (tmp_path / name).chmod(0o700)
    env = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "STACK": "prod",
        "JOB": "db-drill",
        "PROJECT": "p",
        "REGION": "r",
        "DRILL_ENDS": drill,
        "CHAIN_ENDS": chain,
        "HISTORY_ENDS": history,
        "EVIDENCE": evidence,
    }
    for step in ("Drill", "Collect the evidence"):
        done = runner.run(script("restore-drill", step), **env)
        assert done.returncode == 0, done.stderr
    told = dict(line.split("=", 1) for line in runner.output.read_text().splitlines())
    assert told["code"] == drill
    given = runner.arguments.read_text(encoding="utf-8")
    assert "run jobs execute db-drill --project p --region r --wait" in given
    assert ("storage cp gs://b/prod/evidence/restore-drill/r1.json" in given) is bool(evidence)
    assert (runner.out / "history.json").exists()
    last = runner.run(
        script("restore-drill", "Say how it ended"),
        DRILL=told["code"],
        CHAIN=told["chain"],
        HISTORY=told["history"],
        VERDICT=told["verdict"],
    )
    assert last.returncode == ends, last.stdout
    assert said in last.stdout


def test_drill_workflow_holds_no_key_and_little_right() -> None:
    workflow = parsed("restore-drill")
    assert workflow["permissions"] == {}
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    assert "secrets." not in (WORKFLOWS / "restore-drill.yml").read_text(encoding="utf-8")
