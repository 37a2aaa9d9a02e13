"""What to do about a difference: every remedy was tried on a copy before it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from infra.desired import Desired, collect
from infra.drift.differences import Difference, Finding, Remedy, Unread, differences
from infra.drift.edits import Edit, candidates
from infra.drift.undeclared import Memberships
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
    differing: tuple[Difference, ...],
    stack: Stack,
    desired: Desired,
    live: Live,
    unread: tuple[Unread, ...] = (),
) -> tuple[Difference, ...]:
    """Return differences with the edits of the stack file that take them away.

    Args:
        differing: What differs.
        stack: The stack's file.
        desired: What it declares.
        live: What there is.
        unread: What could not be read.
    """
    trials = iter(range(TRIALS))

    def remedy(difference: Difference) -> Difference:
        if difference.finding is Finding.NOTE:
            return difference
        for edits in candidates(difference, desired, live, local=stack.local):
            if next(trials, None) is None:
                break
            if _resolves(difference, differing, edits, stack, live, unread):
                return replace(difference, edits=edits, resolve=_sentence(difference, edits))
        return difference

    return tuple(map(remedy, differing))


def _resolves(
    difference: Difference,
    differing: tuple[Difference, ...],
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
        settings = validate(stack.name, values)
        desired = collect(_lean(settings))
    except SettingsError:
        return False
    memberships = Memberships.of(settings)
    left = set(map(_identity, differences(desired, live, unread, memberships=memberships)))
    before = set(map(_identity, differing))
    return _identity(difference) not in left and left < before


def _lean(settings: Settings) -> Settings:
    """Return settings without what lies beside the instance, which drift does not look at."""
    storage = replace(settings.storage, exports=None, evidence=None)
    return replace(settings, alerts=None, runner=None, storage=storage)


def _identity(difference: Difference) -> tuple[str, ...]:
    return (
        difference.kind,
        difference.instance,
        difference.name,
        difference.property,
        difference.finding,
    )


def _sentence(difference: Difference, edits: tuple[Edit, ...]) -> str:
    edit = " and ".join(edit.sentence for edit in edits)
    first = f"{edit[0].upper()}{edit[1:]}"
    if difference.finding is Finding.DIFFERS and difference.remedy is not Remedy.DEPLOY:
        return f"{first}. {difference.resolve}"
    return f"{difference.resolve.removesuffix('.')}, or {edit}."
