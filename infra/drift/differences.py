"""What differs between what a stack declares and what is live: pure, and in one place.

``invoke drift``, the end of every deployment and the report of ``invoke adopt`` all ask
here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.body import api_path, instance_body
from infra.changes import Change, compare
from infra.consequences import DISK_SIZE, Effect
from infra.desired import INSTANCE, Desired, DesiredResource
from infra.instance_keys import key_of
from infra.live import TYPES, Kind, Live, LiveInstance
from infra.settings.keys import key
from ops.cloudsql import BUILT_IN, Account

# Every instance has these: https://cloud.google.com/sql/docs/postgres/users#default-users
OWN_DATABASES = frozenset({"postgres", "cloudsqladmin", "template0", "template1"})
OWN_USER, OWN_PREFIX = "postgres", "cloudsql"
LEFT_ALONE = "left alone"
REPLICA = "replica-"
# Of a replica these are its own; everything else is its primary's.
OF_A_REPLICA = frozenset({"availability", "flags", "region", "tier", "zone"})


class Finding(StrEnum):
    """How something differs."""

    DIFFERS = "differs"
    MISSING = "missing"
    UNDECLARED = "not declared"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was declared.

    Attributes:
        finding: How it differs; a note is no finding.
        kind: ``instance``, ``database`` or ``user``.
        name: Of the instance, database or user.
        instance: In which it lies; its own name for an instance.
        property: Its API path; empty where all of it is there or is not.
        declared: What the stack says, in words; empty where it says nothing.
        live: What the Admin API says, in words; empty where it says nothing.
        deploying: What carrying the declaration out does.
        resolve: What to do, in a sentence.
    """

    finding: Finding
    kind: Kind
    name: str
    instance: str
    property: str
    declared: str
    live: str
    deploying: str
    resolve: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A part that could not be read.

    Attributes:
        instance: Of what.
        kind: Databases or users; the instance itself.
        why: The API's words.
    """

    instance: str
    kind: Kind
    why: str


def differences(
    desired: Desired, live: Live, unread: tuple[Unread, ...] = ()
) -> tuple[Difference, ...]:
    """Return everything that differs, in the order of the declaration.

    Args:
        desired: What the program declares.
        live: The declared instances that exist.
        unread: What could not be read, and is not judged therefore.
    """
    blind = {(one.instance, one.kind) for one in unread}
    found: list[Difference] = []
    for resource in desired.of_type(INSTANCE):
        name = str(resource.inputs["name"])
        if (name, Kind.INSTANCE) in blind:
            continue
        found += _instance(resource, name, live.get(name))
        if name not in live or live[name].source:
            continue  # what lies in a replica is its primary's
        found += _replicas(desired, live[name])
        for kind in (Kind.DATABASE, Kind.USER):
            if (name, kind) not in blind:
                found += _contents(kind, desired, live[name])
    return tuple(found)


def outstanding(found: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """Return what was declared and is not so, although deploying would have made it so."""
    return tuple(
        one
        for one in found
        if one.finding in {Finding.DIFFERS, Finding.MISSING} and one.deploying != LEFT_ALONE
    )


def _instance(
    resource: DesiredResource, name: str, live: LiveInstance | None
) -> Iterator[Difference]:
    if live is None:
        yield _missing(Kind.INSTANCE, name, name)
        return
    ignored = tuple(map(api_path, resource.ignore_changes))
    for change in compare(instance_body(resource), live.body, ignored):
        yield _changed(resource.name, name, change)


def _changed(logical: str, name: str, change: Change) -> Difference:
    finding, deploying = Finding.DIFFERS, str(change.effect)
    resolve = _resolve(_key(logical, change.property), change)
    if change.effect is Effect.IGNORED:
        deploying = LEFT_ALONE
        if change.property == DISK_SIZE and int(change.before or 0) >= int(change.after or 0):
            finding, resolve = Finding.NOTE, "Nothing: Cloud SQL grows a disk that fills."
        elif change.property == DISK_SIZE:
            resolve = f"invoke disk.grow --to-gb {change.after}: deploying never resizes a disk."
    return Difference(
        finding=finding,
        kind=Kind.INSTANCE,
        name=name,
        instance=name,
        property=change.property,
        declared=change.after,
        live=change.before,
        deploying=deploying,
        resolve=resolve,
    )


def _key(logical: str, path: str) -> str:
    """Return the stack file's key that decides a property; empty where none does."""
    whole = key_of(path)
    name = whole.rpartition(":")[2]
    if logical.startswith(REPLICA) and name in OF_A_REPLICA:
        return f"{key('replicas')}.{logical.removeprefix(REPLICA)}.{name}"
    return whole


