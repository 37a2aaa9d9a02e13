"""The import directions of docs/architecture.md, and the doors that libraries go through."""

import copy
import re
import sys
from pathlib import Path

import grimp
import pytest
from grimp import ImportGraph

from tests.unit.directions import forbidden

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def imports() -> ImportGraph:
    return grimp.build_graph("ops", "infra", cache_dir=None)


def test_imports_go_the_way_the_architecture_says(imports: ImportGraph) -> None:
    assert imports.modules
    assert forbidden(imports) == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("ops.logline", "ops.restore.records"),
        ("ops.backups.create", "ops.restore.source"),
        ("ops.backups.create", "infra.policies.rules"),
        ("ops.restore.drill.plan", "infra.policies.rules"),
        ("ops.db", "infra.desired"),
        ("ops.checks.result", "ops.schema.compare"),
        ("ops.schema.compare", "ops.restore.source"),
        ("infra.preview.text", "ops.failover.report"),
        ("infra.drift.report", "ops.demo.story"),
        ("infra.deploy.apply", "infra.local.work"),
        ("ops.demo.tasks", "infra.local.work"),
        ("infra.local.work", "infra.settings"),
        ("infra.local.work", "ops.cloudsql.client"),
        ("ops.some_new_module", "ops.migrations.files"),
        ("ops.some_new_module", "infra.preview.text"),
        ("infra.some_new_module", "infra.local.store"),
        ("ops.roles.some_new_module", "ops.migrations.files"),
    ],
)
def test_a_forbidden_import_is_refused(imports: ImportGraph, importer: str, imported: str) -> None:
    changed = copy.deepcopy(imports)
    changed.add_import(importer=importer, imported=imported)
    assert forbidden(changed) == [f"{importer} imports {imported}"]


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


def test_no_module_of_infra_hides_one_of_pythons_own() -> None:
    """With ``main: infra/`` the Pulumi CLI puts that folder first on the path."""
    names = {path.stem for path in (ROOT / "infra").iterdir()}
    assert not names & set(sys.stdlib_module_names)
