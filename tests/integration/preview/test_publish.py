"""`invoke preview.comment` as people and workflows run it, against a small GitHub."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.preview.comment import ACTIONS, Done, Posted
from infra.preview.publish import (
    BadOptionError,
    ForeignPullError,
    NothingToPostError,
    Typed,
    UnreadableError,
    WhichPullError,
    publish,
)
from infra.preview.received import BadReportError
from infra.preview.refusals import BadRepositoryError, TokenMissingError
from infra.preview.show import Shown
from infra.preview.stamp import BadStampError
from infra.preview.verdict import Preview, StackPreview, Verdict
from ops.console import to_json
from tests.integration.preview.hub import REPOSITORY, Hub, User, serving

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "ghs_a-token-that-nobody-may-see"
COMMIT = "b" * 40
FORK = "mallory/db"
RUN = "https://github.com/ai-square/db/actions/runs/1"


@pytest.fixture(scope="module")
def served() -> Iterator[Hub]:
    hub = Hub()
    with serving(hub):
        yield hub


@pytest.fixture
def hub(served: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The same server for every test, empty again."""
    url = served.url
    served.__init__()  # type: ignore[misc]  # a GitHub without anything
    served.url = url
    served.users = {TOKEN: User(ACTIONS, "Bot")}
    served.pull(7, COMMIT, "topic", FORK)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", url)
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    return served


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    same = tuple(StackPreview(name, Verdict.NO_CHANGE) for name in ("local", "prod", "staging"))
    preview = Preview("main (0123456789)", "the working tree", same, frozenset())
    path.write_text(to_json(Shown(preview)), encoding="utf-8")
    return path


def typed(path: Path, /, **other: str) -> Typed:
    options = {
        "stack": "",
        "report": str(path),
        "markdown": "",
        "repo": REPOSITORY,
        "pr": "",
        "head": f"{FORK}:topic",
        "commit": COMMIT,
        "run": "5.1",
        "run_url": RUN,
        "author": "",
    }
    return Typed(**(options | other))


def test_no_change_is_one_line(hub: Hub, report: Path) -> None:
    assert publish(typed(report)) == Posted(Done.CREATED, 7, 1001)
    (body,) = hub.bodies(7)
    assert body == (
        f"<!-- preview of ai-square-db key=all commit={COMMIT} run=5.1 -->\n\n"
        "<b>Preview of ai-square-db</b>: No change of local, prod, staging: the working tree"
        f" against main (0123456789). Commit <code>bbbbbbbbbbbb</code>, [run]({RUN}).\n"
    )


def test_stack_has_its_own_comment(hub: Hub, report: Path) -> None:
    publish(typed(report))
    publish(typed(report, stack="prod"))
    assert [body.split()[4] for body in hub.bodies(7)] == ["key=all", "key=prod"]
    assert "<b>Preview of ai-square-db, stack prod</b>" in hub.bodies(7)[1]


def test_github_says_which_pull_request_a_branch_has(hub: Hub, report: Path) -> None:
    hub.pull(8, COMMIT, "topic", "mallory/another")
    hub.pull(9, COMMIT, "topic")
    assert publish(typed(report)).pull == 7
    assert publish(typed(report, pr="7", run="6.1")).done is Done.UPDATED
    for foreign in ("8", "9", "404"):
        with pytest.raises(ForeignPullError, match=f"#{foreign} is no open pull request of"):
            publish(typed(report, pr=foreign))
    hub.pull(10, COMMIT, "topic", FORK)
    with pytest.raises(WhichPullError, match="#7, #10"):
        publish(typed(report))
    assert publish(typed(report, pr="10")).pull == 10
    assert {one["issue"] for one in hub.comments.values()} == {7, 10}


def test_closed_pull_request_gets_no_comment(hub: Hub, report: Path) -> None:
    hub.pulls[7]["state"] = "closed"
    assert publish(typed(report)) == Posted(Done.NOWHERE)
    assert publish(typed(report, head="", pr="7")).done is Done.NOWHERE
    assert hub.comments == {}


def test_deleted_fork_gets_no_comment(hub: Hub, report: Path) -> None:
    hub.pulls[7]["head"]["repo"] = None
    assert publish(typed(report)).done is Done.NOWHERE


def test_own_markdown_is_posted_and_fits(hub: Hub, tmp_path: Path, report: Path) -> None:
    own = tmp_path / "own.md"
    own.write_text("# Hello\n\n" + "line\n\n" * 20_000, encoding="utf-8")
    publish(typed(report, report="", markdown=str(own)))
    (body,) = hub.bodies(7)
    assert "\n\n# Hello\n\nline\n" in body
    assert body.endswith(f"Too long for a comment: see [the whole report]({RUN}) for the rest.\n")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"report": ""}, NothingToPostError),
        ({"markdown": "x.md"}, NothingToPostError),
        ({"report": "", "markdown": "nowhere.md"}, UnreadableError),
        ({"report": "nowhere.json"}, BadReportError),
        ({"repo": ""}, BadRepositoryError),
        ({"repo": "../db"}, BadRepositoryError),
        ({"repo": "ai-square/.."}, BadRepositoryError),
        ({"pr": "7x"}, BadOptionError),
        ({"pr": "\u0667"}, BadOptionError),
        ({"pr": "", "head": ""}, BadOptionError),
        ({"head": "topic"}, BadOptionError),
        ({"commit": "main"}, BadStampError),
        ({"commit": COMMIT[:12]}, BadStampError),
        ({"run": "5"}, BadStampError),
        ({"stack": "a --> b"}, BadStampError),
        ({"stack": "a--b"}, BadStampError),
        ({"run_url": "javascript:alert(1)"}, BadOptionError),
        ({"run_url": "https://example.com/a)[b](c"}, BadOptionError),
    ],
)
def test_bad_options_are_refused_before_github_is_asked(
    hub: Hub, report: Path, options: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        publish(typed(report, **options))
    assert hub.calls == []


def test_token_is_needed(hub: Hub, report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(TokenMissingError, match="Set GITHUB_TOKEN"):
        publish(typed(report))
    assert hub.calls == []


def test_command_line(hub: Hub, report: Path) -> None:
    command = [sys.executable, "-m", "invoke", "preview.comment", "--report", str(report)]
    command += ["--repo", REPOSITORY, "--head", f"{FORK}:topic", "--commit", COMMIT]
    command += ["--run", "5.1", "--run-url", RUN, "--format", "json"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"done": "created", "pull": 7, "comment": 1001, "removed": 0}
    hub.users.clear()
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("GitHub does not accept GITHUB_TOKEN (401)")
    assert TOKEN not in done.stderr
