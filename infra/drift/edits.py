"""Edits of a stack file that make it say what is live: candidates, to be proven."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from infra.adopt.flags import word
from infra.adopt.people import IAM_TYPES, LEAST, Asked, email_of
from infra.adopt.take import VPC, take
from infra.body import declarable, instance_body
from infra.changes import SOURCE
from infra.consequences import FLAGS, LABELS
from infra.desired import DATABASE, INSTANCE, USER, Desired, DesiredResource
from infra.drift.differences import REPLICA, Difference, Finding
from infra.instance_keys import DEPENDING, fields, key_of
from infra.live import Kind, Live, LiveInstance
from infra.settings.flags import IAM_FLAG
from infra.settings.keys import key
from ops.cloudsql import BUILT_IN

# Of a replica these are its own, by their names in its entry; the rest is its primary's.
OF_A_REPLICA: Mapping[str, str] = {
    "settings.availabilityType": "availability",
    "region": "region",
    "settings.tier": "tier",
    "settings.locationPreference.zone": "zone",
    "diskEncryptionConfiguration.kmsKeyName": "kmsKey",
    "nodeCount": "nodes",
}
ROLE_USER = "-user"


@dataclass(frozen=True, slots=True)
class Edit:
    """One value of a stack file.

    Attributes:
        key: The whole key, as ``ai-square-db:flags``.
        entry: Where in the key's map; empty for the key itself.
        value: What to write; None to take it out.
    """

    key: str
    entry: tuple[str, ...]
    value: object

    @property
    def sentence(self) -> str:
        """The edit in words: ``write ai-square-db:flags.work_mem: 8MB``."""
        if self.value is not None:
            return f"write {'.'.join((self.key, *self.entry))}: {_yaml(self.value)}"
        if not self.entry:
            return f"take {self.key} out"
        return f"take {self.entry[-1]} out of {'.'.join((self.key, *self.entry[:-1]))}"

    def applied(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return a stack file's values with the edit made."""
        return _edited(values, (self.key, *self.entry), self.value)


def _edited(
    values: Mapping[str, object], path: tuple[str, ...], value: object
) -> dict[str, object]:
    first, *rest = path
    edited = dict(values)
    if rest:
        below = values.get(first)
        edited[first] = _edited(below if isinstance(below, Mapping) else {}, tuple(rest), value)
    elif value is None:
        edited.pop(first, None)
    else:
        edited[first] = value
    return edited


def _yaml(value: object) -> str:
    """Return a value as a stack file has it, in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=4096, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def candidates(
    difference: Difference, desired: Desired, live: Live, *, local: bool
) -> Iterator[tuple[Edit, ...]]:
    """Yield edits that may make the stack say what is live, the smallest first.

    Args:
        difference: What differs.
        desired: What the stack declares.
        live: The instances that were read, replicas that nobody declares included.
        local: Whether they are on the local Cloud SQL.
    """
    if difference.property and difference.kind is not Kind.INSTANCE:
        return  # no stack file says what a user or a database is beside its name
    if difference.kind is Kind.DATABASE:
        yield from _database(difference, desired, live)
    elif difference.kind is Kind.USER:
        yield from _user(difference, desired, live)
    elif difference.finding is Finding.MISSING:
        logical = _logical(difference, desired)
        if logical.startswith(REPLICA):
            yield (Edit(key("replicas"), (logical.removeprefix(REPLICA),), None),)
    elif difference.finding is Finding.UNDECLARED and not difference.property:
        if difference.name not in live:
            return
        yield from _another_replica(live[difference.name], live, local=local)
    else:
        resource = next(r for r in desired.of_type(INSTANCE) if r.inputs["name"] == difference.name)
        if resource.name.startswith(REPLICA):
            yield from _replica(difference, resource, live[difference.name])
        else:
            yield from _primary(difference, resource, live[difference.name])


def _logical(difference: Difference, desired: Desired) -> str:
    return next(r.name for r in desired.of_type(INSTANCE) if r.inputs["name"] == difference.name)


def _primary(
    difference: Difference, resource: DesiredResource, live: LiveInstance
) -> Iterator[tuple[Edit, ...]]:
    project = str(resource.inputs.get("project", ""))
    declared = _values(instance_body(resource), project)
    live_values = _values(live.body, project)
    entry = _entry(difference.property, live.body)
    if entry is not None:
        yield (entry,)
        return
    path = key_of(difference.property)
    heads = [key(head) for head, those in DEPENDING.items() if path in map(key, those)]
    differing = [
        name for name in declared | live_values if declared.get(name) != live_values.get(name)
    ]
    for name in (path, *heads):
        if name in differing:
            yield (Edit(name, (), live_values.get(name)),)
    if path in differing or any(head in differing for head in heads):
        yield tuple(Edit(name, (), live_values.get(name)) for name in differing)


def _values(body: Mapping[str, Any], project: str) -> dict[str, object]:
    """Return an instance as a stack file's values, flags and labels apart."""
    inputs = declarable(body).inputs
    values = {key(name): value for name, value in fields(inputs).items() if name != "labels"}
    values["gcp:region"] = str(body.get("region", ""))
    psc = inputs.get("settings.ipConfiguration.pscConfigs") or {}
    values[key("network_mode")] = "PSC" if psc.get("pscEnabled") else "PSA"
    consumers = values.get(key("psc_consumer_projects"))
    if isinstance(consumers, list):
        values[key("psc_consumer_projects")] = [name for name in consumers if name != project]
    network = VPC.fullmatch(str(inputs.get("settings.ipConfiguration.privateNetwork", "")))
    if network and network["project"] == project:
        values[key("network_name")] = network["name"]
    return values


