"""Waivers: read whole or refused whole; expired, unknown and unneeded ones are findings."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from infra.policies.review import review
from infra.policies.rule import State
from infra.policies.waivers import (
    TERM,
    Waiver,
    WaiverFileError,
    in_force,
    load,
    problems,
)
from infra.stackfile import stacks
from ops.checks import result as results
from tests.unit.policies.bodies import NOW, OTHER_SIDES, declared, live, spoiled

TODAY = NOW.date()
STACKS = ("prod", "staging")
ZONAL = Waiver(
    rule="regional-availability",
    stacks=("prod",),
    reason="One zone is enough for what nobody uses yet.",
    owner="platform",
    expires=TODAY + timedelta(days=30),
)
SIDES = tuple(replace(ZONAL, rule=rule) for rule in sorted(OTHER_SIDES))
BROKEN = spoiled(("settings.availabilityType", "ZONAL"))


def said(*given: Waiver, today: date = TODAY) -> list[str]:
    return [problem.problem for problem in problems(given, "prod", today, STACKS)]


def test_a_violation_with_a_waiver_is_waived_and_says_why() -> None:
    seen = review([declared(BROKEN)], (ZONAL, *SIDES), TODAY)
    waived = {result.rule: result for result in seen.of(State.WAIVED)}
    assert set(waived) == OTHER_SIDES | {"regional-availability"}
    assert waived["regional-availability"].waiver == (
        "One zone is enough for what nobody uses yet. (platform, until 2026-12-23)"
    )
    assert waived["regional-availability"].remedy == ""
    assert seen.waivers == ()
    assert seen.state is results.State.OK


def test_a_violation_without_a_waiver_is_a_finding_with_its_remedy() -> None:
    seen = review([declared(BROKEN)], SIDES, TODAY)
    (violated,) = seen.of(State.VIOLATED)
    assert (violated.rule, violated.found) == ("regional-availability", "ZONAL")
    assert violated.remedy == "Set availability: REGIONAL."
    assert seen.state is results.State.FINDING


def test_a_waiver_of_another_stack_waives_nothing() -> None:
    other = replace(ZONAL, stacks=("staging",))
    assert [r.rule for r in review([declared(BROKEN)], (other, *SIDES), TODAY).of(State.VIOLATED)]
    assert in_force((other,), ZONAL.rule, "prod", TODAY) is None


def test_a_waiver_counts_on_its_last_day_and_not_after() -> None:
    last = ZONAL.expires
    assert in_force((ZONAL,), ZONAL.rule, "prod", last) == ZONAL
    assert in_force((ZONAL,), ZONAL.rule, "prod", last + timedelta(days=1)) is None


def test_an_expired_waiver_fails_and_what_it_waived_is_violated() -> None:
    late = ZONAL.expires + timedelta(days=1)
    waivers = (ZONAL, *(replace(side, expires=late) for side in SIDES))
    seen = review([declared(BROKEN)], waivers, late)
    assert [result.rule for result in seen.of(State.VIOLATED)] == ["regional-availability"]
    (problem,) = seen.waivers
    assert problem.problem == (
        "The waiver of regional-availability expired on 2026-12-23. Fix what it waived, or let"
        " platform renew it."
    )
    assert seen.state is results.State.FINDING


def test_a_waiver_that_nothing_needs_fails() -> None:
    seen = review([declared()], (ZONAL, *SIDES), TODAY)
    assert [problem.problem for problem in seen.waivers] == [
        "prod does not violate regional-availability. Take the stack out of the waiver."
    ]
    assert seen.state is results.State.FINDING


def test_a_waiver_of_what_could_not_be_told_is_not_called_unneeded() -> None:
    blind = declared(production=None)
    track = replace(ZONAL, rule="update-track")
    seen = review([blind], (track, *SIDES), TODAY)
    assert seen.waivers == ()
    assert seen.state is results.State.UNKNOWN


def test_the_audit_leaves_waivers_of_declared_rules_to_the_check() -> None:
    assert review([live()], (ZONAL, *SIDES), TODAY).waivers == ()
    certificate = replace(ZONAL, rule="certificate-valid")
    (problem,) = review([live()], (certificate, *SIDES), TODAY).waivers
    assert problem.rule == "certificate-valid"
    assert review([declared()], (certificate, *SIDES), TODAY).waivers == ()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rule": "no-such-rule"}, "There is no rule no-such-rule; `invoke policy.list` shows"),
        (
            {"stacks": ("prod", "prd")},
            "regional-availability is waived for prd, and there is no such stack: prod, staging.",
        ),
        ({"expires": TODAY + TERM + timedelta(days=1)}, "Let it expire within a year"),
        ({"expires": TODAY - timedelta(days=1)}, "expired on 2026-11-22"),
    ],
)
def test_a_waiver_that_can_not_be_meant_is_told(change: dict[str, object], sentence: str) -> None:
    (problem,) = said(replace(ZONAL, **change))  # type: ignore[arg-type]  # fields of Waiver
    assert sentence in problem


def test_a_rule_waived_twice_for_a_stack_is_told() -> None:
    assert said(ZONAL, ZONAL) == [
        "regional-availability is waived 2 times for prod. Leave one of them."
    ]
    other = replace(ZONAL, stacks=("staging",))
    assert said(ZONAL, other) == []
    assert said(ZONAL, replace(other, expires=TODAY - timedelta(days=1))) == []


@pytest.mark.parametrize(
    "reason",
    [
        "''",
        "x",
        "todo",
        "'                         '",
        "xxxxxxxxxxxxxxxxxxxxxxxxx",
        "todo todo todo todo todo todo",
        "1234 5678 9012 3456 7890",
        "because of reasons",
        "'. . . . . . . . . . . . . . . .'",
    ],
)
def test_a_reason_is_a_sentence(tmp_path: Path, reason: str) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(
        f"- {{rule: labels, stacks: [prod], reason: {reason}, owner: me, expires: 2027-01-01}}\n"
    )
    with pytest.raises(WaiverFileError, match=r"waiver 1, reason: .* is no sentence"):
        load(path)


def test_an_owner_is_somebody(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    reason = "One zone is enough for what nobody uses yet."
    path.write_text(
        f"- {{rule: labels, stacks: [prod], reason: {reason}, owner: ' ', expires: 2027-01-01}}\n"
    )
    with pytest.raises(WaiverFileError, match="waiver 1, owner"):
        load(path)


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(
        "- rule: labels\n  stacks: [prod]\n  owner: me\n  expires: 2027-01-01\n"
        "  reason: One zone is enough for what nobody uses yet.\n  stacks: [prod, staging]\n"
    )
    with pytest.raises(WaiverFileError, match=r"1.stacks is written twice, in lines 2 and 6"):
        load(path)


def test_a_file_is_refused_with_every_problem_at_once(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(
        "- {rule: labels, stacks: [prod], reason: because, owner: platform, expires: 2027-01-01}\n"
        "- {rule: labels, stacks: [], reason: long enough to be a reason, owner: me}\n"
        "- {rule: labels, stack: prod, reason: long enough to be a reason, owner: '',"
        " stacks: [prod], expires: soon}\n"
    )
    with pytest.raises(WaiverFileError) as refused:
        load(path)
    listed = "\n".join(refused.value.problems)
    for part in (
        "waiver 1, reason: 'because' is no sentence",
        "waiver 2, stacks",
        "waiver 2, expires: field required",
        "waiver 3, stack: extra inputs are not permitted",
        "waiver 3, owner",
        "waiver 3, expires",
    ):
        assert part in listed
    assert len(refused.value.problems) == 6


@pytest.mark.parametrize("text", ["rule: labels\n", "- [1, 2\n", "just words\n"])
def test_what_is_no_list_of_waivers_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(text)
    with pytest.raises(WaiverFileError, match=r"waivers\.yaml can't be used"):
        load(path)


def test_an_empty_file_has_no_waivers(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text("# none\n")
    assert load(path) == ()
    with pytest.raises(WaiverFileError, match="No such file"):
        load(tmp_path / "missing.yaml")


def test_the_projects_own_waivers_can_be_meant() -> None:
    for stack in stacks():
        assert list(problems(load(), stack, TODAY)) == []
