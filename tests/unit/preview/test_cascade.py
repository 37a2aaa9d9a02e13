"""What follows from a replacement, Pulumi's options, protections, and the order of it all."""

from dataclasses import replace
from typing import Any

import pytest

from infra.consequences import Effect
from infra.desired import DATABASE, INSTANCE, UNKNOWN_UNTIL_DEPLOYED, USER, Desired, DesiredResource
from infra.effects.conditions import BUCKET, FORWARDING_RULE, PASSWORD, SUBNET
from infra.effects.losses import SECRET, SECRET_VERSION, ZONE
from infra.preview.difference import Action, ResourceChange, differences
from infra.preview.show import counts, effect
from infra.preview.verdict import (
    FAIL_ON,
    Preview,
    StackPreview,
    Verdict,
    decide,
    fail_on,
)
from infra.standins import ADDRESS, NETWORK
from ops.checks.result import State
from tests.infra.registered import changed, prod

POLICY = "gcp:projects/iAMPolicy:IAMPolicy"
ALERT = "gcp:monitoring/alertPolicy:AlertPolicy"


def resource(kind: str, name: str, /, **inputs: Any) -> DesiredResource:  # noqa: ANN401 - a resource's inputs
    return DesiredResource(
        type=kind,
        name=name,
        inputs=inputs,
        protect=False,
        ignore_changes=(),
        depends_on=(),
        deleted_with="",
        fed_by={},
        options={},
    )


def desired(*resources: DesiredResource) -> Desired:
    return Desired(resources, {})


def happens(before: Desired, after: Desired) -> dict[str, ResourceChange]:
    return {change.name: change for change in differences(before, after)}


def verdict(before: Desired, after: Desired) -> Verdict:
    return decide(differences(before, after), (), blocked=False)


def network(description: str) -> DesiredResource:
    return resource(NETWORK, "network", name="n", description=description)


def subnet(**options: Any) -> DesiredResource:  # noqa: ANN401 - a resource's options
    fed = {"network": (f"{NETWORK}::network",)}
    inputs = resource(SUBNET, "subnet", name="s", network="projects/p/global/networks/n")
    return replace(inputs, **{"fed_by": fed, "depends_on": ("network",), **options})


def test_what_a_replacement_feeds_is_replaced_too_and_what_that_feeds() -> None:
    address = replace(
        resource(ADDRESS, "address", subnetwork="subnet", labels={"network": "n"}),
        fed_by={"subnetwork": (f"{SUBNET}::subnet",)},
    )
    rest = (subnet(), address)
    found = happens(desired(network("a"), *rest), desired(network("b"), *rest))
    assert {name: change.action for name, change in found.items()} == dict.fromkeys(
        ("network", "subnet", "address"), Action.REPLACE
    )
    (change,) = found["address"].changes
    assert (change.property, change.after) == ("subnetwork", UNKNOWN_UNTIL_DEPLOYED)
    assert change.consequence is not None
    assert "subnet is made anew" in change.consequence.why


def test_what_changes_in_place_feeds_nothing_new() -> None:
    before, after = (
        replace(network("a"), options={"deleteBeforeReplace": x}) for x in (True, False)
    )
    found = happens(desired(before, subnet()), desired(after, subnet()))
    assert list(found) == ["network"]


def test_what_an_older_program_does_not_record_is_unknown() -> None:
    older = subnet(fed_by=None, options=None)
    found = happens(desired(network("a"), older), desired(network("b"), older))
    assert found["subnet"].effect is Effect.UNKNOWN
    # The base's record is not needed: what feeds what is the new program's word.
    assert happens(desired(network("a"), older), desired(network("b"), subnet()))[
        "subnet"
    ].action is Action.REPLACE  # fmt: skip


def test_a_value_that_reads_the_same_and_comes_from_elsewhere_is_not_safe() -> None:
    rule = resource(FORWARDING_RULE, "rule", target=UNKNOWN_UNTIL_DEPLOYED)
    first, second = (replace(rule, fed_by={"target": (f"{INSTANCE}::{x}",)}) for x in "ab")
    assert verdict(desired(first), desired(second)) is Verdict.INTERRUPTS
    assert differences(desired(first), desired(first)) == ()
    older = [replace(rule, fed_by=None, depends_on=(x,)) for x in "ab"]
    assert differences(desired(older[0]), desired(replace(first, depends_on=("a",)))) == ()
    assert differences(desired(older[1]), desired(replace(first, depends_on=("a",)))) != ()


