"""Looks at what is live, changes nothing, and says what could not be read."""

from collections.abc import Callable
from typing import TypeVar

from infra import rolesettings
from infra.apidefaults import PASSING_STATES
from infra.desired import INSTANCE, collect
from infra.drift.differences import (
    LEFT_ALONE,
    Difference,
    Finding,
    Remedy,
    Unread,
    differences,
)
from infra.drift.remedies import Stack, with_remedies
from infra.drift.report import Drift
from infra.drift.undeclared import Memberships
from infra.live import Kind, Live, LiveInstance, why_closed
from infra.rolesettings import Undeclared
from infra.stackfile import read_config
from ops.cloudsql import Account, CloudSql, Database, NoSuchInstanceError
from ops.errors import BadInputError, OpsError
from ops.target import Target

T = TypeVar("T")


def drift(target: Target) -> Drift:
    """Compare a stack's instances with what it declares; changes nothing.

    The Admin API tells of all but settings of roles and databases, for which the primary's
    PostgreSQL is asked with the owner's password. What can't be read is told in the result; only
    a primary that is not there is something that nobody can judge.
    """
    desired = collect(target.settings)
    names = [str(resource.inputs["name"]) for resource in desired.of_type(INSTANCE)]
    try:
        cloud = target.cloud()
    except OpsError as error:
        unread = tuple(Unread(name, Kind.INSTANCE, str(error)) for name in names)
        return Drift(target.stack, (), (), unread)
    live: dict[str, LiveInstance] = {}
    missed: list[Unread] = []
    for name in names:
        instance, unreadable = look(cloud, name)
        missed += unreadable
        if instance is not None:
            live[name] = instance
    if target.instance not in live and not missed:  # what follows it is not there either
        why = str(NoSuchInstanceError(target.project, target.instance))
        missed = [Unread(name, Kind.INSTANCE, why) for name in names if name not in live]
    differ = differences(
        desired,
        live,
        tuple(missed),
        stack=target.stack,
        memberships=Memberships.of(target.settings),
    )
    set_in_sql, unasked = of_sessions(target, live)
    unread = (*missed, *being_changed(live), *unasked)
    try:
        stack = Stack(target.stack, read_config(target.stack), local=target.local is not None)
    except BadInputError:  # its file is elsewhere: no edit of it can be tried
        return Drift(target.stack, tuple(live), (*differ, *set_in_sql), unread)
    instances = live | _undeclared(cloud, differ)
    return Drift(
        target.stack,
        tuple(live),
        (*with_remedies(differ, stack, desired, instances, tuple(missed)), *set_in_sql),
        unread,
    )


def being_changed(live: Live) -> tuple[Unread, ...]:
    """Return the instances that are being changed: what they will be is not known yet."""
    return tuple(
        Unread(
            name, Kind.INSTANCE, f"Its state is {instance.state}. Run this again when it is over."
        )
        for name, instance in live.items()
        if instance.state in PASSING_STATES
    )


def of_sessions(target: Target, live: Live) -> tuple[tuple[Difference, ...], tuple[Unread, ...]]:
    """Return the settings of roles and databases that nobody declared, or why nobody can tell.

    Replicas have their primary's.
    """
    name = target.instance
    if name not in live:
        why = "Settings of roles and databases were not read, since the instance was not."
        return (), (Unread(name, Kind.DATABASE, why, in_sql=True),)
    read = rolesettings.read(target, live[name].address)
    if read.unread:
        why = f"Settings of roles and databases were not read. {read.unread}"
        return (), (Unread(name, Kind.DATABASE, why, in_sql=True),)
    return tuple(_of_setting(name, setting) for setting in read.undeclared), ()


def _of_setting(instance: str, undeclared: Undeclared) -> Difference:
    setting = undeclared.setting
    kind, owner = Kind.INSTANCE, instance
    if setting.role:
        kind, owner = Kind.USER, setting.role
    elif setting.database:
        kind, owner = Kind.DATABASE, setting.database
    within = f" in database {setting.database}" if setting.role and setting.database else ""
    remedy = Remedy.APPLY_ROLES if undeclared.undo == rolesettings.APPLY else Remedy.RESET
    return Difference(
        finding=Finding.DIFFERS if undeclared.declared else Finding.UNDECLARED,
        kind=kind,
        name=owner,
        instance=instance,
        property=f"setting {setting.name}{within}",
        declared=undeclared.declared,
        live=setting.value,
        deploying=LEFT_ALONE,
        remedy=remedy,
        resolve=remedy.format(command=undeclared.undo),
    )


def _undeclared(cloud: CloudSql, differ: tuple[Difference, ...]) -> dict[str, LiveInstance]:
    """Return the replicas that nobody declares, as far as they can be read."""
    names = [
        difference.name
        for difference in differ
        if difference.kind is Kind.INSTANCE and difference.finding is Finding.UNDECLARED
    ]
    seen = ((name, look(cloud, name)[0]) for name in names)
    return {name: replica for name, replica in seen if replica is not None}


def look(cloud: CloudSql, name: str) -> tuple[LiveInstance | None, tuple[Unread, ...]]:
    """Return an instance as it is now, and what could not be read of it."""
    missed: list[Unread] = []

    def ask(kind: Kind, call: Callable[[str], T], nothing: T) -> T:
        try:
            return call(name)
        except OpsError as error:
            missed.append(Unread(name, kind, str(error)))
            return nothing

    instance = ask(Kind.INSTANCE, cloud.find, None)
    if instance is None:
        return None, tuple(missed)
    replica = bool(instance.body.get("masterInstanceName"))  # what lies in it is its primary's
    closed = "" if replica else why_closed(instance.body)
    if closed:
        remedy = f"Start it: `gcloud sql instances patch {name} --activation-policy=ALWAYS`."
        what = {Kind.DATABASE: "databases", Kind.USER: "users"}
        missed += [
            Unread(name, kind, f"Its {word} are not known: {closed}. {remedy}")
            for kind, word in what.items()
        ]
    passed_over = replica or bool(closed)
    no_databases: tuple[Database, ...] = ()
    no_accounts: tuple[Account, ...] = ()
    databases = (
        no_databases if passed_over else ask(Kind.DATABASE, cloud.database_details, no_databases)
    )
    accounts = no_accounts if passed_over else ask(Kind.USER, cloud.accounts, no_accounts)
    live = LiveInstance(
        name=name,
        state=instance.state,
        address=instance.address,
        connection_name=instance.connection_name,
        protected=instance.deletion_protection,
        body=instance.body,
        databases=tuple(sorted(database.name for database in databases)),
        accounts=tuple(sorted(accounts)),
        encodings=tuple(sorted(databases)),
        closed=closed,
    )
    return live, tuple(missed)
