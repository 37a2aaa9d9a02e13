"""The questions: each says what it answers and what it needs, and none is left unused."""

import re
from pathlib import Path

import pytest

from ops import restore, sql
from ops.restore.proof import product, questions

FOLDER = sql.ROOT / "restore"
CODE = Path(restore.__file__).parent
STEMS = sorted(path.stem for path in FOLDER.glob("*.sql"))
OF_THE_PRODUCT = [f"{kind}/{name}" for kind in ("smoke", "rules") for name in product.names(kind)]


@pytest.mark.parametrize("stem", [*STEMS, *OF_THE_PRODUCT])
def test_a_statement_begins_with_what_it_answers_and_what_it_needs(stem: str) -> None:
    head = []
    for line in (FOLDER / f"{stem}.sql").read_text().splitlines():
        if not line.startswith("--"):
            break
        head.append(line)
    assert re.search(r"\bNeeds\b", " ".join(head)), head


@pytest.mark.parametrize("stem", STEMS)
def test_a_statement_is_used(stem: str) -> None:
    text = "".join(path.read_text() for path in CODE.rglob("*.py"))
    computed = {*questions.EQUAL, "amcheck_index", "amcheck_table", "sequences", "fed_columns"}
    assert stem in computed or f'"restore/{stem}"' in text


@pytest.mark.parametrize("question", questions.EQUAL)
def test_a_question_of_both_has_its_file(question: str) -> None:
    assert sql.load(f"restore/{question}").startswith("SELECT")