def test_a_smaller_subnet_takes_the_endpoint_and_its_name_along() -> None:
    found = happens(
        changed(networkMode="PSC"), changed(networkMode="PSC", subnetRange="10.64.0.0/25")
    )
    assert {name: change.effect for name, change in found.items()} == {
        "subnet": Effect.REPLACE,
        "endpoint-address": Effect.REPLACE,
        "endpoint": Effect.REPLACE,
        "endpoint-record": Effect.INTERRUPT,
    }


def test_a_larger_range_of_the_peering_takes_the_peering_along() -> None:
    found = happens(prod(), changed(networkRangePrefix=16))
    assert found["services-range"].action is Action.REPLACE
    # The peering names its ranges in place, and loses the way for a while.
    assert found["services"].effect is Effect.INTERRUPT


def test_a_replaced_password_reaches_nobody_by_itself() -> None:
    password = resource(PASSWORD, "p", length=32)
    version = replace(
        resource(SECRET_VERSION, "v", secretDataWo="[secret]", secretDataWoVersion="1"),
        fed_by={"secretDataWo": (password.key,)},
    )
    found = happens(
        desired(password, version), desired(replace(password, inputs={"length": 40}), version)
    )
    assert list(found) == ["p"]
    assert found["p"].effect is Effect.REPLACE


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"parent": "pkg:index:Component"}, Effect.REPLACE),
        ({"parent": "pkg:index:Component", "aliases": [{"name": "x"}]}, Effect.UNKNOWN),
        ({"provider": "urn:pulumi:s::p::pulumi:providers:gcp::other::id"}, Effect.UNKNOWN),
        ({"importId": "x"}, Effect.UNKNOWN),
        ({"replace_with": ["x"]}, Effect.UNKNOWN),
        ({"replacementTrigger": "2"}, Effect.REPLACE),
        ({"retainOnDelete": True}, Effect.UPDATE),
        ({"deleteBeforeReplace": True}, Effect.UPDATE),
        ({"replaceOnChanges": ["labels"]}, Effect.UPDATE),
    ],
)
def test_an_option_has_its_effect(options: dict[str, Any], expected: Effect) -> None:
    before = resource(ALERT, "one", displayName="x")
    (found,) = differences(desired(before), desired(replace(before, options=options)))
    assert found.effect is expected
    older = replace(before, options=None)
    (found,) = differences(desired(older), desired(replace(before, options=options)))
    assert found.effect in {expected, Effect.UNKNOWN}
    assert differences(desired(older), desired(before)) == ()


def test_replace_on_changes_replaces() -> None:
    before = replace(
        resource(ALERT, "one", userLabels={"a": "1"}), options={"replaceOnChanges": ["userLabels"]}
    )
    after = replace(before, inputs={"userLabels": {"a": "2"}})
    assert happens(desired(before), desired(after))["one"].action is Action.REPLACE


def test_what_is_left_alone_no_longer_is_unknown_and_a_block_covers_what_is_in_it() -> None:
    before = replace(resource(SUBNET, "one", name="s"), ignore_changes=("logConfig",))
    after = replace(before, ignore_changes=())
    assert verdict(desired(before), desired(after)) is Verdict.UNKNOWN
    assert verdict(desired(after), desired(before)) is Verdict.SAFE
    changed_ = replace(before, inputs={"name": "s", "logConfig": {"metadata": "x"}})
    assert verdict(desired(before), desired(changed_)) is Verdict.NO_CHANGE


def test_a_renamed_resource_is_deleted_and_made_but_for_an_alias() -> None:
    before = resource(DATABASE, "old", name="d")
    after = replace(before, name="new")
    assert verdict(desired(before), desired(after)) is Verdict.REPLACES
    aliased = replace(after, options={"aliases": [{"name": "old"}]})
    assert differences(desired(before), desired(aliased)) == ()
    # An alias of what is still declared tells nothing.
    assert [one.action for one in differences(desired(before), desired(before, aliased))] == [
        Action.CREATE
    ]


