"""What production asks for before something is done there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Consent:
    """What production asks for.

    Attributes:
        yes: ``--yes``.
        confirm: the instance's name, given with ``--confirm``.
    """

    yes: bool = False
    confirm: str = ""


NO_CONSENT = Consent()
