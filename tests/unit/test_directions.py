"""The import directions of docs/architecture.md, and the doors that libraries go through."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_imports_go_the_way_the_architecture_says() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        # one door opens connections; the local Cloud SQL is a product of its own
        (r"psycopg\.connect\(|\.Connection\.connect\(", {"ops/db.py"}),
        (r"sqladmin_v1beta4", {"ops/cloudsql/calls.py"}),
    ],
)
def test_each_library_has_one_door(pattern: str, allowed: set[str]) -> None:
    users = {
        str(path.relative_to(ROOT))
        for folder in ("ops", "infra")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(pattern, path.read_text())
    }
    assert {user for user in users if not user.startswith("infra/local/")} == allowed


def test_every_module_of_ops_is_held_by_the_contracts() -> None:
    modules = {
        f"ops.{path.stem}"
        for path in (ROOT / "ops").iterdir()
        # the demo tells the story of all rooms, so it stands above them
        if path.stem not in {"__init__", "__pycache__", "demo"} and not path.name.startswith(".")
    }
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    held = next(c for c in linter["contracts"] if c["id"] == "ops-to-infra")
    assert set(held["source_modules"]) == modules


def test_no_module_of_infra_hides_one_of_pythons_own() -> None:
    """With ``main: infra/`` the Pulumi CLI puts that folder first on the path."""
    names = {path.stem for path in (ROOT / "infra").iterdir()}
    assert not names & set(sys.stdlib_module_names)
