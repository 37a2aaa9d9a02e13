"""Where the project is in a base revision: it may be in another folder there, or not yet.

A project may be a folder of a larger repository, and a folder is moved or renamed. A base
in which nothing was looked for at the right place would read as "the stack is new".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from infra.preview.revision import git, top_level
from infra.stackfile import project_name

PROJECT_FILE = "Pulumi.yaml"
SUBMODULE = "160000"  # the mode of a submodule in a tree of Git's
ELSEWHERE = "Compare with a revision that has it, or with what is live: `--against live`."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a commit has the project.

    Attributes:
        folder: From the repository's top, empty for the top itself; None where the commit
            has it nowhere.
        doubt: Why nobody can tell whether it is there; empty otherwise.
        note: What to know of the place; empty where it is today's.
    """

    folder: str | None
    doubt: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Project:
    """A Pulumi project of a commit."""

    folder: str
    name: str
    stays: bool  # whether the working tree has it there too


def locate(root: Path, commit: str) -> Place:
    """Return where a commit has the project that is in a folder now.

    It is recognised by its folder, else by its name where that project left its folder
    since. It counts as new only where no other project of the commit can be it.

    Args:
        root: The project's folder, in a repository.
        commit: The commit.

    Raises:
        infra.stackfile.StackFileError: The project's own file can't be read.
    """
    folder_now = git(root, "rev-parse", "--show-prefix").stdout.strip().rstrip("/")
    name, top = project_name(root), top_level(root)
    same_place = _project(top, commit, folder_now)
    if same_place is not None and same_place.name == name:
        return Place(folder_now)
    projects = tuple(_projects(top, commit))
    moved = [project for project in projects if project.name == name and not project.stays]
    if len(moved) == 1:
        folder = moved[0].folder
        return Place(folder, note=f"the project moved here from {folder or 'the top'}")
    if same_place is not None:
        return Place(folder_now)  # with another name: `Side.project` tells
    if git(root, "check-ignore", "--quiet", PROJECT_FILE).returncode == 0:
        return Place(None, doubt=f"Git ignores {folder_now}/{PROJECT_FILE}. {ELSEWHERE}")
    # Of the same name: a copy, or moved from one of several. Gone: perhaps moved and renamed.
    may_be = [project for project in projects if project.name == name or not project.stays]
    hidden = [
        path
        for path in _submodules(top, commit)
        if _holds(path, folder_now) or _is_absent(top, path)
    ]
    if not may_be and not hidden:
        return Place(None)
    places = ", ".join([*(project.folder or "the top" for project in may_be), *hidden])
    return Place(
        None,
        doubt=f"the base has no project in {folder_now or 'the top'}, and what it has in {places}"
        f" may be this one. {ELSEWHERE}",
    )


def _projects(top: Path, commit: str) -> Iterator[_Project]:
    listed = git(top, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit).stdout
    for path in map(PurePosixPath, filter(None, listed.split("\0"))):
        if path.name == PROJECT_FILE:
            folder = "" if str(path.parent) == "." else str(path.parent)
            project = _project(top, commit, folder)
            if project is not None:
                yield project


def _project(top: Path, commit: str, folder: str) -> _Project | None:
    path = f"{folder}/{PROJECT_FILE}" if folder else PROJECT_FILE
    shown_file = git(top, "show", f"{commit}:{path}")
    if shown_file.returncode != 0:
        return None
    return _Project(folder, _name(shown_file.stdout), (top / path).exists())


def _name(text: str) -> str:
    try:
        project: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        return ""
    return str(project.get("name", "")) if isinstance(project, dict) else ""


def _submodules(top: Path, commit: str) -> Iterator[str]:
    """Yield the folders of a commit whose files are another repository's."""
    listed = git(top, "ls-tree", "-r", "-z", "--full-tree", commit).stdout
    for entry in filter(None, listed.split("\0")):
        mode, path = entry.split(" ", 1)[0], entry.partition("\t")[2]
        if mode == SUBMODULE:
            yield path


def _holds(submodule: str, folder: str) -> bool:
    return PurePosixPath(folder).is_relative_to(submodule)


def _is_absent(top: Path, submodule: str) -> bool:
    """Tell whether the working tree has no such submodule any more."""
    return SUBMODULE not in git(top, "ls-files", "-s", "--", submodule).stdout
