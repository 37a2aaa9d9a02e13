"""The questions in sql/: each says what it answers and what it needs, and none is left unused."""

import re
from pathlib import Path

import pytest

from ops import sql
from ops.checks.questions import product
from ops.schema import definitions

# Migrations, roles, faults and sample data are read by folder; each has tests of its own.
ROOMS = ("backup", "checks", "failover", "restore", "schema", "waiting")
CODE = Path(sql.ROOT).parent
FILES = sorted(path for room in ROOMS for path in (sql.ROOT / room).glob("*.sql"))
OF_THE_PRODUCT = [
    sql.ROOT / kind / f"{name}.sql" for kind in ("smoke", "rules") for name in product.names(kind)
]
TEXT = "".join(
    path.read_text() for room in ("ops", "infra") for path in (CODE / room).rglob("*.py")
)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", [*FILES, *OF_THE_PRODUCT], ids=_name)
def test_a_statement_begins_with_what_it_answers_and_what_it_needs(path: Path) -> None:
    head = []
    for line in path.read_text().splitlines():
        if not line.startswith("--"):
            break
        head.append(line)
    assert re.search(r"\bNeeds\b", " ".join(head)), head


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_statement_is_used(path: Path) -> None:
    computed = {"schema": definitions.EQUAL, "checks": ("amcheck_index", "amcheck_table")}
    is_question = path.stem in computed.get(path.parent.name, ())
    assert is_question or f'"{_name(path)}"' in TEXT


@pytest.mark.parametrize("question", definitions.EQUAL)
def test_a_question_of_both_has_its_file(question: str) -> None:
    assert sql.load(f"schema/{question}").startswith("SELECT")


def test_which_schemas_are_whose_stands_in_one_place() -> None:
    """Every statement that leaves PostgreSQL's own schemas out includes the fragment."""
    own = [
        _name(path)
        for path in sql.ROOT.rglob("*.sql")
        if path.parent.name not in {"fragments", "migrations"}
        and re.search(r"nspname NOT IN \('pg_catalog'", path.read_text())
    ]
    assert own == []
    used = {path.stem for path in (sql.ROOT / "fragments").glob("*.sql")}
    texts = "".join(path.read_text() for path in sql.ROOT.rglob("*.sql"))
    assert {name for name in used if f"/* include {name} */" in texts} == used
