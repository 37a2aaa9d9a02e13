"""A decided deployment: its steps, and the reasons to refuse it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.changes import Change
from infra.live import Kind
from ops.errors import OpsError


class Action(StrEnum):
    """What a step does."""

    CREATE = "create"
    CHANGE = "change"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    Attributes:
        action: What.
        kind: To what kind of resource.
        name: Its name.
        instance: The instance it lies in; its own name for an instance.
        changes: What differs, for a change or a replacement.
        replaces: Name of the resource that goes first, for a replacement.
        protected: Whether what goes is protected against deletion.
        why: What is made, or the reason of a replacement or deletion, in words.
        body: What is sent to the API; without passwords, empty where names are enough.
    """

    action: Action
    kind: Kind
    name: str
    instance: str
    changes: tuple[Change, ...] = ()
    replaces: str = ""
    protected: bool = False
    why: str = ""
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A deployment that was decided.

    Attributes:
        steps: In the order in which they are carried out.
        ignored: Differences that are left alone on purpose.
        unread: What could not be planned because nobody can read it now, in sentences.
    """

    steps: tuple[Step, ...]
    ignored: tuple[Change, ...] = ()
    unread: tuple[str, ...] = ()


class ReplacementRefusedError(OpsError):
    """The plan would delete something and make it anew."""

    def __init__(self, step: Step) -> None:
        super().__init__(
            f"The {step.kind} {step.replaces} would be deleted and made anew, empty: {step.why}."
            " Undo that in the stack file, or deploy with --replace."
        )


class ProtectedError(OpsError):
    """Something that is protected would be deleted."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f"The {kind} {name} is protected against deletion. Set"
            " ai-square-db:deletionProtection to false, deploy, and then delete it."
        )


def check(decided: Plan, *, replace: bool) -> None:
    """Refuse a plan that would lose what nobody said may be lost.

    Args:
        decided: The plan.
        replace: Whether replacements were asked for.

    Raises:
        ProtectedError: Something protected would be deleted.
        ReplacementRefusedError: Something would be replaced unasked.
    """
    for step in decided.steps:
        if step.action is Action.REPLACE and not replace:
            raise ReplacementRefusedError(step)
        if step.protected and step.action in {Action.REPLACE, Action.DELETE}:
            raise ProtectedError(step.kind, step.replaces or step.name)


def removals(decided: Plan) -> tuple[str, ...]:
    """Return what a plan deletes, in words; what is replaced goes too."""
    return tuple(
        f"the {step.kind} {step.replaces or step.name}"
        for step in decided.steps
        if step.action in {Action.REPLACE, Action.DELETE}
    )
