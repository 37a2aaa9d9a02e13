"""The policies asked about what the program declares: each stack, and what would break it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType

import pytest

from infra.desired import INSTANCE, USER, Desired, DesiredResource, collect
from infra.policies import waivers
from infra.policies.check import chosen, declared, declared_review, plain_secrets
from infra.policies.review import Review, review
from infra.policies.rule import State
from infra.settings import load
from infra.settings.validation import validate
from infra.stackfile import read_config
from ops.checks import result as results

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@cache
def desired(stack: str) -> Desired:
    return collect(load(stack))


def seen(stack: str, made: Desired) -> Review:
    subjects = declared(load(stack), made, NOW)
    return review(subjects, waivers.load(), NOW.date())


def changed(made: Desired, kind: str, change: Callable[[DesiredResource], object]) -> Desired:
    """Return what is declared with every resource of a kind changed."""
    return replace(
        made,
        resources=tuple(change(r) if r.type == kind else r for r in made.resources),  # type: ignore[misc]  # replace keeps the type
    )


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_every_stack_is_green_with_its_waivers(stack: str) -> None:
    found = seen(stack, desired(stack))
    assert found.of(State.VIOLATED, State.UNKNOWN) == ()
    assert found.waivers == ()
    assert found.state is results.State.OK


def test_production_waives_less_than_staging_and_that_less_than_local() -> None:
    local, staging, prod = (
        {result.rule for result in seen(stack, desired(stack)).of(State.WAIVED)}
        for stack in ("local", "staging", "prod")
    )
    assert prod < staging < local
    assert staging - prod == {"regional-availability"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"protect": False}, "program-deletion-protection"),
        ({"ignore_changes": ()}, "disk-size-ignored"),
    ],
)
def test_what_only_the_declaration_knows_is_asked(change: dict[str, object], rule: str) -> None:
    made = changed(desired("prod"), INSTANCE, lambda r: replace(r, **change))  # type: ignore[arg-type]  # fields of DesiredResource
    assert [result.rule for result in seen("prod", made).of(State.VIOLATED)] == [rule]


def test_a_secret_in_plain_is_found_wherever_it_is() -> None:
    assert list(plain_secrets(desired("prod"))) == []
    made = changed(
        desired("prod"),
        USER,
        lambda r: replace(r, inputs=MappingProxyType({**r.inputs, "password": "geheim"})),
    )
    (found,) = seen("prod", made).of(State.VIOLATED)
    assert found.rule == "no-plain-secret"
    assert "owner-user.password" in found.found
    assert "geheim" not in found.found


def test_a_password_in_a_jobs_environment_is_a_secret() -> None:
    containers = [
        {"envs": [{"name": "PGPASSWORD", "value": "geheim"}, {"name": "A", "value": "b"}]}
    ]
    job = DesiredResource(
        type="gcp:cloudrunv2/job:Job",
        name="job",
        inputs=MappingProxyType({"template": {"containers": containers}}),
        protect=False,
        ignore_changes=(),
        depends_on=(),
        deleted_with="",
    )
    found = plain_secrets(Desired((job,), MappingProxyType({})))
    assert list(found) == ["job.template.containers.0.envs.0.PGPASSWORD"]


def test_replicas_are_asked_and_know_what_they_follow() -> None:
    values = dict(read_config("prod"))
    values["ai-square-db:replicas"] = {
        "near": {},
        "far": {"source": "near", "region": "asia-northeast1"},
    }
    settings = validate("prod", values)
    subjects = {s.name: s for s in declared(settings, collect(settings), NOW)}
    near, far = subjects["ai-square-db-prod-near"], subjects["ai-square-db-prod-far"]
    assert near.facts.primary == subjects["ai-square-db-prod"]
    assert far.facts.primary == near
    found = review(tuple(subjects.values()), waivers.load(), NOW.date())
    assert [(r.rule, r.instance) for r in found.of(State.VIOLATED, State.UNKNOWN)] == [
        ("allowed-region", "ai-square-db-prod-far")
    ]


def test_the_check_is_that_of_every_rule_over_the_declaration() -> None:
    assert declared_review(load("staging"), NOW) == seen("staging", desired("staging"))


def test_all_means_every_stack_that_has_a_file() -> None:
    assert chosen("prod", all_=True) == ("local", "prod", "staging")
    assert chosen("prod", all_=False) == ("prod",)
