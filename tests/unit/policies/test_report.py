"""What people and machines read of a check."""

import io
from datetime import timedelta

from infra.policies.report import Listing, Report
from infra.policies.review import review
from infra.policies.rules import RULES
from infra.policies.table import PAGE, renewed
from infra.policies.waivers import Waiver
from ops.checks import result as results
from ops.console import Console, Format, document
from tests.unit.policies.bodies import NOW, OTHER_SIDES, declared, live, spoiled

TODAY = NOW.date()
SIDES = tuple(
    Waiver(rule, ("prod",), "The other side is wanted here.", "platform", TODAY + timedelta(30))
    for rule in sorted(OTHER_SIDES)
)
ZONAL = spoiled(("settings.availabilityType", "ZONAL"))


def printed(shown: Report | Listing) -> str:
    out = io.StringIO()
    Console(Format.TABLE, out).show(shown)
    text = out.getvalue()
    assert all(len(line) <= 100 for line in text.splitlines())
    return text


def test_only_problems_are_shown_and_the_rest_is_counted() -> None:
    report = Report((review([declared(ZONAL)], SIDES, TODAY),), everything=False)
    text = printed(report)
    assert "regional-availability" in text
    assert "Set availability: REGIONAL" in text
    assert "tls-required" not in text
    assert "Waived: log-duration, log-hostname, no-slow-statements-logged." in text
    assert f"1 violated, {len(OTHER_SIDES)} waived" in text
    live = "certificate-valid, declared-users,\n  restart-approved."
    assert f"`invoke policy.audit`): {live}" in text
    assert report.state is results.State.FINDING


def test_everything_shows_every_rule_with_its_waiver() -> None:
    text = printed(Report((review([declared()], SIDES, TODAY),), everything=True))
    assert all(rule.id in text for rule in RULES)
    words = " ".join(text.split())
    assert "The other side is wanted here. (platform, until 2026-12-23)" in words


def test_json_has_everything_whatever_people_see() -> None:
    seen = review([declared(ZONAL)], SIDES, TODAY)
    short = document(Report((seen,), everything=False))
    assert short == document(Report((seen,), everything=True))
    assert isinstance(short, dict)
    (stack,) = short["stacks"]
    assert short["state"] == stack["state"] == "finding"
    assert stack["counts"]["violated"] == 1
    assert len(stack["results"]) == len(RULES)
    (found,) = [one for one in stack["results"] if one["state"] == "violated"]
    assert found["rule"] == "regional-availability"
    assert "prowler high_availability_enabled" in found["ids"]


def test_the_audit_says_what_cant_be_seen_live() -> None:
    text = printed(Report((review([live()], SIDES, TODAY),), everything=False))
    assert "Can't be seen live (`invoke policy.check` asks them): allowed-bucket-place" in text
    assert "program-deletion-protection" in text


def test_several_instances_are_named() -> None:
    replica = spoiled(
        ("name", "good-replica"), ("masterInstanceName", "good"), ("region", "us-east1")
    )
    seen = review([declared(), declared(replica, primary=declared())], SIDES, TODAY)
    text = printed(Report((seen,), everything=False))
    assert "good-replica" in text
    assert "allowed-region" in text


def test_several_stacks_have_one_verdict() -> None:
    good = review([declared()], SIDES, TODAY)
    bad = review([declared(ZONAL)], SIDES, TODAY)
    assert Report((good, good), everything=False).state is results.State.OK
    assert Report((good, bad), everything=False).state is results.State.FINDING
    blind = review([declared(production=None)], SIDES, TODAY)
    assert Report((good, blind), everything=False).state is results.State.UNKNOWN
    assert Report((blind, bad), everything=False).state is results.State.FINDING


def test_the_list_has_every_rule_and_its_ids() -> None:
    text = printed(Listing(RULES))
    assert all(rule.id in text for rule in RULES)
    listed = document(Listing(RULES))
    assert isinstance(listed, dict)
    tls = next(rule for rule in listed["rules"] if rule["id"] == "tls-required")
    assert tls["ids"]["cis"] == ["6.4"]
    assert tls["row"] == 1


def test_the_page_has_the_rules_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{rule.id}` |" in page for rule in RULES)
    assert page == renewed(page), "run: python -m infra.policies.table"
