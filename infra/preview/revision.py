"""The program of a revision, run whole: its own code, its own stack files.

The base side of a preview must not be guessed from the working tree's program: a change of
the program is a change too. A revision is unpacked into a temporary folder and runs there,
in a process of its own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.desired import Desired, DesiredResource
from infra.preview.beside import beside
from infra.stackfile import StackFileError, project_file, project_name, read_config, stacks
from ops.errors import BadInputError, OpsError

# What decides what is declared; a change of anything else changes nothing here.
DECIDES = ("infra", "ops", "Pulumi.yaml", "Pulumi.*.yaml", "requirements.txt")
# Not tracked, and made by running the program.
MADE_BY_RUNNING = ("--exclude=__pycache__", "--exclude=*.pyc")
RUN_LIMIT_S = 300
PROGRAM_FOLDER = "infra"
# Where a hook or another git command leaves them, they name another repository or index.
ANOTHER_REPOSITORYS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
LINK = "120000"  # the mode of a symbolic link in Git's index

# Runs in the tree's own folder, with the tree's own modules; older trees have these two.
# A module that the tree lacks could come from where the project is installed: that program
# would be another one.
PROGRAM = """
import json, os, sys
from pathlib import Path

def foreign():
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.split(".")[0] in ("infra", "ops") and file:
            if not Path(file).is_relative_to(os.getcwd()):
                return name
    return ""

def plain(mapping):
    return None if mapping is None else dict(mapping)

said = {}
for stack in sys.argv[1:]:
    try:
        from infra.desired import collect
        from infra.settings import load
        settings = load(stack)
        desired = collect(settings)
        if foreign():
            raise ImportError(f"the module {foreign()} is not among this side's files")
        said[stack] = {
            "production": getattr(settings, "production", None),
            "pool_connections": getattr(getattr(settings, "pool", None), "max_connections", None),
            "resources": [
                {
                    "type": one.type,
                    "name": one.name,
                    "inputs": dict(one.inputs),
                    "protect": one.protect,
                    "ignore_changes": list(one.ignore_changes),
                    "depends_on": list(one.depends_on),
                    "deleted_with": one.deleted_with,
                    "fed_by": plain(getattr(one, "fed_by", None)),
                    "options": plain(getattr(one, "options", None)),
                }
                for one in desired.resources
            ],
        }
    except Exception as error:
        said[stack] = {"error": f"{type(error).__name__}: {error}"}
print(json.dumps(said))
"""


class NoRevisionError(BadInputError):
    """The base is no revision of this repository."""

    def __init__(self, revision: str, why: str) -> None:
        super().__init__(
            f"There is no revision {revision!r} to compare with: {why}. Name a branch, tag or"
            " commit that `git rev-parse` knows; in a shallow checkout fetch it first."
        )


class NoRepositoryError(OpsError):
    """The project is in no Git repository."""

    def __init__(self, folder: Path, why: str = "") -> None:
        super().__init__(
            f"{folder} is in no Git repository that can be read, or git is missing: there is no"
            f" base to compare with.{f' git: {why}.' if why else ''} Use `--against live` or"
            " `--between A,B`."
        )


@dataclass(frozen=True, slots=True)
class Side:
    """What one tree declares for one stack.

    Attributes:
        desired: What the program registered; None where it failed.
        error: Why it failed, in a line; empty where it did not.
        production: Whether the stack is guarded there.
        pool_connections: What the application's pools together may open there.
        secrets: Encrypted values of the stack file, by key, as Pulumi wrote them.
        beside: What a deployment goes by and the program does not see, by name.
        project: Name of the Pulumi project; empty where its file can't be read.
    """

    desired: Desired | None
    error: str = ""
    production: bool | None = None
    pool_connections: int | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    project: str = ""


def resolve(root: Path, revision: str) -> str:
    """Return the commit that a revision names.

    Raises:
        NoRepositoryError: The project is in no repository.
        NoRevisionError: It names none.
    """
    inside = git(root, "rev-parse", "--is-inside-work-tree")
    if inside.returncode != 0:
        raise NoRepositoryError(root, (inside.stderr.strip().splitlines() or [""])[0])
    answer = git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    if answer.returncode != 0:
        raise NoRevisionError(revision, answer.stderr.strip() or "git knows none of that name")
    return answer.stdout.strip()


def untouched(root: Path, commit: str) -> bool:
    """Tell whether nothing that decides what is declared differs from a commit.

    Files that Git ignores, or was told not to look at, may differ unseen: with those nobody
    can tell, so they count as touched.
    """
    compared = git(root, "diff", "--quiet", commit, "--", *DECIDES)
    added = git(root, "ls-files", "--others", *MADE_BY_RUNNING, "--", *DECIDES)
    marked = git(root, "ls-files", "-v", "--", *DECIDES)  # skip-worktree S, assume-unchanged lower
    unseen = any(line[0] == "S" or line[0].islower() for line in marked.stdout.splitlines())
    return compared.returncode == 0 and bool(marked.stdout) and not unseen and not added.stdout


@contextmanager
def unpacked(root: Path, commit: str, folder: str) -> Iterator[Path]:
    """Give the project's folder as it is in a commit, for as long as the block lasts.

    Args:
        root: The project's folder now, anywhere in the repository.
        commit: The commit.
        folder: Where the project is in that commit, from the repository's top; empty for
            the top itself.
    """
    top = top_level(root)
    with TemporaryDirectory(prefix="preview-base-") as name:
        own = {"GIT_INDEX_FILE": str(Path(name) / "index")}  # the repository's is not touched
        tree = Path(name) / "tree"
        unpack = ("-c", "core.sparseCheckout=false")
        _listed(commit, git(top, *unpack, "read-tree", commit, environment=own))
        listed = git(
            top,
            "ls-files",
            "-s",
            "-z",
            "--",
            f":(literal){folder}" if folder else ".",
            environment=own,
        )
        entries = [entry for entry in _listed(commit, listed).split("\0") if entry]
        # A link may lead out of the project's folder: then the whole repository is needed.
        everything = any(entry.startswith(LINK) for entry in entries)
        paths = "\0".join(entry.partition("\t")[2] for entry in entries)
        selection = ("--all",) if everything else ("-z", "--stdin")
        checkout = (*unpack, "checkout-index", f"--prefix={tree}/", *selection)
        _listed(commit, git(top, *checkout, environment=own, text="" if everything else paths))
        yield tree / folder


def top_level(root: Path) -> Path:
    """Return the top of the repository's working tree."""
    return Path(git(root, "rev-parse", "--show-toplevel").stdout.removesuffix("\n"))


