"""What differs between what a stack declares and what is live: pure, and in one place.

``invoke drift``, the end of every deployment and the report of ``invoke adopt`` all ask
here.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network
from typing import TYPE_CHECKING

from infra.body import api_path, instance_body
from infra.changes import AUTHORIZED, Change, compare
from infra.consequences import DISK_SIZE, Effect
from infra.desired import INSTANCE, Desired, DesiredResource
from infra.drift.undeclared import (
    NO_MEMBERSHIPS,
    ROLES,
    Memberships,
    Undeclared,
    of_database,
    of_user,
    patch,
    settings_of,
)
from infra.live import TYPES, Kind, Live, LiveInstance
from infra.policies.limits import OPEN_PREFIX
from ops.cloudsql import BUILT_IN, Account
from ops.cloudsqlroles import CLOUD_SQL

if TYPE_CHECKING:
    from infra.drift.edits import Edit

# Every instance has these: https://cloud.google.com/sql/docs/postgres/users#default-users
OWN_DATABASES = frozenset({"postgres", "cloudsqladmin", "template0", "template1"})
DEFAULT_DATABASE = "postgres"
LEFT_ALONE = "left alone"
REPLICA = "replica-"


class Finding(StrEnum):
    """How something differs."""

    DIFFERS = "differs"
    MISSING = "missing"
    UNDECLARED = "not declared"
    NOTE = "note"


class Remedy(StrEnum):
    """What to do about a difference, in a sentence; ``edits`` may say it otherwise."""

    DEPLOY = "Deploy."
    REPLACES = "Deploying replaces it, and what it holds is lost."
    LOSES = "Deploying loses data."
    UNKNOWN = "What deploying does is not known: look with `pulumi preview --diff`."
    GROWN = "Nothing: Cloud SQL grows a disk that fills."
    FAILED_OVER = "Nothing: a failover moved it; moving it back would disconnect clients."
    GROW = "`{command}` grows it: deploying never resizes a disk."
    NEW_INSTANCE = "Only a new instance has another key."
    DELETE = "Delete it if nobody needs it: `{command}`."
    TAKE_ROLES = "Take them away: `{command}`."
    DELETE_AND_DEPLOY = "Delete the live one, `{command}`, and deploy."
    TAKE_BACK = (
        "If nobody wants it, send `{command}` to the Admin API's `instances.patch`; deploying"
        " leaves it alone."
    )
    BY_HAND = "Find out who did it, and undo it by hand: deploying leaves it alone."
    RESET = "Take it away in SQL: `{command}`."
    APPLY_ROLES = "`{command}` sets it back."
    NEW_DATABASE = "Only a new database has another encoding."


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
        remedy: What to do.
        resolve: That in a sentence, with commands and edits.
        danger: Whom it lets in, in a sentence; empty where it lets nobody in.
        edits: Of the stack file, which take the difference away; none where none does.
    """

    finding: Finding
    kind: Kind
    name: str
    instance: str
    property: str
    declared: str
    live: str
    deploying: str
    remedy: Remedy
    resolve: str
    danger: str = ""
    edits: "tuple[Edit, ...]" = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A part that could not be read.

    Attributes:
        instance: Of what.
        kind: Databases or users; the instance itself.
        why: The API's words.
        in_sql: Whether it is the settings of roles and databases, which PostgreSQL alone knows.
    """

    instance: str
    kind: Kind
    why: str
    in_sql: bool = False


def differences(
    desired: Desired,
    live: Live,
    unread: tuple[Unread, ...] = (),
    *,
    stack: str = "STACK",
    memberships: Memberships = NO_MEMBERSHIPS,
) -> tuple[Difference, ...]:
    """Return everything that differs, in the order of the declaration.

    Args:
        desired: What the program declares.
        live: The declared instances that exist.
        unread: What could not be read, and is not judged therefore.
        stack: The stack's name, for commands.
        memberships: The roles that the stack's SQL makes users members of.
    """
    blind = {(entry.instance, entry.kind) for entry in unread}
    closed = [name for name, instance in live.items() if instance.closed]
    blind |= {(name, kind) for name in closed for kind in (Kind.DATABASE, Kind.USER)}
    collected: list[Difference] = []
    for resource in desired.of_type(INSTANCE):
        name = str(resource.inputs["name"])
        if (name, Kind.INSTANCE) in blind:
            continue
        collected += _instance(resource, name, live.get(name), stack)
        if name in live:
            collected += _beyond(resource, live[name], live.get(live[name].source))
        if name not in live or live[name].source:
            continue  # what lies in a replica is its primary's
        collected += _replicas(desired, live[name])
        for kind in (Kind.DATABASE, Kind.USER):
            if (name, kind) not in blind:
                collected += _contents(kind, desired, live[name], memberships)
        collected += _encodings(desired, live[name])
    return tuple(collected)


def outstanding(differences: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """Return what was declared and is not so, although deploying would have made it so."""
    return tuple(
        difference
        for difference in differences
        if difference.finding in {Finding.DIFFERS, Finding.MISSING}
        and difference.deploying != LEFT_ALONE
    )


def undeclared(differences: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """Return what is there without being declared, which deploying leaves alone."""
    return tuple(
        difference for difference in differences if difference.finding is Finding.UNDECLARED
    )


def _instance(
    resource: DesiredResource, name: str, live: LiveInstance | None, stack: str
) -> Iterator[Difference]:
    if live is None:
        yield _missing(Kind.INSTANCE, name, name)
        return
    ignored = tuple(map(api_path, resource.ignore_changes))
    for change in compare(instance_body(resource), live.body, ignored):
        yield _changed(name, change, stack)
    yield from _moved(name, live)


def _moved(name: str, live: LiveInstance) -> Iterator[Difference]:
    """Yield that an instance serves from another zone than the one that it is to be in.

    A failover moves a regional instance, which is no fault; nothing moves a zonal one unasked.
    """
    settings = live.body.get("settings", {})
    zone = str((settings.get("locationPreference") or {}).get("zone") or "")
    serving = str(live.body.get("gceZone") or "")
    if not zone or not serving or zone == serving:
        return
    regional = settings.get("availabilityType") == "REGIONAL"
    remedy = Remedy.FAILED_OVER if regional else Remedy.BY_HAND
    yield Difference(
        finding=Finding.NOTE if regional else Finding.DIFFERS,
        kind=Kind.INSTANCE,
        name=name,
        instance=name,
        property="gceZone",
        declared=zone,
        live=serving,
        deploying=LEFT_ALONE,
        remedy=remedy,
        resolve=remedy,
    )


def _beyond(
    resource: DesiredResource, live: LiveInstance, primary: LiveInstance | None
) -> Iterator[Difference]:
    declared = instance_body(resource)
    compared = {change.property for change in compare(declared, live.body)}
    for setting in settings_of(declared, live, primary):
        if setting.path in compared:
            continue
        if setting.path.startswith("settings."):
            yield _unmentioned(
                Kind.INSTANCE, live.name, live, setting, Remedy.TAKE_BACK, patch(setting)
            )
        else:
            yield _unmentioned(Kind.INSTANCE, live.name, live, setting, Remedy.BY_HAND)


def _unmentioned(
    kind: Kind,
    name: str,
    live: LiveInstance,
    setting: Undeclared,
    remedy: Remedy,
    command: str = "",
) -> Difference:
    """Return a property that is live and that nobody declared."""
    return Difference(
        finding=Finding.UNDECLARED,
        kind=kind,
        name=name,
        instance=live.name,
        property=setting.path,
        declared="",
        live=setting.value,
        deploying=LEFT_ALONE,
        remedy=remedy,
        resolve=remedy.format(command=command),
    )


def _changed(name: str, change: Change, stack: str) -> Difference:
    finding, deploying = Finding.DIFFERS, str(change.effect)
    remedy, command = _DEPLOYING.get(change.effect, Remedy.DEPLOY), ""
    if change.effect is Effect.STAY:
        deploying = LEFT_ALONE
    elif change.effect is Effect.IGNORED:
        deploying = LEFT_ALONE
        if change.property == DISK_SIZE and int(change.before or 0) >= int(change.after or 0):
            finding, remedy = Finding.NOTE, Remedy.GROWN
        elif change.property == DISK_SIZE:
            remedy, command = Remedy.GROW, f"invoke disk.grow -s {stack} --to-gb {change.after}"
    return Difference(
        finding=finding,
        kind=Kind.INSTANCE,
        name=name,
        instance=name,
        property=change.property,
        declared=change.after,
        live=change.before,
        deploying=deploying,
        remedy=remedy,
        resolve=remedy.format(command=command),
        danger=_danger(name, change),
    )


_DEPLOYING: Mapping[Effect, Remedy] = {
    Effect.STAY: Remedy.NEW_INSTANCE,
    Effect.LOSE: Remedy.LOSES,
    Effect.REPLACE: Remedy.REPLACES,
    Effect.UNKNOWN: Remedy.UNKNOWN,
}


def _danger(name: str, change: Change) -> str:
    """Say who gets in by a network that somebody authorized by hand."""
    if not change.property.startswith(f"{AUTHORIZED}.") or change.after:
        return ""
    network = change.property.removeprefix(f"{AUTHORIZED}.")
    try:
        wide = ip_network(network, strict=False).prefixlen < OPEN_PREFIX
    except ValueError:
        return f"{name} lets {network} in, which is no network that can be judged."
    return f"{name} IS OPEN TO THE INTERNET: it lets {network} in." if wide else ""


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
        remedy=Remedy.DEPLOY,
        resolve=Remedy.DEPLOY,
    )


def _undeclared(kind: Kind, name: str, instance: str, live: str, *command: str) -> Difference:
    return Difference(
        finding=Finding.UNDECLARED,
        kind=kind,
        name=name,
        instance=instance,
        property="",
        declared="",
        live=live,
        deploying=LEFT_ALONE,
        remedy=Remedy.DELETE,
        resolve=Remedy.DELETE.format(command=_gcloud(*command)),
    )


def _gcloud(*command: str) -> str:
    return shlex.join(("gcloud", "sql", *command))


def _replicas(desired: Desired, live: LiveInstance) -> Iterator[Difference]:
    declared = {str(r.inputs["name"]) for r in desired.of_type(INSTANCE)}
    for reference in live.body.get("replicaNames", ()):
        name = str(reference).rpartition(":")[2]
        if name not in declared:
            command = ("instances", "delete", name, *_project(desired))
            yield _undeclared(Kind.INSTANCE, name, name, f"replica of {live.name}", *command)


def _project(desired: Desired) -> tuple[str, ...]:
    projects = {str(r.inputs.get("project") or "") for r in desired.of_type(INSTANCE)} - {""}
    return tuple(f"--project={project}" for project in sorted(projects))


def _contents(
    kind: Kind, desired: Desired, live: LiveInstance, memberships: Memberships
) -> Iterator[Difference]:
    declared = {
        str(r.inputs["name"]): str(r.inputs.get("type") or BUILT_IN)
        for r in desired.of_type(TYPES[kind])
        if r.inputs["instance"] == live.name
    }
    present = _accounts(kind, live)
    where = (f"--instance={live.name}", *_project(desired))
    for name, declared_type in sorted(declared.items()):
        if name not in present:
            yield _missing(kind, name, live.name)
        elif kind is Kind.USER and present[name].type != declared_type:
            yield _other_type(live.name, name, declared_type, present[name].type, where)
        elif kind is Kind.USER:
            yield from _of_user(present[name], live, memberships, where)
    if kind is Kind.USER:
        yield from _own_users(live, where)
    for name in sorted(present.keys() - declared.keys()):
        live_type = "there" if kind is Kind.DATABASE else present[name].type
        yield _undeclared(kind, name, live.name, live_type, f"{kind}s", "delete", name, *where)


def _of_user(
    account: Account, live: LiveInstance, memberships: Memberships, where: tuple[str, ...]
) -> Iterator[Difference]:
    settings = tuple(of_user(account, memberships))
    beyond = {setting.path.removeprefix(f"{ROLES}.") for setting in settings}
    roles_left = ",".join(role for role in account.roles if role not in beyond)
    roles = (f"--database-roles={roles_left}",) if roles_left else ()
    command = _gcloud(
        "users", "assign-roles", account.name, *roles, "--revoke-existing-roles", *where
    )
    for setting in settings:
        is_role = setting.path.startswith(f"{ROLES}.")
        remedy = Remedy.TAKE_ROLES if is_role else Remedy.BY_HAND
        yield _unmentioned(Kind.USER, account.name, live, setting, remedy, command)


def _encodings(desired: Desired, live: LiveInstance) -> Iterator[Difference]:
    declared = {str(r.inputs["name"]) for r in desired.of_type(TYPES[Kind.DATABASE])}
    usual = next(
        (database for database in live.encodings if database.name == DEFAULT_DATABASE), None
    )
    for database in live.encodings:
        if database.name in declared and usual is not None:
            for setting in of_database(database, usual):
                yield _unmentioned(Kind.DATABASE, database.name, live, setting, Remedy.NEW_DATABASE)


def _accounts(kind: Kind, live: LiveInstance) -> Mapping[str, Account]:
    """Return what lies in an instance, without what every instance has."""
    if kind is Kind.DATABASE:
        return {name: Account(name) for name in live.databases if name not in OWN_DATABASES}
    return {account.name: account for account in live.accounts if not is_own(account)}


def is_own(account: Account) -> bool:
    """Tell whether a user is Cloud SQL's own: on its list, and not made with IAM."""
    return account.name in CLOUD_SQL and account.type == BUILT_IN


