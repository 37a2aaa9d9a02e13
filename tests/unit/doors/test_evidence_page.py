"""The page about a drill: whole in itself, safe, readable by anybody, for any kind of drill."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ops.checks.result import CheckResult, State
from ops.evidence import Evidence, account, controls, page, write
from ops.evidence.controls import Answer
from ops.evidence.history import Entry, parse
from ops.pages import plots, values
from ops.store import FolderStore

KIND = "restore-drill"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)> $\\frac{1}{2}$ ' + "x" * 300


def check(name: str, state: State = State.OK, **more: object) -> dict[str, object]:
    return {"copy": "clone", "check": name, "state": state, "examined": 1, "total": 1, **more}


def drill(run: str, days: int = 0, **changed: object) -> dict[str, object]:
    ended = NOW - timedelta(days=days)
    phases = {"queue": 1.0, "restore": 40.0, "total": 41.0}
    return {
        "verdict": "pass",
        "run": run,
        "stack": "prod",
        "source": "db-prod",
        "started": (ended - timedelta(minutes=9)).isoformat(),
        "ended": ended.isoformat(),
        "backups": [{"id": "17", "type": "AUTOMATED", "started": ended.isoformat()}],
        "clone": {"instance": "c", "point_in_time": ended.isoformat(), "method": "exact"},
        "checks": [check("content"), check("rto"), check("rpo"), check("backups")],
        "rto_s": phases,
        "phases_s": {"backup": phases, "clone": {"restore": 20.0, "total": 20.0}},
        "rpo_s": 2.5,
        **changed,
    }


def kept(folder: Path, *drills: Mapping[str, object], kind: str = KIND) -> FolderStore:
    store = FolderStore(folder)
    for one in drills:
        targets = {"rto_s": 60.0, "rpo_s": 900.0}
        write(store, Evidence(kind, str(one["run"]), "A drill", one, ("x",), targets, {}))
    return store


def rendered(store: FolderStore, kind: str = KIND) -> str:
    return page.render(store, account.read_entry(store, kind, ""), NOW, (), days=8)


class Reader(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(" ".join(data.split()))


def test_the_page_tells_the_whole_drill(tmp_path: Path) -> None:
    text = rendered(kept(tmp_path, *(drill(f"r{n}", 9 - n) for n in range(9))))
    words = " ".join(Reader(text).words)
    for told in (
        *("Restore drill r8", "db-prod, stack prod", "2026-05-03 11:51:00 UTC"),
        *("41 s", "within 60 s", "2.5 s", "4 of 4 ok", "Backup run 17", "compared exactly"),
        *("A.8.13", "A1.3", "every record follows the one before it", "The newest 9 of 9"),
        *("(this one)", "target 60 s", "target 900 s, above this plot"),
    ):
        assert told in words, told
    assert "What is not ok" not in words


def test_the_page_is_whole_in_itself_and_readable_by_anybody(tmp_path: Path) -> None:
    text = rendered(kept(tmp_path, drill("r1", 7), drill("r2", checks=[check("x", State.FINDING)])))
    tags = Reader(text).tags
    names = {name for name, _ in tags}
    assert not names & {"script", "img", "link", "iframe", "object", "form", "base"}
    every = [value for _, attributes in tags for value in attributes.values()]
    outside = [one for one in every if re.search(r"(?i)^\s*(https?:|//|javascript:)", one or "")]
    assert set(outside) <= {"http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"}
    ids = Counter(attributes["id"] for _, attributes in tags if "id" in attributes)
    assert ids.most_common(1)[0][1] == 1
    pointed = {a["aria-labelledby"] for _, a in tags if "aria-labelledby" in a}
    assert pointed <= set(ids)
    assert all("scope" in attributes for name, attributes in tags if name == "th")
    assert all(a.get("role") == "img" for name, a in tags if name == "svg")
    headings = [int(name[1]) for name, _ in tags if re.fullmatch(r"h\d", name)]
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    assert 'lang="en"' in text
    assert "#0102" not in text  # every stand-in became a variable of the page


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    bad = check(EVIL, State.FINDING, detail=EVIL, differences=[EVIL] * 40, remedy=EVIL, copy=EVIL)
    odd = drill(
        "r1",
        source=EVIL,
        stack=EVIL,
        verdict=EVIL,
        injected=EVIL,
        checks=[bad, check("odd", EVIL)],  # type: ignore[arg-type]  # no state of ours
        backups=[{"id": EVIL, "started": EVIL}, 7, {}],
        phases_s={EVIL: {EVIL: 1.0}, "$x$": {"a": 2.0}},
        leftovers=[EVIL],
        swept=[EVIL],
        more={EVIL: EVIL},
    )
    text = rendered(kept(tmp_path, odd))
    reader = Reader(text)
    assert not {name for name, _ in reader.tags} & {"script", "img"}
    assert not [key for _, a in reader.tags for key in a if key.startswith("on")]
    assert any("<script>alert(1)</script>" in one for one in reader.words)
    assert "15 more, in the record" in text


@pytest.mark.parametrize(
    "bare",
    [
        {"verdict": "unknown"},
        {"verdict": "pass", "gap_ms": 812.5, "lost": 0, "reconnect_ms": 1500, "ended": "soon"},
        {"verdict": "fail", "ended": NOW.isoformat(), "faults": [{"fault": "x", "red": True}]},
    ],
)
def test_any_kind_of_drill_has_a_page(tmp_path: Path, bare: dict[str, Any]) -> None:
    store = kept(tmp_path, {"run": "f1", **bare}, kind="failover-drill")
    words = " ".join(Reader(rendered(store, "failover-drill")).words)
    assert "Failover drill f1" in words
    assert "A.8.13" not in words
    for name, value in bare.items():
        if name == "gap_ms":
            assert "812.5 ms" in words
        if name == "faults":
            assert "Faults fault red" in " ".join(words.split())
            assert value[0]["fault"] in words


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    store = kept(tmp_path, drill("r1", 7), drill("r2"))
    assert rendered(store) == rendered(store)


def points(*values: float | None, target: float | None = 60) -> list[plots.Point]:
    return [
        plots.Point(NOW - timedelta(days=n), value, ("pass", "fail", "unknown")[n % 3], target)
        for n, value in enumerate(values)
    ]


@pytest.mark.parametrize("count", [1, 2, 200])
def test_a_plot_shows_any_number_of_drills(count: int) -> None:
    values = [40.0 + n for n in range(count)]
    svg = plots.over_time(points(*values), name="rto", label="RTO", unit="s", title="T & <t>")
    assert svg.count("<use ") >= count
    assert "T &amp; &lt;t&gt;" in svg
    assert "RTO, s" in svg
    assert "target 60 s" in svg


def test_verdicts_differ_in_shape_and_a_plot_of_nothing_is_none() -> None:
    svg = plots.over_time(points(1, 2, None, target=None), name="a", label="A", unit="", title="")
    shapes = set(re.findall(r'<use xlink:href="#(a-m[0-9a-f]+)"[^>]*var\(--(?:pass|fail|unk)', svg))
    assert len(shapes) == 3
    assert "target" not in svg
    assert plots.over_time(points(None, None), name="a", label="A", unit="s", title="") == ""
    assert plots.over_time([], name="a", label="A", unit="s", title="") == ""
    assert plots.stacked({}, name="a", title="") == ""
    assert plots.stacked({"x": {"a": 0.0}}, name="a", title="") == ""


def entry(kind: str = KIND, **changed: object) -> Entry:
    told = parse(kind, "k", json.dumps({"format": 2, "drill": drill("r1", **changed)}).encode())  # type: ignore[arg-type]  # by name
    assert isinstance(told, Entry)
    return told


def answer(one: Entry, asks: str, *outside: CheckResult) -> Answer:
    (found,) = (a for a in controls.answers(one, outside) if asks in a.demand.asks)
    return found.answer


def test_controls_are_met_not_met_or_not_shown() -> None:
    whole = "restored is complete"
    assert answer(entry(not_compared=[]), whole) is Answer.MET
    assert answer(entry(), whole) is Answer.NOT_SHOWN  # nobody compared the backup's rows
    assert answer(entry(checks=[check("content", State.FINDING)]), whole) is Answer.NOT_MET
    several = [check("content", State.UNKNOWN), check("counts")]
    assert answer(entry(checks=several), whole) is Answer.NOT_SHOWN
    assert answer(entry(checks=[]), whole) is Answer.NOT_SHOWN
    assert answer(entry(checks=[check("amcheck", State.NOT_APPLICABLE)]), whole) is Answer.NOT_SHOWN
    assert answer(entry(injected="lost-table"), whole) is Answer.NOT_SHOWN
    age = CheckResult("age", State.FINDING, 1, 1, "old")
    assert answer(entry(), "tried regularly", age) is Answer.NOT_MET
    assert answer(entry(), "tried regularly") is Answer.NOT_SHOWN
    chained = CheckResult("links", State.OK, 1, 1, "whole")
    assert answer(entry(), "no record was changed", chained) is Answer.MET


def test_a_failover_answers_for_recovery_alone() -> None:
    one = entry("failover-drill", checks=[check("lost commits")])
    asked = {a.demand.control for a in controls.answers(one, ())}
    assert asked == {controls.SOC}
    assert answer(one, "Recovery is tried out, and meets") is Answer.MET


def test_a_restore_for_real_answers_by_its_own_checks() -> None:
    one = entry("restore", checks=[{"check": "rows", "state": "ok"}])
    assert answer(one, "restored is complete") is Answer.NOT_SHOWN
    one = entry("restore", checks=[{"check": "rows", "state": "ok"}], not_compared=[])
    assert answer(one, "restored is complete") is Answer.MET


def test_a_page_is_saved_or_its_fault_told(tmp_path: Path) -> None:
    assert page.save("x", tmp_path / "a/b.html") == str(tmp_path / "a/b.html")
    assert not page.is_page(tmp_path / "a/b.html")
    assert not page.is_page(tmp_path / "absent.html")
    with pytest.raises(page.CannotSaveError, match="Name another file"):
        page.save("x", tmp_path)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (None, "s", "\N{EN DASH}"),
        (0, "s", "0 s"),
        (0.00168, "s", "1.68 ms"),
        (61.25, "s", "61.2 s"),
        (3723.4, "s", "1:02:03"),
        (1234, "ms", "1,234 ms"),
        (3, "", "3"),
    ],
)
def test_amounts_are_said_as_people_do(value: float | None, unit: str, said: str) -> None:
    assert values.amount(value, unit) == said


def test_a_page_of_ours_is_known_again(tmp_path: Path) -> None:
    store = kept(tmp_path, drill("r1"))
    page.save(rendered(store), tmp_path / "page.html")
    assert page.is_page(tmp_path / "page.html")