@pytest.mark.parametrize(
    ("kind", "goes", "comes"),
    [
        (POLICY, Verdict.UNKNOWN, Verdict.UNKNOWN),
        (DATABASE, Verdict.REPLACES, Verdict.SAFE),
        (SECRET, Verdict.REPLACES, Verdict.SAFE),
        (USER, Verdict.INTERRUPTS, Verdict.SAFE),
        (ZONE, Verdict.INTERRUPTS, Verdict.SAFE),
        (ALERT, Verdict.SAFE, Verdict.SAFE),
    ],
)
def test_a_resource_that_comes_or_goes(kind: str, goes: Verdict, comes: Verdict) -> None:
    there, nothing = desired(resource(kind, "one")), desired()
    assert (verdict(there, nothing), verdict(nothing, there)) == (goes, comes)


def test_a_component_is_nothing_in_the_cloud() -> None:
    component = replace(resource("pkg:index:Component", "c"), options={"component": True})
    assert verdict(desired(), desired(component)) is Verdict.SAFE


@pytest.mark.parametrize(
    ("kind", "inputs", "said"),
    [
        (SECRET, {"deletionProtection": True}, "refused by deletion protection"),
        (INSTANCE, {}, "refused by deletion protection"),
        (INSTANCE, {"deletionProtection": False}, ""),
        (NETWORK, {"deletionPolicy": "PREVENT"}, "refused by deletionPolicy PREVENT"),
        (BUCKET, {}, "refused while objects are in it"),
        (BUCKET, {"forceDestroy": True}, ""),
        (ZONE, {}, "refused while records are in it"),
    ],
)
def test_what_will_refuse_is_said(kind: str, inputs: dict[str, Any], said: str) -> None:
    before = resource(kind, "one", project="p", **inputs)
    after = replace(before, inputs={**inputs, "project": "q", "deletionProtection": False})
    (found,) = differences(desired(before), desired(after))
    assert found.action is Action.REPLACE
    assert "; ".join(found.refused_by) == said
    (deleted,) = differences(desired(before), desired())
    assert said in effect(deleted)


def test_protect_counts_of_the_new_declaration_or_of_the_old_one_that_goes() -> None:
    before = replace(resource(DATABASE, "one", name="a"), protect=True)
    after = replace(before, inputs={"name": "b"})
    (found,) = differences(desired(before), desired(after))
    assert found.refused_by == ("refused by Pulumi's protect",)
    (found,) = differences(desired(before), desired(replace(after, protect=False)))
    assert found.refused_by == ()
    (found,) = differences(desired(before), desired())
    assert found.refused_by == ("refused by Pulumi's protect",)


def test_the_instance_comes_first_and_what_watches_last() -> None:
    sides = [
        desired(
            resource(ALERT, "alert", displayName=text),
            resource(SUBNET, "subnet", description="same", labels={"a": text}),
            resource(BUCKET, "bucket", name=text),
            resource(USER, "user", name=text),
            resource(INSTANCE, "instance", settings={"userLabels": {"a": text}}),
        )
        for text in "ab"
    ]
    order = [change.name for change in differences(*sides)]
    assert order == ["instance", "bucket", "user", "subnet", "alert"]
    said = StackPreview("prod", Verdict.REPLACES, changes=differences(*sides))
    assert list(counts(said)) == ["2 replaced or deleted", "1 could not tell"]


def test_two_stacks_side_by_side_are_not_judged() -> None:
    odd = [desired(resource(POLICY, "policy", policyData=text)) for text in "ab"]
    one = StackPreview("a and b", Verdict.DIFFERS, changes=differences(*odd))
    assert list(counts(one)) == []
    assert Preview("a", "b", (one,), frozenset()).state is State.OK


def test_a_worse_verdict_excuses_nothing() -> None:
    user = [resource(USER, "user", name=text) for text in "ab"]
    odd = [resource(POLICY, "policy", policyData=text) for text in "ab"]
    changes = differences(desired(user[0], odd[0]), desired(user[1], odd[1]))
    one = StackPreview("prod", decide(changes, (), blocked=False), changes=changes)
    assert one.verdict is Verdict.INTERRUPTS
    states = {
        words: Preview("a", "b", (one,), fail_on(words)).state
        for words in (FAIL_ON, "interrupt", "restart", "never")
    }
    assert states == {
        FAIL_ON: State.FINDING,
        "interrupt": State.FINDING,
        "restart": State.UNKNOWN,
        "never": State.UNKNOWN,
    }
