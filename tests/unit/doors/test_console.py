import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.arguments import BadArgumentError
from ops.checks.result import State
from ops.console import WIDTH, Bars, Console, Format, Lines, Table, document, parse_format


@dataclass(frozen=True, slots=True)
class Answer:
    state: State = State.OK
    at: datetime = datetime(2026, 1, 2, tzinfo=UTC)
    took: timedelta = timedelta(seconds=1.5)
    where: Path = Path("evidence/a.json")
    facts: dict[str, tuple[int, ...]] = field(default_factory=lambda: {"n": (1, 2)})

    def blocks(self) -> Sequence[Table | str]:
        cell = "a long cell of words " * 12
        return (Table("title [not markup]", ("name", "text"), (("x", cell), ("y", None))), "end")


def test_json_holds_the_fields_and_standard_output_nothing_else() -> None:
    out, aside = io.StringIO(), io.StringIO()
    console = Console(Format.JSON, out, aside)
    console.line("Stack local")
    console.show(Answer())
    assert json.loads(out.getvalue()) == {
        "state": "ok",
        "at": "2026-01-02T00:00:00+00:00",
        "took": 1.5,
        "where": "evidence/a.json",
        "facts": {"n": [1, 2]},
    }
    assert aside.getvalue() == "Stack local\n"


def test_tables_fit_the_width_and_text_is_no_markup() -> None:
    out = io.StringIO()
    Console(Format.TABLE, out).show(Answer())
    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines) <= WIDTH
    assert "title [not markup]" in lines[0]
    assert lines[-1] == "end"


def test_a_dataclass_may_say_itself_what_its_document_holds() -> None:
    @dataclass(frozen=True)
    class Named:
        name: str

        def document(self) -> dict[str, object]:
            return {"called": self.name, "state": State.FINDING}

    assert document([Named("a")]) == [{"called": "a", "state": "finding"}]


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(BadArgumentError, match="table, json"):
        parse_format("xml")


@pytest.mark.parametrize("kind", [Lines, Bars])
def test_progress_leaves_one_line_a_phase(kind: type[Lines] | type[Bars]) -> None:
    out = io.StringIO()
    with kind(out).phase("restoring", total=2) as phase:
        phase.advance()
        phase.note("table users")
    assert out.getvalue().strip().splitlines()[-1].startswith("restoring ... 0.")


@pytest.mark.parametrize("kind", [Lines, Bars])
def test_a_line_within_a_phase_is_printed_unchanged(kind: type[Lines] | type[Bars]) -> None:
    out = io.StringIO()
    progress, text = kind(out), "[bold] pid 7 waits: " + "long " * 40
    with progress.phase("restoring"):
        progress.line(text)
        assert text in out.getvalue()
    progress.line("after it")
    assert out.getvalue().endswith("after it\n")


def test_progress_says_that_a_phase_stopped() -> None:
    out = io.StringIO()
    with pytest.raises(KeyboardInterrupt), Lines(out).phase("restoring"):
        raise KeyboardInterrupt
    assert "stopped after" in out.getvalue()
