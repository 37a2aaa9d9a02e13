"""Reports as a stranger's code may write them."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infra.changes import Change
from infra.consequences import Consequence, Effect, Stage
from infra.flags.budget import Level
from infra.policies.rule import Severity
from infra.preview.difference import Action, ResourceChange
from infra.preview.downtime import Restart
from infra.preview.findings import Memory, PolicyChange, Turn
from infra.preview.markdown import document
from infra.preview.money import Money
from infra.preview.received import SIZE_LIMIT, BadReportError, read
from infra.preview.show import Shown
from infra.preview.text import sections
from infra.preview.verdict import Preview, StackPreview, Verdict
from ops.console import to_json
from ops.prices.book import load
from ops.prices.monthly import difference, monthly

MARKER = "<!-- marker -->"
HOSTILE = "a|b\n</details>`@octocat` #1 <script> https://evil.example"


def price(tier: str) -> Any:  # noqa: ANN401 - a body of the Admin API
    settings = {"tier": tier, "edition": "ENTERPRISE", "availabilityType": "REGIONAL"}
    body = {"region": "asia-east1", "settings": {**settings, "dataDiskSizeGb": "100"}}
    return monthly(body, load())


def preview(text: str = "words") -> Preview:
    """Return a preview that has something of everything."""
    told = Consequence(Effect.RESTART, text, "docs", Stage.MACHINE)
    change = Change("settings.tier", text, "after", Effect.RESTART, told, ("1", text))
    cost = difference(price("db-custom-2-7680"), price("db-custom-4-15360"))
    prod = StackPreview(
        "prod",
        Verdict.BLOCKED,
        note=text,
        changes=(
            ResourceChange(
                action=Action.CHANGE,
                type="gcp:sql/x:Instance",
                name="instance",
                changes=(change,),
                loses_data=False,
                before=None,
                after=None,
            ),
            ResourceChange(
                action=Action.DELETE,
                type="gcp:sql/user:User",
                name=text,
                changes=(),
                loses_data=True,
                before=None,
                after=None,
            ),
        ),
        secrets=(text,),
        restarts=(Restart("instance", text, Stage.MACHINE, ("settings.tier",), softened=True),),
        circumstances=(text,),
        money=Money({"instance": cost}, date(2026, 11, 1), text),
        policy=(PolicyChange(Turn.NEW, "rule", Severity.HIGH, "instance", text, text),),
        memory=(Memory("instance", 60.5, 30.25, Level.FITS, text),),
        drill=text,
        engine={text: "update"},
    )
    return Preview("main", "the working tree", (prod,), frozenset())


def stored(tmp_path: Path, value: object) -> Path:
    path = tmp_path / "report.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def facts(text: str = "words") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_json(Shown(preview(text))))
    return found


@pytest.mark.parametrize("text", ["words", HOSTILE, "x" * 100_000])
def test_report_reads_as_it_was_written(tmp_path: Path, text: str) -> None:
    there = preview(text)
    again = read(stored(tmp_path, to_json(Shown(there))))
    said = document(sections(again), MARKER)
    assert said == document(sections(there), MARKER)
    assert "+197.24 USD a month" in said
    assert said.count("<details>") == said.count("</details>") == 1
    for markup in ("<script>", "@octocat", "#1 ", "`", "https://"):
        assert markup not in said


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda all_: all_.update(number=7), "number: extra forbidden"),
        (lambda all_: all_.update(stacks=[]), "stacks: too short"),
        (lambda all_: all_.update(stacks=all_["stacks"] * 101), "stacks: too long"),
        (lambda all_: all_["stacks"][0].update(verdict="fine"), "verdict: enum"),
        (lambda all_: all_["stacks"][0].pop("policy"), "policy: missing"),
        (lambda all_: all_["stacks"][0]["resources"].append([]), "resources.*: model type"),
        (lambda all_: all_["stacks"][0].update(drill={"a": HOSTILE}), "drill: string type"),
        (lambda all_: all_["stacks"][0]["restarts"][0].update(stage=9), "stage: enum"),
    ],
)
def test_other_shapes_are_refused(tmp_path: Path, spoil: Any, said: str) -> None:  # noqa: ANN401 - a function of the case
    report = facts()
    spoil(report)
    with pytest.raises(BadReportError) as refused:
        read(stored(tmp_path, report))
    assert said in str(refused.value)
    assert "octocat" not in str(refused.value)


@pytest.mark.parametrize("amount", ["1E+999999", "1E-999999", "NaN", "Infinity", "-1E+12"])
def test_amounts_that_would_fill_the_page_are_refused(tmp_path: Path, amount: str) -> None:
    Decimal(amount)  # it is one to Python
    report = facts()
    report["stacks"][0]["money"]["instances"]["instance"]["after"]["parts"][0]["amount"] = amount
    with pytest.raises(BadReportError):
        read(stored(tmp_path, report))


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", '"text"', "[" * 100_000, "\udcff", "x" * (SIZE_LIMIT + 1)]
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadReportError, match="Nothing of it was used"):
        read(path)


def test_missing_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadReportError, match="No such file"):
        read(tmp_path / "report.json")
    with pytest.raises(BadReportError, match="directory"):
        read(tmp_path)
