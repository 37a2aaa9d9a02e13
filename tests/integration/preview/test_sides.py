"""The preview of a working tree against its base, each side run whole, in a repository."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.preview.review import against_base
from infra.preview.revision import NoRepositoryError, NoRevisionError, resolve, untouched
from infra.preview.show import Shown, headline
from infra.preview.text import sections
from infra.preview.verdict import FAIL_ON, Preview, Verdict, fail_on
from infra.stackfile import ROOT, UnknownStackError
from ops.checks.result import State
from ops.console import to_json

FAILING = fail_on(FAIL_ON)
SECRET = "v1:c2VjcmV0:b2xk"
NEW_SECRET = "v1:bmV3:c2VjcmV0"


def git(root: Path, *arguments: str) -> None:
    command = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@t.t", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the project's program, as committed before a change."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "infra", root / "infra", ignore=shutil.ignore_patterns("local"))
    shutil.copytree(ROOT / "ops", root / "ops")
    shutil.copytree(ROOT / "sql", root / "sql")
    for file in ("Pulumi.yaml", *(f"Pulumi.{name}.yaml" for name in ("prod", "staging", "local"))):
        shutil.copy(ROOT / file, root)
    (root / ".gitignore").write_text("__pycache__/\n")
    edit(root / "Pulumi.prod.yaml", "config:\n", f"config:\n  gcp:token:\n    secure: {SECRET}\n")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=base")
    return root


@pytest.fixture
def clean(repository: Path) -> Path:
    git(repository, "checkout", "--quiet", "--force", "main")
    git(repository, "clean", "--quiet", "-d", "--force")
    return repository


def by_stack(preview: Preview) -> dict[str, Verdict]:
    return {one.stack: one.verdict for one in preview.stacks}


def test_no_change_is_one_line_and_runs_nothing(clean: Path) -> None:
    (clean / "notes.txt").write_text("nothing that decides")
    found = against_base("main", (), FAILING, root=clean)
    (line,) = Shown(found).blocks()
    assert str(line).startswith("No change of local, prod, staging:")
    assert found.state is State.OK


def test_each_side_runs_its_own_program(clean: Path) -> None:
    edit(clean / "Pulumi.prod.yaml", "shared_buffers: 2.5GB", "shared_buffers: 3GB")
    edit(clean / "Pulumi.prod.yaml", SECRET, NEW_SECRET)
    edit(clean / "infra/instance.py", 'activation_policy="ALWAYS"', 'activation_policy="NEVER"')
    (clean / "Pulumi.local.yaml").unlink()
    text = (clean / "Pulumi.staging.yaml").read_text()
    (clean / "Pulumi.preview.yaml").write_text(text)
    edit(clean / "Pulumi.staging.yaml", "db-custom-1-3840", "db-huge")
    found = against_base("main", (), FAILING, root=clean)
    assert by_stack(found) == {
        "local": Verdict.DELETES,
        "preview": Verdict.SAFE,
        "prod": Verdict.BLOCKED,  # a policy wants that the instance runs
        "staging": Verdict.UNKNOWN,
    }
    notes = {one.stack: one.note for one in found.stacks}
    assert "there is no tier db-huge" in notes["staging"]
    assert "in the working tree" in notes["staging"]
    assert "the other side declares" in notes["staging"]
    (staging,) = (one for one in found.stacks if one.stack == "staging")
    assert staging.circumstances == ("instance: at least 52.71 USD a month",)
    assert "all of it would be created" in notes["preview"]
    assert notes["local"].startswith("Pulumi.local.yaml is gone, and with it everything")
    assert found.state is State.FINDING
    (prod,) = (one for one in found.stacks if one.stack == "prod")
    (instance,) = prod.changes
    assert [(c.property, c.before, c.after) for c in instance.changes] == [
        ("settings.activationPolicy", "ALWAYS", "NEVER"),
        ("settings.databaseFlags.shared_buffers", "2.5 GB", "3 GB"),
    ]
    assert prod.secrets == ("gcp:token",)
    everywhere = to_json(Shown(found)) + "".join(one.body for one in sections(found))
    assert SECRET not in everywhere
    assert NEW_SECRET not in everywhere
    assert "Secret gcp:token: changed" in "".join(map(str, Shown(found).blocks()))


def test_a_program_that_fails_at_the_base_is_told_beside_the_other_stacks(clean: Path) -> None:
    git(clean, "checkout", "--quiet", "-B", "broken")
    (clean / "infra/instance.py").write_text("raise RuntimeError('no program')\n")
    git(clean, "commit", "--quiet", "--all", "--message=broken")
    git(clean, "checkout", "--quiet", "main", "--", "infra/instance.py")
    found = against_base("broken", ("prod",), FAILING, root=clean)
    (prod,) = found.stacks
    assert prod.verdict is Verdict.UNKNOWN
    assert "the program fails at the base: RuntimeError: no program" in prod.note
    assert found.state is State.UNKNOWN


def test_what_is_no_base_is_said(clean: Path, tmp_path: Path) -> None:
    for revision in ("nonsense", "--help", "HEAD:infra"):
        with pytest.raises(NoRevisionError, match="There is no revision"):
            against_base(revision, (), FAILING, root=clean)
    with pytest.raises(NoRepositoryError, match="no Git repository"):
        resolve(tmp_path, "main")
    with pytest.raises(UnknownStackError, match="no stack 'prd'"):
        against_base("main", ("prd",), FAILING, root=clean)


def test_a_new_file_of_the_program_is_a_change(clean: Path) -> None:
    commit = resolve(clean, "main")
    assert untouched(clean, commit)
    (clean / "infra/new.py").write_text("")
    assert not untouched(clean, commit)


def invoke(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "invoke", "preview", *arguments],
        cwd=ROOT,
        env={**os.environ, "INVOKE_STACK": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_stacks_are_held_side_by_side(tmp_path: Path) -> None:
    done = invoke("--between", "staging,prod", "--format", "json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (pair,) = told["stacks"]
    assert pair["verdict"] == "differs"
    changed = {c["property"] for one in pair["resources"] for c in one["changes"]}
    assert {"settings.tier", "settings.availabilityType"} <= changed
    page = (tmp_path / "report.html").read_text()
    assert "settings" not in page.split("<style>")[0]
    assert "db-custom-2-7680" in page
    assert json.loads((tmp_path / "report.json").read_text()) == told
    assert "db-custom-2-7680" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--base", "HEAD", "--between", "prod,staging"), "exclude each other"),
        (("--between", "prod"), "names no two stacks"),
        (("--between", "prod,nowhere"), "There is no stack 'nowhere'"),
        (("--against", "prod"), "nothing to compare with"),
        (("--base", "HEAD", "--fail-on", "sometimes"), "Give one of: blocked, replace"),
        (("--base", "no-such-branch"), "There is no revision 'no-such-branch'"),
    ],
)
def test_bad_input_is_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = invoke(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_headline_says_the_worst() -> None:
    from infra.preview.verdict import StackPreview

    two = (StackPreview("a", Verdict.SAFE), StackPreview("b", Verdict.REPLACES))
    told = Preview("main", "the working tree", two, FAILING)
    assert headline(told).startswith("Replaces (data loss):")
    assert told.state is State.FINDING
    assert Preview("main", "the working tree", two, fail_on("never")).state is State.OK
