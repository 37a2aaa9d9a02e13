"""A base that has the project elsewhere, under another name, or not at all."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.preview.base import locate
from infra.preview.renames import renamed
from infra.preview.review import against_base
from infra.preview.revision import (
    NoRepositoryError,
    NoRevisionError,
    not_run,
    resolve,
    unpacked,
    untouched,
)
from infra.preview.show import Shown
from infra.preview.verdict import FAIL_ON, StackPreview, Verdict, fail_on
from infra.stackfile import ROOT
from ops.checks.result import State

FAILING = fail_on(FAIL_ON)
STACKS = ("local", "staging")


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@t.t", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message=change")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def project(folder: Path, *, program: bool = False) -> Path:
    """Copy the project's files into a folder, with its program where it is to run."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Pulumi.yaml", *(f"Pulumi.{stack}.yaml" for stack in STACKS)):
        shutil.copy(ROOT / name, folder)
    for package in ("infra", "ops", "sql"):
        if program:
            unused = shutil.ignore_patterns("local", "__pycache__")
            shutil.copytree(ROOT / package, folder / package, ignore=unused)
    (folder / "infra").mkdir(exist_ok=True)
    (folder / "infra" / "__main__.py").touch()
    return folder


def repository(top: Path) -> Path:
    top.mkdir(parents=True, exist_ok=True)
    git(top, "init", "--quiet", "--initial-branch=main")
    (top / "README").write_text("of a larger repository")
    (top / ".gitignore").write_text("__pycache__/\n")
    return top