def _own_users(live: LiveInstance, where: tuple[str, ...]) -> Iterator[Difference]:
    """Yield Cloud SQL's own users that have more roles than Cloud SQL gives them."""
    for account in filter(is_own, live.accounts):
        listed = CLOUD_SQL[account.name].groups
        if set(account.roles) <= listed:
            continue
        roles = f"--database-roles={','.join(sorted(listed))}"
        command = _gcloud(
            "users", "assign-roles", account.name, roles, "--revoke-existing-roles", *where
        )
        yield Difference(
            finding=Finding.DIFFERS,
            kind=Kind.USER,
            name=account.name,
            instance=live.name,
            property=ROLES,
            declared=", ".join(sorted(listed)),
            live=", ".join(sorted(account.roles)),
            deploying=LEFT_ALONE,
            remedy=Remedy.TAKE_ROLES,
            resolve=Remedy.TAKE_ROLES.format(command=command),
        )


def _other_type(
    instance: str, name: str, declared: str, live: str, where: tuple[str, ...]
) -> Difference:
    command = _gcloud("users", "delete", name, *where)
    return Difference(
        finding=Finding.DIFFERS,
        kind=Kind.USER,
        name=name,
        instance=instance,
        property="type",
        declared=declared,
        live=live,
        deploying=str(Effect.REPLACE),
        remedy=Remedy.DELETE_AND_DEPLOY,
        resolve=Remedy.DELETE_AND_DEPLOY.format(command=command),
    )
