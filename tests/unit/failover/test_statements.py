"""The questions: each says what it answers and what it needs, and none is left unused."""

import re
from pathlib import Path

import pytest

from ops import failover, sql

FOLDER = sql.ROOT / "failover"
STEMS = sorted(path.stem for path in FOLDER.glob("*.sql"))
CODE = "".join(path.read_text() for path in Path(failover.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("stem", STEMS)
def test_a_statement_says_what_it_needs_and_is_used(stem: str) -> None:
    lines = (FOLDER / f"{stem}.sql").read_text().splitlines()
    head = " ".join(line for line in lines if line.startswith("--"))
    assert re.search(r"\bNeeds\b", head), head
    assert f'"failover/{stem}"' in CODE