def _entry(path: str, body: Mapping[str, Any]) -> Edit | None:
    """Return the edit of a flag or a label; None for every other property."""
    settings = body.get("settings", {})
    if path.startswith(f"{LABELS}."):
        name = path.removeprefix(f"{LABELS}.")
        return Edit(key("labels"), (name,), settings.get("userLabels", {}).get(name))
    if not path.startswith(f"{FLAGS}."):
        return None
    name = path.removeprefix(f"{FLAGS}.")
    values = {f["name"]: str(f.get("value", "")) for f in settings.get("databaseFlags", ())}
    if name == IAM_FLAG:
        return Edit(key("iam_authentication"), (), values.get(name) == "on")
    return Edit(key("flags"), (name,), word(name, values[name]) if name in values else None)


def _replica(
    difference: Difference, resource: DesiredResource, live: LiveInstance
) -> Iterator[tuple[Edit, ...]]:
    """Yield edits of a replica's own entry: other keys would change its primary too."""
    name = resource.name.removeprefix(REPLICA)
    flag = _entry(difference.property, live.body)
    if flag is not None and flag.key == key("flags"):
        yield (Edit(key("replicas"), (name, "flags", *flag.entry), flag.value),)
    elif difference.property == SOURCE:
        yield from _source(name, resource, live)
    elif difference.property in OF_A_REPLICA:
        own = OF_A_REPLICA[difference.property]
        yield (Edit(key("replicas"), (name, own), _at(live, difference.property)),)


def _another_replica(
    replica: LiveInstance, live: Live, *, local: bool
) -> Iterator[tuple[Edit, ...]]:
    """Yield the entry of a replica that nobody declares, as adopting it would write it."""
    primary = next((live[name] for name in live if not live[name].source), None)
    if primary is None:
        return
    others = tuple(other for other in live.values() if other.source)
    project = primary.connection_name.partition(":")[0]
    taking = take(project, primary, others, {}, Asked(), local=local)
    name = replica.name.removeprefix(f"{primary.name}-")
    entries = taking.values[key("replicas")]
    if isinstance(entries, Mapping) and name in entries:
        yield (Edit(key("replicas"), (name,), entries[name]),)


def _source(name: str, resource: DesiredResource, live: LiveInstance) -> Iterator[tuple[Edit, ...]]:
    if not live.source:  # it was promoted: an instance of its own
        yield (Edit(key("replicas"), (name,), None),)
        return
    primary = str(resource.inputs["name"]).removesuffix(f"-{name}")
    source = None if live.source == primary else live.source.removeprefix(f"{primary}-")
    yield (Edit(key("replicas"), (name, "source"), source),)


def _at(live: LiveInstance, path: str) -> object:
    value: Any = live.body
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _database(difference: Difference, desired: Desired, live: Live) -> Iterator[tuple[Edit, ...]]:
    """Yield the other name of the stack's only database, where that is not there."""
    (declared,) = (str(r.inputs["name"]) for r in desired.of_type(DATABASE))
    if (
        difference.finding is Finding.UNDECLARED
        and declared not in live[difference.instance].databases
    ):
        yield (Edit(key("database"), (), difference.name),)


def _user(difference: Difference, desired: Desired, live: Live) -> Iterator[tuple[Edit, ...]]:
    accounts = {account.name: account for account in live[difference.instance].accounts}
    users = {str(r.inputs["name"]): r for r in desired.of_type(USER)}
    if difference.finding is Finding.MISSING:
        resource = users[difference.name]
        if resource.inputs.get("type"):
            email = resource.name.removeprefix("iam-")
            yield (Edit(key("iam_users"), (email,), None),)
    elif difference.finding is Finding.UNDECLARED and difference.live in IAM_TYPES:
        yield (Edit(key("iam_users"), (email_of(accounts[difference.name]),), LEAST),)
    elif difference.finding is Finding.UNDECLARED and difference.live == BUILT_IN:
        for name, resource in users.items():
            if name not in accounts and resource.name.endswith(ROLE_USER):
                role = resource.name.removesuffix(ROLE_USER)
                yield (Edit(key(f"{role}_user"), (), difference.name),)
