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
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.desired import Desired, DesiredResource
from infra.stackfile import StackFileError, read_config, stacks
from ops.errors import BadInputError, OpsError

# What decides what is declared; a change of anything else changes nothing here.
DECIDES = ("infra", "ops", "Pulumi.yaml", "Pulumi.*.yaml", "requirements.txt")
RUN_LIMIT_S = 300

# Runs in the tree's own folder, with the tree's own modules; older trees have these two.
PROGRAM = """
import json, sys
said = {}
for stack in sys.argv[1:]:
    try:
        from infra.desired import collect
        from infra.settings import load
        settings = load(stack)
        desired = collect(settings)
        said[stack] = {
            "production": settings.production,
            "pool_connections": settings.pool.max_connections,
            "resources": [
                {
                    "type": one.type,
                    "name": one.name,
                    "inputs": dict(one.inputs),
                    "protect": one.protect,
                    "ignore_changes": list(one.ignore_changes),
                    "depends_on": list(one.depends_on),
                    "deleted_with": one.deleted_with,
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

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} is in no Git repository, or git is missing: there is no base to compare"
            " with. Use `--against live` or `--between A,B`."
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
    """

    desired: Desired | None
    error: str = ""
    production: bool | None = None
    pool_connections: int | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)


def resolve(root: Path, revision: str) -> str:
    """Return the commit that a revision names.

    Raises:
        NoRepositoryError: The project is in no repository.
        NoRevisionError: It names none.
    """
    if _git(root, "rev-parse", "--is-inside-work-tree").returncode != 0:
        raise NoRepositoryError(root)
    asked = _git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    if asked.returncode != 0:
        raise NoRevisionError(revision, asked.stderr.strip() or "git knows none of that name")
    return asked.stdout.strip()


def untouched(root: Path, commit: str) -> bool:
    """Tell whether nothing that decides what is declared differs from a commit."""
    compared = _git(root, "diff", "--quiet", commit, "--", *DECIDES)
    added = _git(root, "ls-files", "--others", "--exclude-standard", "--", *DECIDES)
    return compared.returncode == 0 and not added.stdout.strip()


@contextmanager
def unpacked(root: Path, commit: str) -> Iterator[Path]:
    """Give a folder with the files of a commit, for as long as the block lasts."""
    with TemporaryDirectory(prefix="preview-base-") as name:
        folder = Path(name)
        own = {"GIT_INDEX_FILE": str(folder / "index")}  # the repository's stays as it is
        _unpack(root, commit, own, "read-tree", commit)
        tree = folder / "tree"
        _unpack(root, commit, own, "checkout-index", "--all", f"--prefix={tree}/")
        yield tree


def _unpack(root: Path, commit: str, environment: Mapping[str, str], *command: str) -> None:
    done = _git(root, *command, environment=environment)
    if done.returncode != 0:
        raise NoRevisionError(commit, done.stderr.strip())


def _git(
    root: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", "-C", str(root), *arguments],
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
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
    asked = [name for name in names if name in stacks(tree)]
    if not asked:
        return {}
    said = _run(tree, asked)
    return {name: _side(tree, name, said[name]) for name in asked}


def _run(tree: Path, asked: list[str]) -> Mapping[str, Any]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PULUMI_", "PYTHONPATH"))}
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, *asked],
            cwd=tree,
            env=clean,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_LIMIT_S,
        )
        if done.returncode == 0:
            said: Mapping[str, Any] = json.loads(done.stdout)
            return said
        why = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
    except subprocess.TimeoutExpired:
        why = f"it did not end within {RUN_LIMIT_S} s"
    except ValueError:
        why = "what it printed can't be read"
    return {name: {"error": why} for name in asked}


def _side(tree: Path, stack: str, said: Mapping[str, Any]) -> Side:
    secrets = _secrets(tree, stack)
    if "error" in said:
        return Side(None, error=said["error"], secrets=secrets)
    resources = tuple(
        DesiredResource(
            type=one["type"],
            name=one["name"],
            inputs=one["inputs"],
            protect=one["protect"],
            ignore_changes=tuple(one["ignore_changes"]),
            depends_on=tuple(one["depends_on"]),
            deleted_with=one["deleted_with"],
        )
        for one in said["resources"]
    )
    return Side(
        Desired(resources, {}),
        production=said["production"],
        pool_connections=said["pool_connections"],
        secrets=secrets,
    )


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