def _resolve(whole: str, change: Change) -> str:
    if not whole:
        return "Deploy."
    last = change.property.rsplit(".", 1)[-1]
    entry = change.property.startswith(("settings.databaseFlags.", "settings.userLabels."))
    if entry and not change.before:
        return f"Deploy, or take {last} out of {whole}."
    said = change.before or "what is live"
    return f"Deploy, or write {whole}{f'.{last}' if entry else ''}: {said}."


def _missing(kind: Kind, name: str, instance: str) -> Difference:
    return Difference(
        finding=Finding.MISSING,
        kind=kind,
        name=name,
        instance=instance,
        property="",
        declared="there",
        live="",
        deploying="create",
        resolve="Deploy, or take it out of the stack file.",
    )


def _undeclared(kind: Kind, name: str, instance: str, live: str, resolve: str) -> Difference:
    return Difference(
        finding=Finding.UNDECLARED,
        kind=kind,
        name=name,
        instance=instance,
        property="",
        declared="",
        live=live,
        deploying=LEFT_ALONE,
        resolve=resolve,
    )


def _replicas(desired: Desired, live: LiveInstance) -> Iterator[Difference]:
    declared = {str(r.inputs["name"]) for r in desired.of_type(INSTANCE)}
    for told in live.body.get("replicaNames", ()):
        name = str(told).rpartition(":")[2]
        if name not in declared:
            yield _undeclared(
                Kind.INSTANCE,
                name,
                name,
                f"replica of {live.name}",
                "Delete it, or declare it under ai-square-db:replicas.",
            )


def _contents(kind: Kind, desired: Desired, live: LiveInstance) -> Iterator[Difference]:
    declared = {
        str(r.inputs["name"]): str(r.inputs.get("type") or BUILT_IN)
        for r in desired.of_type(TYPES[kind])
        if r.inputs["instance"] == live.name
    }
    there = _there(kind, live)
    for name, wanted in sorted(declared.items()):
        if name not in there:
            yield _missing(kind, name, live.name)
        elif kind is Kind.USER and there[name].type != wanted:
            yield _other_type(live.name, name, wanted, there[name].type)
    for name in sorted(there.keys() - declared.keys()):
        yield _by_hand(kind, name, live.name, there[name])


def _there(kind: Kind, live: LiveInstance) -> Mapping[str, Account]:
    """Return what lies in an instance, without what every instance has."""
    if kind is Kind.DATABASE:
        return {name: Account(name) for name in live.databases if name not in OWN_DATABASES}
    return {
        one.name: one
        for one in live.accounts
        if one.name != OWN_USER and not one.name.startswith(OWN_PREFIX)
    }


def _other_type(instance: str, name: str, wanted: str, there: str) -> Difference:
    return Difference(
        finding=Finding.DIFFERS,
        kind=Kind.USER,
        name=name,
        instance=instance,
        property="type",
        declared=wanted,
        live=there,
        deploying=str(Effect.REPLACE),
        resolve="Drop the live user and deploy, or declare another name.",
    )


def _by_hand(kind: Kind, name: str, instance: str, account: Account) -> Difference:
    if kind is Kind.DATABASE:
        return _undeclared(kind, name, instance, "there", "Drop it if nobody needs it.")
    if account.type == BUILT_IN:
        resolve = "Drop it, or give a role of the stack its name (ai-square-db:appUser ...)."
    else:
        resolve = f"Drop it, or write ai-square-db:iamUsers.{account.email or name}: readonly."
    return _undeclared(kind, name, instance, account.type, resolve)
