"""What carrying a change out does, and how bad that is. Frozen."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Effect(StrEnum):
    """What carrying a change out does."""

    UPDATE = "update"
    UNKNOWN = "unknown"
    INTERRUPT = "interrupts"
    RESTART = "restart"
    LOSE = "loses data"
    REPLACE = "replace"
    IGNORED = "ignored"
    STAY = "stays"


# Nothing is sent of these: on purpose, or since the provider leaves out what is left out.
LEFT_ALONE = frozenset({Effect.IGNORED, Effect.STAY})
_ORDER = (*LEFT_ALONE, *(effect for effect in Effect if effect not in LEFT_ALONE))


def severity(effect: Effect) -> int:
    """Return how bad an effect is: the higher, the worse."""
    return 0 if effect in LEFT_ALONE else _ORDER.index(effect)


class Stage(IntEnum):
    """Requests of one update, in the order in which the gcp provider sends them.

    Source: "Provider behaviour to predict" of the design, from the provider's
    terraform-provider-google-beta 7.45.
    """

    VERSION = 1
    MAINTENANCE_VERSION = 2
    MACHINE = 3
    REST = 4


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a change does.

    Attributes:
        effect: In place, with a restart, or by a replacement.
        why: In words; empty where there is nothing to say.
        source: Where that is told.
        stage: With which of the provider's requests it goes.
        softened: Whether a regional instance of ENTERPRISE_PLUS does it nearly without
            downtime.
    """

    effect: Effect
    why: str
    source: str
    stage: Stage = Stage.REST
    softened: bool = False