def _listed(commit: str, done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode != 0:
        raise NoRevisionError(commit, done.stderr.strip())
    return done.stdout


def git(
    root: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    text: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run git in a folder, whatever repository its environment names.

    Raises:
        NoRepositoryError: There is no git.
    """
    clean = {k: v for k, v in os.environ.items() if k not in ANOTHER_REPOSITORYS}
    try:
        return subprocess.run(
            ["git", "-C", str(root), *arguments],
            env={**clean, **(environment or {})},
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
    except OSError as error:
        raise NoRepositoryError(root) from error


def sides(tree: Path, names: Iterable[str]) -> dict[str, Side]:
    """Return what a tree declares for those of the stacks that it has.

    Args:
        tree: Folder with the Pulumi files and the program.
        names: The stacks that are asked for.
    """
    present = [name for name in names if name in stacks(tree)]
    if not present:
        return {}
    try:
        project, why = project_name(tree), not_run(tree)
    except StackFileError as error:
        project, why = "", str(error)
    answers = {name: {"error": why} for name in present} if why else _run(tree, present)
    return {name: replace(_side(tree, name, answers[name]), project=project) for name in present}


def not_run(tree: Path) -> str:
    """Return why Pulumi would run another program, or other stack files, than we do.

    Raises:
        StackFileError: The project file can't be read.
    """
    project = project_file(tree)
    main = str(project.get("main") or ".")
    if os.path.normpath(main) not in {PROGRAM_FOLDER, f"{PROGRAM_FOLDER}/__main__.py"}:
        return f"Pulumi.yaml runs {main}, and a preview can run {PROGRAM_FOLDER}/ alone"
    if folder := project.get("stackConfigDir"):
        return f"Pulumi.yaml keeps the stack files in {folder}, where a preview does not look"
    return ""


def _run(tree: Path, names: list[str]) -> Mapping[str, Any]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PULUMI_", "PYTHONPATH"))}
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, *names],
            cwd=tree,
            env=clean,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_LIMIT_S,
        )
        if done.returncode == 0:
            answers: Mapping[str, Any] = json.loads(done.stdout)
            return answers
        why = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
    except subprocess.TimeoutExpired:
        why = f"it did not end within {RUN_LIMIT_S} s"
    except ValueError:
        why = "what it printed can't be read"
    return {name: {"error": why} for name in names}


def _side(tree: Path, stack: str, answer: Mapping[str, Any]) -> Side:
    secrets = _secrets(tree, stack)
    if "error" in answer:
        return Side(None, error=answer["error"], secrets=secrets)
    resources = tuple(
        DesiredResource(
            type=resource["type"],
            name=resource["name"],
            inputs=resource["inputs"],
            protect=resource["protect"],
            ignore_changes=tuple(resource["ignore_changes"]),
            depends_on=tuple(resource["depends_on"]),
            deleted_with=resource["deleted_with"],
            fed_by=_fed_by(resource.get("fed_by")),
            options=resource.get("options"),
        )
        for resource in answer["resources"]
    )
    return Side(
        Desired(resources, {}),
        production=answer["production"],
        pool_connections=answer["pool_connections"],
        secrets=secrets,
        beside=beside(tree, stack),
    )


def _fed_by(names: Mapping[str, list[str]] | None) -> Mapping[str, tuple[str, ...]] | None:
    """Return which resources feed each property; None where an older program does not say."""
    return None if names is None else {name: tuple(fed) for name, fed in names.items()}


def _secrets(tree: Path, stack: str) -> dict[str, str]:
    """Return a stack file's encrypted values; they are compared and never shown."""
    try:
        values = read_config(stack, tree)
    except StackFileError:
        return {}
    return {
        key: str(value["secure"])
        for key, value in values.items()
        if isinstance(value, Mapping) and "secure" in value
    }
