"""How often an instance restarts, in which order, and what softens it. Pure."""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.body import body_of
from infra.changes import Change
from infra.consequences import FLAGS, Effect, Stage
from infra.desired import INSTANCE, Desired, DesiredResource
from infra.preview.difference import Action, ResourceChange
from infra.settings import ChangeWindow
from infra.settings.replicas import AT_LEAST_THE_PRIMARYS

REGIONAL, PLUS = "REGIONAL", "ENTERPRISE_PLUS"
STAGES = {
    Stage.VERSION: "the major version",
    Stage.MAINTENANCE_VERSION: "the maintenance version",
    Stage.MACHINE: "edition, tier and cache",
    Stage.REST: "everything else at once",
}
PRIMARY = "instance"  # what the program calls it
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Restart:
    """One restart of one instance.

    Attributes:
        resource: Its name in the program.
        instance: Its own name.
        stage: Which of the provider's requests it comes with.
        because: The properties that ask for it.
        softened: Whether it goes nearly without downtime.
    """

    resource: str
    instance: str
    stage: Stage
    because: tuple[str, ...]
    softened: bool

    @property
    def sentence(self) -> str:
        """What happens."""
        soft = ", nearly without downtime" if self.softened else ""
        return (
            f"{self.instance} restarts with {STAGES[self.stage]}{soft}: {', '.join(self.because)}"
        )


def restarts(changes: Sequence[ResourceChange]) -> tuple[Restart, ...]:
    """Return every restart, in the order in which the provider asks for them."""
    planned_restarts = [
        restart
        for resource_change in changes
        if resource_change.type == INSTANCE and resource_change.action is Action.CHANGE
        for restart in _of(resource_change)
    ]
    return tuple(
        sorted(planned_restarts, key=lambda r: (r.resource != PRIMARY, r.resource, r.stage))
    )


def _of(resource_change: ResourceChange) -> Iterator[Restart]:
    asking: dict[Stage, list[Change]] = {}
    for change in resource_change.changes:
        if change.effect is Effect.RESTART and change.consequence is not None:
            asking.setdefault(change.consequence.stage, []).append(change)
    assert resource_change.after is not None  # noqa: S101 - a changed resource is there
    settings = resource_change.after.inputs.get("settings", {})
    soft = settings.get("edition") == PLUS and settings.get("availabilityType") == REGIONAL
    for stage, group in asking.items():
        softened = soft and all(c.consequence is not None and c.consequence.softened for c in group)
        yield Restart(
            resource_change.name,
            _named(resource_change.after),
            stage,
            tuple(c.property for c in group),
            softened,
        )


def _named(instance: DesiredResource) -> str:
    """Return an instance's own name; the program's where Pulumi will give it one."""
    return str(instance.inputs.get("name", instance.name))


def circumstances(
    changes: Sequence[ResourceChange],
    after: Desired,
    window: ChangeWindow | None,
    now: datetime,
) -> Iterator[str]:
    """Yield what there is to know about restarts: availability, windows, replicas.

    Args:
        changes: What happens.
        after: All that is declared.
        window: The stack's change window; None for always.
        now: The time from which the next window is looked for.
    """
    planned_restarts = restarts(changes)
    if not planned_restarts:
        return
    bodies = {
        str(resource.inputs.get("name", resource.name)): body_of(resource.inputs)
        for resource in after.of_type(INSTANCE)
    }
    for name in dict.fromkeys(restart.instance for restart in planned_restarts):
        settings = bodies[name]["settings"]
        hard = [
            restart
            for restart in planned_restarts
            if restart.instance == name and not restart.softened
        ]
        if hard and settings.get("availabilityType") == REGIONAL:
            yield (
                f"High availability of {name} does not spare these restarts: the primary"
                " restarts, and nobody fails over for it."
            )
        if window_of := settings.get("maintenanceWindow"):
            yield (
                f"A deployment restarts {name} at once, and does not wait for its maintenance"
                f" window ({calendar.day_name[window_of['day'] - 1]},"
                f" {window_of['hour']:02}:00 UTC)."
            )
    if window is not None:
        opens = next_opening(window, now)
        when = "it is open now" if opens <= now else f"it opens {opens:%a %Y-%m-%d %H:%M} UTC"
        yield f"The stack's change window is {window}; {when}."
    yield from _replicas(changes, after)


def next_opening(window: ChangeWindow, now: datetime) -> datetime:
    """Return when a window is open next; the moment itself where it is open."""
    moment = now
    while moment < now + WEEK + timedelta(days=1):
        if window.contains(moment):
            return moment
        moment = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return moment


def _replicas(changes: Sequence[ResourceChange], after: Desired) -> Iterator[str]:
    """A standby with less than its primary does not start: raise there first, lower last."""
    followers = [
        resource for resource in after.of_type(INSTANCE) if "masterInstanceName" in resource.inputs
    ]
    if not followers:
        return
    for resource_change in changes:
        if resource_change.name != PRIMARY or resource_change.type != INSTANCE:
            continue
        for change in resource_change.changes:
            flag = change.property.removeprefix(f"{FLAGS}.")
            if flag in AT_LEAST_THE_PRIMARYS and change.property != flag:
                yield (
                    f"{flag} is changed on the primary and its {len(followers)} replica(s):"
                    " raise it on replicas first and lower it there last, or they stop."
                )
