"""What a deployment would do: a pure comparison of declared, live and recorded."""

from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

from infra.body import api_path, instance_body, update_body
from infra.changes import Change, compare
from infra.consequences import FLAGS, LEFT_ALONE, Effect
from infra.deploy.record import Record, Recorded
from infra.deploy.steps import Action, Plan, Step
from infra.desired import INSTANCE, USER, Desired, DesiredResource
from infra.live import FAILED, TYPES, Kind, Live, LiveInstance, replicas_first
from infra.settings.replicas import AT_LEAST_THE_PRIMARYS
from ops.cloudsql import BUILT_IN

# A creation that fails leaves nothing on the local Cloud SQL: the instance was whole before.
_FAILED_REASON = (
    "its state is FAILED, though its data may be whole (read server.log, then try"
    " `invoke local.down` and `invoke local.up`)"
)
PASSWORD_LOST = Change("password", "not known here", "generated", Effect.UPDATE)
PASSWORD_REFUSED = Change("password", "another one: it is refused", "generated", Effect.UPDATE)


def resources(desired: Desired) -> tuple[Recorded, ...]:
    """Return the declared resources that the Admin API serves, as the record keeps them."""
    return tuple(
        Recorded(
            kind=kind.value,
            logical=resource.name,
            name=str(resource.inputs["name"]),
            instance=str(resource.inputs["name" if kind is Kind.INSTANCE else "instance"]),
            protect=resource.protect,
        )
        for kind in Kind
        for resource in desired.of_type(TYPES[kind])
    )


def plan(
    desired: Desired,
    live: Live,
    record: Record,
    passwords: frozenset[str] = frozenset(),
    refused: frozenset[str] = frozenset(),
) -> Plan:
    """Decide what makes the live instances what is declared.

    Instances come first (made from the primary down), then databases, then users; what is
    no longer declared goes at the end: databases before the users who own things in them,
    instances last.

    Args:
        desired: What the program declares.
        live: The instances there are, declared or recorded.
        record: What earlier deployments put there.
        passwords: Users whose password is known here.
        refused: Users whose password is known here and refused by PostgreSQL.
    """
    declared = resources(desired)
    iam = _iam(desired)
    planned = [_instance(r, live, record) for r in _sources_first(desired.of_type(INSTANCE))]
    ignored = tuple(c for step in planned for c in step.changes if c.effect in LEFT_ALONE)
    steps = _in_order([s for s in planned if s.action is not Action.CHANGE or s.body], live)
    emptied = {s.name for s in steps if s.action is not Action.CHANGE}
    emptied |= {s.replaces for s in steps}
    remaining = {name: instance for name, instance in live.items() if name not in emptied}
    for entry in declared:
        if entry.kind != Kind.INSTANCE:
            steps += _content(entry, remaining.get(entry.instance), record, passwords, refused, iam)
    replaced = {(s.kind, s.instance, s.replaces) for s in steps if s.replaces}
    order = {name: place for place, name in enumerate(replicas_first(live))}
    for kind in (Kind.DATABASE, Kind.USER, Kind.INSTANCE):
        for entry in sorted(record.resources, key=lambda e: order.get(e.instance, 0)):
            if entry.kind == kind and (kind, entry.instance, entry.name) not in replaced:
                steps += _deletion(entry, declared, remaining)
    return Plan(tuple(steps), ignored, tuple(_unread(declared, remaining)))


def _unread(declared: tuple[Recorded, ...], instances: Live) -> Iterator[str]:
    """Say whose databases and users are not planned, and what would let them be."""
    filled = {entry.instance for entry in declared if entry.kind != Kind.INSTANCE}
    for name in sorted(filled & instances.keys()):
        if why := instances[name].closed:
            yield (
                f"The databases and users of {name} are not known: {why}. Start it: `gcloud sql"
                f" instances patch {name} --activation-policy=ALWAYS`, then plan again; a"
                " deployment starts it and looks again by itself."
            )


def _in_order(steps: list[Step], live: Live) -> list[Step]:
    """Put the changes of replicas before their primary's, unless they take something away.

    A standby with fewer connections and the like than its primary does not start
    (``AT_LEAST_THE_PRIMARYS``): more of them comes from below, less from above.
    """

    def before(step: Step) -> bool:
        return bool(step.action is Action.CHANGE and live[step.name].source and not _lowers(step))

    depth = {name: place for place, name in enumerate(replicas_first(live))}
    risen = sorted(filter(before, steps), key=lambda step: depth[step.name])
    return [*risen, *(step for step in steps if not before(step))]


def _lowers(step: Step) -> bool:
    """Tell whether a replica would get less of what it needs at least its primary's of."""
    return any(
        change.property.removeprefix(f"{FLAGS}.") in AT_LEAST_THE_PRIMARYS
        and int(change.after or 0) < int(change.before or 0)
        for change in step.changes
    )


def _sources_first(resources: tuple[DesiredResource, ...]) -> Iterator[DesiredResource]:
    """Yield the declared instances, each after the one that it follows."""
    by_name = {str(resource.inputs["name"]): resource for resource in resources}
    followed = {
        name: {str(resource.inputs.get("masterInstanceName"))} & by_name.keys()
        for name, resource in by_name.items()
    }
    return (by_name[name] for name in TopologicalSorter(followed).static_order())


