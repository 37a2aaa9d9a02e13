"""Read replicas and read pools: the primary's settings, and what differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from infra.flags import FlagValue, compile_flags, in_words, misfits
from infra.flags.budget import Level, reckon
from infra.settings.flags import FlagEntry, major, words
from infra.settings.keys import Entry, InstanceName, Keys, Rule, Zone, key, keys
from infra.settings.stack import ENDPOINT, is_local
from ops.tiers import PLUS, BadTierError, Tier, parse_tier

if TYPE_CHECKING:
    from infra.settings.declared import Declared

# A standby with less of these does not start:
# https://www.postgresql.org/docs/15/hot-standby.html#HOT-STANDBY-ADMIN
AT_LEAST_THE_PRIMARYS = (
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
)
# https://cloud.google.com/sql/docs/postgres/about-read-pools
POOL_NODES_MOST = 20
# https://cloud.google.com/sql/docs/postgres/replication/cascading-replicas
LEVELS_MOST = 4


class ReplicaEntry(Entry):
    """One replica of a stack file; what is left out is the primary's."""

    tier: str = Field("", description="Machine; empty for the primary's.")
    region: str = Field("", description="Region; empty for the primary's.")
    zone: Zone = Field("", description="Zone; empty lets Cloud SQL choose.")
    availability: Literal["REGIONAL", "ZONAL"] = Field("ZONAL", description="Of the replica.")
    source: str = Field("", description="Replica that it follows; empty for the primary.")
    nodes: int = Field(
        0, ge=0, le=POOL_NODES_MOST, description="Nodes of a read pool; 0 for a plain replica."
    )
    kms_key: str = Field("", description="Encryption key; empty for the primary's.")
    flags: dict[str, FlagEntry] = Field({}, description="Flags that differ from the primary's.")


class ReplicaKeys(Keys):
    """The key of the replicas."""

    replicas: dict[InstanceName, ReplicaEntry] = Field(
        {}, description="Read replicas, by what follows the instance's name in theirs."
    )


@dataclass(frozen=True, slots=True)
class Replica:
    """One read replica, or a read pool.

    Attributes:
        key: Its name in the stack file.
        name: Of the Cloud SQL instance: the primary's, a hyphen, the key.
        tier: The machine.
        region: Where it is.
        zone: None for Cloud SQL's choice.
        availability: ``REGIONAL`` or ``ZONAL``.
        source: Key of the replica that it follows; None for the primary.
        nodes: Of a read pool; None for a plain replica.
        kms_key: Customer-managed encryption key; None for the primary's.
        flags: Compiled: the primary's under its own.
    """

    key: str
    name: str
    tier: Tier
    region: str
    zone: str | None
    availability: str
    source: str | None
    nodes: int | None
    kms_key: str | None
    flags: tuple[FlagValue, ...]


def replicas(d: "Declared") -> tuple[Replica, ...]:
    """Return the replicas, each after the one that it follows."""
    entries = {name: _replica(d, name, entry) for name, entry in sorted(d.replicas.items())}
    return tuple(
        sorted(entries.values(), key=lambda replica: (_level(d.replicas, replica.key), replica.key))
    )


def _replica(d: "Declared", name: str, entry: ReplicaEntry) -> Replica:
    tier = parse_tier(entry.tier or d.tier, d.edition)
    return Replica(
        key=name,
        name=f"{d.instance}-{name}",
        tier=tier,
        region=entry.region or d.region,
        zone=entry.zone or None,
        availability=entry.availability,
        source=entry.source or None,
        nodes=entry.nodes or None,
        kms_key=entry.kms_key or None,
        flags=compile_flags(words(d, entry.flags), tier.memory_mb)[0],
    )


def _level(entries: Mapping[str, ReplicaEntry], name: str) -> int:
    """Return how many replicas are above one; more than there may be where they go round."""
    level = 1
    while (name := entries[name].source) in entries and level <= LEVELS_MOST:
        level += 1
    return level


def _places(d: "Declared") -> Iterator[str]:
    for name, entry in sorted(d.replicas.items()):
        path = f"{key('replicas')}.{name}"
        if entry.source and entry.source not in d.replicas:
            yield f"{path}.source: there is no replica {entry.source!r} in this stack."
        elif _level(d.replicas, name) > LEVELS_MOST:
            yield (
                f"{path}.source: it is more than {LEVELS_MOST} replicas away from the primary, or"
                " follows itself; Cloud SQL cascades no further."
            )
        region = entry.region or d.region
        if entry.zone and not entry.zone.startswith(f"{region}-"):
            yield f"{path}.zone: {entry.zone} is not in {region}. Name a zone of that."
        if entry.nodes and d.edition != PLUS:
            yield f"{path}.nodes: a read pool needs edition {PLUS}; this stack's is {d.edition}."
        if entry.nodes and is_local(d):
            yield f"{path}.nodes: the local Cloud SQL has no read pools. Leave it out."
        if entry.nodes and entry.zone:
            yield f"{path}.zone: Cloud SQL spreads a read pool's nodes over zones. Leave it out."
        if d.kms_key and region != d.region and not entry.kms_key:
            yield (
                f"{path}.kmsKey is missing: the primary's key is of {d.region}, and a replica in"
                f" {region} needs one of its own region."
            )
        if entry.source and entry.nodes:
            yield f"{path}.source: a read pool follows the primary alone. Leave the source out."


def _flags(d: "Declared") -> Iterator[str]:
    try:
        least = parse_tier(d.tier, d.edition)
    except BadTierError:
        return  # told by the tier's own rule
    primary = {f.name: f for f in compile_flags(words(d), least.memory_mb)[0]}
    reported = {str(error) for error in misfits(tuple(primary.values()), major(d))}
    for name, entry in sorted(d.replicas.items()):
        path = f"{key('replicas')}.{name}"
        try:
            tier = parse_tier(entry.tier or d.tier, d.edition)
        except BadTierError as error:
            yield f"{path}.tier: {error}"
            continue
        own, wrong = compile_flags(words(d, entry.flags), tier.memory_mb)
        if entry.flags or tier != least:  # what is wrong with the primary's is told there
            of_own = (error for error in misfits(own, major(d)) if str(error) not in reported)
            yield from (f"{path}.flags: {error}" for error in (*wrong, *of_own))
            budget = reckon(own, tier.memory_mb)
            if budget.level is Level.OVER:
                yield f"{path}.flags: {budget.sentence}"
        for flag in own:
            if flag.name not in AT_LEAST_THE_PRIMARYS or flag.name not in primary:
                continue
            needed = primary[flag.name].value
            if int(flag.value) < int(needed):
                yield (
                    f"{path}.flags: {flag.name} {flag.words} is less than the primary's"
                    f" {in_words(flag.name, needed)}: a standby with less does not start."
                )


RULES: tuple[Rule, ...] = (
    ((ENDPOINT, "gcp:region", *keys("edition", "kms_key", "replicas")), _places),
    (keys("database_version", "tier", "edition", "flags", "replicas"), _flags),
)
