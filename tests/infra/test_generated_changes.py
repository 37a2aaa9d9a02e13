"""Every input of every declared resource, changed one at a time: nothing unproven is safe.

The oracle reads the table of the providers' effects itself and shares no code with what
decides: of a row that replaces, is unknown, or is conditional with a condition that holds or
can't be decided, the verdict must not be harmless.
"""

import csv
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infra.desired import Desired, DesiredResource, collect
from infra.preview.difference import ResourceChange, differences
from infra.preview.downtime import restarts
from infra.preview.verdict import Verdict, decide
from infra.settings import load
from infra.stackfile import ROOT
from tests.infra.registered import changed, prod

HARMLESS = {Verdict.SAFE, Verdict.NO_CHANGE}
MAPS = {"labels", "userLabels", "keepers", "limits", "databaseFlags"}
LISTS = {"connectionPoolConfigs", "pscConfigs"}  # of one block, which the API has as such
# In the Pulumi SDK 10.2.0, and not in the provider's revision that the table was read from.
NEWER = {
    "gcp:sql/databaseInstance:DatabaseInstance": (
        "blueGreenDeployment.deploymentName",
        "encryptionConfidentialMode",
    ),
    "gcp:secretmanager/secret:Secret": ("secretType",),
    "gcp:cloudrunv2/job:Job": (
        "functionalType",
        "template.delayExecution",
        "template.template.workloadIdentityConfig.identity",
        "template.template.containers.sandboxLauncher",
    ),
}
# The provider's own configuration takes their place, which is nothing that a stack declares.
PROVIDERS_OWN = {"project", "region"}


class Mutation(NamedTuple):
    """One change of one input."""

    resource: DesiredResource
    path: str
    inputs: dict[str, Any]
    old: Any
    new: Any


@cache
def table() -> dict[tuple[str, str], dict[str, str]]:
    text = Path(ROOT, "infra/effects/effects.csv").read_text(encoding="utf-8")
    return {(row["type"], row["property"]): row for row in csv.DictReader(text.splitlines())}


@cache
def resources() -> tuple[DesiredResource, ...]:
    """Return what is declared in prod, and with what prod could declare."""
    stacks = (
        prod(),
        changed(networkMode="PSC", connectorEnforcement=True, replicas={"r1": {}}),
        changed(networkRangeAddress="10.9.0.0", kmsKey="", diskAutoresize=False),
    )
    every = [resource for stack in stacks for resource in stack.resources]
    unlike = {(one.key, json.dumps(plain(one.inputs), sort_keys=True)): one for one in every}
    return tuple(unlike.values())


def plain(value: Any) -> Any:  # noqa: ANN401 - inputs
    if hasattr(value, "items"):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401 - inputs
    if at:
        yield at
    entries = dict(enumerate(value)) if isinstance(value, list) else value
    for key, item in entries.items() if isinstance(entries, dict) else ():
        yield from places(item, (*at, key))


def other(value: Any) -> Any:  # noqa: ANN401 - an input
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return str(int(value) + 1) if value.isdigit() else f"{value}x"
    return None


def mutations() -> Iterator[Mutation]:
    seen: set[str] = set()
    for resource in resources():
        inputs = plain(resource.inputs)
        for place in places(inputs):
            yield from _at(resource, inputs, place)
        if resource.type not in seen:
            seen.add(resource.type)
            yield from _additions(resource, inputs)


def _at(
    resource: DesiredResource, inputs: dict[str, Any], place: tuple[str | int, ...]
) -> Iterator[Mutation]:
    path = ".".join(str(part) for part in place if isinstance(part, str))
    *parents, last = place
    value = _node(inputs, place)
    for new in (None, other(value)):
        if new is None and not isinstance(value, str | int | float | bool | dict | list):
            continue
        copy = deepcopy(inputs)
        if new is None:
            _node(copy, tuple(parents)).pop(last)
        else:
            _node(copy, tuple(parents))[last] = new
        if copy != inputs:
            yield Mutation(resource, path, copy, value, new)
    if isinstance(value, list) and value:
        copy = deepcopy(inputs)
        extra = value[-1]
        extra = f"{extra}x" if isinstance(extra, str) else deepcopy(extra)
        _node(copy, place).append(extra)
        yield Mutation(resource, path, copy, None, extra)


