"""The pack as the engine runs it: a process of its own, asked over gRPC about registrations."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import grpc  # type: ignore[import-untyped]  # no stubs among the dependencies
import pytest
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]  # as above
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy import (
    EnforcementLevel,
    PolicyResource,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from infra.desired import INSTANCE, PROJECT, Desired, DesiredResource, collect
from infra.policies import waivers
from infra.policies.crossguard import NAME, NOT_IN_THE_PACK, WAIVERS, policies
from infra.policies.rules import BY_ID, RULES
from infra.settings import load
from infra.settings.validation import validate
from infra.stackfile import ROOT, read_config

PACK = ROOT / "infra/policies/pack"


class Analyzer(Protocol):
    """What is asked here of the generated, untyped client."""

    def Analyze(self, request: object) -> Any: ...  # noqa: N802, ANN401 - the protocol's own
    def AnalyzeStack(self, request: object) -> Any: ...  # noqa: N802, ANN401 - as above
    def GetAnalyzerInfo(self, request: object) -> Any: ...  # noqa: N802, ANN401 - as above


# The pack, with waivers that count whenever the tests run.
RENEWED = """
from dataclasses import replace
from datetime import date, timedelta
from pulumi_policy import PolicyPack
from infra.policies.crossguard import NAME, policies
from infra.policies.waivers import load
soon = date.today() + timedelta(days=9)
PolicyPack(name=NAME, policies=policies(replace(one, expires=soon) for one in load()))
"""


@contextmanager
def serving(*program: str | Path) -> Iterator[Analyzer]:
    """Yield a client of a pack that runs as the engine would run it."""
    process = subprocess.Popen(
        [sys.executable, "-u", *program], stdout=subprocess.PIPE, cwd=ROOT / "infra", text=True
    )
    assert process.stdout is not None
    with process, grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
        yield analyzer_pb2_grpc.AnalyzerStub(channel)
        process.terminate()


@pytest.fixture(scope="module")
def analyzer() -> Iterator[Analyzer]:
    with serving("-c", RENEWED) as client:
        yield client


@pytest.fixture(scope="module")
def prod() -> Desired:
    return collect(load("prod"))


def struct(inputs: Mapping[str, object]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(dict(inputs))
    return made


def urn(resource: DesiredResource, stack: str = "prod") -> str:
    return f"urn:pulumi:{stack}::{PROJECT}::{resource.type}::{resource.name}"


def options(resource: DesiredResource) -> analyzer_pb2.AnalyzerResourceOptions:
    return analyzer_pb2.AnalyzerResourceOptions(
        protect=resource.protect, ignoreChanges=list(resource.ignore_changes)
    )


def asked(analyzer: Analyzer, resource: DesiredResource, stack: str = "prod") -> list[Any]:
    """Return what the pack says about one registration."""
    request = analyzer_pb2.AnalyzeRequest(
        type=resource.type,
        urn=urn(resource, stack),
        name=resource.name,
        properties=struct(resource.inputs),
        options=options(resource),
    )
    return list(analyzer.Analyze(request).diagnostics)


def asked_of_the_stack(analyzer: Analyzer, resources: tuple[DesiredResource, ...]) -> list[Any]:
    request = analyzer_pb2.AnalyzeStackRequest(
        resources=[
            analyzer_pb2.AnalyzerResource(
                type=resource.type,
                urn=urn(resource),
                name=resource.name,
                properties=struct(resource.inputs),
                options=options(resource),
            )
            for resource in resources
        ]
    )
    return list(analyzer.AnalyzeStack(request).diagnostics)


def with_settings(resource: DesiredResource, **settings: object) -> DesiredResource:
    inputs = {**resource.inputs, "settings": {**resource.inputs["settings"], **settings}}
    return replace(resource, inputs=MappingProxyType(inputs))


def test_the_pack_tells_of_every_rule_that_it_can_ask() -> None:
    with serving(PACK) as pack:
        info = pack.GetAnalyzerInfo(empty_pb2.Empty())
    assert info.name == NAME
    named = {policy.name: policy for policy in info.policies}
    assert set(named) == (set(BY_ID) - set(NOT_IN_THE_PACK)) | {WAIVERS}
    for rule in RULES:
        if rule.id in named:
            mandatory = named[rule.id].enforcementLevel == analyzer_pb2.MANDATORY
            assert mandatory is rule.severity.mandatory
            assert named[rule.id].remediation_steps == rule.remedy


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_every_registration_of_every_stack_passes(analyzer: Analyzer, stack: str) -> None:
    for resource in collect(load(stack)).resources:
        assert asked(analyzer, resource, stack) == []


def test_a_violation_is_told_with_what_was_found_and_the_remedy(
    analyzer: Analyzer, prod: Desired
) -> None:
    zonal = with_settings(prod.named("instance"), availabilityType="ZONAL")
    (told,) = asked(analyzer, zonal)
    assert told.policyName == "regional-availability"
    assert told.enforcementLevel == analyzer_pb2.MANDATORY
    assert told.message.splitlines() == [
        "A second zone takes over.",
        "ai-square-db-prod: ZONAL. Set availability: REGIONAL.",
    ]
    staging = asked(analyzer, zonal, "staging")
    assert [one.policyName for one in staging] == []  # staging has a waiver


def test_what_the_program_never_declares_is_seen_too(analyzer: Analyzer, prod: Desired) -> None:
    addresses = {
        **prod.named("instance").inputs["settings"]["ipConfiguration"],
        "authorizedNetworks": [{"value": "0.0.0.0/0", "name": "all"}],
        "__defaults": [],
    }
    (told,) = asked(analyzer, with_settings(prod.named("instance"), ipConfiguration=addresses))
    assert told.policyName == "no-open-network"


def test_options_are_seen(analyzer: Analyzer, prod: Desired) -> None:
    bare = replace(prod.named("instance"), protect=False, ignore_changes=())
    told = {one.policyName for one in asked(analyzer, bare)}
    assert told == {"program-deletion-protection", "disk-size-ignored"}


def test_what_only_a_deployment_knows_lets_a_preview_go_on(
    analyzer: Analyzer, prod: Desired
) -> None:
    told = asked(analyzer, with_settings(prod.named("instance"), tier=UNKNOWN_STRING_VALUE))
    assert {one.policyName for one in told} >= {"allowed-machine", "tier-grammar"}
    assert {one.enforcementLevel for one in told} == {analyzer_pb2.ADVISORY}
    assert all("can't be known during preview" in one.message for one in told)
    network = {
        **prod.named("instance").inputs["settings"]["ipConfiguration"],
        "privateNetwork": UNKNOWN_STRING_VALUE,
    }
    assert asked(analyzer, with_settings(prod.named("instance"), ipConfiguration=network)) == []


def test_a_replica_smaller_than_its_primary_is_told_at_the_end(analyzer: Analyzer) -> None:
    values = dict(read_config("prod"))
    values["ai-square-db:replicas"] = {"near": {}, "next": {"source": "near"}}
    instances = collect(validate("prod", values)).of_type(INSTANCE)
    assert len(instances) == 3
    assert asked_of_the_stack(analyzer, instances) == []
    small = tuple(
        with_settings(one, databaseFlags=[{"name": "max_connections", "value": "99"}])
        if one.name == "replica-next"
        else one
        for one in instances
    )
    (told,) = asked_of_the_stack(analyzer, small)
    assert told.policyName == "replica-settings"
    assert told.urn.endswith("::replica-next")
    assert "max_connections 99, the primary's 100" in told.message


def test_an_expired_waiver_is_told(prod: Desired) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    ours = waivers.load()
    held = (replace(ours[0], expires=yesterday), *ours[1:])
    told: list[str] = []
    of_the_stack = [p for p in policies(held) if isinstance(p, StackValidationPolicy)]
    (policy,) = [p for p in of_the_stack if p.name == WAIVERS]
    assert policy.enforcement_level is EnforcementLevel.MANDATORY
    resource = prod.named("instance")
    policy.validate(
        StackValidationArgs(
            [PolicyResource(resource.type, {}, urn(resource), "instance", None, None, None, [], {})]  # type: ignore[arg-type]  # only the URN is looked at
        ),
        lambda words, _urn: told.append(words),
    )
    assert [words.split(".")[0] for words in told] == [
        f"The waiver of {ours[0].rule} expired on {yesterday}"
    ]
