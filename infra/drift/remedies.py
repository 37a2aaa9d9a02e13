"""What to do about a difference: every remedy was tried on a copy before it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from infra.desired import Desired, collect
from infra.drift.differences import Difference, Finding, Remedy, Unread, differences
from infra.drift.edits import Edit, candidates
from infra.live import Live
from infra.settings import Settings, SettingsError
from infra.settings.validation import validate

TRIALS = 60  # each collects what the program declares; what is not tried is not shown


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack whose file may be edited.

    Attributes:
        name: Its name.
        values: Its configuration, defaults included.
        local: Whether it is on the local Cloud SQL.
    """

    name: str
    values: Mapping[str, object]
    local: bool


def with_remedies(
    found: tuple[Difference, ...],
    stack: Stack,
    desired: Desired,
    live: Live,
    unread: tuple[Unread, ...] = (),
) -> tuple[Difference, ...]:
    """Return differences with the edits of the stack file that take them away.

    Args:
        found: What differs.
        stack: The stack's file.
        desired: What it declares.
        live: What there is.
        unread: What could not be read.
    """
    trials = iter(range(TRIALS))

    def remedy(one: Difference) -> Difference:
        if one.finding is Finding.NOTE:
            return one
        for edits in candidates(one, desired, live, local=stack.local):
            if next(trials, None) is None:
                break
            if _resolves(one, found, edits, stack, live, unread):
                return replace(one, edits=edits, resolve=_sentence(one, edits))
        return one

    return tuple(map(remedy, found))


def _resolves(
    one: Difference,
    found: tuple[Difference, ...],
    edits: tuple[Edit, ...],
    stack: Stack,
    live: Live,
    unread: tuple[Unread, ...],
) -> bool:
    """Tell whether a difference is gone with the edits made, and no other one comes."""
    values: Mapping[str, object] = stack.values
    for edit in edits:
        values = edit.applied(values)
    try:
        desired = collect(_lean(validate(stack.name, values)))
    except SettingsError:
        return False
    left = set(map(_identity, differences(desired, live, unread)))
    before = set(map(_identity, found))
    return _identity(one) not in left and left < before


def _lean(settings: Settings) -> Settings:
    """Return settings without what lies beside the instance, which drift does not look at."""
    storage = replace(settings.storage, exports=None, evidence=None)
    return replace(settings, alerts=None, runner=None, storage=storage)


def _identity(one: Difference) -> tuple[str, ...]:
    return (one.kind, one.instance, one.name, one.property, one.finding)


def _sentence(one: Difference, edits: tuple[Edit, ...]) -> str:
    edit = " and ".join(edit.sentence for edit in edits)
    first = f"{edit[0].upper()}{edit[1:]}"
    if one.finding is Finding.DIFFERS and one.remedy is not Remedy.DEPLOY:
        return f"{first}. {one.resolve}"
    return f"{one.resolve.removesuffix('.')}, or {edit}."