def _instance(resource: DesiredResource, live: Live, record: Record) -> Step:
    name, body = str(resource.inputs["name"]), instance_body(resource)
    current = live.get(name)
    if current is None:
        return _absent(resource, live, record)
    ignored = tuple(map(api_path, resource.ignore_changes))
    changes = compare(body, current.body, ignored)
    reasons = [
        f"{c.property} changes from {c.before} to {c.after}"
        for c in changes
        if c.effect is Effect.REPLACE
    ]
    reasons += [_FAILED_REASON] if current.state == FAILED else []
    if reasons:
        return Step(
            action=Action.REPLACE,
            kind=Kind.INSTANCE,
            name=name,
            instance=name,
            changes=changes,
            replaces=name,
            protected=current.protected,
            why=" and ".join(reasons),
            body=body,
        )
    differs = any(c.effect not in LEFT_ALONE for c in changes)
    left_alone = (*ignored, *(c.property for c in changes if c.effect is Effect.STAY))
    change = update_body(body, current.body, left_alone) if differs else None
    return Step(Action.CHANGE, Kind.INSTANCE, name, name, changes, body=change)


def _absent(resource: DesiredResource, live: Live, record: Record) -> Step:
    """Create a declared instance, or replace the one it was before its name changed."""
    name, body = str(resource.inputs["name"]), instance_body(resource)
    for old in record.resources:
        if old.kind == Kind.INSTANCE and old.logical == resource.name and old.name in live:
            return Step(
                action=Action.REPLACE,
                kind=Kind.INSTANCE,
                name=name,
                instance=name,
                replaces=old.name,
                protected=live[old.name].protected,
                why=f"its name changes to {name}",
                body=body,
            )
    return Step(Action.CREATE, Kind.INSTANCE, name, name, why=_summary(body), body=body)


def _summary(body: Mapping[str, Any]) -> str:
    settings = body["settings"]
    flags = len(settings.get("databaseFlags", ()))
    parts = (body["databaseVersion"], settings["tier"], settings["availabilityType"])
    if source := body.get("masterInstanceName"):
        return f"{', '.join(parts)}, {flags} flags, follows {source}"
    return f"{', '.join(parts)}, {settings['dataDiskSizeGb']} GB, {flags} flags"


def _names(kind: str, instance: LiveInstance) -> tuple[str, ...]:
    return instance.databases if kind == Kind.DATABASE else instance.users


def _iam(desired: Desired) -> Mapping[tuple[str, str], str]:
    """Return the declared type of users who log in with IAM, by instance and name."""
    return {
        (str(user.inputs["instance"]), str(user.inputs["name"])): str(user.inputs["type"])
        for user in desired.of_type(USER)
        if user.inputs.get("type", BUILT_IN) != BUILT_IN
    }


def _content(
    entry: Recorded,
    instance: LiveInstance | None,
    record: Record,
    passwords: frozenset[str],
    refused: frozenset[str],
    iam: Mapping[tuple[str, str], str],
) -> Iterator[Step]:
    """Yield the step for a database or a user, if there is anything to do."""
    if instance is not None and instance.closed:
        return
    kind = Kind(entry.kind)
    names = () if instance is None else _names(kind, instance)
    type_ = iam.get((entry.instance, entry.name), BUILT_IN)
    body = None if type_ == BUILT_IN else {"type": type_}
    if instance is not None and entry.name in names:
        if kind is Kind.USER:
            yield from _user(entry, instance, passwords, refused, type_)
        return
    for old in record.resources:
        if (old.kind, old.logical, old.instance) == (kind, entry.logical, entry.instance) and (
            old.name in names
        ):
            yield Step(
                action=Action.REPLACE,
                kind=kind,
                name=entry.name,
                instance=entry.instance,
                replaces=old.name,
                protected=old.protect,
                why=f"its name changes to {entry.name}",
                body=body,
            )
            return
    why = "" if body is None else type_
    yield Step(Action.CREATE, kind, entry.name, entry.instance, why=why, body=body)


def _user(
    entry: Recorded,
    instance: LiveInstance,
    passwords: frozenset[str],
    refused: frozenset[str],
    type_: str,
) -> Iterator[Step]:
    """Yield the step for a user who is there: another type, or a password that is not known."""
    before = next(account.type for account in instance.accounts if account.name == entry.name)
    if before != type_:
        yield Step(
            action=Action.REPLACE,
            kind=Kind.USER,
            name=entry.name,
            instance=entry.instance,
            replaces=entry.name,
            why=f"its type changes from {before} to {type_}",
            body=None if type_ == BUILT_IN else {"type": type_},
        )
    elif type_ == BUILT_IN and entry.name not in passwords:
        change = PASSWORD_REFUSED if entry.name in refused else PASSWORD_LOST
        yield Step(Action.CHANGE, Kind.USER, entry.name, entry.instance, (change,))


def _deletion(entry: Recorded, declared: tuple[Recorded, ...], instances: Live) -> Iterator[Step]:
    """Yield the step that deletes a recorded resource which is no longer declared."""
    if (entry.kind, entry.name, entry.instance) in {(d.kind, d.name, d.instance) for d in declared}:
        return
    instance = instances.get(entry.instance)
    staying = {d.name for d in declared if d.kind == Kind.INSTANCE}
    if entry.kind == Kind.INSTANCE:
        present = instance is not None
    else:  # what lies in an instance that goes, goes with it
        present = (
            instance is not None
            and instance.name in staying
            and entry.name in _names(entry.kind, instance)
        )
    if present and instance is not None:
        yield Step(
            action=Action.DELETE,
            kind=Kind(entry.kind),
            name=entry.name,
            instance=entry.instance,
            protected=entry.protect or (entry.kind == Kind.INSTANCE and instance.protected),
            why="it is no longer declared",
        )