def _node(value: Any, place: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - inputs
    for part in place:
        value = value[part]
    return value


def _additions(resource: DesiredResource, inputs: dict[str, Any]) -> Iterator[Mutation]:
    """Set each input that the resource's type has, and this resource does not set."""
    paths = [name for kind, name in table() if kind == resource.type]
    for path in (*paths, *NEWER.get(resource.type, ())):
        copy = deepcopy(inputs)
        node: Any = copy
        *blocks, last = path.split(".")
        for block in blocks:
            node = node[0] if isinstance(node, list) else node
            node = node.setdefault(block, [{}] if block in LISTS else {})
        node = node[0] if isinstance(node, list) else node
        if isinstance(node, dict) and last not in node:
            outer = any(name.startswith(f"{path}.") for name in paths)
            node[last] = ([{}] if last in LISTS else {}) if outer else "added"
            yield Mutation(resource, path, copy, None, "added")


def row_of(kind: str, path: str) -> dict[str, str] | None:
    row = table().get((kind, path))
    block, _, _ = path.rpartition(".")
    if row is None and block.rpartition(".")[2] in MAPS:
        row = table()[kind, block]
    return row


def holds(mutation: Mutation) -> bool:
    """Tell whether the condition of a conditional row holds, or can't be decided."""
    kind = mutation.resource.type.rpartition(":")[2]
    inputs, after = mutation.resource.inputs, mutation.inputs
    conditions: dict[tuple[str, str], Callable[[], bool]] = {
        ("Bucket", "retentionPolicy"): lambda: mutation.new is None and mutation.old["isLocked"],
        ("Bucket", "retentionPolicy.isLocked"): lambda: mutation.old and not mutation.new,
        ("DatabaseInstance", "settings.diskSize"): lambda: (
            not after["settings"].get("diskAutoresize", True)
            and mutation.new is not None
            and mutation.new < mutation.old
        ),
        ("DatabaseInstance", "settings.ipConfiguration.privateNetwork"): lambda: (
            bool(mutation.old) and not mutation.new
        ),
        # nothing is sent of it: it is optional and computed
        ("DatabaseInstance", "masterInstanceName"): lambda: mutation.new is not None,
        ("Subnetwork", "ipCidrRange"): lambda: mutation.new is not None,
        ("ForwardingRule", "target"): lambda: mutation.new is not None,
        ("ForwardingRule", "allowGlobalAccess"): lambda: (
            inputs.get("loadBalancingScheme") == "INTERNAL_MANAGED"
        ),
        # the block alone: what forces it inside has rows of its own
        ("Metric", "metricDescriptor"): lambda: False,
        ("Metric", "metricDescriptor.labels"): lambda: False,
        ("RecordSet", "routingPolicy"): lambda: False,
        ("Bucket", "customPlacementConfig"): lambda: False,
        ("Repository", "mavenConfig"): lambda: False,
        ("DatabaseInstance", "settings"): lambda: False,
        ("DatabaseInstance", "replicaConfiguration"): lambda: False,
        ("DatabaseInstance", "settings.autoUpgradeEnabled"): lambda: False,
    }
    condition = conditions.get((kind, mutation.path))
    return True if condition is None else bool(condition())


def must_not_be_harmless(mutation: Mutation) -> bool:
    kind, path = mutation.resource.type, mutation.path
    row = row_of(kind, path)
    if row is None or row["effect"] == "computed-only":
        return True
    left_out = mutation.new is None and row["optional_computed"] == "yes"
    if left_out and path not in PROVIDERS_OWN | {"name"}:
        return False  # nothing is sent
    if any(table()[kind, block]["effect"] == "replace" for block in coming(mutation)):
        return True
    return holds(mutation) if row["effect"] == "conditional" else row["effect"] == "replace"


def coming(mutation: Mutation) -> Iterator[str]:
    """Yield the blocks around an input that were not there before it."""
    parts = mutation.path.split(".")
    for end in range(1, len(parts)):
        block = ".".join(parts[:end])
        if (mutation.resource.type, block) in table() and not _has(mutation, parts[:end]):
            yield block


def _has(mutation: Mutation, parts: list[str]) -> bool:
    node: Any = plain(mutation.resource.inputs)
    for part in parts:
        node = node[0] if isinstance(node, list) else node
        if part not in node:
            return False
        node = node[part]
    return True


@cache
def answers() -> tuple[tuple[Mutation, tuple[ResourceChange, ...], Verdict], ...]:
    return tuple((mutation, *answer(mutation)) for mutation in mutations())


def answer(mutation: Mutation) -> tuple[tuple[ResourceChange, ...], Verdict]:
    # what is left alone on purpose is compared too
    before = replace(mutation.resource, ignore_changes=())
    after = replace(before, inputs=mutation.inputs)
    changes = differences(Desired((before,), {}), Desired((after,), {}))
    return changes, decide(changes, restarts(changes), blocked=False)


def test_no_change_that_is_not_proven_harmless_is_safe() -> None:
    assert len(answers()) > 3000
    wrong = [
        (mutation.resource.type, mutation.path, mutation.old, mutation.new, verdict)
        for mutation, _, verdict in answers()
        if verdict in HARMLESS and must_not_be_harmless(mutation)
    ]
    assert wrong == []


def test_what_the_provider_does_in_place_is_no_replacement() -> None:
    wrong = []
    for mutation, changes, _ in answers():
        row = row_of(mutation.resource.type, mutation.path)
        if row is None or row["effect"] != "in-place" or isinstance(mutation.old, dict | list):
            continue
        outer = (table()[mutation.resource.type, block] for block in coming(mutation))
        forced = any(other_row["effect"] != "in-place" for other_row in outer)
        if any(change.action == "replace" for change in changes) and not forced:
            wrong.append((mutation.resource.type, mutation.path, mutation.old, mutation.new))
    assert wrong == []


def test_every_input_of_the_stacks_is_in_the_table() -> None:
    missing = {
        (resource.type, ".".join(part for part in place if isinstance(part, str)))
        for resource in resources()
        for place in places(plain(resource.inputs))
    }
    assert {entry for entry in missing if row_of(*entry) is None} == set()


@pytest.mark.parametrize("stack", ["prod", "staging", "local"])
def test_two_runs_of_a_stack_differ_in_nothing(stack: str) -> None:
    first, second = collect(load(stack)), collect(load(stack))
    assert differences(first, second) == ()
    told = tuple(
        replace(
            resource,
            inputs=json.loads(json.dumps(plain(resource.inputs))),
            fed_by=None,  # as an older program writes it
            options=None,
        )
        for resource in second.resources
    )
    assert differences(Desired(told, {}), first) == ()
