"""The values of a stack file, taken from a live instance."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from infra.adopt.flags import flags, same
from infra.adopt.people import Asked, people
from infra.body import declarable
from infra.instance_keys import Inputs, fields
from infra.live import LiveInstance
from infra.settings.declared import Declared
from infra.settings.keys import key
from ops.tiers import BadTierError, parse_tier

VPC = re.compile(r"(?:.*/)?projects/(?P<project>[^/]+)/global/networks/(?P<name>[^/]+)")
READ_POOL = "READ_POOL_INSTANCE"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a stack file says of a live instance.

    Attributes:
        values: By whole key, project's defaults included.
        why: Where a choice came from, by whole key.
        cannot: One sentence for everything that no stack file can declare.
        notes: What else to know.
    """

    values: Mapping[str, object]
    why: Mapping[str, str]
    cannot: tuple[str, ...]
    notes: tuple[str, ...]


def take(
    project: str,
    primary: LiveInstance,
    replicas: tuple[LiveInstance, ...],
    usual: Mapping[str, object],
    typed: Asked,
    *,
    local: bool,
) -> Taken:
    """Return a stack's values for an instance as it is.

    Args:
        project: The Google Cloud project.
        primary: The instance.
        replicas: Its replicas, and theirs.
        usual: What the stack says now, else the project's defaults, by whole key.
        typed: What the person who adopts said.
        local: Whether it is on the local Cloud SQL, which has no networks.
    """
    declarable_inputs = declarable(primary.body)
    read = fields(declarable_inputs.inputs)
    cannot: list[str] = [
        _beyond(primary.name, *setting) for setting in sorted(declarable_inputs.beyond.items())
    ]
    notes: list[str] = []
    edition = str(read["edition"])
    its_flags = flags(
        declarable_inputs.inputs.get("settings.databaseFlags", ()),
        memory(declarable_inputs.inputs, edition),
    )
    cannot += its_flags.refused
    read["flags"] = dict(its_flags.words)
    read["iam_authentication"] = its_flags.iam
    names = {
        name: usual.get(str(field.alias), field.default)
        for name, field in Declared.model_fields.items()
    }
    who = people(primary, typed, names)
    read |= who.fields
    consumers = [p for p in _texts(read.pop("psc_consumer_projects", ())) if p != project]
    if not local:
        where, remarks = _network(project, declarable_inputs.inputs, names, typed, primary.name)
        read |= where
        notes += remarks
        if where["network_mode"] == "PSC":
            read["psc_consumer_projects"] = consumers
    entries, unfit = _replicas(primary, replicas, edition, read)
    read["replicas"] = entries
    cannot += unfit
    if "zone" not in read and (
        zone := declarable_inputs.inputs.get("settings.locationPreference.zone")
    ):
        notes.append(
            f"Zone {zone} is left to Cloud SQL. To hold it there, write {key('zone')}: {zone}."
        )
    values: dict[str, object] = {
        "gcp:project": project,
        "gcp:region": str(primary.body.get("region", "")),
        key("instance"): primary.name,
    }
    return Taken(
        values={**values, **{key(name): value for name, value in read.items()}},
        why={key(name): text for name, text in who.why.items()},
        cannot=tuple(cannot),
        notes=tuple(notes),
    )


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


def _beyond(name: str, path: str, value: str) -> str:
    return f"{name}: {path} is {value}; the program has no setting for it."


def memory(inputs: Inputs, edition: str) -> int | None:
    """Return a tier's memory in MiB; None for a tier that is none of ours."""
    try:
        return parse_tier(str(inputs.get("settings.tier", "")), edition).memory_mb
    except BadTierError:
        return None


def _network(
    project: str, inputs: Inputs, usual: Mapping[str, object], typed: Asked, instance: str
) -> tuple[dict[str, object], list[str]]:
    """Return the keys of the network, and what to know of them."""
    psc = inputs.get("settings.ipConfiguration.pscConfigs") or {}
    mode = "PSC" if psc.get("pscEnabled") else "PSA"
    name = typed.network or str(usual["network_name"]) or instance
    match = VPC.fullmatch(str(inputs.get("settings.ipConfiguration.privateNetwork", "")))
    if match and match["project"] == project:
        return {"network_name": typed.network or match["name"], "network_mode": mode}, []
    if match:
        note = (
            f"The network {match['name']} is project {match['project']}'s; the program declares"
            f" networks of {project} alone, and would declare {name} there."
        )
    elif mode == "PSC":
        note = (
            f"Which VPC reaches the instance through Private Service Connect is not told; {name}"
            " is what the program declares (--network NAME names another one)."
        )
    else:
        note = (
            f"The instance has no private network; the program gives it one, {name} (--network"
            " NAME names another one), and takes its public address away."
        )
    return {"network_name": name, "network_mode": mode}, [note]


def _replicas(
    primary: LiveInstance,
    replicas: tuple[LiveInstance, ...],
    edition: str,
    read: Mapping[str, object],
) -> tuple[dict[str, object], list[str]]:
    """Return the entries of the replicas, and sentences about those that can't be declared."""
    entries: dict[str, object] = {}
    unfit: list[str] = []
    before = f"{primary.name}-"
    for replica in replicas:
        if not replica.name.startswith(before):
            unfit.append(
                f"replica {replica.name}: the program calls replicas {before}NAME, so this one"
                " stays as it is, undeclared."
            )
            continue
        if replica.source != primary.name and not replica.source.startswith(before):
            unfit.append(
                f"replica {replica.name}: it follows {replica.source}, which can't be declared."
            )
            continue
        declarable_inputs = declarable(replica.body)
        own = flags(
            declarable_inputs.inputs.get("settings.databaseFlags", ()),
            memory(declarable_inputs.inputs, edition),
        )
        unfit += [f"replica {replica.name}: {why}" for why in own.refused]
        unfit += [
            _beyond(replica.name, *item)
            for item in sorted(declarable_inputs.beyond.items())
            if item[1] != declarable(primary.body).beyond.get(item[0])
        ]
        entries[replica.name.removeprefix(before)] = _entry(
            primary, replica, declarable_inputs.inputs, own.words, read
        )
    return entries, unfit


def _entry(
    primary: LiveInstance,
    replica: LiveInstance,
    inputs: Inputs,
    own_flags: Mapping[str, object],
    read: Mapping[str, object],
) -> dict[str, object]:
    """Return what a replica has of its own; what it leaves out is the primary's."""
    shared = read["flags"] if isinstance(read["flags"], Mapping) else {}
    source = (
        replica.source.removeprefix(f"{primary.name}-") if replica.source != primary.name else ""
    )
    same_region = inputs.get("region") == primary.body.get("region")
    usual = {
        "tier": read.get("tier"),
        "region": primary.body.get("region"),
        "availability": "ZONAL",
        "source": "",
        "nodes": 0,
        "kmsKey": read.get("kms_key") if same_region else "",
        "flags": {},
    }
    values: dict[str, object] = {
        "tier": inputs.get("settings.tier"),
        "region": inputs.get("region"),
        "availability": inputs.get("settings.availabilityType", "ZONAL"),
        "source": source,
        "nodes": inputs.get("nodeCount", 0) if replica.body.get("instanceType") == READ_POOL else 0,
        "kmsKey": inputs.get("encryptionKeyName") or usual["kmsKey"],
        "flags": {
            name: word
            for name, word in own_flags.items()
            if name not in shared or not same(name, word, shared[name])
        },
    }
    return {name: value for name, value in values.items() if value != usual[name]}
