"""One rendering of checks: findings, their remedies, and how many more there are."""

from dataclasses import replace

from ops.checks import report
from ops.checks.outcomes import Words, of_findings
from ops.checks.report import Column
from ops.checks.result import (
    Checked,
    CheckResult,
    Finding,
    Level,
    ObjectId,
    Remedy,
    State,
    finding,
)
from ops.console import Table

WORDS = Words("all as declared", "not as declared", "could not be read", "nothing was looked at")
INDEX = Finding(
    ObjectId("index", "i", "public"),
    Level.FINDING,
    "invalid",
    remedy=Remedy(
        "Rebuild it.", "REINDEX INDEX CONCURRENTLY public.i;", "SHARE UPDATE EXCLUSIVE", "none"
    ),
)


def lines(*results: CheckResult | Checked, most: int | None = None) -> list[str]:
    return [each for each in report.blocks("", results, most=most) if isinstance(each, str)]


def test_what_is_well_is_one_row() -> None:
    fine = of_findings("roles", (), WORDS)
    blocks = tuple(report.blocks("Roles", (fine,)))
    assert blocks == (
        Table(
            "Roles",
            ("check", "state", "what came out"),
            (("roles", "ok", "all as declared"),),
        ),
    )


def test_nothing_that_was_looked_at_is_unknown() -> None:
    nothing = of_findings("roles", (), WORDS, places=0)
    assert (nothing.state, nothing.detail) == (State.UNKNOWN, "nothing was looked at")


def test_a_finding_beats_an_unknown_and_both_are_counted() -> None:
    unread = finding("role", "b", "refused", Level.UNKNOWN)
    mixed = of_findings("roles", (finding("role", "a", "SUPERUSER"), unread), WORDS, places=2)
    assert (mixed.state, mixed.examined, mixed.total) == (State.FINDING, 1, 2)
    assert mixed.detail == "1 not as declared; 1 could not be read"
    assert lines(mixed) == ["roles:", "  - a: SUPERUSER", "  - unknown: b: refused"]
    assert of_findings("roles", (unread,), WORDS).state is State.UNKNOWN


def test_a_remedy_shows_its_statement_its_lock_and_how_to_undo_it() -> None:
    broken = of_findings("invalid_indexes", (INDEX,), WORDS)
    assert lines(broken) == [
        "invalid indexes:",
        "  - public.i: invalid",
        "    Rebuild it.",
        "    REINDEX INDEX CONCURRENTLY public.i;  -- takes SHARE UPDATE EXCLUSIVE",
        "    none  -- takes it back",
    ]


def test_a_remedy_of_several_findings_is_shown_once() -> None:
    other = replace(INDEX, object=ObjectId("index", "j", "public"))
    shown = lines(of_findings("invalid", (INDEX, other), WORDS))
    assert shown[1:3] == ["  - public.i: invalid", "  - public.j: invalid"]
    assert sum("Rebuild it." in line for line in shown) == 1


def test_more_than_asked_for_are_counted() -> None:
    many = of_findings("roles", (finding("role", f"r{n}", "may log in") for n in range(9)), WORDS)
    shown = lines(many, most=4)
    assert shown[-1] == "  - and 5 more"
    assert len(shown) == 1 + 4 + 1
    assert len(lines(many)) == 1 + 9


def test_several_systems_and_further_columns_are_named() -> None:
    fine = replace(of_findings("roles", (), WORDS), evidence={"severity": "high"})
    severity = Column("severity", lambda result: result.evidence["severity"])
    table = report.table("", (Checked("db-a", fine), Checked("db-b", fine)), (severity,))
    assert table.columns == ("of", "check", "severity", "state", "what came out")
    assert table.rows[1] == ("db-b", "roles", "high", "ok", "all as declared")
