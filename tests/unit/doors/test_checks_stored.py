"""Results in records are read back as they were; those of before findings are shown as well."""

import json

from ops.checks.result import Checked, CheckResult, Finding, Level, ObjectId, Remedy, State
from ops.checks.stored import read
from ops.console import document
from ops.pages import results

WHOLE = Checked(
    "clone",
    CheckResult(
        "sequence_reach",
        State.FINDING,
        1,
        2,
        "1 of 2 is behind",
        (
            Finding(
                ObjectId("sequence", "<b>&", "public", "id"),
                Level.FINDING,
                "behind",
                {"last": 3},
                Remedy("Move it.", "SELECT setval('s', 9);", "none", "SELECT setval('s', 3);"),
            ),
            Finding(ObjectId("sequence", "t"), Level.WARNING, "near its end"),
        ),
        {"wrong": 1},
        "Look at the source.",
    ),
)


def test_what_was_written_is_read_again() -> None:
    assert read(json.loads(json.dumps(document(WHOLE)))) == WHOLE


def test_a_record_of_before_findings_shows_its_lines() -> None:
    old = {"copy": "clone", "check": "counts", "state": "finding", "differences": ["t: 1, 2"]}
    checked = read(old)
    assert checked.result.differences == ("t: 1, 2",)
    assert checked.result.findings[0].level is Level.FINDING
    assert "t: 1, 2" in results.table((checked,))


def test_what_is_strange_is_unknown_and_never_ok() -> None:
    strange = read({"state": "splendid", "findings": [{"level": 7, "object": "t"}, "no"]})
    assert strange.result.state is State.UNKNOWN
    assert {finding.level for finding in strange.result.findings} == {Level.UNKNOWN}
    assert read({}).result.state is State.UNKNOWN
    assert read({"state": ["ok"]}).result.state is State.UNKNOWN


def test_a_page_has_remedies_and_escapes_what_checks_say() -> None:
    text = results.table((WHOLE,))
    assert "<b>" not in text
    assert "public.&lt;b&gt;&amp; id: behind" in text
    assert "<code>SELECT setval(&#39;s&#39;, 9);</code>" in text
    assert "takes none" in text
    assert "warning:" in text
    assert "Look at the source." in text
    assert "behind</li>" not in results.table((WHOLE,), findings=False)


def test_a_page_counts_what_it_leaves_out() -> None:
    assert "and 1 more" in results.table((WHOLE,), most=1)
    assert "near its end" not in results.table((WHOLE,), most=1)