@pytest.fixture(scope="module")
def monorepo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository whose project is a folder of it, with its program."""
    top = repository(tmp_path_factory.mktemp("mono"))
    project(top / "teams" / "db", program=True)
    commit(top)
    return top


@pytest.fixture
def clean(monorepo: Path) -> Path:
    git(monorepo, "checkout", "--quiet", "--force", "main")
    git(monorepo, "clean", "--quiet", "-d", "--force")
    return monorepo


def preview(root: Path, *stacks: str) -> tuple[tuple[StackPreview, ...], State]:
    found = against_base("main", stacks, FAILING, root=root)
    return found.stacks, found.state


def test_project_in_a_folder_is_compared_with_that_folder(clean: Path) -> None:
    root = clean / "teams" / "db"
    assert preview(root)[0][0].verdict is Verdict.NO_CHANGE
    git(clean, "checkout", "--quiet", "--detach")  # a detached HEAD, and a change not committed
    edit(root / "Pulumi.staging.yaml", "asia-east1", "us-central1")
    (staging,), state = preview(root, "staging")
    assert (staging.verdict, state) == (Verdict.BLOCKED, State.FINDING)
    (instance,) = (one for one in staging.changes if one.name == "instance")
    assert (instance.action, instance.loses_data) == ("replace", True)


def test_moved_project_is_compared_with_the_folder_it_left(clean: Path, tmp_path: Path) -> None:
    git(clean, "mv", "teams/db", "database")
    edit(clean / "database/Pulumi.local.yaml", "max_connections: 100", "max_connections: 120")
    link = tmp_path / "link"
    link.symlink_to(clean / "database")  # and through a link to the folder
    (local,), state = preview(link, "local")
    assert (local.verdict, state) == (Verdict.RESTARTS, State.FINDING)
    assert "moved here from teams/db" in local.note


def test_deleted_stack_deletes_what_it_declared(clean: Path) -> None:
    root = clean / "teams" / "db"
    (root / "Pulumi.staging.yaml").unlink()
    found = against_base("main", ("staging",), FAILING, root=root)
    (staging,) = found.stacks
    assert (staging.verdict, found.state) == (Verdict.DELETES, State.FINDING)
    assert {one.action for one in staging.changes} == {"delete"}
    assert str(Shown(found).blocks()[0]).startswith("Deletes (data loss):")
    (root / "infra/program.py").write_text("raise RuntimeError('no program')\n")
    git(clean, "checkout", "--quiet", "-B", "broken")
    git(clean, "checkout", "--quiet", "main", "--", "teams/db/Pulumi.staging.yaml")
    commit(clean)
    (
        root / "Pulumi.staging.yaml"
    ).unlink()  # what it declared can't be listed, and goes all the same
    (staging,) = against_base("broken", ("staging",), FAILING, root=root).stacks
    assert staging.verdict is Verdict.DELETES
    assert "RuntimeError: no program" in staging.note


def test_renamed_stack_is_compared_with_its_former_file(clean: Path) -> None:
    root = clean / "teams" / "db"
    git(clean, "mv", "teams/db/Pulumi.local.yaml", "teams/db/Pulumi.laptop.yaml")
    (same,), _ = preview(root, "laptop")
    assert (same.verdict, same.changes) == (Verdict.SAFE, ())
    assert "pulumi stack rename laptop --stack local" in same.note
    edit(root / "Pulumi.laptop.yaml", "max_connections: 100", "max_connections: 120")
    (other,), state = preview(root, "local")  # by its former name
    assert (other.stack, other.verdict, state) == ("laptop", Verdict.RESTARTS, State.FINDING)


def test_another_program_than_ours_is_unknown(clean: Path) -> None:
    root = clean / "teams" / "db"
    edit(root / "Pulumi.yaml", "main: infra/", "main: program/")
    (local,), state = preview(root, "local")
    assert (local.verdict, state) == (Verdict.UNKNOWN, State.UNKNOWN)
    assert "Pulumi.yaml runs program/" in local.note


def test_renamed_project_is_unknown(clean: Path) -> None:
    root = clean / "teams" / "db"
    edit(root / "Pulumi.yaml", "name: ai-square-db", "name: databases")
    (local,), state = preview(root, "local")
    assert (local.verdict, state) == (Verdict.UNKNOWN, State.UNKNOWN)
    assert "stack rename ORGANIZATION/databases/local" in local.note


def test_program_of_an_installed_project_is_not_taken_for_the_base(clean: Path) -> None:
    root = clean / "teams" / "db"
    git(clean, "checkout", "--quiet", "-B", "without")
    git(clean, "mv", "teams/db/infra", "teams/db/program")
    commit(clean)
    git(clean, "checkout", "--quiet", "main")
    (local,) = against_base("without", ("local",), FAILING, root=root).stacks
    assert local.verdict is Verdict.UNKNOWN
    assert "is not among this side's files" in local.note


def _same_name_elsewhere(top: Path) -> Path:
    project(top / "teams" / "one")
    commit(top)
    return project(top / "teams" / "two")


def _two_that_left(top: Path) -> Path:
    project(top / "a")
    project(top / "b")
    commit(top)
    shutil.rmtree(top / "a")
    shutil.rmtree(top / "b")
    return project(top / "c")


def _moved_and_renamed(top: Path) -> Path:
    edit(project(top / "old") / "Pulumi.yaml", "name: ai-square-db", "name: former")
    commit(top)
    shutil.rmtree(top / "old")
    return project(top / "new")


def _ignored(top: Path) -> Path:
    (top / ".gitignore").write_text("/vendor\n")
    commit(top)
    return project(top / "vendor" / "db")


def _submodule_before(top: Path) -> Path:
    inner = repository(top / "db")
    project(inner)
    commit(inner)
    commit(top)  # the folder as another repository's
    git(top, "rm", "--quiet", "--cached", "db")
    shutil.rmtree(inner / ".git")
    git(top, "add", "db")
    return inner


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_same_name_elsewhere, "what it has in teams/one may be this one"),
        (_two_that_left, "what it has in a, b may be this one"),
        (_moved_and_renamed, "what it has in old may be this one"),
        (_ignored, "Git ignores vendor/db/Pulumi.yaml"),
        (_submodule_before, "what it has in db may be this one"),
    ],
)
def test_base_that_may_have_the_project_is_unknown(
    tmp_path: Path, make: Callable[[Path], Path], said: str
) -> None:
    root = make(repository(tmp_path / "top"))
    found = against_base("main", ("local",), FAILING, root=root)
    assert found.state is State.UNKNOWN
    assert said in found.stacks[0].note
    assert "--against live" in found.stacks[0].note


def _whole_new(top: Path) -> tuple[Path, str | None]:
    (project(top / "other") / "Pulumi.yaml").write_text("name: other\nruntime: python\n")
    commit(top)
    return project(top / "db"), None


def _to_the_top(top: Path) -> tuple[Path, str | None]:
    project(top / "db")
    commit(top)
    shutil.rmtree(top / "db")
    return project(top), "db"


def _place_swapped(top: Path) -> tuple[Path, str | None]:
    project(top / "first")
    (project(top / "second") / "Pulumi.yaml").write_text("name: other\nruntime: python\n")
    commit(top)
    shutil.rmtree(top / "second")
    (top / "first").rename(top / "second")
    return top / "second", "first"


def _behind_a_link(top: Path) -> tuple[Path, str | None]:
    project(top / "real")
    (top / "db").symlink_to("real")
    commit(top)
    (top / "db").unlink()
    (top / "real").rename(top / "db")
    return top / "db", "real"


def _submodule(top: Path) -> tuple[Path, str | None]:
    inner = repository(top / "parts" / "inner")
    project(inner / "db")
    commit(inner)
    commit(top)
    return inner / "db", "db"


def _worktree(top: Path) -> tuple[Path, str | None]:
    project(top / "db")
    commit(top)
    git(top, "worktree", "add", "--quiet", str(top.parent / "tree"))
    return top.parent / "tree" / "db", "db"


def _sparse(top: Path) -> tuple[Path, str | None]:
    project(top / "db")
    commit(top)
    git(top, "sparse-checkout", "set", "db")
    return top / "db", "db"


def _odd_name(top: Path) -> tuple[Path, str | None]:
    (top / "ü db1").mkdir()
    (top / "ü db1" / "decoy").touch()
    project(top / "ü db[1]")
    commit(top)
    return top / "ü db[1]", "ü db[1]"


@pytest.mark.parametrize(
    "make",
    [
        _odd_name,
        _whole_new,
        _to_the_top,
        _place_swapped,
        _behind_a_link,
        _submodule,
        _worktree,
        _sparse,
    ],
)
def test_base_has_the_project_where_it_was(
    tmp_path: Path, make: Callable[[Path], tuple[Path, str | None]]
) -> None:
    root, folder = make(repository(tmp_path / "top"))
    head = resolve(root, "main")
    place = locate(root, head)
    assert (place.folder, place.doubt) == (folder, "")
    if place.folder is None:
        return
    with unpacked(root, head, place.folder) as tree:
        assert (tree / "Pulumi.local.yaml").read_text() == (ROOT / "Pulumi.local.yaml").read_text()


def test_link_out_of_the_folder_is_followed_in_the_base(tmp_path: Path) -> None:
    top = repository(tmp_path / "top")
    root = project(top / "db")
    (top / "shared").mkdir()
    (root / "Pulumi.local.yaml").rename(top / "shared" / "local.yaml")
    (root / "Pulumi.local.yaml").symlink_to("../shared/local.yaml")
    commit(top)
    with unpacked(root, "main", "db") as tree:
        assert "db-custom-1-3840" in (tree / "Pulumi.local.yaml").read_text()


def test_hook_of_another_repository_does_not_mislead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = repository(tmp_path / "top")
    root = project(top / "db")
    commit(top)
    other = repository(tmp_path / "other")
    commit(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    found = resolve(root, "main")
    monkeypatch.undo()
    assert found == git(top, "rev-parse", "main")


def _ignored_stack(root: Path) -> None:
    (root / ".gitignore").write_text("Pulumi.laptop.yaml\n")
    shutil.copy(root / "Pulumi.local.yaml", root / "Pulumi.laptop.yaml")


def _assumed_unchanged(root: Path) -> None:
    git(root, "update-index", "--assume-unchanged", "Pulumi.local.yaml")
    (root / "Pulumi.local.yaml").write_text("config: {}\n")


def _skipped(root: Path) -> None:
    git(root, "update-index", "--skip-worktree", "Pulumi.local.yaml")
    (root / "Pulumi.local.yaml").write_text("config: {}\n")


@pytest.mark.parametrize("change", [_ignored_stack, _assumed_unchanged, _skipped])
def test_change_that_git_does_not_show_is_not_no_change(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    root = project(repository(tmp_path / "top") / "db")
    commit(root)
    assert untouched(root, "main")
    (root / "infra" / "__pycache__").mkdir()
    (root / "infra" / "__pycache__" / "a.pyc").touch()
    assert untouched(root, "main")
    change(root)
    assert not untouched(root, "main")


def test_shallow_clone_without_the_base_is_refused(tmp_path: Path) -> None:
    top = repository(tmp_path / "top")
    project(top / "db")
    commit(top)
    first = git(top, "rev-parse", "HEAD")
    commit(top)
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{top}", str(shallow))
    for base in (first, "HEAD^", "main~1"):
        with pytest.raises(NoRevisionError, match="in a shallow checkout fetch it first"):
            against_base(base, ("local",), FAILING, root=shallow / "db")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("main: infra/", ""),
        ("main: ./infra", ""),
        ("main: infra/__main__.py", ""),
        ("runtime: python", "runs ."),
        ("main: elsewhere", "runs elsewhere"),
        ("main: infra/\nstackConfigDir: stacks", "keeps the stack files in stacks"),
    ],
)
def test_program_and_stack_files_are_where_pulumi_looks(
    tmp_path: Path, line: str, why: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: a\n{line}\n")
    assert why in not_run(tmp_path)
    assert bool(why) == bool(not_run(tmp_path))


def stack(root: Path, name: str, **values: str) -> None:
    root.mkdir(exist_ok=True)
    (root / "Pulumi.yaml").write_text("name: ai-square-db\n")
    lines = "".join(f"  ai-square-db:{key}: {value}\n" for key, value in values.items())
    (root / f"Pulumi.{name}.yaml").write_text(f"config:\n  gcp:project: p\n{lines}")


def test_renames_are_told_by_content(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    stack(old, "a", instance="one", tier="x", zone="y", database="d")
    stack(old, "b", instance="two", tier="x", zone="y", database="e")
    stack(old, "kept", instance="three")
    stack(new, "kept", instance="three")
    assert renamed(old, new) == {}  # both are gone
    stack(new, "c", instance="two", tier="z", zone="w", database="f")
    assert renamed(old, new) == {"c": "b"}  # the same instance, whatever else changed
    stack(new, "d", instance="four", tier="x", zone="y", database="d")
    assert renamed(old, new) == {"c": "b", "d": "a"}  # most of the values
    (new / "Pulumi.c.yaml").write_text("config: [\n")
    assert renamed(old, new) == {"d": "a"}  # nobody knows what c is
    stack(new, "d", instance="five", tier="other", zone="else", database="none")
    assert renamed(old, new) == {}


def test_repository_that_git_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    with pytest.raises(NoRepositoryError, match="git: fatal: not a git repository"):
        resolve(tmp_path, "main")
