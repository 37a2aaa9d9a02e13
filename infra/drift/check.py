"""Looks at what is live, changes nothing, and says what could not be read."""

from collections.abc import Callable
from typing import TypeVar

from infra.desired import INSTANCE, collect
from infra.drift.differences import Difference, Finding, Unread, differences
from infra.drift.remedies import Stack, with_remedies
from infra.drift.report import Drift
from infra.live import Kind, LiveInstance
from infra.stackfile import read_config
from ops.cloudsql import Account, CloudSql, NoSuchInstanceError
from ops.errors import BadInputError, OpsError
from ops.target import Target

T = TypeVar("T")


def drift(target: Target) -> Drift:
    """Compare a stack's instances with what it declares, through the Admin API alone.

    No password is needed, and nothing is changed. What can't be read is told in the
    result; only a primary that is not there is something that nobody can judge.
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
        found, unreadable = look(cloud, name)
        missed += unreadable
        if found is not None:
            live[name] = found
    if target.instance not in live and not missed:  # what follows it is not there either
        why = str(NoSuchInstanceError(target.project, target.instance))
        missed = [Unread(name, Kind.INSTANCE, why) for name in names if name not in live]
    unread = tuple(missed)
    differ = differences(desired, live, unread, stack=target.stack)
    try:
        stack = Stack(target.stack, read_config(target.stack), local=target.local is not None)
    except BadInputError:  # its file is elsewhere: no edit of it can be tried
        return Drift(target.stack, tuple(live), differ, unread)
    there = live | _undeclared(cloud, differ)
    return Drift(
        target.stack, tuple(live), with_remedies(differ, stack, desired, there, unread), unread
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

    found = ask(Kind.INSTANCE, cloud.find, None)
    if found is None:
        return None, tuple(missed)
    replica = bool(found.body.get("masterInstanceName"))  # what lies in it is its primary's
    no_names: tuple[str, ...] = ()
    no_accounts: tuple[Account, ...] = ()
    databases = no_names if replica else ask(Kind.DATABASE, cloud.databases, no_names)
    accounts = no_accounts if replica else ask(Kind.USER, cloud.accounts, no_accounts)
    live = LiveInstance(
        name=name,
        state=found.state,
        address=found.address,
        connection_name=found.connection_name,
        protected=found.deletion_protection,
        body=found.body,
        databases=tuple(sorted(databases)),
        accounts=tuple(sorted(accounts)),
    )
    return live, tuple(missed)
